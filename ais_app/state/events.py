"""What a window subscribes to. Views hold no truth: they read the project again when it says that it has changed."""

from __future__ import annotations

from collections.abc import Sequence

from psygnal import Signal, SignalGroup

from ais_app.core.annotation.labels import TILE
from ais_app.core.tomogram import Region
from ais_app.state.history import Change


class ProjectEvents(SignalGroup):
    """Emitted after a change is in the file: by a command, by undo and by redo.

    `display`, `runs` and `thumbnail` are not part of the history; `features` also tells of a feature that is shown
    otherwise.
    """

    tomograms = Signal()
    features = Signal()
    models = Signal()
    document = Signal(str)  # name: "interactions", or what was set with set_document
    display = Signal(str)  # name of a display setting
    labels = Signal(int, int, object)  # tomogram id, feature id, region that holds what changed
    planes = Signal(int, int)  # tomogram id, feature id: which planes are annotated
    boxes = Signal(int, int)  # tomogram id, feature id
    picks = Signal(int, int)  # tomogram id, id of the pick set
    runs = Signal()
    thumbnail = Signal(int)  # tomogram id
    history = Signal()

    def announce(self, changes: Sequence[Change]) -> None:
        """Emit one signal for each thing that `changes` touch."""
        tables = {change.table for change in changes}
        for table in sorted(tables & {"tomogram", "feature", "model"}):
            self[table + "s"].emit()
        for name in sorted({change.key[0] for change in changes if change.table == "document"}):
            self.document.emit(name)
        tiles: dict[tuple[int, int], list[tuple[int, ...]]] = {}
        for change in changes:
            if change.table == "tile":
                tiles.setdefault((change.key[0], change.key[1]), []).append(change.key[2:])
        for (tomogram, feature), indices in tiles.items():
            self.labels.emit(tomogram, feature, _around(indices))
        for tomogram, feature in sorted({change.key[:2] for change in changes if change.table == "plane"}):
            self.planes.emit(tomogram, feature)
        for tomogram, feature in sorted({change.values[:2] for change in changes if change.table == "box"}):
            self.boxes.emit(tomogram, feature)
        sets = {change.key[:2] for change in changes if change.table == "pick_block"}
        sets |= {(change.values[0], change.key[0]) for change in changes if change.table == "pick_set"}
        for tomogram, pick_set in sorted(sets):
            self.picks.emit(tomogram, pick_set)
        self.history.emit()


def _around(indices: list[tuple[int, ...]]) -> Region:
    """Return the region of voxels that holds all these tiles."""
    spans = zip(zip(*indices, strict=True), TILE, strict=True)
    z, y, x = (slice(min(along) * size, (max(along) + 1) * size) for along, size in spans)
    return z, y, x

"""What the Particles tab shows: which particles, in which order, which are selected. No Qt.

    source ──► table ──► order of rows (sorted, filtered) ──► tiles on screen
                 ▲
    reject, keep, classes: commands on rows, in the project and its history

The table is read again when the project says that something has changed; the selection stays with its particles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from ais_app.state.gallery_groups import DOCUMENT as CLUSTERS
from ais_app.state.gallery_groups import Grouping, kept_grouping
from ais_app.state.gallery_look import GalleryLook, ordered
from ais_app.state.gallery_table import (
    ParticleTable,
    PickReader,
    PickSource,
    Source,
    StackSource,
    empty_table,
    table_of_stack,
)

if TYPE_CHECKING:
    from ais_app.state.session import Session

ROOM = 1.6  # the box is so many times the diameter: what is around a particle is seen, its neighbours hardly
LARGEST_EDGE = 48  # voxels of a cube after binning, unless a person chooses otherwise


@dataclass(frozen=True)
class BoxChoice:
    """How cubes are cut.

    Parameters
    ----------
    edge
        Voxels of a cube, after binning.
    binning
        Voxels of the tomogram along each edge of one of the cube.
    """

    edge: int = 32
    binning: int = 1


class Gallery:
    """The particles of a session that are shown.

    Parameters
    ----------
    session
        Whose.
    """

    changed = Signal()  # source, table, order or look
    selection = Signal()
    grouped = Signal()  # clusters came or went

    def __init__(self, session: Session) -> None:
        self._session = session
        self.source: Source | None = None
        self.look = GalleryLook()
        self._box: BoxChoice | None = None
        self._table: ParticleTable | None = None
        self._before: ParticleTable | None = None
        self._reader: PickReader | None = None
        self._stack: tuple[Any, ...] = ()
        self.stack_edge = 0
        self._order: np.ndarray | None = None
        self.selected = np.zeros(0, dtype=bool)
        self.current = -1
        self.quality = np.zeros(0)
        self._grouping: Grouping | None = None
        self._grouping_is_read = False
        events = session.events
        events.opened.connect(self._opened)
        events.moved.connect(self._moved)
        events.picks.connect(self._picks_changed)
        events.tomograms.connect(self._forget)
        events.document.connect(self._document_changed)

    # what there is

    @property
    def table(self) -> ParticleTable:
        """The particles; read again where something has changed."""
        if self._table is None:
            self._take(self._read())
        assert self._table is not None  # just taken
        return self._table

    @property
    def order(self) -> np.ndarray:
        """(m,) rows of the table that are shown, in order."""
        table = self.table
        if self._order is None:
            self._order = ordered(table, self.look, self.quality, self.clusters)
        return self._order

    @property
    def grouping(self) -> Grouping | None:
        """The newest clusters of the particles, as the project keeps them; the same object until they change."""
        table = self.table
        if not self._grouping_is_read:
            self._grouping, self._grouping_is_read = None, True
            if self.source is not None and self._session.has_project:
                self._grouping = kept_grouping(self._session.project, self.source, table)
        return self._grouping

    @property
    def clusters(self) -> np.ndarray:
        """(n,) int64: the cluster of each row, −1 for none."""
        grouping = self.grouping
        return np.full(len(self.table), -1, dtype=np.int64) if grouping is None else grouping.assignment

    @property
    def rows(self) -> np.ndarray:
        """Rows that are selected, rising."""
        count = len(self.table)  # reading it again brings the selection along
        return np.flatnonzero(self.selected) if len(self.selected) == count else np.zeros(0, dtype=np.int64)

    @property
    def kept(self) -> np.ndarray:
        """Rows that are not rejected."""
        return np.flatnonzero(~self.table.rejected)

    @property
    def working(self) -> np.ndarray:
        """Rows that work is done on: those selected that are not rejected, or all that are not where none is."""
        chosen = self.rows[~self.table.rejected[self.rows]]
        return chosen if len(chosen) else self.kept

    @property
    def box(self) -> BoxChoice:
        """How cubes are cut: what was chosen, or what suits the diameter of the picks."""
        if isinstance(self.source, StackSource):
            return BoxChoice(max(self.stack_edge, 1), 1)
        return self._box or box_for(self.table)

    # what is chosen; the commands of `ais_app.state.commands.particles` call these

    def show(self, source: Source | None, stack: tuple[Any, ...] = (), stack_edge: int = 0) -> None:
        """Show the particles of another source; of a stack with what `table_of_stack` needs."""
        self.source, self._stack, self.stack_edge = source, stack, stack_edge
        self._box, self._table, self._order, self._reader = None, None, None, None
        self._grouping_is_read = False
        self.look = replace(self.look, of_class=None, of_cluster=None)
        self.current = -1
        self.changed.emit()
        self.grouped.emit()
        self.selection.emit()

    def set_look(self, look: GalleryLook) -> None:
        """Show tiles otherwise."""
        if look != self.look:
            self.look, self._order = look, None
            self.changed.emit()

    def set_box(self, box: BoxChoice | None) -> None:
        """Cut cubes otherwise; ``None``: as it suits the diameter."""
        self._box = box
        self.changed.emit()

    def select(self, rows: np.ndarray, current: int | None = None) -> None:
        """Select these rows and no others."""
        chosen = np.zeros(len(self.table), dtype=bool)
        chosen[rows] = True
        self.selected = chosen
        if current is not None:
            self.current = current
        self.selection.emit()

    def set_quality(self, quality: np.ndarray) -> None:
        """Take how good each row is, (n,), NaN where it is not known; rows are sorted by it when that is asked for."""
        self.quality = quality
        if self.look.sort == "quality":
            self._order = None
            self.changed.emit()

    def set_grouping(self, grouping: Grouping | None) -> None:
        """Show clusters that no project keeps, as one that is open read-only; see `particle_results.take_grouping`."""
        table = self.table
        if grouping is not None and len(grouping.assignment) != len(table):
            raise ValueError(f"clusters of {len(grouping.assignment)} rows for {len(table)}")
        self._grouping, self._grouping_is_read, self._order = grouping, True, None
        self.look = replace(self.look, of_cluster=None)
        self.grouped.emit()
        self.changed.emit()

    # keeping in step

    def _read(self) -> ParticleTable:
        if self.source is None:
            return empty_table()
        project = self._session.project if self._session.has_project else None
        if isinstance(self.source, StackSource):
            return table_of_stack(project, self.source, *self._stack)
        if project is None:
            return empty_table()
        if self._reader is None:
            self._reader = PickReader(project, self.source.holds)
        return self._reader.table()

    def _take(self, table: ParticleTable) -> None:
        """Take a table; what is selected, known and grouped stays with its particles."""
        before, self._table, self._order = self._before, table, None
        if before is not None and np.array_equal(before.sets, table.sets) and np.array_equal(before.ids, table.ids):
            return
        chosen = np.zeros(len(table), dtype=bool)
        if before is not None and len(before) and len(self.selected) == len(before):
            keys = set(zip(before.sets[self.selected].tolist(), before.ids[self.selected].tolist(), strict=True))
            if keys:
                pairs = zip(table.sets.tolist(), table.ids.tolist(), strict=True)
                chosen = np.fromiter((pair in keys for pair in pairs), bool, len(table))
        self.selected, self.current, self._grouping_is_read = chosen, -1, False
        self.quality = np.full(len(table), np.nan)

    def _forget(self, *_: object) -> None:
        if self._table is not None:
            self._before = self._table
        self._table = self._order = None
        self.changed.emit()

    def _picks_changed(self, _: int, pick_set: int) -> None:
        if self._reader is not None:
            self._reader.forget(pick_set)
        self._forget()

    def _document_changed(self, name: str) -> None:
        if name == CLUSTERS:
            self._grouping_is_read, self._order = False, None
            self.look = replace(self.look, of_cluster=None)
            self.grouped.emit()
            self.changed.emit()
        elif name.startswith("particle") and not name.startswith(CLUSTERS):
            self._forget()

    def _moved(self, *_: object) -> None:
        self._reader = None  # it reads the project that was left

    def _opened(self) -> None:
        self._before = None
        self.show(None)


def box_for(table: ParticleTable, room: float = ROOM) -> BoxChoice:
    """Return cubes that hold a particle with room around it, binned so that they stay small."""
    if table.voxel_size is None:
        return BoxChoice()
    wanted = room * table.diameter / table.voxel_size
    binning = max(1, int(np.ceil(wanted / LARGEST_EDGE)))
    return BoxChoice(int(np.clip(2 * np.ceil(wanted / binning / 2), 8, LARGEST_EDGE)), binning)


def sources(session: Session) -> list[tuple[str, PickSource, int, int]]:
    """Return what picks there are: words, source, number of picks, number of tomograms; largest first."""
    if not session.has_project:
        return []
    features = {feature.id: feature.name for feature in session.project.features}
    counts: dict[PickSource, list[int]] = {}
    names_of: dict[int, set[str]] = {}
    for pick_set in session.project.pick_sets:
        counts.setdefault(PickSource(pick_set.name), []).append(pick_set.count)
        if pick_set.feature in features:
            counts.setdefault(PickSource(feature=pick_set.feature), []).append(pick_set.count)
            names_of.setdefault(pick_set.feature, set()).add(pick_set.name)
    found = []
    for source, each in counts.items():
        if source.name:
            found.append((source.name, source, sum(each), len(each)))
        elif source.feature is not None and len(names_of[source.feature]) > 1:
            found.append((f"all of {features[source.feature]}", source, sum(each), len(each)))
    return sorted(found, key=lambda item: -item[2])


def feature_of(session: Session) -> str:
    """Return the name of the feature that the particles shown are of; empty where they are of none."""
    table = session.gallery.table
    if not session.has_project or not len(table) or table.sets[0] < 0:
        return ""
    sets = {each.id: each for each in session.project.picks(int(table.tomograms[0]))}
    names = {each.id: each.name for each in session.project.features}
    return names.get(sets[int(table.sets[0])].feature or 0, "")

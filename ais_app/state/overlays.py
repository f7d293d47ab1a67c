"""What the project holds about a tomogram, as the slice view needs it: read once, and again when it has changed.

A label version rises with every change of that feature's labels: planes that were read under another version are stale.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ais_app.core.annotation.boxes import Box
from ais_app.state import particle_classes
from ais_app.state.records import Feature, TomogramEntry
from ais_app.state.session import Session

PICK_RADIUS = 50.0  # Å, of picks that do not say


@dataclass(frozen=True, eq=False)
class PickView:
    """A set of picks; compared by identity, and made anew when it has changed.

    Parameters
    ----------
    name
        Of the set.
    colour
        ``#rrggbb``.
    positions_zyx
        (n, 3) voxel indices.
    radii
        (n,) voxels.
    colours
        (n,) of the picks, by their classes; ``None`` where all have that of the set.
    """

    name: str
    colour: str
    positions_zyx: np.ndarray
    radii: np.ndarray
    colours: tuple[str, ...] | None = None


class Overlays:
    """What the project holds about the tomograms, as the slice view needs it; read when asked, forgotten when changed.

    Parameters
    ----------
    session
        Whose project.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._features: tuple[Feature, ...] | None = None
        self._entries: dict[int, TomogramEntry] = {}
        self._boxes: dict[tuple[int, int], tuple[Box, ...]] = {}
        self._picks: dict[int, tuple[PickView, ...]] = {}
        self._annotated: dict[tuple[int, int], tuple[int, ...]] = {}
        self._versions: dict[tuple[int, int], int] = {}
        events = session.events
        events.opened.connect(self.forget)
        events.tomograms.connect(self.forget)
        events.features.connect(self._forget_features)
        events.boxes.connect(self._forget_boxes)
        events.picks.connect(self._forget_picks)
        events.document.connect(self._forget_classes)
        events.planes.connect(self._forget_planes)
        events.labels.connect(self._count_labels)

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features in the order of the list."""
        if self._features is None:
            self._features = tuple(self.session.project.features)
        return self._features

    def entry(self, tomogram: int) -> TomogramEntry:
        """Return what the project knows of a tomogram."""
        if tomogram not in self._entries:
            self._entries[tomogram] = self.session.project.tomogram(tomogram)
        return self._entries[tomogram]

    def boxes(self, tomogram: int, feature: int) -> tuple[Box, ...]:
        """Return the boxes of a feature."""
        key = (tomogram, feature)
        if key not in self._boxes:
            self._boxes[key] = tuple(self.session.project.boxes(tomogram, self._feature(feature)))
        return self._boxes[key]

    def picks(self, tomogram: int) -> tuple[PickView, ...]:
        """Return the pick sets of a tomogram, in voxels; none where the voxel size is not known."""
        if tomogram not in self._picks:
            self._picks[tomogram] = tuple(self._read_picks(self.entry(tomogram)))
        return self._picks[tomogram]

    def annotated(self, tomogram: int, feature: int) -> tuple[int, ...]:
        """Return the annotated slices (z) of a feature, in order."""
        key = (tomogram, feature)
        if key not in self._annotated:
            store = self.session.project.labels(tomogram, self._feature(feature))
            self._annotated[key] = tuple(store.annotated_slices())
        return self._annotated[key]

    def version(self, tomogram: int, feature: int) -> int:
        """Return a number that rises with every change of the labels."""
        return self._versions.get((tomogram, feature), 0)

    def forget(self) -> None:
        """Read everything anew."""
        self._entries.clear()
        self._boxes.clear()
        self._picks.clear()
        self._annotated.clear()
        self._features = None

    def _feature(self, feature: int) -> Feature:
        return next(known for known in self.features if known.id == feature)

    def _read_picks(self, entry: TomogramEntry) -> Iterable[PickView]:
        if entry.voxel_size_zyx is None:
            return
        colours = {feature.id: feature.colour for feature in self.features}
        known = particle_classes.classes(self.session.project)
        for pick_set in self.session.project.picks(entry.id):
            picks = self.session.project.pick_store(pick_set).read()
            radii = np.full(len(picks), PICK_RADIUS) if picks.radii is None else picks.radii
            radii = np.where(np.isnan(radii), PICK_RADIUS, radii)
            colour = colours.get(pick_set.feature or 0, "#FFFFFF")
            positions = picks.positions_zyx / np.array(entry.voxel_size_zyx)
            each = particle_classes.colours_of(picks, known, colour)
            yield PickView(pick_set.name, colour, positions, radii / float(entry.voxel_size or 1.0), each)

    def _forget_features(self) -> None:
        self._features = None
        self._boxes.clear()  # a feature that was removed took its boxes along
        self._picks.clear()  # picks have its colour
        self._annotated.clear()

    def _forget_boxes(self, tomogram: int, feature: int) -> None:
        self._boxes.pop((tomogram, feature), None)

    def _forget_picks(self, tomogram: int, pick_set: int) -> None:
        self._picks.pop(tomogram, None)

    def _forget_classes(self, document: str) -> None:
        if document == particle_classes.DOCUMENT:
            self._picks.clear()

    def _forget_planes(self, tomogram: int, feature: int) -> None:
        self._annotated.pop((tomogram, feature), None)

    def _count_labels(self, tomogram: int, feature: int, region: object) -> None:
        self._versions[tomogram, feature] = self.version(tomogram, feature) + 1

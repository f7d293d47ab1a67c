"""The part of a project that a person annotates: features, labels, boxes and picks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.annotation.boxes import Box
from ais_app.core.annotation.labels import TILE
from ais_app.core.io import create_volume
from ais_app.core.tomogram import ZYX, Tomogram
from ais_app.state import box_table, feature_table, label_files, pick_table
from ais_app.state.labels import LabelStore, LabelVolume
from ais_app.state.part import ProjectPart, WhichFeature, WhichTomogram
from ais_app.state.picks import PickStore
from ais_app.state.records import Feature, PickSet

if TYPE_CHECKING:  # pandas, below it, takes a second to import
    from ais_app.core.particle_set import Particles


class AnnotationPart(ProjectPart):
    """Features, labels, boxes and picks; see `Project`."""

    @property
    def features(self) -> list[Feature]:
        """The features in the order of the list."""
        return feature_table.entries(self._history, self._display)

    def add_feature(self, name: str, colour: str | None = None, box_size: int = feature_table.BOX_SIZE) -> Feature:
        """Add a feature; without a `colour` (``#rrggbb``) it gets the next of a colour-blind-safe sequence."""
        return feature_table.add(self._history, self._display, name, colour, box_size)

    def change_feature(
        self,
        which: WhichFeature,
        *,
        name: str | None = None,
        colour: str | None = None,
        box_size: int | None = None,
        locked: bool | None = None,
        brush_radius: float | None = None,
        opacity: float | None = None,
        outline: bool | None = None,
        visible: bool | None = None,
    ) -> Feature:
        """Change what is given of a feature, see `Feature`; return it as it is now.

        `brush_radius`, `opacity`, `outline` and `visible` are saved at once but are no step of undo; they can be
        changed in a project that is open read-only, for as long as it is.

        Raises
        ------
        ParameterProblem
            A value cannot be.
        ProjectProblem
            There is a feature of that name already.
        """
        fields = {"name": name, "colour": colour, "box_size": box_size, "locked": locked, "brush_radius": brush_radius}
        fields |= {"opacity": opacity, "outline": outline, "visible": visible}
        feature = self.feature(which)
        if feature_table.change(self._history, self._display, feature, fields):
            self.events.features.emit()
        return self.feature(feature.id)

    def move_feature(self, which: WhichFeature, position: int) -> None:
        """Move a feature to a place in the list, counted from 0."""
        feature_table.move(self._history, self._display, self.feature(which), position)

    def remove_feature(self, which: WhichFeature) -> None:
        """Remove a feature with its labels and boxes; picks stay. Raises `ProjectProblem` where it is locked."""
        feature_table.remove(self._history, self.feature(which))

    def annotation_summary(self) -> dict[int, dict[int, tuple[int, int]]]:
        """Return how much is annotated: tomogram id to feature id to (annotated planes, boxes). One query."""
        counts = " UNION ALL ".join(
            f"SELECT tomogram, feature, {planes} AS planes, {boxes} AS boxes FROM {table} GROUP BY tomogram, feature"
            for table, planes, boxes in (("plane", "count(*)", "0"), ("box", "0", "count(*)"))
        )
        columns = "tomogram, feature, sum(planes), sum(boxes)"
        summary: dict[int, dict[int, tuple[int, int]]] = {}
        for tomogram, feature, planes, boxes in self._database.rows(
            f"SELECT {columns} FROM ({counts}) GROUP BY tomogram, feature"
        ):
            summary.setdefault(tomogram, {})[feature] = (planes, boxes)
        return summary

    # labels

    def labels(self, tomogram: WhichTomogram, feature: WhichFeature) -> LabelStore:
        """Return the labels of a feature in a tomogram, to read and to edit."""
        return LabelStore(self._history, self.tomogram(tomogram), self.feature(feature))

    def label_volume(self, tomogram: WhichTomogram, feature: WhichFeature) -> Tomogram:
        """Return the labels as a lazy uint8 volume on the tomogram's grid, with its voxel size and origin."""
        store = self.labels(tomogram, feature)
        entry = store.tomogram
        return Tomogram(LabelVolume(store), entry.voxel_size_zyx, entry.origin_zyx, entry.nstart_zyx)

    def import_labels(
        self,
        tomogram: WhichTomogram,
        feature: WhichFeature,
        volume: str | Path | np.ndarray,
        slices: Sequence[int] | None = None,
        *,
        value: float | None = None,
        threshold: float | None = None,
    ) -> None:
        """Replace labels by those of a volume, as one step of undo.

        `importing_labels` does it in steps.

        Parameters
        ----------
        tomogram, feature
            Whose; a feature that is not there yet is added when given by name.
        volume
            File or array (z, y, x) on the tomogram's grid: labels 0, 1, 2, or a mask of 0 and one other number.
        slices
            z of the slices to take; exactly these become annotated. All when ``None``.
        value
            Take voxels of this number as the feature: for a volume that holds several.
        threshold
            Take voxels of at least this number: for probabilities.

        Raises
        ------
        ParameterProblem
            The shapes differ, a slice lies outside, or the numbers are neither labels nor a mask. Nothing is changed
            then.
        ProjectProblem
            The feature is locked.
        """
        for _ in self.importing_labels(tomogram, feature, volume, slices, value=value, threshold=threshold):
            pass

    def importing_labels(
        self,
        tomogram: WhichTomogram,
        feature: WhichFeature,
        volume: str | Path | np.ndarray,
        slices: Sequence[int] | None = None,
        *,
        value: float | None = None,
        threshold: float | None = None,
    ) -> Iterator[None]:
        """Do what `import_labels` does a strip at a time, for `steps`; each takes some milliseconds."""
        entry = self.tomogram(tomogram)
        name = feature.name if isinstance(feature, Feature) else feature
        with self._history.command(f"Import {name} on {entry.name}"):
            store = LabelStore(self._history, entry, self._feature_or_new(feature))
            yield from label_files.importing_labels(
                self._history, store, volume, slices, value=value, threshold=threshold
            )

    def export_labels(self, tomogram: WhichTomogram, feature: WhichFeature, out: str | Path) -> Path:
        """Write the labels as a volume (int8: 0, 1, 2) that overlays the tomogram; return its path."""
        store = self.labels(tomogram, feature)
        title = f"labels of {store.feature.name}"
        like = self.label_volume(tomogram, feature)
        with create_volume(out, store.shape, np.dtype(np.int8), like=like, label=title) as writer:
            for z in range(0, store.shape[0], TILE[0]):
                slab = store.read((slice(z, z + TILE[0]), slice(None), slice(None)))
                writer.write(z, slab.astype(np.int8))
        return Path(out)

    def _feature_or_new(self, feature: WhichFeature) -> Feature:
        known = [entry.name for entry in self.features]
        if isinstance(feature, str) and feature not in known:
            return self.add_feature(feature)
        return self.feature(feature)

    # boxes

    def boxes(self, tomogram: WhichTomogram, feature: WhichFeature) -> list[Box]:
        """Return the boxes of a feature in a tomogram, in the order in which they were placed."""
        return box_table.entries(self._history, self.tomogram(tomogram), self.feature(feature))

    def add_boxes(self, tomogram: WhichTomogram, feature: WhichFeature, boxes: Iterable[Box]) -> list[Box]:
        """Place boxes as one step of undo; return them with their ids."""
        return box_table.add(self._history, self.tomogram(tomogram), self.feature(feature), boxes)

    def change_box(self, box: Box, *, centre_zyx: ZYX | None = None, size: int | EllipsisType | None = ...) -> Box:
        """Move or resize a box as one step of undo; return it as it is now.

        Parameters
        ----------
        box
            As `boxes` or `add_boxes` gave it.
        centre_zyx
            Voxel indices of the new centre; it stays where it is when ``None``.
        size
            Voxels along an edge, ``None`` for the feature's own size; it stays as it is when left out.

        Raises
        ------
        ParameterProblem
            The new centre is not in the tomogram.
        ProjectProblem
            The box is not in the project, or its feature is locked.
        """
        return box_table.change(self._history, box, centre_zyx, size)

    def remove_boxes(self, boxes: Iterable[Box]) -> None:
        """Remove boxes as one step of undo."""
        box_table.remove(self._history, boxes)

    # picks

    @property
    def pick_sets(self) -> list[PickSet]:
        """The sets of picks of all tomograms, tomogram by tomogram; one query."""
        return pick_table.all_entries(self._history)

    def picks(self, tomogram: WhichTomogram) -> list[PickSet]:
        """Return the pick sets of a tomogram in the order in which they were added."""
        return pick_table.entries(self._history, self.tomogram(tomogram).id)

    def pick_store(self, which: int | PickSet) -> PickStore:
        """Return the picks of a set, to read and to edit, or raise `ProjectProblem`."""
        entry = pick_table.find(self._history, which)
        return PickStore(self._history, self.tomogram(entry.tomogram), entry.id)

    def add_picks(
        self,
        tomogram: WhichTomogram,
        name: str,
        particles: Particles,
        source: Any = None,
        *,
        feature: WhichFeature | None = None,
        radius: float | None = None,
        replace: bool = False,
    ) -> PickSet:
        """Add a named set of picks as one step of undo; return it.

        Parameters
        ----------
        tomogram
            Where; its voxel size must be known.
        name
            Of the set, unique in the tomogram.
        particles
            The picks, all of this tomogram, Å. Positions, rotations, scores and the other columns are kept.
        source
            How they were made: JSON-able, method, parameters, files.
        feature
            What they are of.
        radius
            Å, of all of them; ``None`` when not known.
        replace
            Put them in place of a set of this name, if there is one.

        Raises
        ------
        ProjectProblem
            There is a set of this name.
        ParameterProblem
            They are of several tomograms, a position is no number, or the tomogram's voxel size is not known.
        """
        entry = self.tomogram(tomogram)
        entry.require_voxel_size_zyx()
        of = None if feature is None else self.feature(feature).id
        with self._history.command(f"Add {len(particles)} picks {name} on {entry.name}"):
            known = {pick_set.name: pick_set.id for pick_set in self.picks(entry)} if replace else {}
            if name in known:
                pick_table.describe(self._history, known[name], of, source)
                store = PickStore(self._history, entry, known[name])
                store.clear()
            else:
                store = PickStore(self._history, entry, pick_table.add(self._history, entry.id, name, of, source))
            store.add(particles, radius)
        return store.entry

    def change_picks(
        self, which: int | PickSet, *, name: str | None = None, feature: WhichFeature | None = None
    ) -> PickSet:
        """Rename a set of picks, or say of which feature it is; return it."""
        entry = pick_table.find(self._history, which)
        pick_table.change(self._history, entry, name, None if feature is None else self.feature(feature).id)
        return pick_table.find(self._history, entry)

    def remove_picks(self, which: int | PickSet) -> None:
        """Remove a set with its picks, as one step of undo."""
        pick_table.remove(self._history, pick_table.find(self._history, which))

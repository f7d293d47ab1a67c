"""What is done with whole slices, volumes and files; the actions of the tab call it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PyQt6.QtWidgets import QFileDialog

from ais_app.core.annotation.labels import Edit
from ais_app.core.errors import AisAppError
from ais_app.core.jobs import Job, Progress
from ais_app.state.commands import annotate, labels_in
from ais_app.state.shown_models import features_found, name_in_networks
from ais_app.views.annotate.destination import Destination
from ais_app.views.annotate.hand import Hand
from ais_app.views.annotate.import_dialog import ImportDialog
from ais_app.workers.project_reading import reading_project

VOLUMES = "Volumes (*.mrc *.map *.rec *.mrc.gz *.tif *.tiff *.em *.hdf *.h5 *.nrrd);;All files (*)"
COORDINATES = "Coordinates (*.star *.csv *.tsv *.mod *.tbl *.json *.em);;All files (*)"
EXPORTED = {"RELION (*.star)": "star", "Comma separated (*.csv)": "csv", "IMOD (*.mod)": "imod"}


class Doing:
    """Jobs and steps beyond a single stroke.

    Parameters
    ----------
    hand
        What tools share.
    """

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self.workbench, self.session = hand.workbench, hand.session

    # slices

    def mark(self) -> None:
        """Mark the slice in view as annotated, or take the mark away."""
        if self._hand.target() is not None:
            self._hand.attempt(lambda: annotate.toggle_mark(self.session))

    def clear(self) -> None:
        """Remove the labels of the slice in view."""
        if self._hand.target() is not None:
            self._hand.attempt(lambda: annotate.clear(self.session, self.session.view.z))

    def copy(self, step: int) -> None:
        """Copy the labels of the slice in view to the next (1) or previous (-1) slice, and go there."""
        z = self.session.view.z
        if self._hand.target() is not None:
            self._hand.attempt(lambda: annotate.copy_slice(self.session, z, z + step))

    def interpolate(self) -> None:
        """Fill the slices between those that are annotated."""
        on = self._hand.target()
        if on is None:
            return
        place = Destination.of(self.session, on)

        def write(edit: Edit) -> None:
            annotate.commit(self.session, place.labels, edit, "interpolate(session)")

        self._start(f"Interpolate {place.title}", place.interpolation_job, write)

    # what networks predict

    def take_slice(self) -> None:
        """Take the prediction of the slice in view as labels."""
        on, answer, view = self._hand.target(), self.workbench.preview.answer, self.session.view
        if on is None:
            return
        name = on.feature.name
        try:
            predicted = name_in_networks(self.session.project, on.feature, training=True)
        except AisAppError as error:
            self.workbench.notify(str(error), "warning")
            return
        is_here = answer is not None and (answer.tomogram, answer.z) == (on.tomogram.id, view.z)
        if predicted is None and features_found(self.session.project).get(name) == on.feature:
            predicted = name
        if answer is None or not is_here or predicted is None or predicted not in answer.planes:
            waits = self.workbench.preview.busy
            words = (
                f"The prediction of {name} on this slice is not ready yet" if waits
                else f"There is no prediction of {name} on this slice: switch a network that finds it on in the Train "
                "tab, and predictions on (P)"
            )  # fmt: skip
            self.workbench.notify(words, "info" if waits else "warning")
            return
        y0, _, x0, _ = answer.region
        self._hand.attempt(lambda: labels_in.take_slice(self.session, answer.planes[predicted], answer.z, (y0, x0)))

    def take_region(self) -> None:
        """Take the prediction of the region that is drawn, on all its slices."""
        self._take(within_crop=True)

    def take_volume(self) -> None:
        """Take the prediction of the whole volume."""
        self._take(within_crop=False)

    def _take(self, within_crop: bool) -> None:
        on = self._hand.target()
        if on is None:
            return
        try:
            request = labels_in.prediction_request(self.session, within_crop)
        except AisAppError as error:
            self.workbench.notify(str(error), "warning")
            return

        place = Destination.of(self.session, on)
        words = (
            f"{place.title} is as predicted now. Correct it, and mark the slices that you have checked as annotated "
        )
        words += "(M)"

        def write(masks: labels_in.Masks) -> None:
            work = labels_in.taking_masks(self.session, place.labels, masks, "Take prediction")
            self.workbench.write_in_steps(work, lambda: self.workbench.notify(words))

        title = f"Labels from the prediction of {place.title}"
        self._start(title, lambda: labels_in.prediction_job(request), write)

    # files

    def import_labels(self, path: Path | None = None) -> None:
        """Ask for a volume and what in it is the feature, and take it as labels."""
        on = self._hand.target()
        if on is None:
            return
        chosen = str(path) if path is not None else self._open("Labels from a volume", VOLUMES)
        if chosen:
            ImportDialog(self._hand.area.window(), Path(chosen), on.feature.name, self.read_labels).open()

    def read_labels(self, path: Path, value: float | None = None, threshold: float | None = None) -> None:
        """Take a volume as labels of the chosen feature; `value` and `threshold` as in `labels_in.volume_job`."""
        on = self._hand.target()
        if on is None:
            return
        place, shape = Destination.of(self.session, on), on.tomogram.shape

        def write(volume: np.ndarray) -> None:
            self.workbench.write_in_steps(labels_in.taking_volume(self.session, place.labels, volume))

        title = f"Import {path.name} as {on.feature.name}"
        self._start(title, lambda: labels_in.volume_job(path, shape, value, threshold), write)

    def export_labels(self) -> None:
        """Ask where, and write the labels of the chosen feature as a volume."""
        entry, feature = self.session.tomogram, self.session.feature
        if entry is None or feature is None:
            self.workbench.notify("There is nothing to export: choose a tomogram and a feature", "warning")
            return
        name = f"{entry.name}__{feature.name}_labels.mrc"
        out = self._save("Export labels", name, "MRC (*.mrc)")
        if out:
            from ais_app.operations.export_labels import export_labels

            self._export(f"Export labels of {feature.name}", out,
                         lambda project: export_labels(project, entry.name, feature.name, out))  # fmt: skip

    def export_boxes(self) -> None:
        """Ask where, and write the boxes of the chosen feature as coordinates."""
        feature = self.session.feature if self.session.has_project else None
        if feature is None:
            self.workbench.notify("There is nothing to export: choose a feature", "warning")
            return
        start = str(self.session.folder() / f"{feature.name}_boxes.star")
        window = self._hand.area.window()
        out, kind = QFileDialog.getSaveFileName(window, "Export boxes", start, ";;".join(EXPORTED))
        if out:
            from ais_app.operations.export_boxes import export_boxes

            format = EXPORTED.get(kind, "star")
            self._export(f"Export boxes of {feature.name}", out,
                         lambda project: export_boxes(project, feature.name, out, format=format))  # fmt: skip

    def import_boxes(self) -> None:
        """Ask for a coordinate file, and place boxes of the chosen feature at its particles."""
        on = self._hand.target()
        chosen = self._open("Boxes from coordinates", COORDINATES) if on is not None else ""
        if on is None or not chosen:
            return
        place, entry = Destination.of(self.session, on), on.tomogram

        def write(positions: np.ndarray) -> None:
            labels = place.labels
            labels_in.place_boxes(self.session, labels.tomogram.id, labels.feature.id, positions.tolist())

        title = f"Boxes of {on.feature.name} from {Path(chosen).name}"
        self._start(title, lambda: labels_in.positions_job(Path(chosen), entry), write)

    # jobs

    def _start(self, title: str, make_job: Callable[[], Job[Any]], write: Callable[[Any], None]) -> None:
        def take(made: Any) -> None:
            self._hand.attempt(lambda: write(made))

        self.workbench.jobs.start(title, make_job, on_result=take)

    def _export(self, title: str, out: str, export: Callable[[Path], object]) -> None:
        project = self.session.project.path

        def job(place: Path) -> Job[None]:
            yield Progress(0, 1, "writing")
            export(place)

        def make_job() -> Job[None]:
            return reading_project(lambda: self.session.now_at(project), job)

        self._start(title, make_job, lambda _: self.workbench.notify(f"{Path(out).name} was written"))

    def _open(self, title: str, kinds: str) -> str:
        chosen, _ = QFileDialog.getOpenFileName(self._hand.area.window(), title, str(self.session.folder()), kinds)
        return chosen

    def _save(self, title: str, name: str, kinds: str) -> str:
        start = str(self.session.folder() / name)
        chosen, _ = QFileDialog.getSaveFileName(self._hand.area.window(), title, start, kinds)
        return chosen

"""Picks and boxes for another program: what is written, in which convention, the first lines, and the points read back.

ticked sets ─► particles ─► a trial file (off the main thread) ─► its first lines; read again, on three slices
Save ─► commands.picks.export_file
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ais_app.core.coordinates import coordinate_format, coordinate_formats
from ais_app.core.errors import AisAppError, ParameterProblem
from ais_app.core.params import Params
from ais_app.state.backdrop import Backdrop
from ais_app.state.commands import picks
from ais_app.state.conventions import convention
from ais_app.state.trial import Trial, tried
from ais_app.views.dialogs.point_slices import PointSlices
from ais_app.views.widgets.fields import ChoiceBox, repolish
from ais_app.views.widgets.forms import ParamsForm
from ais_app.views.widgets.panel import discard, heading
from ais_app.views.widgets.text import Details
from ais_app.views.workbench import Workbench
from ais_app.workers.latest import Latest

SIZE = QSize(1080, 760)
SIDE = 340  # px
READING_ONLY = {"tomogram", "shape", "points", "tomograms"}
WHAT = Qt.ItemDataRole.UserRole


class CoordinatesOut(QDialog):
    """Asks what to write, how and where.

    Parameters
    ----------
    parent
        Window.
    workbench
        Whose project has the picks; a tomogram must be in view.
    """

    def __init__(self, parent: QWidget | None, workbench: Workbench) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("CoordinatesOut")
        self.setWindowTitle("Export coordinates")
        self.resize(SIZE)
        self.workbench = workbench
        self.entry = picks.entry_of(workbench.session, None)
        self.form: ParamsForm | None = None
        self._slices: Backdrop | None = None
        self._latest = Latest("trial of coordinates", self)
        self._build()
        self._fill()
        self._show_options()

    @property
    def busy(self) -> bool:
        """Whether the trial is still being written."""
        return self._latest.busy

    def done(self, result: int) -> None:
        """End the thread, then close."""
        self._latest.close()
        super().done(result)

    def accept(self) -> None:
        """Ask for the name of the file, and write it."""
        format = coordinate_format(self.format.currentData())
        folder = self.workbench.session.folder()
        name = self.entry.name if len(self._tomograms()) < 2 else self.workbench.session.title
        kinds = f"{format.title} (*{format.suffix});;All files (*)"
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Export coordinates", str(folder / f"{name}_picks{format.suffix}"), kinds
        )
        if chosen:
            path = Path(chosen)
            self.write(path if path.suffix else path.with_suffix(format.suffix))

    def write(self, path: Path) -> None:
        """Write what is ticked off the main thread, then close; what is wrong is said, and the dialog stays."""
        session, (sets, boxes) = self.workbench.session, self._chosen()
        format, options = self.format.currentData(), self._options()
        try:
            particles = picks.gathered(session, sets, boxes)
        except ParameterProblem as problem:
            self.workbench.refuse(problem)
            return

        def written(files: list[Path]) -> None:
            picks.note_export(session, path, format, options, sets, boxes)
            names = files[0].name if len(files) == 1 else f"{len(files)} files, one for each tomogram,"
            self.workbench.notify(f"{names} written to {path.parent}")
            super(CoordinatesOut, self).accept()

        self.save.setEnabled(False)
        self._latest.request(lambda _: picks.write_files(path, format, options, particles), written, self._unwritten)

    def _unwritten(self, error: Exception) -> None:
        if not isinstance(error, (AisAppError, OSError)):
            raise error
        self.workbench.notify(str(error), "error")
        self._tell(str(error), "error")
        self.save.setEnabled(True)

    # what is seen

    def _build(self) -> None:
        self.slices = PointSlices(QSize(420, 280))
        self.text = Details(height=170)
        self.text.setAccessibleName("First lines of the file")
        self.text.setLineWrapMode(Details.LineWrapMode.NoWrap)
        left = QVBoxLayout()
        left.addWidget(_words("Read back from the file"))
        left.addWidget(self.slices, 1)
        left.addWidget(_words("First lines of the file"))
        left.addWidget(self.text)
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addLayout(left, 1)
        top.addWidget(self._side())
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.save = QPushButton("Save…")
        self.save.setDefault(True)
        self.save.setProperty("role", "primary")
        self.save.setToolTip("Choose where, and write the file")
        self.buttons.addButton(self.save, QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(top, 1)
        column.addWidget(self.buttons)

    def _side(self) -> QWidget:
        self.where = ChoiceBox()
        self.where.addItem(f"of {self.entry.name}", False)
        self.where.addItem("of all tomograms", True)
        self.where.setAccessibleName("Tomograms")
        self.where.setToolTip("Offer the picks and boxes of the tomogram in view, or of all")
        self.where.activated.connect(lambda _: self._fill())
        self.what = QListWidget()
        self.what.setAccessibleName("Picks and boxes")
        self.what.setToolTip("What is ticked is written")
        self.what.itemChanged.connect(lambda _: self._try())
        self.format = ChoiceBox()
        self.format.setAccessibleName("Format")
        self.format.setToolTip("Of which program")
        self.format.setSizeAdjustPolicy(ChoiceBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for name, format in coordinate_formats().items():
            self.format.addItem(f"{format.title.partition(':')[0]} ({format.suffix})", name)
        self.format.setCurrentIndex(max(0, self.format.findData("relion5")))
        self.format.activated.connect(lambda _: self._show_options())
        self.words, self.count = QLabel(), QLabel()
        for label in (self.words, self.count):
            label.setWordWrap(True)
        side = QWidget()
        side.setFixedWidth(SIDE)
        self._column = QVBoxLayout(side)
        self._column.setContentsMargins(0, 0, 0, 0)
        for widget in (heading("Picks and boxes"), self.where, self.what, self.count, heading("Format"), self.format,
                       self.words):  # fmt: skip
            self._column.addWidget(widget)
        self._column.setStretchFactor(self.what, 1)
        return side

    def _fill(self) -> None:
        """List the sets of picks, ticked, and the boxes."""
        project, everywhere = self.workbench.project, bool(self.where.currentData())
        self.what.blockSignals(True)
        self.what.clear()
        for entry in project.tomograms if everywhere else [self.entry]:
            of = f" on {entry.name}" if everywhere else ""
            for known in project.picks(entry):
                self._add(f"Picks {known.name}{of}: {known.count:,}", ("picks", known.id, entry.id), known.count > 0)
            for feature in project.features:
                count = len(project.boxes(entry, feature))
                if count:
                    self._add(f"Boxes of {feature.name}{of}: {count:,}", ("boxes", feature.id, entry.id), False)
        self.what.blockSignals(False)
        self._try()

    def _add(self, words: str, what: tuple[str, int, int], ticked: bool) -> None:
        item = QListWidgetItem(words)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable)
        item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        item.setData(WHAT, what)
        self.what.addItem(item)

    def _show_options(self) -> None:
        if self.form is not None:
            discard(self.form)
        kind = coordinate_format(self.format.currentData()).params
        fields = [field.name for field in dataclasses.fields(kind) if field.name not in READING_ONLY]
        self.form = ParamsForm(kind(), fields)
        self.form.changed.connect(lambda _: self._try())
        self._column.insertWidget(self._column.indexOf(self.words) + 1, self.form)
        self._try()

    # what is chosen

    def _ticked(self) -> list[tuple[str, int, int]]:
        items = (self.what.item(row) for row in range(self.what.count()))
        return [item.data(WHAT) for item in items if item is not None and item.checkState() == Qt.CheckState.Checked]

    def _tomograms(self) -> set[int]:
        return {tomogram for _, _, tomogram in self._ticked()}

    def _chosen(self) -> tuple[list[int], list[tuple[int, int]]]:
        ticked = self._ticked()
        sets = [id for kind, id, _ in ticked if kind == "picks"]
        return sets, [(tomogram, id) for kind, id, tomogram in ticked if kind == "boxes"]

    def _options(self) -> dict[str, Any]:
        return {} if self.form is None else changed_from_default(self.form.value())

    # the trial

    def _try(self) -> None:
        """Write the file where nobody sees it, and show what is in it."""
        format, options, session = self.format.currentData(), self._options(), self.workbench.session
        words = convention(format, options, writing=True)
        if coordinate_format(format).one_tomogram:
            words += "; a file for each tomogram"
        self.words.setText(words)
        try:
            particles = picks.gathered(session, *self._chosen())
        except ParameterProblem as problem:
            self._latest.drop()
            empty = not self.what.count()
            self._say("There are no picks or boxes here: place or import some" if empty else str(problem.remedy))
            return
        entry, known = self.entry, self._slices
        entry = next((each for each in session.project.tomograms if each.name == particles.names[0]), entry)
        self._latest.request(lambda _: tried(particles, format, options, entry, session, known), self._show, self._fail)

    def _show(self, trial: Trial) -> None:
        self._slices = trial.slices
        self.text.setPlainText(trial.text)
        self.slices.show_backdrop(trial.slices)
        shape = trial.slices.shape if trial.slices is not None else self.entry.shape
        self.slices.show_points(trial.positions, shape)
        files = f" in {trial.files} files" if trial.files > 1 else ""
        self._tell(f"{trial.count:,} particles{files}", "")
        self.save.setEnabled(True)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, AisAppError):
            raise error
        self._say(str(error))

    def _say(self, problem: str) -> None:
        self.text.setPlainText("")
        self.slices.show_points(np.empty((0, 3)), self.entry.shape, problem)
        self._tell(problem, "warning")
        self.save.setEnabled(False)

    def _tell(self, words: str, role: str) -> None:
        self.count.setText(words)
        self.count.setProperty("role", role)
        repolish(self.count)


def _words(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "heading")
    return label


def changed_from_default(params: Params) -> dict[str, Any]:
    """Return the values that differ from the defaults."""
    values = ((field, getattr(params, field.name)) for field in dataclasses.fields(params))
    return {field.name: value for field, value in values if value != field.default}

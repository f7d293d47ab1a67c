"""Coordinates from another program: where the points lie, how the file was read, and what another choice would give.

file ─► Reading (off the main thread) ─► three slices with the points, the convention in words
             └─► other readings ─► small pictures; a click takes one
OK ─► commands.picks ─► a set of picks on each tomogram of the file
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from ais_app.core.coordinates import coordinate_format, coordinate_formats
from ais_app.core.errors import AisAppError
from ais_app.state.backdrop import Backdrop, Look, looked, voxels
from ais_app.state.commands import picks
from ais_app.state.conventions import about_names, unit_guess
from ais_app.state.readings import Correction, Placed, Reading, other_readings, placed, read_as
from ais_app.views.dialogs.point_slices import PointSlices
from ais_app.views.dialogs.reading_card import ReadingCard
from ais_app.views.widgets.fields import ChoiceBox
from ais_app.views.widgets.fold import Fold
from ais_app.views.widgets.forms import ParamsForm
from ais_app.views.widgets.panel import discard, heading, hint
from ais_app.views.workbench import Workbench
from ais_app.workers.latest import Latest

SIZE = QSize(1080, 780)
SIDE = 340  # px
CARDS = 224  # px, their height
WRITING_ONLY = {"header", "voltage", "spherical_aberration", "amplitude_contrast", "slicer_angles", "radius",
                "contours", "object", "user", "session", "tomogram"}  # fmt: skip


class CoordinatesIn(QDialog):
    """Shows a coordinate file on the tomogram before it is taken.

    Parameters
    ----------
    parent
        Window.
    workbench
        Whose project gets the picks; a tomogram must be in view.
    path
        The file.
    """

    def __init__(self, parent: QWidget | None, workbench: Workbench, path: Path) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("CoordinatesIn")
        self.setWindowTitle("Import coordinates")
        self.resize(SIZE)
        self.workbench, self.path = workbench, path
        self.entry = picks.entry_of(workbench.session, None)
        self.look: Look | None = None
        self.cards: list[ReadingCard] = []
        self._slices: dict[int, Backdrop] = {}
        self._latest = Latest("coordinates", self)
        self.format_form: ParamsForm | None = None
        self._build()
        self._ask(None, {}, None)

    @property
    def busy(self) -> bool:
        """Whether something is still being read."""
        return self._latest.busy

    def accept(self) -> None:
        """Add the picks."""
        look = self.look
        if look is None:
            return
        session, name = self.workbench.session, self.name.text()

        def add() -> None:
            kept = picks.add_reading(session, look.reading, name, self.entry.id)
            where = f"{len(kept)} tomograms" if len(kept) > 1 else session.project.tomogram(kept[0].tomogram).name
            self.workbench.notify(f"{sum(each.count for each in kept):,} picks of {self.path.name} are on {where}")

        if self.workbench.attempt(add):
            super().accept()

    def done(self, result: int) -> None:
        """End the thread, then close."""
        self._latest.close()
        super().done(result)

    # what is seen

    def _build(self) -> None:
        self.slices = PointSlices(QSize(420, 300))
        self.slices.show_points(np.empty((0, 3)), self.entry.shape, f"Reading {self.path.name} …")
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self.slices, 1)
        top.addWidget(self._side())
        self._row = QHBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(8)
        self._row.addStretch(1)
        inside = QWidget()
        inside.setLayout(self._row)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFixedHeight(CARDS)
        scroll.setWidget(inside)
        self.question = QLabel("If the points are not where they should be: what another choice would give")
        self.question.setProperty("role", "heading")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.ok = QPushButton("Add picks")
        self.ok.setDefault(True)
        self.ok.setProperty("role", "primary")
        self.ok.setToolTip("Add a set of picks to each tomogram of the file; can be undone")
        self.buttons.addButton(self.ok, QDialogButtonBox.ButtonRole.AcceptRole)
        self.ok.setEnabled(False)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addLayout(top, 1)
        column.addWidget(self.question)
        column.addWidget(scroll)
        column.addWidget(self.buttons)

    def _side(self) -> QWidget:
        self.title = QLabel(self.path.name)
        self.title.setProperty("role", "heading")
        self.title.setWordWrap(True)
        self.format = ChoiceBox()
        self.format.setAccessibleName("Format")
        self.format.setToolTip("How the file is read; found from its content at first")
        self.format.addItem("not known", "")
        for name, format in coordinate_formats().items():
            self.format.addItem(f"{format.title.partition(':')[0]} ({format.suffix})", name)
        self.format.setSizeAdjustPolicy(ChoiceBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.format.activated.connect(lambda _: self._ask(self.format.currentData() or None, {}, None))
        self.words, self.count = QLabel(), QLabel()
        self.names = hint("")
        for label in (self.words, self.count):
            label.setWordWrap(True)
        self.which = ChoiceBox()
        self.which.setAccessibleName("Tomogram that is shown")
        self.which.setToolTip("Tomogram of the file that is shown; the picks of all of them are added")
        self.which.activated.connect(lambda _: self._show_points())
        self.name = QLineEdit(picks.set_name(self.path))
        self.name.setAccessibleName("Name of the picks")
        self.name.setToolTip("Name of the set of picks")
        self.correction = ParamsForm(Correction(), labels={"first_index": "First voxel is", "factor": "Multiplied by"})
        self.correction.changed.connect(self._ask_again)
        self.fold = Fold("Corrections", self.correction)
        inside = QWidget()
        self._options = QVBoxLayout(inside)
        self._options.setContentsMargins(0, 0, 8, 0)
        for widget in (self.title, self.format, self.words, self.count, self.which, self.names, heading("Options"),
                       self.fold, QLabel("Name of the picks"), self.name):  # fmt: skip
            self._options.addWidget(widget)
        self._options.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        scroll.setFixedWidth(SIDE)
        return scroll

    # what is asked

    def _ask_again(self, *_: object) -> None:
        options = _given(self.format_form.value()) if self.format_form is not None else {}
        self._ask(self.format.currentData() or None, options, self.correction.value())

    def _ask(self, format: str | None, options: dict[str, Any], correction: Correction | None) -> None:
        entry, path = self.entry, self.path
        self._request(lambda: read_as(path, entry, format, options, correction))

    def _take(self, reading: Reading) -> None:
        self._request(lambda: dataclasses.replace(reading, choice=""))

    def _request(self, read: Callable[[], Reading]) -> None:
        """Read on the thread, show; then look for what else the file may mean."""
        session, entry, known = self.workbench.session, self.entry, dict(self._slices)
        entries = session.project.tomograms
        self.ok.setEnabled(False)

        def work(cancelled: Callable[[], bool]) -> Look:
            return looked(read(), entries, entry, session, known)

        self._latest.request(work, self._show, self._fail)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, AisAppError):
            raise error
        self.slices.show_points(np.empty((0, 3)), self.entry.shape, str(error))

    def _show(self, look: Look) -> None:
        self.look = look
        self._slices.update(look.slices)
        self.words.setText("\n".join(f"• {words}" for words in look.words[1:]))
        self.format.setCurrentIndex(max(0, self.format.findData(look.reading.format)))
        self.correction.set_value(look.reading.correction)
        self._show_options()
        self._show_counts()
        self._show_points()
        reading, entry, entries = look.reading, self.entry, self.workbench.session.project.tomograms

        def others(cancelled: Callable[[], bool]) -> list[tuple[Reading, Placed]]:
            return [(other, placed(other, entries, entry)) for other in other_readings(reading, entries, entry)]

        self._latest.request(others, self._show_others, self._fail)

    def _show_options(self) -> None:
        """Show the options of the format as they are."""
        assert self.look is not None  # called when there is one
        reading = self.look.reading
        if self.format_form is not None:
            discard(self.format_form)
            self.format_form = None
        if not reading.format:
            return
        kind = coordinate_format(reading.format).params
        fields = [field.name for field in dataclasses.fields(kind) if field.name not in WRITING_ONLY]
        self.format_form = ParamsForm(kind.from_dict(dict(reading.options)), fields)
        self.format_form.changed.connect(self._ask_again)
        self._options.insertWidget(self._options.indexOf(self.fold), self.format_form)

    def _show_counts(self) -> None:
        assert self.look is not None  # called when there is one
        reading, found = self.look.reading, self.look.placed
        project = self.workbench.project
        far = f", {found.outside:,} of them outside" if found.outside else ", all inside"
        unit = unit_guess(found)
        self.count.setText(reading.problem or f"{found.count:,} particles{far if found.count else ''}{unit}")
        bad = bool(reading.problem or unit) or not found.count or found.outside > 0
        self.count.setProperty("role", "error" if reading.problem else "warning" if bad else "")
        self.count.style().polish(self.count)  # type: ignore[union-attr]
        self.which.clear()
        for id, part in found.parts.items():
            self.which.addItem(f"{project.tomogram(id).name}: {len(part):,}", id)
        self.which.setVisible(self.which.count() > 1)
        self.names.setText(about_names(found, self.entry))
        self.names.setVisible(bool(self.names.text()))
        self.fold.open(self.fold.is_open or reading.correction != Correction())
        measured = all(project.tomogram(id).voxel_size_zyx is not None for id in found.parts)
        self.ok.setEnabled(found.count > 0 and measured)
        self.ok.setText(f"Add {found.count:,} picks" if found.count else "Add picks")

    def _show_points(self) -> None:
        assert self.look is not None  # called when there is one
        id = self.which.currentData()
        entry = self.entry if id is None else self.workbench.project.tomogram(id)
        part = self.look.placed.parts.get(entry.id)
        message = self.look.reading.problem or ("" if part is not None else "No particle is of a tomogram here")
        self.slices.show_backdrop(self._slices.get(entry.id))
        self.slices.show_points(voxels(part, entry), entry.shape, message)

    def _show_others(self, others: list[tuple[Reading, Placed]]) -> None:
        for card in self.cards:
            discard(card)
        self.cards = []
        shown = self.which.currentData()
        for reading, found in others:
            card = ReadingCard(reading.choice, found.outside, found.count, partial(self._take, reading))
            id = shown if shown in found.parts else next(iter(found.parts), self.entry.id)
            entry = self.workbench.project.tomogram(id)
            card.picture.show_backdrop(self._slices.get(id))
            card.picture.show_points(voxels(found.parts.get(id), entry), entry.shape)
            self._row.insertWidget(self._row.count() - 1, card)
            self.cards.append(card)


def _given(params: Any) -> dict[str, Any]:
    """Return what differs from the defaults."""
    return {field.name: getattr(params, field.name) for field in dataclasses.fields(params)
            if getattr(params, field.name) != field.default}  # fmt: skip

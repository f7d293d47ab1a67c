"""Contrast: the histogram, which grey values are black and white, automatic, kept, inverted."""

from __future__ import annotations

from PyQt6.QtCore import QSignalBlocker, QSize, Qt
from PyQt6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from ais_app.core.display.contrast import Histogram
from ais_app.state.commands import view
from ais_app.views.slices.area import SliceArea
from ais_app.views.tomograms.histogram import HistogramView
from ais_app.views.widgets.icon_button import IconButton
from ais_app.views.widgets.numbers import NumberField
from ais_app.views.widgets.panel import heading
from ais_app.views.workbench import Workbench

NOTHING = "–"  # where there is no tomogram
DIGITS = 4  # that a grey value is shown with


class ContrastPanel(QWidget):
    """What grey values look like.

    Parameters
    ----------
    workbench
        Whose view.
    slices
        Says which limits are in use, and how often grey values occur.

    Attributes
    ----------
    histogram, black, white, auto, lock, invert
        Its parts.
    """

    def __init__(self, workbench: Workbench, slices: SliceArea) -> None:
        super().__init__()
        self._session, self._slices = workbench.session, slices
        self.auto = _button("Auto", "mdi6.contrast-circle", "Choose black and white from this slice (A)")
        keep = "Keep these grey values for other tomograms too"
        self.lock = _button("Lock", "mdi6.lock-outline", keep, checkable=True)
        self.invert = _button("Invert", "mdi6.invert-colors", "Swap black and white (I)", checkable=True)
        self.histogram = HistogramView()
        self.black, self.white = _field("Black", "Grey value shown black"), _field("White", "Grey value shown white")
        self._lay_out()
        self._connect()
        self.histogram.show_histogram(slices.histogram)
        self._refresh()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(heading("Contrast", self.auto, self.lock, self.invert))
        column.addWidget(self.histogram)
        grid = QGridLayout()
        grid.setHorizontalSpacing(6)
        for place, (text, field) in enumerate((("Black", self.black), ("White", self.white))):
            label = QLabel(text)
            label.setBuddy(field)
            label.setProperty("role", "hint")
            grid.addWidget(label, 0, 2 * place)
            grid.addWidget(field, 0, 2 * place + 1)
            grid.setColumnStretch(2 * place + 1, 1)
        column.addLayout(grid)

    def _connect(self) -> None:
        session = self._session
        self.auto.clicked.connect(lambda: view.auto_contrast(session))
        self.lock.toggled.connect(lambda on: view.lock_contrast(session, on, self._slices.limits))
        self.invert.toggled.connect(lambda on: setattr(session.view, "invert", on))
        self.histogram.changed.connect(lambda low, high: view.set_contrast(session, low, high))
        self.black.valueChanged.connect(lambda _: self._typed())
        self.white.valueChanged.connect(lambda _: self._typed())
        events = session.view.events
        for signal in (events.contrast, events.invert, events.contrast_locked, events.tomogram):
            signal.connect(self._refresh, check_nargs=False)
        self._slices.adjusted.connect(self._refresh)
        self._slices.counted.connect(self._count)

    def apply_theme(self) -> None:
        """Draw the histogram in the colours of the theme."""
        self.histogram.update()

    def _typed(self) -> None:
        low, high = self.black.number, self.white.number
        wrong = not low < high
        for field in (self.black, self.white):
            field.setProperty("wrong", "true" if wrong else "false")
            field.style().polish(field)  # type: ignore[union-attr]  # every widget has a style
        if not wrong:
            view.set_contrast(self._session, low, high)

    def _count(self, histogram: Histogram) -> None:
        self.histogram.show_histogram(histogram)
        self._refresh()

    def _refresh(self, *_: object) -> None:
        state = self._session.view
        has_image = state.tomogram is not None
        limits = self._slices.limits if has_image else None
        self.setEnabled(has_image)
        if not has_image:
            self.histogram.show_histogram(None)
        self.histogram.show_limits(limits, state.invert)
        for button, on in ((self.lock, state.contrast_locked), (self.invert, state.invert)):
            with QSignalBlocker(button):
                button.setChecked(on)
        for field, place in ((self.black, 0), (self.white, 1)):
            with QSignalBlocker(field):
                if field.isEnabledTo(self) is not has_image:
                    field.set_off("" if has_image else NOTHING)
                field.setValue(0.0 if limits is None else float(f"{limits[place]:.{DIGITS}g}"))


def _button(text: str, name: str, tip: str, checkable: bool = False) -> IconButton:
    button = IconButton(name, tip, text)
    button.setText(text)
    button.setCheckable(checkable)
    button.setIconSize(QSize(18, 18))
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    return button


def _field(name: str, tip: str) -> NumberField:
    field = NumberField()
    field.setAccessibleName(name)
    field.setToolTip(tip)
    field.hide_arrows()
    return field

"""A slider with its number beside it; the number can be typed, and is not rounded."""

from __future__ import annotations

import math

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QWidget
from superqt import QDoubleSlider

from ais_app.views.widgets.numbers import NumberField

FIELD_WIDTH = 84  # px
STEPS = 200  # of the keys and the wheel from one end to the other


class LabelledSlider(QWidget):
    """Label, slider, number with its unit.

    Parameters
    ----------
    label
        In front; empty for none.
    low, high
        The ends. A number beyond them can be typed where `open_ended`.
    value
        At first.
    unit
        Inside the number's field.
    integer
        Whole numbers only.
    logarithmic
        Equal ways mean equal factors; `low` must be above 0.
    tip
        Tooltip.
    open_ended
        Numbers beyond the ends can be typed.
    """

    changed = pyqtSignal(float)  # while a person drags, types or steps

    def __init__(
        self,
        label: str,
        low: float,
        high: float,
        value: float,
        *,
        unit: str = "",
        integer: bool = False,
        logarithmic: bool = False,
        tip: str = "",
        open_ended: bool = False,
    ) -> None:
        super().__init__()
        self._value, self._low, self._high = value, low, high
        self._integer, self._logarithmic, self._open_ended = integer, logarithmic, open_ended
        self.label = QLabel(label)
        self.slider = _QuietSlider(Qt.Orientation.Horizontal)
        self.field = NumberField(unit, low, high, integer=integer)
        self.field.hide_arrows()
        self.field.setFixedWidth(FIELD_WIDTH)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.label.setVisible(bool(label))
        for widget in (self.label, self.slider, self.field):
            widget.setToolTip(tip or label)
            row.addWidget(widget)
        row.setStretch(1, 1)
        self.slider.setAccessibleName(label or tip)
        self.field.setAccessibleName(f"{label or tip} as a number")
        self.set_range(low, high)
        self.slider.valueChanged.connect(lambda place: self._take(self._number(place)))
        self.field.valueChanged.connect(self._typed)

    def value(self) -> float:
        """Return the number, an ``int`` where only whole numbers are taken."""
        return int(self._value) if self._integer else self._value

    def set_value(self, value: float) -> None:
        """Show another number; does not emit ``changed``."""
        self._value = value
        with QSignalBlocker(self.slider), QSignalBlocker(self.field):
            self.slider.setValue(self._place(value))
            self.field.setValue(value)

    def set_range(self, low: float, high: float) -> None:
        """Set other ends; the number stays as it is."""
        self._low, self._high = low, high
        if not self._open_ended:
            self.field.low, self.field.high = low, high
        with QSignalBlocker(self.slider):
            self.slider.setRange(self._place(low), self._place(high))
            self.slider.setSingleStep((self._place(high) - self._place(low)) / STEPS)
            self.slider.setPageStep((self._place(high) - self._place(low)) / 10)
        self.set_value(self._value)

    def _place(self, value: float) -> float:
        value = min(max(value, self._low), self._high)
        return math.log10(value) if self._logarithmic else value

    def _number(self, place: float) -> float:
        number = 10**place if self._logarithmic else place
        if self._integer:
            return round(number)
        # no more digits than a hand can set: a thousandth of the range
        scale = abs(number) if self._logarithmic else self._high - self._low
        digits = 3 - math.floor(math.log10(scale)) if scale > 0 else 3
        return float(round(number, digits))

    def _typed(self, value: float) -> None:
        beyond = not self._low <= value <= self._high
        self._take(value if self._open_ended or not beyond else min(max(value, self._low), self._high))

    def _take(self, value: float) -> None:
        before = self._value
        self.set_value(value)
        if value != before:
            self.changed.emit(float(value))


class _QuietSlider(QDoubleSlider):
    """A slider that leaves the wheel to the panel around it unless it was clicked."""

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802 - Qt's name
        if event is None:
            return
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

"""A slider with its number beside it; the number can be typed, and is not rounded.

superqt's slider for fractions does not hear the keyboard, so this one counts the steps of Qt's own.
"""

from __future__ import annotations

import math

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from ais_app.views.widgets.numbers import NumberField

FIELD_WIDTH = 84  # px
STEPS = 200  # of the keys and the wheel from one end to the other
FINE = 50  # places of the handle in each of them


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
        self.slider = FloatSlider()
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
        self.slider.valueChanged.connect(lambda _: self._take(self._number(self.slider.value())))
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
            whole = int(high - low) if self._integer and not self._logarithmic else 0
            self.slider.set_ends(self._place(low), self._place(high), whole)
        self.set_value(self._value)

    def _place(self, value: float) -> float:
        value = min(max(value, self._low), self._high)
        return math.log10(value) if self._logarithmic else value

    def _number(self, place: float) -> float:
        number = 10**place if self._logarithmic else place
        if self._integer:
            return round(number)
        # no more digits than a hand can set: a thousandth of the range, or of the number itself
        scale = abs(number) if self._logarithmic else self._high - self._low
        most = 2 if self._logarithmic else 3
        digits = most - math.floor(math.log10(scale)) if scale > 0 else most
        return float(round(number, digits))

    def _typed(self, value: float) -> None:
        beyond = not self._low <= value <= self._high
        self._take(value if self._open_ended or not beyond else min(max(value, self._low), self._high))

    def _take(self, value: float) -> None:
        before = self._value
        self.set_value(value)
        if value != before:
            self.changed.emit(float(value))


class FloatSlider(QSlider):
    """A slider between two numbers; it leaves the wheel to the panel around it unless it was clicked."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._low, self._high = 0.0, 1.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.set_ends(0.0, 1.0)

    def set_ends(self, low: float, high: float, places: int = 0) -> None:
        """Set the numbers at its ends, and in how many steps the handle goes from one to the other."""
        self._low, self._high = low, high
        self.setRange(0, places or STEPS * FINE)
        self.setSingleStep(1 if places and places <= STEPS else max(self.maximum() // STEPS, 1))
        self.setPageStep(max(self.maximum() // 10, 1))

    def value(self) -> float:  # type: ignore[override]
        """Return the number where the handle is."""
        share = super().value() / self.maximum() if self.maximum() else 0.0
        return self._low + share * (self._high - self._low)

    def setValue(self, value: float) -> None:  # noqa: N802 - Qt's name
        """Put the handle where a number is."""
        span = self._high - self._low
        super().setValue(round((value - self._low) / span * self.maximum()) if span else 0)

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802 - Qt's name
        """Move only a handle that was clicked."""
        if event is None:
            return
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

"""A field for one number, with its unit inside; what a person typed stays as it was typed."""

from __future__ import annotations

import math

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QValidator, QWheelEvent
from PyQt6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QWidget

DECIMALS = 20  # that Qt keeps; the text shown is the shortest that means the same number
LARGEST = 1e300
NARROWEST = 76  # px, of a field with arrows and without a unit
SMALLEST = 40  # px
WIDE = 1e3  # a field whose bounds are farther apart than this steps 1, 2, 5, 10 …


class NumberField(QDoubleSpinBox):
    """A number. Any number can be typed; the arrows, the wheel and the keys stay within the bounds.

    The value changes when a person presses Enter, leaves the field or steps, not with each letter.

    Parameters
    ----------
    unit
        Shown behind the number.
    low, high
        Inclusive bounds for stepping, and what `within_bounds` tells.
    integer
        Whole numbers only.
    """

    def __init__(
        self,
        unit: str = "",
        low: float | None = None,
        high: float | None = None,
        *,
        integer: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.low, self.high, self.integer = low, high, integer
        # "0…1" is a range rather than a unit: the tooltip says it
        self._unit = f" {unit}" if unit and "…" not in unit else ""
        self._off = ""
        self.setDecimals(0 if integer else DECIMALS)
        self.setRange(-LARGEST, LARGEST)
        self.setKeyboardTracking(False)
        self.setSuffix(self._unit)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        # a wheel over a panel scrolls the panel, unless the field was clicked
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # Qt would leave room for the longest number within the range, which is wider than a panel
        self.setMinimumWidth(NARROWEST + 8 * len(self._unit))

    @property
    def number(self) -> float:
        """The value, an ``int`` where only whole numbers are taken."""
        self.interpretText()
        return int(self.value()) if self.integer else self.value()

    @property
    def within_bounds(self) -> bool:
        """Whether the value lies within the bounds."""
        return (self.low is None or self.value() >= self.low) and (self.high is None or self.value() <= self.high)

    def set_off(self, word: str) -> None:
        """Show a word in place of the number, which stays as it is; an empty word shows it again."""
        self._off = word
        self.setEnabled(not word)
        self.setSuffix("" if word else self._unit)
        line = self.lineEdit()
        assert line is not None  # every spin box has one
        line.setText(word or self.textFromValue(self.value()) + self._unit)

    def hide_arrows(self) -> None:
        """Take the arrows away, where several fields stand in one row."""
        self.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.setProperty("plain", "true")
        self.setMinimumWidth(SMALLEST)

    # Qt's own names from here

    def textFromValue(self, value: float) -> str:  # noqa: N802
        """Return the shortest text of a number."""
        if self._off:
            return self._off
        return shortest(int(value) if self.integer else value)

    def valueFromText(self, text: str | None) -> float:  # noqa: N802
        """Return the number that a text means."""
        return _number(self._bare(text or ""), self.integer) or 0.0

    def validate(self, text: str | None, pos: int) -> tuple[QValidator.State, str, int]:
        """Take every number, in the notation 1e-3 too; let a person go on typing what may become one."""
        bare = self._bare(text or "")
        if _number(bare, self.integer) is not None:
            state = QValidator.State.Acceptable
        elif set(bare) <= set("+-0123456789" if self.integer else "+-.,eE0123456789"):
            state = QValidator.State.Intermediate
        else:
            state = QValidator.State.Invalid
        return state, text or "", pos

    def fixup(self, text: str | None) -> str:
        """Go back to the last number."""
        return self.textFromValue(self.value()) + self.suffix()

    def stepBy(self, steps: int) -> None:  # noqa: N802
        """Step up or down, within the bounds; by 1, 2, 5, 10 … where they are far apart."""
        value = self.number
        for _ in range(abs(steps)):
            value = self._next(value, 1 if steps > 0 else -1)
        self.setValue(value)
        self.selectAll()

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802
        """Step only in a field that was clicked."""
        if event is not None and not self.hasFocus():
            event.ignore()
        else:
            super().wheelEvent(event)

    def _bare(self, text: str) -> str:
        unit = self._unit.strip()
        return text.strip().removesuffix(unit).strip() if unit else text.strip()

    def _next(self, value: float, sign: int) -> float:
        low = -LARGEST if self.low is None else self.low
        high = LARGEST if self.high is None else self.high
        wide = not self.integer and low > 0 and high / low > WIDE and value > 0
        following = _one_two_five(value, sign) if wide else _on_grid(value, sign, self._step(value))
        return min(max(following, low), high)

    def _step(self, value: float) -> float:
        """Return the step from a value: a tenth of its power of ten, at most a twentieth of the bounds' distance."""
        power = 10.0 ** (math.floor(math.log10(abs(value)) + 1e-9) - 1) if value else 0.1
        if self.integer:
            return max(1.0, power)
        if self.low is not None and self.high is not None:
            return min(_round_down((self.high - self.low) / 20), power * 10)
        return power


def shortest(value: float) -> str:
    """Return the shortest text that means the same number: ``12.5``, ``3``, ``1e-8``."""
    if isinstance(value, int):
        return str(value)
    text = repr(float(value))
    mantissa, _, exponent = text.partition("e")
    mantissa = mantissa.removesuffix(".0")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def _number(text: str, integer: bool) -> float | None:
    # a comma is the decimal sign of many; no thousands are ever grouped here
    text = text.replace(",", ".") if text.count(",") == 1 else text
    if not text or "_" in text:
        return None
    try:
        number = float(int(text)) if integer else float(text)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _one_two_five(value: float, sign: int) -> float:
    power = math.floor(math.log10(value) + 1e-9)
    ladder = [float(f"{digit}e{power + shift}") for shift in (-1, 0, 1) for digit in (1, 2, 5)]
    beyond = [rung for rung in ladder if (rung - value) * sign > 1e-9 * value]
    return min(beyond) if sign > 0 else max(beyond)


def _round_down(step: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not above `step`."""
    power = math.floor(math.log10(step) + 1e-9)
    return max(float(f"{digit}e{power}") for digit in (1, 2, 5) if float(f"{digit}e{power}") <= step * (1 + 1e-9))


def _on_grid(value: float, sign: int, step: float) -> float:
    """Return value ± step, written with no more decimals than needed (0.1 + 0.2 is 0.3)."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) + 6
    return float(round(value + sign * step, decimals))

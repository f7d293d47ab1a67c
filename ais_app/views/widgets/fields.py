"""Fields of a form, one for each kind of parameter; each has ``changed``, ``value()``, ``set_value()``, ``mark()``."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLineEdit, QStyle, QWidget

from ais_app.views.widgets.numbers import NumberField

LONGEST_UNIT = 3  # letters that fit into a row of fields


class Field(QWidget):
    """What all fields share; made by `field_for`."""

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(4)

    def value(self) -> Any:
        """Return what the field says now."""
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Show another value; does not emit ``changed``."""
        raise NotImplementedError

    def editors(self) -> Sequence[QWidget]:
        """Return the widgets a person types in, the first gets the focus."""
        raise NotImplementedError

    def mark(self, wrong: bool) -> None:
        """Show, or show no longer, that the value cannot be used."""
        for editor in self.editors():
            editor.setProperty("wrong", "true" if wrong else "false")
            repolish(editor)

    def explain(self, name: str, tip: str) -> None:
        """Set accessible name and tooltip."""
        for editor in (self, *self.editors()):
            editor.setAccessibleName(name)
            editor.setToolTip(tip)


class NumberInput(Field):
    """One number."""

    def __init__(self, limits: Mapping[str, Any], integer: bool) -> None:
        super().__init__()
        self.field = NumberField(limits.get("unit", ""), limits.get("low"), limits.get("high"), integer=integer)
        self.field.valueChanged.connect(lambda _: self.changed.emit())
        self.row.addWidget(self.field)

    def value(self) -> float:  # noqa: D102
        return self.field.number

    def set_value(self, value: float) -> None:  # noqa: D102
        with QSignalBlocker(self.field):
            self.field.setValue(value)

    def editors(self) -> Sequence[QWidget]:  # noqa: D102
        return (self.field,)


class TupleInput(Field):
    """Several numbers in a row, such as z, y, x; a short unit stands in the last, a long one in the tooltip alone."""

    def __init__(self, limits: Mapping[str, Any], kinds: Sequence[type]) -> None:
        super().__init__()
        self.fields = []
        for position, kind in enumerate(kinds):
            unit = limits.get("unit", "") if position == len(kinds) - 1 else ""
            unit = unit if len(unit) <= LONGEST_UNIT else ""
            field = NumberField(unit, limits.get("low"), limits.get("high"), integer=kind is int)
            field.hide_arrows()
            field.valueChanged.connect(lambda _: self.changed.emit())
            self.fields.append(field)
            # the unit needs room of its own; the numbers keep the same
            self.row.addWidget(field, 4 if not unit else 5)

    def value(self) -> tuple[float, ...]:  # noqa: D102
        return tuple(field.number for field in self.fields)

    def set_value(self, value: Sequence[float]) -> None:  # noqa: D102
        for field, number in zip(self.fields, value, strict=True):
            with QSignalBlocker(field):
                field.setValue(number)

    def editors(self) -> Sequence[QWidget]:  # noqa: D102
        return self.fields


class ChoiceInput(Field):
    """One of several values."""

    def __init__(self, choices: Sequence[Any]) -> None:
        super().__init__()
        self.box = ChoiceBox()
        for choice in choices:
            self.box.addItem("off" if choice is None else str(choice), choice)
        self.box.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.row.addWidget(self.box)

    def value(self) -> Any:  # noqa: D102
        return self.box.currentData()

    def set_value(self, value: Any) -> None:  # noqa: D102
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(self.box.findData(value))

    def editors(self) -> Sequence[QWidget]:  # noqa: D102
        return (self.box,)


class ChoiceBox(QComboBox):
    """A combo box that leaves the wheel to the panel around it, and may be narrower than its longest text."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802 - Qt's name
        """Leave the wheel alone unless the box was clicked."""
        if event is not None and not self.hasFocus():
            event.ignore()
        else:
            super().wheelEvent(event)


class CheckInput(Field):
    """Yes or no; its name stands beside the box."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self.box = QCheckBox(label)
        self.box.toggled.connect(lambda _: self.changed.emit())
        self.row.addWidget(self.box)
        self.row.addStretch(1)

    def value(self) -> bool:  # noqa: D102
        return self.box.isChecked()

    def set_value(self, value: bool) -> None:  # noqa: D102
        with QSignalBlocker(self.box):
            self.box.setChecked(value)

    def editors(self) -> Sequence[QWidget]:  # noqa: D102
        return (self.box,)


class TextInput(Field):
    """A text; several texts are separated by commas; nothing is ``None`` where that is allowed."""

    def __init__(self, several: bool = False, optional: bool = False) -> None:
        super().__init__()
        self._several, self._optional = several, optional
        self.line = QLineEdit()
        if optional:
            self.line.setPlaceholderText("off")
        self.line.editingFinished.connect(self._finish)
        self._last: Any = None
        self.row.addWidget(self.line)

    def value(self) -> Any:  # noqa: D102
        text = self.line.text().strip()
        if self._several:
            return tuple(word.strip() for word in text.split(",") if word.strip())
        return None if self._optional and not text else text

    def set_value(self, value: Any) -> None:  # noqa: D102
        self.line.setText(", ".join(value) if self._several else value or "")
        self._last = self.value()

    def editors(self) -> Sequence[QWidget]:  # noqa: D102
        return (self.line,)

    def _finish(self) -> None:
        if self.value() != self._last:
            self._last = self.value()
            self.changed.emit()


class OptionalInput(Field):
    """A value that can be switched off; it is remembered while it is off."""

    def __init__(self, inner: Field, start: Any) -> None:
        super().__init__()
        self.inner = inner
        self._numbers = [editor for editor in inner.editors() if isinstance(editor, NumberField)]
        self.switch = QCheckBox()
        inner.set_value(start)
        self.row.addWidget(self.switch)
        self.row.addWidget(inner, 1)
        self.switch.toggled.connect(self._switched)
        inner.changed.connect(self.changed)
        self._show()

    def value(self) -> Any:  # noqa: D102
        return self.inner.value() if self.switch.isChecked() else None

    def set_value(self, value: Any) -> None:  # noqa: D102
        with QSignalBlocker(self.switch):
            self.switch.setChecked(value is not None)
        if value is not None:
            self.inner.set_value(value)
        self._show()

    def editors(self) -> Sequence[QWidget]:  # noqa: D102
        return self.inner.editors()

    def explain(self, name: str, tip: str) -> None:  # noqa: D102
        super().explain(name, tip)
        self.switch.setAccessibleName(f"{name} on or off")
        self.switch.setToolTip(f"{tip}\nNo tick: off")

    def _switched(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        for number in self._numbers:
            with QSignalBlocker(number):
                number.set_off("" if self.switch.isChecked() else "off")
        self.inner.setEnabled(self.switch.isChecked())


def field_for(hint: Any, limits: Mapping[str, Any], label: str) -> Field:
    """Return the field for a parameter.

    Parameters
    ----------
    hint
        Its type: ``int``, ``float``, ``str``, ``bool``, a tuple of these, or one of them or ``None``.
    limits
        The metadata that `ais_app.core.params.param` made.
    label
        Its name, for a check box.
    """
    kinds = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    optional = type(None) in kinds
    kind = next(each for each in kinds if each is not type(None))
    if limits.get("choices"):
        choices = limits["choices"]
        return ChoiceInput((None, *choices) if optional and None not in choices else choices)
    if kind is str:
        return TextInput(optional=optional)
    inner = _plain(kind, limits, label)
    return OptionalInput(inner, _start(kind, limits)) if optional else inner


def _plain(kind: Any, limits: Mapping[str, Any], label: str) -> Field:
    if kind is bool:
        return CheckInput(label)
    if typing.get_origin(kind) is not tuple:
        return NumberInput(limits, integer=kind is int)
    parts = typing.get_args(kind)
    return TextInput(several=True) if Ellipsis in parts else TupleInput(limits, parts)


def _start(kind: Any, limits: Mapping[str, Any]) -> Any:
    """Return what an optional value is when it is first switched on: 1, or the bound nearest to it."""
    low, high = limits.get("low"), limits.get("high")
    number = min(max(1.0, low if low is not None else 1.0), high if high is not None else 1.0)
    if typing.get_origin(kind) is tuple:
        return tuple(part(number) for part in typing.get_args(kind) if part is not Ellipsis)
    return kind(number)


def repolish(widget: QWidget) -> None:
    """Let the style sheet look at a widget's properties again."""
    style: QStyle | None = widget.style()
    if style is not None:
        style.unpolish(widget)
        style.polish(widget)

"""Forms made from `Params` dataclasses: one row for each field, with its bounds, unit and help.

form = ParamsForm(BlobParams(), advanced=["min_volume"])
form.changed.connect(start_again)          # the new BlobParams, whenever a person has changed something valid
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from ais_app.core.errors import ParameterProblem
from ais_app.core.params import Params
from ais_app.views.widgets.fields import CheckInput, Field, field_for
from ais_app.views.widgets.fold import Fold

CAPITALS = {"snr": "SNR", "id": "ID"}


class ParamsForm(QWidget):
    """A form for one parameter set. A combination that cannot be is marked, explained, and does not come out.

    Parameters
    ----------
    params
        The values at first, and the type.
    fields
        Names of the fields to show, in order; all when ``None``. The others keep their values.
    advanced
        Those among them that are folded away under "More".
    labels
        Field to the words in front of it, where the name itself does not do.
    """

    changed = pyqtSignal(object)  # the new Params, after a change by a person that is valid

    def __init__(
        self,
        params: Params,
        fields: Sequence[str] | None = None,
        advanced: Sequence[str] = (),
        labels: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._params = params
        self._fields: dict[str, Field] = {}
        self._labels: dict[str, QLabel] = {}
        names = [field.name for field in dataclasses.fields(params)] if fields is None else list(fields)
        self._words = {name: (labels or {}).get(name, words_of(name)) for name in (*names, *advanced)}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._rows([name for name in names if name not in advanced]))
        self.more: Fold | None = None
        if advanced:
            inside = QWidget()
            inside.setLayout(self._rows(advanced))
            self.more = Fold("More", inside)
            column.addWidget(self.more)
        self._message = QLabel()
        self._message.setProperty("role", "error")
        self._message.setWordWrap(True)
        self._message.hide()
        column.addWidget(self._message)
        self._align()
        self.set_value(params)

    def value(self) -> Any:
        """Return the parameters; while the form says something impossible, those before."""
        self._take("")
        return self._params

    def set_value(self, params: Params) -> None:
        """Show other values; does not emit ``changed``."""
        self._params = params
        for name, field in self._fields.items():
            field.set_value(getattr(params, name))
        self._complain("", "")

    @property
    def is_valid(self) -> bool:
        """Whether what the form says is possible."""
        return not self.message

    @property
    def message(self) -> str:
        """What is wrong, in words; empty when nothing is."""
        return self._message.text()

    def field(self, name: str) -> Field:
        """Return the field of a parameter."""
        return self._fields[name]

    def set_row_visible(self, name: str, visible: bool) -> None:
        """Show or hide the row of a parameter; its value stays."""
        self._fields[name].setVisible(visible)
        if name in self._labels:
            self._labels[name].setVisible(visible)

    def _rows(self, names: Sequence[str]) -> QGridLayout:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        hints = typing.get_type_hints(type(self._params))
        known = {field.name: field for field in dataclasses.fields(self._params)}
        for row, name in enumerate(names):
            words, limits = self._words[name], known[name].metadata
            field = field_for(hints[name], limits, words)
            field.setObjectName(name)
            field.explain(words, _tip(limits))
            field.changed.connect(lambda name=name: self._take(name))
            self._fields[name] = field
            grid.addWidget(field, row, 1)
            if not isinstance(field, CheckInput):
                self._labels[name] = label = QLabel(words)
                label.setToolTip(_tip(limits))
                label.setBuddy(field.editors()[0])
                grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignVCenter)
        return grid

    def _align(self) -> None:
        """Give the rows under the fold the same columns as those above."""
        widest = max((label.sizeHint().width() for label in self._labels.values()), default=0)
        for label in self._labels.values():
            label.setMinimumWidth(widest)

    def _take(self, changed: str) -> None:
        """Take in what the fields say, if it is possible together."""
        values = {name: field.value() for name, field in self._fields.items()}
        try:
            params = dataclasses.replace(self._params, **values)
        except ParameterProblem as problem:
            subject = problem.subject if problem.subject in self._fields else changed
            remedy = f"; {problem.remedy}" if problem.remedy else ""
            self._complain(subject, f"{self._words.get(subject, problem.subject)}: {problem.problem}{remedy}")
            return
        self._complain("", "")
        if params != self._params:
            self._params = params
            self.changed.emit(params)

    def _complain(self, name: str, message: str) -> None:
        for known, field in self._fields.items():
            field.mark(known == name and bool(message))
        self._message.setText(message)
        self._message.setVisible(bool(message))


def words_of(name: str) -> str:
    """Return the words of a field's name: ``n_beads`` is "Beads", ``box_size`` is "Box size"."""
    words = name.removeprefix("n_").split("_")
    words = [CAPITALS.get(word, word) for word in words]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def _tip(limits: Mapping[str, Any]) -> str:
    low, high, unit = limits.get("low"), limits.get("high"), limits.get("unit", "")
    tip = str(limits.get("help", ""))
    tip += f" ({unit})" if unit else ""
    if low is not None or high is not None:
        span = f"from {low:g}" if high is None else f"up to {high:g}" if low is None else f"{low:g} to {high:g}"
        tip += f"\n{span[:1].upper()}{span[1:]}{f' {unit}' if unit else ''}"
    return tip

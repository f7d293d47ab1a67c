"""How the networks act on each other, in order: competition, avoidance, colocalisation."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ais_app.core.prediction.interactions import Competition, Rule, Step
from ais_app.state.commands import interactions
from ais_app.state.shown_models import shown_models
from ais_app.views.widgets.fields import ChoiceBox, repolish
from ais_app.views.widgets.icon_button import IconButton
from ais_app.views.widgets.panel import discard, hint
from ais_app.views.widgets.sliders import LabelledSlider
from ais_app.views.workbench import Workbench

KINDS = {"avoids": "avoid", "stays near": "colocalise"}
SHAPES = {"2D disk": "disk", "3D ball": "ball"}
ANGSTROM_PER_NM = 10.0
LARGEST_NM = 50.0
ADD = "Let one network act on another"


class InteractionList(QWidget):
    """One card for each step; the first acts first."""

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        self._cards: list[StepWidget] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._nothing = hint("With two networks or more, one can avoid another or stay near it, or they compete.")
        self.add = QPushButton("Add interaction")
        self.add.setToolTip(ADD)
        self.add.clicked.connect(self._add)
        self._column.addWidget(self._nothing)
        self._column.addWidget(self.add)
        events = workbench.session.events
        for signal in (events.opened, events.models, events.document):
            signal.connect(self.refresh)
        self.refresh()

    @property
    def cards(self) -> list[StepWidget]:
        """The cards in the order of the steps."""
        return list(self._cards)

    def refresh(self, *_: object) -> None:
        """Bring the cards up to date, in place."""
        session = self.workbench.session
        steps = interactions.graph(session).steps if session.has_project else ()
        features = self._features()
        while len(self._cards) > len(steps):
            discard(self._cards.pop())
        while len(self._cards) < len(steps):
            card = StepWidget(self.workbench, len(self._cards))
            self._cards.append(card)
            self._column.insertWidget(self._column.count() - 1, card)
        repeated = interactions.repeated(steps)
        for place, (card, step) in enumerate(zip(self._cards, steps, strict=True)):
            card.refresh(step, features, len(steps))
            card.mark(repeated.get(place))
        self._nothing.setVisible(not steps)
        self.add.setEnabled(len(features) > 1 and interactions.next_rule(session) is not None)
        every = len(features) > 1 and not self.add.isEnabled()
        self.add.setToolTip("Every pair has its interactions already: change one" if every else ADD)

    def _features(self) -> list[str]:
        session = self.workbench.session
        if not session.has_project:
            return []
        return list(dict.fromkeys(model.feature for model in shown_models(session.project)))

    def _add(self) -> None:
        session = self.workbench.session
        rule = interactions.next_rule(session)
        if rule is not None:
            self.workbench.attempt(lambda: interactions.add_rule(session, *rule))


class StepWidget(QFrame):
    """One step: a sentence that can be changed."""

    changed = pyqtSignal()

    def __init__(self, workbench: Workbench, place: int) -> None:
        super().__init__()
        self.workbench, self.place = workbench, place
        self.setProperty("role", "card")
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.again = hint("")
        self.again.setProperty("role", "error")
        self.child, self.kind, self.parent_box, self.shape = (ChoiceBox() for _ in range(4))
        self.kind.addItems(list(KINDS))
        self.shape.addItems(list(SHAPES))
        for box, tip in (
            (self.child, "The feature that is changed"),
            (self.kind, "avoids: removed near the other; stays near: removed far from it"),
            (self.parent_box, "The feature that decides"),
            (self.shape, "Measure the distance within each slice, as published, or through the slices"),
        ):
            box.setToolTip(tip)
            box.setAccessibleName(tip)
        self.radius = LabelledSlider(
            "Radius", 0, LARGEST_NM, 10, unit="nm", open_ended=True, tip="Distance that still counts as near"
        )
        self.threshold = LabelledSlider("Threshold", 0, 1, 0.5, tip="Probability above which the other counts")
        self.up = IconButton("mdi6.chevron-up", "Act earlier")
        self.down = IconButton("mdi6.chevron-down", "Act later")
        self.remove = IconButton("mdi6.close", "Remove this interaction")
        self._build()
        self._connect()

    def refresh(self, step: Step, features: list[str], count: int) -> None:
        """Show a step; says nothing to anybody."""
        rule = step if isinstance(step, Rule) else None
        for widget in (self.child, self.kind, self.parent_box, self.shape, self.radius, self.threshold):
            widget.setVisible(rule is not None)
        self.words.setVisible(rule is None)
        self.up.setEnabled(self.place > 0)
        self.down.setEnabled(self.place + 1 < count)
        if isinstance(step, Competition):
            self.words.setText(
                f"Competition: {', '.join(step.emit)} take from {', '.join(step.absorb)} where they are more certain."
            )
        if rule is None:
            return
        names = list(dict.fromkeys([*features, rule.child, rule.parent]))
        _set(self.child, rule.child, names)
        _set(self.parent_box, rule.parent, names)
        _set(self.kind, next(words for words, kind in KINDS.items() if kind == rule.kind))
        _set(self.shape, next(words for words, shape in SHAPES.items() if shape == rule.shape))
        self.radius.set_value(rule.radius / ANGSTROM_PER_NM)
        self.threshold.set_value(rule.threshold)

    def mark(self, earlier: int | None) -> None:
        """Say that the step at a place (from 0) says the same already; ``None``: no other does."""
        words = "" if earlier is None else f"Interaction {earlier + 1} says this already: change or remove one."
        self.again.setText(words)
        self.again.setVisible(bool(words))
        for box in (self.child, self.kind, self.parent_box):
            box.setProperty("wrong", "true" if words else "false")
            repolish(box)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 8)
        column.setSpacing(5)
        top = QHBoxLayout()
        top.addWidget(self.words, 1)
        sentence = QGridLayout()
        sentence.setHorizontalSpacing(6)
        sentence.addWidget(self.child, 0, 0)
        sentence.addWidget(self.kind, 0, 1)
        sentence.addWidget(self.parent_box, 1, 0)
        sentence.addWidget(self.shape, 1, 1)
        sentence.setColumnStretch(0, 1)
        sentence.setColumnStretch(1, 1)
        top.addLayout(sentence, 1)
        buttons = QVBoxLayout()
        buttons.setSpacing(0)
        for button in (self.up, self.down, self.remove):
            buttons.addWidget(button)
        buttons.addStretch(1)
        top.addLayout(buttons)
        column.addLayout(top)
        column.addWidget(self.again)
        width = max(slider.label.sizeHint().width() for slider in (self.radius, self.threshold))
        for slider in (self.radius, self.threshold):
            slider.label.setFixedWidth(width)
            column.addWidget(slider)

    def _connect(self) -> None:
        session = self.workbench.session
        self.child.currentTextChanged.connect(lambda name: self._change(child=name))
        self.parent_box.currentTextChanged.connect(lambda name: self._change(parent=name))
        self.kind.currentTextChanged.connect(lambda words: self._change(kind=KINDS[words]))
        self.shape.currentTextChanged.connect(lambda words: self._change(shape=SHAPES[words]))
        self.radius.changed.connect(lambda nm: self._change(radius=nm * ANGSTROM_PER_NM))
        self.threshold.changed.connect(lambda value: self._change(threshold=value))
        self.up.clicked.connect(lambda: interactions.move_step(session, self.place, self.place - 1))
        self.down.clicked.connect(lambda: interactions.move_step(session, self.place, self.place + 1))
        self.remove.clicked.connect(lambda: interactions.remove_step(session, self.place))

    def _change(self, **fields: object) -> None:
        session = self.workbench.session
        if not self.workbench.attempt(lambda: interactions.change_rule(session, self.place, **fields)):
            steps = interactions.graph(session).steps
            self.refresh(steps[self.place], [self.child.itemText(i) for i in range(self.child.count())], len(steps))


def _set(box: ChoiceBox, text: str, entries: list[str] | None = None) -> None:
    """Show a choice, of other entries where they are given, without a signal."""
    box.blockSignals(True)
    if entries is not None and [box.itemText(i) for i in range(box.count())] != entries:
        box.clear()
        box.addItems(entries)
    box.setCurrentText(text)
    box.blockSignals(False)

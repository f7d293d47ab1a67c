"""The sets of picks of the tomogram in view: a card each."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QSignalBlocker
from PyQt6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from ais_app.core.scene.scene import ScenePicks
from ais_app.state.commands import render
from ais_app.views.render.columns import aligned
from ais_app.views.render.editing import PickEditor
from ais_app.views.render.space import Space
from ais_app.views.widgets.colour_button import ColourButton
from ais_app.views.widgets.fields import ChoiceBox
from ais_app.views.widgets.icon_button import IconButton
from ais_app.views.widgets.panel import hint
from ais_app.views.widgets.sliders import LabelledSlider

STYLES = {"balls": "Spheres", "arrows": "Arrows", "map": "A map"}
EDITING = "Click selects, Shift+click adds on a surface or the slice, Delete removes"


class PickList(QWidget):
    """One card for each set of picks."""

    def __init__(self, space: Space, editor: PickEditor) -> None:
        super().__init__()
        self._space, self._editor = space, editor
        self._cards: dict[str, PickCard] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._nothing = hint("Picks that are kept, or whose file is dropped on the window, are listed here.")
        self._column.addWidget(self._nothing)
        space.refreshed.connect(self.refresh)
        space.content.picks_changed.connect(lambda _: self.refresh())
        editor.changed.connect(self.refresh)
        self.refresh()

    def card(self, name: str) -> PickCard:
        """Return the card of a set."""
        return self._cards[name]

    def refresh(self) -> None:
        """Bring the cards up to date, in place."""
        sets = {picks.name: picks for picks in self._space.scene.picks}
        if self._editor.name and self._editor.name not in sets:
            self._editor.edit("")
        for gone in set(self._cards) - set(sets):
            card = self._cards.pop(gone)
            card.hide()
            card.deleteLater()
        for name, picks in sets.items():
            if name not in self._cards:
                self._cards[name] = PickCard(self._space, self._editor, picks)
                self._column.addWidget(self._cards[name])
            self._cards[name].refresh(picks)
        self._nothing.setVisible(not sets)


class PickCard(QFrame):
    """One set of picks: on, colour, name, count, size, what is drawn, edit."""

    def __init__(self, space: Space, editor: PickEditor, picks: ScenePicks) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._space, self._editor, self._name = space, editor, picks.name
        self.on = QCheckBox()
        self.on.setToolTip("Show these picks")
        self.on.setAccessibleName(f"Show picks {picks.name}")
        self.colour = ColourButton(picks.colour, f"Colour of {picks.name}")
        self.title = QLabel(picks.name)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.title.setToolTip(picks.name)
        tip = "Remove this set of picks from the project (undo brings it back)"
        self.remove = IconButton("mdi6.close", tip, f"Remove picks {picks.name}")
        self.radius = LabelledSlider(
            "Radius", 5, 500, picks.size / 2, unit="Å", logarithmic=True, open_ended=True,
            tip="Radius of the particle (Å); arrows are twice as long",
        )  # fmt: skip
        self.style_ = ChoiceBox()
        for style, words in STYLES.items():
            self.style_.addItem(words, style)
        self.style_.setToolTip("What is drawn at each pick; arrows and maps show how it is turned")
        self.style_.setAccessibleName(f"What is drawn at picks {picks.name}")
        self.edit = QPushButton("Edit")
        self.edit.setCheckable(True)
        self.edit.setToolTip(EDITING)
        self.level = LabelledSlider(
            "Map level", 0.001, 1, 0.5, open_ended=True, tip="Density at which its surface lies"
        )
        self.state = hint("")
        self._build()
        self._connect()

    def refresh(self, picks: ScenePicks) -> None:
        """Show the set as it is now; says nothing to anybody."""
        editing = self._editor.name == self._name
        for widget, value in ((self.on, picks.visible), (self.edit, editing)):
            with QSignalBlocker(widget):
                widget.setChecked(value)
        self.colour.set_colour(picks.colour)
        self.radius.set_value(picks.size / 2)
        self.level.set_value(picks.template_level)
        self.level.setVisible(picks.style == "map")
        with QSignalBlocker(self.style_):
            self.style_.setCurrentIndex(self.style_.findData(picks.style))
        shown = self._space.content.shown_picks.get(self._name)
        count = 0 if shown is None else len(shown.ids)
        words = f"{count:,} pick{'s' * (count != 1)}"
        if editing:
            chosen = len(self._editor.selected)
            words += f" · {chosen:,} selected\n{EDITING}" if chosen else f"\n{EDITING}"
        self.state.setText(words)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 8)
        column.setSpacing(5)
        top = QHBoxLayout()
        top.setSpacing(6)
        for widget in (self.on, self.colour, self.title, self.remove):
            top.addWidget(widget)
        top.setStretch(2, 1)
        column.addLayout(top)
        for slider in aligned(self.radius, self.level):
            column.addWidget(slider)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.style_, 1)
        row.addWidget(self.edit)
        column.addLayout(row)
        column.addWidget(self.state)

    def _connect(self) -> None:
        self.on.toggled.connect(lambda on: self._change(visible=on))
        self.colour.changed.connect(lambda colour: self._change(colour=colour))
        self.radius.changed.connect(lambda value: self._change(size=2 * value))
        self.level.changed.connect(lambda value: self._change(template_level=value))
        self.style_.currentIndexChanged.connect(self._restyle)
        self.edit.toggled.connect(lambda on: self._editor.edit(self._name if on else ""))
        session = self._space.workbench.session
        self.remove.clicked.connect(
            lambda: self._space.workbench.attempt(lambda: render.remove_pick_set(session, self._name))
        )

    def _restyle(self) -> None:
        style = self.style_.currentData()
        fields: dict[str, Any] = {"style": style}
        if style == "map":
            chosen, _ = QFileDialog.getOpenFileName(
                self, "Map to draw at each pick", str(self._space.workbench.session.folder()), "Maps (*.mrc *.map)"
            )
            if not chosen:
                self._space.refresh()
                return
            fields["template"] = chosen
        self._change(**fields)

    def _change(self, **fields: Any) -> None:
        workbench = self._space.workbench
        workbench.attempt(lambda: render.change_picks(workbench.session, self._name, **fields))

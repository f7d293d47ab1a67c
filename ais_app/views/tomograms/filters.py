"""Display filters: a chain of plug-ins, each with its parameters; they change what is seen, never the data."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QSignalBlocker, QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from ais_app.core.display.view_slice import FilterSetting
from ais_app.core.filters import filters
from ais_app.state.commands import view
from ais_app.views.slices.area import SliceArea
from ais_app.views.widgets.forms import ParamsForm
from ais_app.views.widgets.icon_button import IconButton
from ais_app.views.widgets.panel import heading, hint
from ais_app.views.workbench import Workbench

EMPTY = "None: the slice is shown as it is in the file. Filters change only what you see."


class FilterCard(QFrame):
    """One filter of the chain: on or off, its place, its parameters."""

    changed = pyqtSignal(object)  # new parameters
    switched = pyqtSignal(bool)
    moved = pyqtSignal(int)  # by so many places
    removed = pyqtSignal()

    def __init__(self, setting: FilterSetting) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self.name = setting.name
        title = setting.filter.title
        self.switch = QCheckBox(title)
        self.switch.setToolTip(f"Apply {title}")
        self.earlier = _button("Earlier", "mdi6.chevron-up", f"Let {title} act earlier")
        self.later = _button("Later", "mdi6.chevron-down", f"Let {title} act later")
        self.remove = _button("Remove", "mdi6.close", f"Take {title} out of the chain")
        self.form = ParamsForm(setting.parameters(), labels={"three_d": "In 3D"})
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.switch, 1)
        for button in (self.earlier, self.later, self.remove):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 4, 8)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self.form)
        self.switch.toggled.connect(self.switched)
        self.form.changed.connect(self.changed)
        self.earlier.clicked.connect(lambda: self.moved.emit(-1))
        self.later.clicked.connect(lambda: self.moved.emit(1))
        self.remove.clicked.connect(self.removed)

    def show_setting(self, setting: FilterSetting, place: int, count: int) -> None:
        """Show what the state says; does not emit."""
        with QSignalBlocker(self.switch):
            self.switch.setChecked(setting.enabled)
        self.form.setEnabled(setting.enabled)
        params = setting.parameters()
        if self.form.value() != params:
            self.form.set_value(params)
        self.earlier.setEnabled(place > 0)
        self.later.setEnabled(place < count - 1)


class FilterPanel(QWidget):
    """The chain of display filters.

    Parameters
    ----------
    workbench
        Whose view.
    slices
        What the filters act on.

    Attributes
    ----------
    cards
        One for each filter, in their order.
    add, switch
        Buttons: put a filter at the end; all on or off.
    """

    def __init__(self, workbench: Workbench, slices: SliceArea) -> None:
        super().__init__()
        self._session = workbench.session
        self.cards: list[FilterCard] = []
        self.add = IconButton("mdi6.plus", "Put a filter at the end of the chain", "Add a filter")
        self.add.setText("Add")
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.add.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.switch = _button("On", "mdi6.filter-outline", "Apply the display filters (Shift+F)")
        self.switch.setCheckable(True)
        self._hint = hint(EMPTY)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._column.addWidget(heading("Filters", self.switch, self.add))
        self._column.addWidget(self._hint)
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill_menu)
        self.add.setMenu(self._menu)
        self.switch.toggled.connect(lambda on: setattr(self._session.view, "filters_on", on))
        events = self._session.view.events
        for signal in (events.filters, events.filters_on, events.tomogram):
            signal.connect(self._refresh, check_nargs=False)
        self._refresh()

    def _fill_menu(self) -> None:
        self._menu.clear()
        for name, record in sorted(filters().items(), key=lambda item: item[1].title):
            action = self._menu.addAction(record.title)
            if action is not None:
                action.triggered.connect(lambda _=False, name=name: view.add_filter(self._session, name))

    def _refresh(self, *_: Any) -> None:
        state = self._session.view
        settings = [FilterSetting.from_dict(values) for values in state.filters]
        self.setEnabled(state.tomogram is not None)
        if [setting.name for setting in settings] != [card.name for card in self.cards]:
            self._rebuild(settings)
        for place, (card, setting) in enumerate(zip(self.cards, settings, strict=True)):
            card.show_setting(setting, place, len(settings))
            card.setEnabled(state.filters_on)
        with QSignalBlocker(self.switch):
            self.switch.setChecked(state.filters_on)
        self.switch.setVisible(bool(settings))
        self._hint.setVisible(not settings)

    def _rebuild(self, settings: list[FilterSetting]) -> None:
        for card in self.cards:
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = [self._card(place, setting) for place, setting in enumerate(settings)]
        for card in self.cards:
            self._column.addWidget(card)

    def _card(self, place: int, setting: FilterSetting) -> FilterCard:
        session, card = self._session, FilterCard(setting)
        card.changed.connect(lambda params: view.change_filter(session, place, params=params))
        card.switched.connect(lambda on: view.change_filter(session, place, enabled=on))
        card.moved.connect(lambda by: view.move_filter(session, place, place + by))
        card.removed.connect(lambda: view.remove_filter(session, place))
        return card


def _button(text: str, name: str, tip: str) -> IconButton:
    button = IconButton(name, tip)
    button.setText(text)
    button.setIconSize(QSize(16, 16))
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    return button

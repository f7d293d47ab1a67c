"""Actions bound to one window: a QAction each, with the keys that the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, Qt
from PyQt6.QtGui import QAction, QKeySequence

from ais_app.core.errors import AisAppError
from ais_app.views.actions.action import Action, ActionTable
from ais_app.views.actions.keys import BETWEEN, key_of
from ais_app.views.theme import icon

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow


class BoundActions(QObject):
    """The QActions of a window, by the id of their record."""

    def __init__(self, table: ActionTable, window: MainWindow) -> None:
        super().__init__(window)
        self.table = table
        self._window = window
        self._actions = {record.id: self._made(record) for record in table}
        self.apply_keys()
        settings = window.workbench.settings
        settings.events.key_preset.connect(self.apply_keys)
        settings.events.keys.connect(self.apply_keys)

    def __getitem__(self, id: str) -> QAction:
        self.table[id]  # a name that is not there gets the answer of the table
        return self._actions[id]

    def key_of(self, id: str) -> str:
        """Return the key of an action as it is now; empty when it has none."""
        return key_of(self.table, self._window.workbench.settings, id)

    def apply_keys(self) -> None:
        """Give every action the key that the settings say, and tell it in the tooltip."""
        for record in self.table:
            key, action = self.key_of(record.id), self._actions[record.id]
            action.setShortcuts([QKeySequence(part) for part in key.split(BETWEEN) if part])
            shown = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            words = record.tip or record.text.rstrip("…").replace("&", "")
            action.setToolTip(f"{words} ({shown})" if shown else words)
            action.setStatusTip(words)

    def trigger(self, id: str) -> None:
        """Do an action by its name, if it is possible now."""
        record, action = self.table[id], self[id]
        if record.enabled is not None:
            action.setEnabled(record.enabled(self._window))
        action.trigger()

    def refresh(self) -> None:
        """Bring what is on, off, possible and impossible up to date."""
        for record in self.table:
            action = self._actions[record.id]
            if record.checked is not None:
                action.setChecked(record.checked(self._window))
            if record.enabled is not None:
                action.setEnabled(record.enabled(self._window))

    def apply_icons(self) -> None:
        """Draw the icons in the colours of the theme."""
        for record in self.table:
            if record.icon:
                self._actions[record.id].setIcon(icon(record.icon))

    def _made(self, record: Action) -> QAction:
        action = QAction(record.text, self._window)
        action.setObjectName(record.id)
        action.setCheckable(record.checked is not None)
        action.setAutoRepeat(record.repeats)
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        if record.icon:
            action.setIcon(icon(record.icon))
        action.triggered.connect(lambda: self._run(record))
        self._window.addAction(action)
        return action

    def _run(self, record: Action) -> None:
        try:
            record.run(self._window)
        except AisAppError as error:
            self._window.workbench.refuse(error)
        self.refresh()

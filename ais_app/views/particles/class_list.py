"""The classes there are: colour, name, how many; each can be renamed and removed."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QEvent, QObject, QSignalBlocker, Qt
from PyQt6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from ais_app.state.commands import particle_classes, particles
from ais_app.state.particle_classes import classes
from ais_app.views.particles.elided import ElidedLabel
from ais_app.views.widgets.colour_button import ColourButton
from ais_app.views.widgets.panel import discard, hint
from ais_app.views.workbench import Workbench

KEYS = (Qt.Key.Key_F2, Qt.Key.Key_Delete)


class ClassList(QWidget):
    """The classes: colour, name, how many.

    Parameters
    ----------
    workbench
        Whose.
    after
        The widget that the key Tab comes from.
    """

    def __init__(self, workbench: Workbench, after: QWidget) -> None:
        super().__init__()
        self.workbench, self._after = workbench, after
        self._rows: list[ClassRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._nothing = hint("Select particles and name their class, group them, or let a network classify them.")
        self._column.addWidget(self._nothing)

    @property
    def names(self) -> list[str]:
        """The classes that have a row."""
        return [row.name for row in self._rows]

    def row(self, name: str) -> ClassRow:
        """Return the row of a class."""
        return next(row for row in self._rows if row.name == name)

    def refresh(self) -> None:
        """Bring the rows up to date, in place."""
        session = self.workbench.session
        known = classes(session.project) if session.has_project else {}
        self._match(list(known))
        names, counts = np.unique(session.gallery.table.classes.astype(str), return_counts=True)
        of = dict(zip(names.tolist(), counts.tolist(), strict=True))
        for row in self._rows:
            row.show_class(known[row.name], of.get(row.name, 0))
        self._nothing.setVisible(not known)

    def _match(self, known: list[str]) -> None:
        """Have one row for each class; one that was renamed keeps its row, and the keys stay with it."""
        differing = [
            place for place, (row, name) in enumerate(zip(self._rows, known, strict=False)) if row.name != name
        ]
        if len(known) == len(self._rows) and len(differing) == 1:
            self._rows[differing[0]].set_name(known[differing[0]])
            return
        there = {row.name: row for row in self._rows}
        for gone in set(there) - set(known):
            discard(there.pop(gone))
        self._rows = []
        before = self._after
        for place, name in enumerate(known):
            row = there.get(name)
            if row is None:
                row = ClassRow(self.workbench, name)
                self._column.insertWidget(place + 1, row)
                # what is made later would come behind all of the window
                QWidget.setTabOrder(before, row.colour)
                QWidget.setTabOrder(row.colour, row.select)
            self._rows.append(row)
            before = row.select


class ClassRow(QFrame):
    """One class. A double click on its name, or F2, edits that; Delete removes the class.

    Parameters
    ----------
    workbench
        Whose.
    name
        Of the class.
    """

    def __init__(self, workbench: Workbench, name: str) -> None:
        super().__init__()
        self._workbench, self.name = workbench, name
        self.colour = ColourButton("#808080", f"Colour of class {name}")
        self.title, self.count, self.editor = ElidedLabel(name), QLabel(), QLineEdit()
        self.editor.setAccessibleName("Name of the class")
        self.editor.setToolTip("Enter keeps the name, Escape the old one")
        self.editor.installEventFilter(self)
        self.select = QPushButton("Select")
        self.setProperty("role", "entry")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # with Tab it is reached by its buttons, which pass keys on
        self._build()
        self.set_name(name)
        self.colour.changed.connect(self._recolour)
        self.select.clicked.connect(self._select)
        self.editor.editingFinished.connect(self._end_editing)

    def set_name(self, name: str) -> None:
        """Stand for a class that has another name now."""
        self.name = name
        self.title.setText(name)
        self.title.setToolTip(f"{name}: double click or F2 renames, Delete removes the class")
        self.colour.set_name(f"Colour of class {name}")
        self.select.setToolTip(f"Select all particles of class {name}")
        self.select.setAccessibleName(f"Select class {name}")

    def show_class(self, colour: str, count: int) -> None:
        """Show colour and number."""
        self.colour.set_colour(colour)
        self.count.setText(f"{count:,}")
        self.select.setEnabled(count > 0)

    @property
    def is_editing(self) -> bool:
        """Whether the name is being edited."""
        return self._names.currentWidget() is self.editor

    def edit_name(self) -> None:
        """Let the name be edited."""
        self.editor.setText(self.name)
        self._names.setCurrentWidget(self.editor)
        self.editor.selectAll()
        self.editor.setFocus()

    def remove(self) -> None:
        """Remove the class; how many were of it is said, as they may not be in view."""
        workbench, name = self._workbench, self.name

        def remove() -> None:
            count = particle_classes.remove(workbench.session, name)
            if count:
                were = f"{count:,} particle{'s are' if count != 1 else ' is'} of no class now"
                workbench.notify(f"Class {name} was removed, and {were}: undo brings it back")

        workbench.attempt(remove)

    def fill_menu(self, menu: QMenu) -> None:
        """Add what can be done with the class."""
        for words, act, possible in (
            ("Select its particles", self._select, self.select.isEnabled()),
            ("Rename\tF2", self.edit_name, True),
            ("Remove the class\tDel", self.remove, True),
        ):
            action = menu.addAction(words)
            assert action is not None  # Qt makes one from any words
            action.setEnabled(possible)
            action.triggered.connect(act)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Edit the name."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self.edit_name()

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:  # noqa: N802 - Qt's name
        """Offer what can be done with the class."""
        if event is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.fill_menu(menu)
        menu.popup(event.globalPos())

    def event(self, event: QEvent | None) -> bool:
        """Keep the keys of the row from the actions of the window."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and event.key() in KEYS:
            event.accept()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Edit the name, or remove the class; the buttons of the row pass these keys on."""
        if event is not None and event.key() == Qt.Key.Key_F2:
            self.edit_name()
        elif event is not None and event.key() == Qt.Key.Key_Delete:
            self.remove()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Escape keeps the old name."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape:
            self._leave_editor()
            return True
        return False

    def _build(self) -> None:
        names = QWidget()
        self._names = QStackedLayout(names)
        self._names.addWidget(self.title)
        self._names.addWidget(self.editor)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.colour)
        row.addWidget(names, 1)
        row.addWidget(self.count)
        row.addWidget(self.select)

    def _end_editing(self) -> None:
        if not self.is_editing:
            return
        name, session = self.editor.text().strip(), self._workbench.session
        self._leave_editor()
        if name and name != self.name:
            self._workbench.attempt(lambda: particle_classes.rename(session, self.name, name))

    def _leave_editor(self) -> None:
        typing = self.editor.hasFocus()
        with QSignalBlocker(self.editor):  # it loses the keys, and would keep what was typed
            self._names.setCurrentWidget(self.title)
        if typing:
            self.setFocus()

    def _recolour(self, colour: str) -> None:
        session = self._workbench.session
        self._workbench.attempt(lambda: particles.recolour_class(session, self.name, colour))

    def _select(self) -> None:
        session = self._workbench.session
        particles.select(session, np.flatnonzero(session.gallery.table.classes == self.name))

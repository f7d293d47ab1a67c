"""Keys: choose a preset, give an action another key by pressing it; a key that is taken is refused with its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, QSize, QSortFilterProxyModel, Qt
from PyQt6.QtGui import QKeyEvent, QKeySequence, QStandardItem, QStandardItemModel
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
)

from ais_app.core.errors import ParameterProblem
from ais_app.state.settings import KEY_PRESETS
from ais_app.views.actions import keys
from ais_app.views.actions.table import MENUS
from ais_app.views.widgets.fields import ChoiceBox, repolish

if TYPE_CHECKING:
    from ais_app.views.main_window import MainWindow

SIZE = QSize(620, 560)
ID = Qt.ItemDataRole.UserRole
ROOM = 16  # px between columns
PRESS = "Press the key… (Escape keeps the old one)"
_MODIFIERS = {Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr}


class KeysDialog(QDialog):
    """Every action with its key."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("KeysDialog")
        self.setWindowTitle("Keys")
        self.resize(SIZE)
        self._table, self._settings = window.actions_by_id.table, window.workbench.settings
        self._waiting: str | None = None
        self.preset = ChoiceBox()
        self.preset.addItems(KEY_PRESETS)
        self.preset.setAccessibleName("Preset")
        self.preset.setToolTip("Keys as in this program, in napari, or in 3dmod; your own keys are reset")
        self.preset.setCurrentText(self._settings.key_preset)
        self.preset.currentTextChanged.connect(self._choose_preset)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Find an action or a key")
        self.filter.setAccessibleName("Find an action or a key")
        self.filter.setToolTip("Show only actions whose name or key holds this")
        self._model = QStandardItemModel(0, 3, self)
        self._model.setHorizontalHeaderLabels(["Action", "Menu", "Keys"])
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSourceModel(self._model)
        self._proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._proxy.setFilterKeyColumn(-1)
        self.filter.textChanged.connect(self._proxy.setFilterFixedString)
        self.view = self._view()
        self.message = QLabel(" ")
        self.message.setWordWrap(True)
        self._arrange()
        self._fill()

    def choose(self, id: str) -> None:
        """Bring the row of an action into view and choose it."""
        self.filter.clear()
        for row in range(self._proxy.rowCount()):
            if self._proxy.index(row, 0).data(ID) == id:
                self.view.selectRow(row)
                self.view.scrollTo(self._proxy.index(row, 0))

    def wait_for_key(self) -> None:
        """Take the next key that is pressed for the chosen action."""
        self._waiting = self.chosen
        self._say(PRESS if self._waiting is not None else "Choose an action first")
        self.view.setFocus()

    @property
    def chosen(self) -> str | None:
        """The id of the chosen action."""
        index = self.view.currentIndex()
        return None if not index.isValid() else index.siblingAtColumn(0).data(ID)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Take the key that is waited for, before anything else hears it."""
        if self._waiting is None or not isinstance(event, QKeyEvent):
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress and event.key() not in _MODIFIERS:
            id, self._waiting = self._waiting, None
            if event.key() == Qt.Key.Key_Escape:
                self._say(" ")
            else:
                key = QKeySequence(event.keyCombination()).toString(QKeySequence.SequenceFormat.PortableText)
                self._attempt(lambda: keys.assign(self._table, self._settings, id, key))
            return True
        return event.type() == QEvent.Type.KeyPress

    def _view(self) -> QTableView:
        view = QTableView()
        view.setModel(self._proxy)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setShowGrid(False)
        view.setAccessibleName("Actions and their keys")
        view.setToolTip("Double-click an action to give it another key")
        view.doubleClicked.connect(lambda _: self.wait_for_key())
        view.installEventFilter(self)
        for header in (view.verticalHeader(), view.horizontalHeader()):
            assert header is not None  # every table has both
            header.setHighlightSections(False)
        view.verticalHeader().hide()  # type: ignore[union-attr]
        view.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)  # type: ignore[union-attr]
        view.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)  # type: ignore[union-attr]
        return view

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.addWidget(QLabel("Preset"))
        top.addWidget(self.preset)
        top.addWidget(self.filter, 1)
        self.change, self.remove, self.reset = (QPushButton(text) for text in ("Change…", "No key", "Reset"))
        self.reset_all = QPushButton("Reset all")
        self.change.setToolTip("Press another key for the chosen action")
        self.remove.setToolTip("Take the key of the chosen action away")
        self.reset.setToolTip("Give the chosen action the key of the preset back")
        self.reset_all.setToolTip("Give every action the key of the preset back")
        self.change.clicked.connect(self.wait_for_key)
        self.remove.clicked.connect(
            lambda: self._for_chosen(lambda id: keys.assign(self._table, self._settings, id, ""))
        )
        self.reset.clicked.connect(lambda: self._for_chosen(lambda id: keys.reset(self._table, self._settings, id)))
        self.reset_all.clicked.connect(lambda: self._attempt(lambda: keys.reset_all(self._settings)))
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.close)
        below = QHBoxLayout()
        for button in (self.change, self.remove, self.reset, self.reset_all):
            button.setAutoDefault(False)
            below.addWidget(button)
        below.addStretch(1)
        below.addWidget(close)
        column = QVBoxLayout(self)
        column.addLayout(top)
        column.addWidget(self.view, 1)
        column.addWidget(self.message)
        column.addLayout(below)

    def _fill(self) -> None:
        chosen = self.chosen
        self._model.setRowCount(0)
        menu_of = {id: title.replace("&", "") for title, names in MENUS.items() for id in names}
        native = QKeySequence.SequenceFormat.NativeText
        for action in self._table:
            several = keys.key_of(self._table, self._settings, action.id).split(keys.BETWEEN)
            shown = ",  ".join(QKeySequence(key).toString(native) for key in several if key)
            own = action.id in self._settings.keys
            row = [QStandardItem(text) for text in (action.text.replace("&", ""), menu_of.get(action.id, ""), shown)]
            row[0].setData(action.id, ID)
            row[0].setToolTip(action.tip)
            if own:
                font = row[2].font()
                font.setBold(True)
                row[2].setFont(font)
                row[2].setToolTip("Your own key")
            self._model.appendRow(row)
        for column in (1, 2):
            self.view.resizeColumnToContents(column)
            self.view.setColumnWidth(column, self.view.columnWidth(column) + ROOM)
        if chosen is not None:
            self.choose(chosen)

    def _for_chosen(self, do) -> None:  # type: ignore[no-untyped-def]
        id = self.chosen
        if id is None:
            self._say("Choose an action first")
        else:
            self._attempt(lambda: do(id))

    def _attempt(self, do) -> None:  # type: ignore[no-untyped-def]
        text = self.filter.text()
        try:
            do()
        except ParameterProblem as problem:
            self._say(str(problem), wrong=True)
            return
        self._say(" ")
        self._fill()
        self.filter.setText(text)

    def _choose_preset(self, name: str) -> None:
        self._attempt(lambda: keys.choose_preset(self._settings, name))

    def _say(self, text: str, wrong: bool = False) -> None:
        self.message.setText(text)
        self.message.setProperty("role", "error" if wrong else "")
        repolish(self.message)

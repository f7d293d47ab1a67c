"""The features of the project: choose, add, rename, recolour, hide, lock, order, remove."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QPoint, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QCompleter,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QVBoxLayout,
    QWidget,
)

from ais_app.state.commands import annotate, features, projects
from ais_app.state.records import Feature
from ais_app.views.annotate.feature_row import HEIGHT, FeatureRow
from ais_app.views.widgets.icon_button import IconButton
from ais_app.views.widgets.panel import hint
from ais_app.views.widgets.soon import Soon
from ais_app.views.workbench import Workbench

MOST_ROWS = 8  # that are seen without scrolling
ID = Qt.ItemDataRole.UserRole


class FeatureList(QWidget):
    """The list, and below it the field that adds a feature.

    Parameters
    ----------
    workbench
        Whose project.
    """

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench, self.session = workbench, workbench.session
        self.list = _DragList()
        self.list.setAccessibleName("Features")
        self.nothing = hint("What you want to find: name a feature below, then paint it on a few slices.")
        self.name = QLineEdit()
        self.name.setPlaceholderText("Add a feature, such as Membrane")
        self.name.setAccessibleName("Name of a new feature")
        self.name.setToolTip("Type a name and press Enter; + with nothing typed offers common ones and your own")
        self.add = IconButton("mdi6.plus", "Add this feature, or choose from the library", "Add a feature")
        self._library = QMenu(self)
        self._build()
        self._soon = Soon(self, self.refresh)
        self._connect()
        self.refresh()

    def row(self, feature: int) -> FeatureRow:
        """Return the row of a feature by its id."""
        for place in range(self.list.count()):
            row = self._row_at(place)
            if row.feature.id == feature:
                return row
        raise KeyError(f"no feature {feature} in the list")

    def apply_theme(self) -> None:
        """Draw the rows in the colours of the theme."""
        self.refresh()

    def refresh(self) -> None:
        """Bring the list up to date; rows whose feature is still there stay."""
        known = self.session.project.features if self.session.has_project else []
        if [row.feature.id for row in self._rows()] != [feature.id for feature in known]:
            self._rebuild(known)
        counts = self.session.project.annotation_summary() if self.session.has_project else {}
        here = counts.get(self.session.view.tomogram or 0, {})
        for place, feature in enumerate(known):
            slices, boxes = here.get(feature.id, (0, 0))
            everywhere = sum(each.get(feature.id, (0, 0))[0] for each in counts.values())
            tip = f"{feature.name}: {slices} annotated slices and {boxes} boxes here, {everywhere} slices in all"
            words = _several(slices, "slice") if slices or not boxes else _several(boxes, "box")
            chosen = feature.id == self.session.view.feature
            self._row_at(place).show_feature(feature, words, tip, chosen)
            if chosen and self.list.currentRow() != place:
                self.list.blockSignals(True)
                self.list.setCurrentRow(place)
                self.list.blockSignals(False)
        self.nothing.setVisible(not known)
        self.list.setVisible(bool(known))
        self.list.setFixedHeight(min(max(len(known), 1), MOST_ROWS) * (HEIGHT + 2) + 6)

    def add_named(self, name: str) -> None:
        """Add a feature with the style that the library has for its name."""
        if not name.strip():
            self._library.popup(self.add.mapToGlobal(QPoint(0, self.add.height())))
            return
        projects.ensure_project(self.session, self.workbench.drafts)
        if self.workbench.attempt(lambda: features.add_styled(self.session, name, self.workbench.settings)):
            self.name.clear()

    def fill_menu(self, menu: QMenu, feature: Feature) -> None:
        """Fill a menu with what can be done with a feature."""
        session, row = self.session, self.row(feature.id)
        for words, act in (
            ("Rename", row.edit_name),
            ("Colour…", row.colour.showMenu),
            ("Keep style in the library", lambda: self._keep_style(feature)),
        ):
            self._entry(menu, words, act)
        styles = menu.addMenu("Use a style of the library")
        names = list(dict.fromkeys([*self.workbench.settings.feature_styles, *features.LIBRARY]))
        for name in names if styles is not None else ():
            style = features.style_named(self.workbench.settings, name)
            self._entry(styles, name, lambda style=style: features.use_style(session, feature.id, style))
        menu.addSeparator()
        self._entry(menu, "Clear this slice", lambda: self._clear(feature))
        self._entry(menu, "Remove", lambda: self.remove(feature))

    def remove(self, feature: Feature) -> None:
        """Remove a feature, and say how to get it back."""
        if self.workbench.attempt(lambda: features.remove(self.session, feature.id)):
            project = self.session.project
            words = f"{feature.name} was removed with its labels and boxes; Ctrl+Z brings it back"
            self.workbench.notify(words, button="Undo", act=project.undo)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.nothing)
        column.addWidget(self.list)
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self.name, 1)
        line.addWidget(self.add)
        column.addLayout(line)

    def _connect(self) -> None:
        events, view = self.session.events, self.session.view.events
        for signal in (events.opened, events.features, events.planes, events.boxes, events.tomograms, view.feature,
                       view.tomogram):  # fmt: skip
            signal.connect(self._later, check_nargs=False)
        self.list.currentRowChanged.connect(self._choose)
        self.list.itemDoubleClicked.connect(lambda item: self.row(item.data(ID)).edit_name())
        self.list.moved.connect(lambda id, place: self._do(lambda: features.move(self.session, id, place)))
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._menu)
        self.name.returnPressed.connect(lambda: self.add_named(self.name.text()))
        self.add.clicked.connect(lambda: self.add_named(self.name.text()))
        self._library.aboutToShow.connect(self._fill_library)
        self._completer = QCompleter([*features.LIBRARY], self)
        self._completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.name.setCompleter(self._completer)

    def _later(self, *_: object) -> None:
        self._soon.start()

    def _do(self, action: Any) -> None:
        self.workbench.attempt(action)
        self._later()  # what was refused is shown again as it is

    def _rows(self) -> list[FeatureRow]:
        return [self._row_at(place) for place in range(self.list.count())]

    def _row_at(self, place: int) -> FeatureRow:
        row = self.list.itemWidget(self.list.item(place))
        assert isinstance(row, FeatureRow)  # nothing else is put into the list
        return row

    def _rebuild(self, known: list[Feature]) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        for feature in known:
            item, row = QListWidgetItem(), FeatureRow(feature)
            item.setData(ID, feature.id)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, feature.name)
            item.setSizeHint(QSize(0, HEIGHT + 2))
            self.list.addItem(item)
            self.list.setItemWidget(item, row)
            change = self._changer(feature.id)
            row.renamed.connect(lambda name, change=change: change(name=name))
            row.recoloured.connect(lambda colour, change=change: change(colour=colour))
            row.shown.connect(lambda on, change=change: change(visible=on))
            row.locked.connect(lambda on, change=change: change(locked=on))
        self.list.blockSignals(False)

    def _changer(self, feature: int) -> Any:
        return lambda **fields: self._do(lambda: features.change(self.session, feature, **fields))

    def _choose(self, place: int) -> None:
        item = self.list.item(place)
        if item is not None:
            features.choose(self.session, item.data(ID))

    def _menu(self, where: QPoint) -> None:
        item = self.list.itemAt(where)
        if item is None:
            return
        menu = QMenu(self)
        self.fill_menu(menu, self.session.project.feature(item.data(ID)))
        menu.popup(self.list.mapToGlobal(where))

    def _fill_library(self) -> None:
        self._library.clear()
        for name in features.proposals(self.session, self.workbench.settings):
            self._entry(self._library, name, lambda name=name: self.add_named(name))

    def _entry(self, menu: QMenu | None, words: str, act: Any) -> None:
        action = menu.addAction(words) if menu is not None else None
        if action is not None:
            action.triggered.connect(lambda: self.workbench.attempt(act))

    def _keep_style(self, feature: Feature) -> None:
        features.keep_style(self.workbench.settings, feature)
        self.workbench.notify(f"The library keeps the style of {feature.name}: it is offered in every project")

    def _clear(self, feature: Feature) -> None:
        features.choose(self.session, feature.id)
        annotate.clear(self.session, self.session.view.z)


def _several(count: int, noun: str) -> str:
    plural = noun + ("es" if noun.endswith("x") else "s")
    return f"{count} {noun if count == 1 else plural}" if count else ""


class _DragList(QListWidget):
    """A list whose order is changed by dragging; the project moves the feature, and the list follows it."""

    moved = pyqtSignal(int, int)  # id, place

    def __init__(self) -> None:
        super().__init__()
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setToolTip("Click to annotate it, double-click to rename, drag to order (keys 1-9, Alt+Up, Alt+Down)")

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802 - Qt's name
        """Ask for the feature to be moved."""
        item = self.currentItem()
        if event is None or item is None:
            return
        place = self.indexAt(event.position().toPoint()).row()
        place = self.count() - 1 if place < 0 else place
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.accept()
        if place != self.row(item):
            self.moved.emit(item.data(ID), place)

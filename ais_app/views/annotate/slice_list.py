"""The annotated slices of the chosen feature in the tomogram in view; a click jumps there."""

from __future__ import annotations

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QListWidget, QListWidgetItem, QMenu, QVBoxLayout, QWidget

from ais_app.state.commands import annotate, tomograms
from ais_app.views.slices.pane import NAMES
from ais_app.views.widgets.panel import hint
from ais_app.views.widgets.soon import Soon
from ais_app.views.workbench import Workbench

HEIGHT = 120  # px
PLACE = Qt.ItemDataRole.UserRole  # axis, index, whether it is marked


class SliceList(QWidget):
    """One row for each plane that is annotated or holds boxes."""

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench, self.session = workbench, workbench.session
        self.list = QListWidget()
        self.list.setAccessibleName("Annotated slices")
        self.list.setToolTip("Click to go there; right-click to clear it or to take its mark away")
        self.list.setFixedHeight(HEIGHT)
        self.nothing = hint("Slices on which you paint, or that hold boxes, are listed here.")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.nothing)
        column.addWidget(self.list)
        self._soon = Soon(self, self.refresh)
        events, view = self.session.events, self.session.view.events
        for signal in (events.opened, events.features, events.planes, events.boxes, events.tomograms, view.feature,
                       view.tomogram, view.z, view.y, view.x):  # fmt: skip
            signal.connect(self._later, check_nargs=False)
        self.list.itemClicked.connect(self._jump)
        self.list.itemActivated.connect(self._jump)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._menu)
        self.refresh()

    def refresh(self) -> None:
        """Bring the list up to date."""
        places = self._places()
        rows = [self._words(axis, index, marked, boxes) for axis, index, marked, boxes in places]
        if rows != [self.list.item(row).text() for row in range(self.list.count())]:  # type: ignore[union-attr]
            self.list.clear()
            for words, (axis, index, marked, _) in zip(rows, places, strict=True):
                item = QListWidgetItem(words)
                item.setData(PLACE, (axis, index, marked))
                self.list.addItem(item)
        self.list.setVisible(bool(places))
        self.nothing.setVisible(not places)
        here = [getattr(self.session.view, axis) == index and axis == "z" for axis, index, _, _ in places]
        self.list.setCurrentRow(here.index(True) if True in here else -1)

    def fill_menu(self, menu: QMenu, axis: str, index: int, marked: bool) -> None:
        """Fill a menu with what can be done with a plane."""
        for words, act, possible in (
            ("Clear this slice", annotate.clear, marked),
            ("Not annotated: keep the labels, take the mark away", annotate.unmark, marked),
            ("Annotated: what is not painted is background", annotate.mark, not marked),
        ):
            action = menu.addAction(words)
            if action is not None:
                action.setEnabled(possible)
                action.triggered.connect(
                    lambda _=False, act=act: self.workbench.attempt(lambda: act(self.session, index, axis))
                )

    def _places(self) -> list[tuple[str, int, bool, int]]:
        """Return axis, index, whether it is marked, and how many boxes there are."""
        session = self.session
        entry, feature = (session.tomogram, session.feature) if session.has_project else (None, None)
        if entry is None or feature is None:
            return []
        boxes: dict[int, int] = {}
        for box in session.project.boxes(entry, feature):
            z = round(box.centre_zyx[0])
            boxes[z] = boxes.get(z, 0) + 1
        planes = session.project.labels(entry, feature).annotated_planes()
        slices = {plane.index for plane in planes if plane.axis == "z"}
        found = [("z", z, z in slices, boxes.get(z, 0)) for z in sorted(slices | set(boxes))]
        return found + [(plane.axis, plane.index, True, 0) for plane in planes if plane.axis != "z"]

    def _words(self, axis: str, index: int, marked: bool, boxes: int) -> str:
        words = f"{axis} = {index}" + ("" if axis == "z" else f"  ({NAMES[axis]})")
        parts = [] if marked else ["boxes only"]
        parts += [f"{boxes} box{'es' * (boxes != 1)}"] if boxes else []
        return "  ·  ".join([words, *parts])

    def _jump(self, item: QListWidgetItem) -> None:
        axis, index, _ = item.data(PLACE)
        tomograms.go_to(self.session, **{axis: index})

    def _menu(self, where: QPoint) -> None:
        item = self.list.itemAt(where)
        if item is not None:
            menu = QMenu(self)
            self.fill_menu(menu, *item.data(PLACE))
            menu.popup(self.list.mapToGlobal(where))

    def _later(self, *_: object) -> None:
        self._soon.start()

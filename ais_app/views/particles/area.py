"""The middle of the Particles tab: what is sorted, filtered and shown how, and the gallery below."""

from __future__ import annotations

from PyQt6.QtCore import QPoint, QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import (
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from ais_app.state.commands import particles
from ais_app.state.gallery import sources
from ais_app.state.particle_classes import classes
from ais_app.views.particles.elided import ElidedLabel
from ais_app.views.particles.flow import FlowLayout, together
from ais_app.views.particles.grid import LARGEST, SMALLEST, TileGrid
from ais_app.views.widgets.fields import ChoiceBox
from ais_app.views.widgets.icon_button import IconButton
from ais_app.views.widgets.panel import EmptyPanel, hint
from ais_app.views.widgets.sliders import LabelledSlider
from ais_app.views.widgets.soon import Soon
from ais_app.views.workbench import Workbench
from ais_app.workers.tiles import Tiles

SORTS = {"place": "Order of picking", "score": "Score", "quality": "Quality", "class": "Class", "cluster": "Cluster",
         "tomogram": "Tomogram"}  # fmt: skip
SHOWN = {"all": "Kept and rejected", "kept": "Kept", "rejected": "Rejected"}
DEPTHS = {"slice": "Central slice", "slab": "Central third", "projection": "Projection"}
DIRECTIONS = {True: "The best first; click for the worst first", False: "The worst first; click for the best first"}
SLIDER, NUMBER = 60, 58  # px
EVERY, NONE = "every class", "no class"


class ParticleArea(QWidget):
    """Gallery of the particles of a session.

    Attributes
    ----------
    grid
        The tiles.
    tiles
        Their pictures.
    """

    asked_to_open = pyqtSignal()  # a stack
    asked = pyqtSignal(str)  # id of an action of the window
    asked_for_menu = pyqtSignal(QMenu)  # to be filled

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self.workbench = workbench
        self.tiles = Tiles(workbench.session, self)
        self.grid = TileGrid(workbench, self.tiles)
        self.sort = _choices(SORTS, "Sort by", "Quality: how far the middle stands out from what is around it")
        self.direction = IconButton("mdi6.sort-descending", DIRECTIONS[True], "Direction")
        self.shown = _choices(SHOWN, "Show", "Show all particles, those that are kept, or those that were rejected")
        self.of_class = _choices({}, "Of class", "Show the particles of one class")
        self.of_class.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.of_class.setMinimumContentsLength(11)  # names may be long; the others keep their room
        axes = {"z": "along z", "y": "along y", "x": "along x"}
        self.axis = _choices(axes, "Seen along", "Along which axis of the tomogram the tiles are seen")
        self.deep = _choices(DEPTHS, "Depth", "How much of the cube is averaged along that axis")
        self.tile_size = LabelledSlider("Size", SMALLEST, LARGEST, 88, unit="px", integer=True,
                                   tip="Size of the tiles on the screen (Ctrl and wheel)")  # fmt: skip
        self.contrast = LabelledSlider("Contrast", 0, 100, 30, unit="%", integer=True, tip="Contrast of the tiles")
        for each in (self.tile_size, self.contrast):
            each.slider.setFixedWidth(SLIDER)
            each.field.setFixedWidth(NUMBER)
        self.invert = IconButton("mdi6.invert-colors", "Swap black and white in the tiles", "Invert the tiles")
        self.invert.setCheckable(True)
        self.nothing = hint("")
        self.state = ElidedLabel()
        self.state.setProperty("role", "hint")
        self.go_pick, self.go_open = QPushButton("Pick particles in Render"), QPushButton("Open subtomograms…")
        self.go_import = QPushButton("Import coordinates…")
        self.go_pick.setToolTip("Particles can be picked there from segmentations, or one by one")
        self.go_import.setToolTip("Picks from the file of another program; see where they lie first")
        self.go_open.setToolTip("Show the particles of a stack (NAME.zarr) that was cut before")
        self._stack, self._page = QStackedWidget(), 0
        self._build()
        # one after the other, with keys and mouse in between: with thousands of particles each takes its time
        steps = (self._read, self._read_clusters, self._show)
        self._steps, self._told = [Soon(self, step) for step in steps], Soon(self, self._say)
        self._connect()
        for step in steps:
            step()

    def close_down(self) -> None:
        """Stop the thread."""
        self.tiles.close_down()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return self._stack.currentIndex() == 0

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Let the keys go to the tiles once the tab is in front."""
        super().showEvent(event)
        if event is not None and not event.spontaneous():
            self.tiles.retry()
            self._take_focus()

    def _take_focus(self) -> None:
        typing = isinstance(QApplication.focusWidget(), QLineEdit | QPlainTextEdit | QTextEdit)
        if self.isVisible() and not typing:
            self.grid.setFocus(Qt.FocusReason.OtherFocusReason)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        empty = EmptyPanel(
            "Particles are shown here: pick some, import coordinates, or open subtomograms that were cut.", self.go_pick
        )
        layout = empty.layout()
        assert isinstance(layout, QVBoxLayout)  # made by EmptyPanel
        for button in (self.go_import, self.go_open):
            layout.insertWidget(layout.count() - 1, button, alignment=Qt.AlignmentFlag.AlignCenter)
        full = QWidget()
        rows = QVBoxLayout(full)
        rows.setContentsMargins(8, 8, 0, 0)
        rows.setSpacing(6)
        above = FlowLayout(8, 6)
        for group in (
            (QLabel("Sort"), self.sort, self.direction), (QLabel("Show"), self.shown, self.of_class),
            (self.axis, self.deep), (self.tile_size,), (self.contrast, self.invert),
        ):  # fmt: skip
            above.addWidget(together(*group))
        rows.addLayout(above)
        over = QVBoxLayout(self.grid.viewport())
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        over.addWidget(self.nothing)
        rows.addWidget(self.grid, 1)
        self.state.setFixedHeight(20)
        rows.addWidget(self.state)
        self._stack.addWidget(empty)
        self._stack.addWidget(full)
        column.addWidget(self._stack)

    def _connect(self) -> None:
        session = self.workbench.session
        gallery = session.gallery
        gallery.changed.connect(self._later)
        gallery.selection.connect(self._show_selection)
        for signal in (session.events.opened, session.events.tomograms, session.events.features):
            signal.connect(self._later)
        session.events.picks.connect(self._later, check_nargs=False)
        session.view.events.tab.connect(self._later)
        session.view.events.y_up.connect(self._later)
        self.tiles.problem.connect(lambda words: self.workbench.notify(words, "warning"))
        for box, field in (
            (self.sort, "sort"), (self.shown, "shown"), (self.axis, "axis"), (self.deep, "depth"),
        ):  # fmt: skip
            box.currentIndexChanged.connect(lambda _, box=box, field=field: self._change(**{field: box.currentData()}))
        self.of_class.currentIndexChanged.connect(lambda _: self._change(of_class=self.of_class.currentData()))
        self.direction.clicked.connect(lambda: self._change(descending=not gallery.look.descending))
        self.tile_size.changed.connect(lambda value: self._change(size=int(value)))
        self.contrast.changed.connect(lambda value: self._change(contrast=4 - 0.035 * value))
        self.invert.toggled.connect(lambda on: self._change(invert=on))
        self.go_pick.clicked.connect(lambda: setattr(session.view, "tab", "render"))
        self.go_import.clicked.connect(lambda: self.asked.emit("file.import_coordinates"))
        self.go_open.clicked.connect(self.asked_to_open)
        self.grid.asked_for_menu.connect(self._show_menu)

    def _show_menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        self.asked_for_menu.emit(menu)
        menu.popup(point)

    def _change(self, **fields: object) -> None:
        session = self.workbench.session
        self.workbench.attempt(lambda: particles.change_look(session, **fields))

    def _later(self, *_: object) -> None:
        if self.workbench.session.view.tab == "particles":
            for step in self._steps:
                step.start()

    @property
    def _is_in_front(self) -> bool:
        return self.workbench.session.view.tab == "particles"

    def _read(self) -> None:
        if not self._is_in_front:
            return
        session, gallery = self.workbench.session, self.workbench.session.gallery
        found = sources(session)
        if gallery.source is None and found:
            gallery.show(found[0][1])
        # what has gone altogether may come back by undo: it stays the choice
        self._page = int(bool(found) or len(gallery.table) > 0)

    def _read_clusters(self) -> None:
        if self._is_in_front:
            _ = self.workbench.session.gallery.order  # it asks for the clusters, and both are kept

    def _show(self) -> None:
        if not self._is_in_front:
            return
        session, look = self.workbench.session, self.workbench.session.gallery.look
        for button in (self.go_pick, self.go_import):
            button.setEnabled(session.view.tomogram is not None)
        known = classes(session.project) if session.has_project else {}
        self._fill_classes(list(known), look.of_class)
        for box, value in (
            (self.sort, look.sort), (self.shown, look.shown), (self.axis, look.axis), (self.deep, look.depth),
            (self.of_class, look.of_class),
        ):  # fmt: skip
            with QSignalBlocker(box):
                box.setCurrentIndex(box.findData(value))
        with QSignalBlocker(self.invert):
            self.invert.setChecked(look.invert)
        self.tile_size.set_value(look.size)
        self.contrast.set_value(round((4 - look.contrast) / 0.035))
        self.direction.setEnabled(look.sort in ("score", "quality"))
        self.direction.set_icon("mdi6.sort-descending" if look.descending else "mdi6.sort-ascending")
        self.direction.setToolTip(DIRECTIONS[look.descending])
        self.grid.set_colours(known)
        self.tiles.follow()
        self.grid.refresh()
        was_empty = self.is_empty
        self._stack.setCurrentIndex(self._page)
        if was_empty and not self.is_empty:
            self._take_focus()
        self._say()

    def _fill_classes(self, known: list[str], chosen: str | None) -> None:
        if chosen and chosen not in known:
            known = [*known, chosen]  # it has gone, and may come back by redo: others can still be chosen
        wanted = [(EVERY, None), *((name, name) for name in known), (NONE, "")]
        box = self.of_class
        if [(box.itemText(place), box.itemData(place)) for place in range(box.count())] != wanted:
            with QSignalBlocker(box):
                box.clear()
                for words, name in wanted:
                    box.addItem(words, name)
        box.setVisible(bool(known))

    def _show_selection(self) -> None:
        self.grid.show_selection()
        self._told.start()

    def _say(self) -> None:
        gallery = self.workbench.session.gallery
        count, shown, chosen = len(gallery.table), len(gallery.order), len(gallery.rows)
        rejected = int(gallery.table.rejected.sum())
        parts = [f"{count:,} particle{'s' * (count != 1)}" if shown == count else f"{shown:,} of {count:,} particles"]
        parts += [f"{rejected:,} rejected"] * bool(rejected)
        if chosen:
            hidden = chosen - int(gallery.selected[gallery.order].sum())
            unseen = f", {hidden:,} of them not shown" if hidden < chosen else ", not shown"
            parts.append(f"{chosen:,} selected" + unseen * bool(hidden))
        words = "" if shown else "There are no particles in this choice."
        if count and not shown:
            words = f"None of the {count:,} particles is shown: choose others above, at “Show”."
        self.nothing.setText(words)
        self.nothing.setVisible(not shown)
        if shown and not chosen:
            parts.append("click or draw a frame to select; R rejects, K keeps; double click goes to the place")
        self.state.setText(" · ".join(parts))


def _choices(entries: dict[str, str], name: str, tip: str) -> ChoiceBox:
    box = ChoiceBox()
    for value, words in entries.items():
        box.addItem(words, value)
    box.setAccessibleName(name)
    box.setToolTip(tip)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    return box

"""Clusters without labels: group, look at each, name them; a map of all particles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QEvent, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QMouseEvent
from PyQt6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from ais_app.core.display.colours import FEATURE_COLOURS
from ais_app.core.errors import ParameterProblem
from ais_app.state.commands import particle_results, particles
from ais_app.state.gallery_groups import Grouping
from ais_app.views.particles.elided import ElidedLabel
from ais_app.views.particles.embedding import Embedding
from ais_app.views.particles.slice_strip import SliceStrip
from ais_app.views.widgets.fields import ChoiceBox
from ais_app.views.widgets.numbers import NumberField
from ais_app.views.widgets.panel import discard, hint
from ais_app.views.widgets.soon import Soon
from ais_app.views.workbench import Workbench
from ais_app.workers.particle_jobs import ParticleJobs

if TYPE_CHECKING:
    from ais_app.core.particles.grouping import GroupingParams

METHODS = {"components": "Principal components", "autoencoder": "Autoencoder"}
SLICE = 46  # px
MOST_ROWS = 100
ADD, ENTER = Qt.KeyboardModifier.ControlModifier, (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class ClusterSection(QWidget):
    """Button, map, and one row a cluster."""

    asked = pyqtSignal()  # group now

    def __init__(self, workbench: Workbench, jobs: ParticleJobs) -> None:
        super().__init__()
        self.workbench, self.jobs = workbench, jobs
        self.method = ChoiceBox()
        for value, words in METHODS.items():
            self.method.addItem(words, value)
        self.method.setAccessibleName("Grouped by")
        self.method.setToolTip("Principal components are quick; an autoencoder learns what is typical, in minutes")
        self.count = NumberField("clusters", 2, MOST_ROWS, integer=True)
        self.count.setValue(8)
        self.count.setAccessibleName("Number of clusters")
        self.count.setToolTip("More than there are kinds of particles: clusters of one kind get one name")
        self.group = QPushButton("Group")
        self.group.setToolTip("Group what is selected, or all that is kept, by likeness")
        self.map = Embedding()
        self.nothing = hint("Groups particles that look alike, without labels. Name the groups, and they are classes.")
        self.name = QLineEdit()
        self.name.setPlaceholderText("Name of a class")
        self.name.setAccessibleName("Class of the clusters")
        self.name.setToolTip("The clusters that are ticked become this class")
        self.make_class = QPushButton("Make class")
        self.make_class.setToolTip("Give the particles of the ticked clusters this class")
        self.naming = QWidget()
        self._rows: list[ClusterRow] = []
        self._shown: Grouping | None = None
        self._next_row, self._points = Soon(self, self._add_row), Soon(self, self._show_points)
        self._build()
        self.group.clicked.connect(self.asked)
        self.make_class.clicked.connect(self._name)
        self.name.returnPressed.connect(self._name)
        self.map.lassoed.connect(self._lassoed)
        jobs.changed.connect(self._say_running)
        self.show_groups()

    def check(self) -> None:
        """Raise `ParameterProblem` where there are fewer particles than clusters."""
        gallery, wanted = self.workbench.session.gallery, int(self.count.number)
        count = len(gallery.working)
        if not 0 < count < wanted:
            return  # that there is none is said of all work alike
        which = f"{count:,} particle{'s do' if count != 1 else ' does'} not make {wanted}"
        if count == len(gallery.kept):
            raise ParameterProblem("clusters", which, "ask for fewer, or pick more particles")
        remedy = "select more, or none (Ctrl+Shift+A): then all that are kept are grouped"
        raise ParameterProblem("clusters", f"the selection of {which}", remedy)

    def params(self) -> GroupingParams:
        """Return how particles are grouped."""
        from ais_app.core.particles.grouping import GroupingParams

        by = self.method.currentData()
        return GroupingParams(
            clusters=int(self.count.number), by=by, map="components" if by == "components" else "t-SNE"
        )

    @property
    def rows(self) -> list[ClusterRow]:
        """One for each cluster, the largest first; they come one after the other."""
        return self._rows

    def refresh(self) -> None:
        """Show what there is, and what can be done now."""
        grouping, shown = self.workbench.session.gallery.grouping, self._shown
        if grouping is not None and shown is not None and grouping is not shown and grouping.same_clusters(shown):
            self._shown = grouping  # only their names are others
            for row in self._rows:
                row.set_name(grouping.names.get(row.number, ""))
        elif grouping is not shown:
            self.show_groups()
        self._say_running()

    def _say_running(self) -> None:
        gallery = self.workbench.session.gallery
        running = self.jobs.running("group")
        self.group.setText("Grouping …" if running else "Group")
        self.group.setEnabled(running or len(gallery.table) > 0)  # switched off it would hand the focus on

    def show_selection(self) -> None:
        """Ring the points of what is selected."""
        if self.map.isVisibleTo(self):
            self.map.show_selection(self.workbench.session.gallery.selected)

    def show_groups(self) -> None:
        """Show the newest clusters."""
        grouping = self._shown = self.workbench.session.gallery.grouping
        for row in self._rows:
            discard(row)
        self._rows = []
        for widget in (self.map, self.naming):
            widget.setVisible(grouping is not None)
        self.nothing.setVisible(grouping is None)
        if grouping is not None:
            self._next_row.start()
            self._points.start()
        self._say_running()

    def _add_row(self) -> None:
        """Add the row of the next cluster; one at a time, as each takes a millisecond or two."""
        grouping, number = self._shown, len(self._rows)
        if grouping is None or number >= grouping.count:
            return
        row = ClusterRow(number, int(grouping.sizes[number]))
        row.set_name(grouping.names.get(number, ""))
        if grouping.slices:
            row.strip.show_slices(grouping.slices[number], self.workbench.session.view.y_up)
        row.asked.connect(self._select)
        self._column.addWidget(row)
        # what is made later would come behind all of the window
        QWidget.setTabOrder(self._rows[-1].on if self._rows else self.make_class, row)
        QWidget.setTabOrder(row, row.on)
        self._rows.append(row)
        self._next_row.start()

    def _show_points(self) -> None:
        if self._shown is not None:
            self.map.show_points(self._shown.embedding, self._shown.assignment)
            self.show_selection()

    def _select(self, number: int, adding: bool) -> None:
        session = self.workbench.session
        rows = np.flatnonzero(session.gallery.clusters == number)
        particles.select(session, np.union1d(session.gallery.rows, rows) if adding else rows)

    def _lassoed(self, rows: np.ndarray, adding: bool) -> None:
        session = self.workbench.session
        particles.select(session, np.union1d(session.gallery.rows, rows) if adding else rows)

    def _name(self) -> None:
        session, name = self.workbench.session, self.name.text().strip()
        ticked = [row.number for row in self._rows if row.on.isChecked()]
        if not ticked or not name:
            self.workbench.notify("Tick the clusters that belong together, and type the name of their class", "warning")
            return
        if self.workbench.attempt(lambda: particle_results.name_clusters(session, ticked, name)):
            self.name.clear()

    def _build(self) -> None:
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        first = QHBoxLayout()
        first.setSpacing(8)
        first.addWidget(self.count, 1)
        first.addWidget(self.group, 1)
        naming = QHBoxLayout(self.naming)
        naming.setContentsMargins(0, 0, 0, 0)
        naming.setSpacing(8)
        naming.addWidget(self.name, 1)
        naming.addWidget(self.make_class)
        column.addWidget(self.method)
        column.addLayout(first)
        for widget in (self.nothing, self.map, self.naming):
            column.addWidget(widget)


class ClusterRow(QFrame):
    """One cluster: tick, three slices of its centre, number and size. A click on it selects its particles."""

    asked = pyqtSignal(int, bool)  # number, whether in addition

    def __init__(self, number: int, count: int) -> None:
        super().__init__()
        self.number = number
        self.setProperty("role", "card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(f"Cluster {number + 1}, {count} particles")
        self.setToolTip("Click or press Enter to select its particles (Ctrl: in addition); tick it (Space) to name it")
        self.on = QCheckBox()
        self.on.setAccessibleName(f"Tick cluster {number + 1}")
        self.strip = SliceStrip(SLICE)
        self.title = ElidedLabel()
        self.count = hint(f"{count:,}")
        dot = QLabel("●")
        dot.setStyleSheet(f"color: {FEATURE_COLOURS[number % len(FEATURE_COLOURS)]}")
        dot.setToolTip("Colour of its points in the map")
        below = QHBoxLayout()  # the name above has all the width there is
        below.setSpacing(6)
        below.addWidget(dot)
        below.addWidget(self.count, 1)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch(1)
        words.addWidget(self.title)
        words.addLayout(below)
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 8, 6)
        row.setSpacing(8)
        row.addWidget(self.on)
        row.addWidget(self.strip)
        row.addLayout(words, 1)

    def set_name(self, name: str) -> None:
        """Show what the cluster was called, and take the tick away."""
        self.title.setText(f"{self.number + 1} · {name}" if name else str(self.number + 1))
        self.on.setChecked(False)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Select its particles."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self.asked.emit(self.number, bool(event.modifiers() & ADD))

    def event(self, event: QEvent | None) -> bool:
        """Keep Enter from the actions of the window."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and event.key() in ENTER:
            event.accept()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Select its particles, or tick it."""
        if event is None:
            return
        if event.key() in ENTER:
            self.asked.emit(self.number, bool(event.modifiers() & ADD))
        elif event.key() == Qt.Key.Key_Space:
            self.on.toggle()
        else:
            super().keyPressEvent(event)

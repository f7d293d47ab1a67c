"""Which tilts were measured: typed, or estimated from the tomograms; kept with the project."""

from __future__ import annotations

from PyQt6.QtCore import QSignalBlocker, pyqtSignal
from PyQt6.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from ais_app.core.particles.wedge import AXES, Wedge
from ais_app.state.commands import particle_results
from ais_app.state.gallery_table import PickSource, StackSource
from ais_app.views.widgets.fields import ChoiceBox
from ais_app.views.widgets.numbers import NumberField
from ais_app.views.widgets.panel import hint
from ais_app.views.workbench import Workbench
from ais_app.workers.particle_jobs import ParticleJobs

NOT_KEPT = "Not kept: the project is open read-only."


class TiltSection(QWidget):
    """Lowest and highest tilt, the axes, and the button that estimates them."""

    asked = pyqtSignal()  # estimate

    def __init__(self, workbench: Workbench, jobs: ParticleJobs) -> None:
        super().__init__()
        self.workbench, self.jobs = workbench, jobs
        self.low, self.high = NumberField("°", -90, 90), NumberField("°", -90, 90)
        for field, words in ((self.low, "Lowest tilt"), (self.high, "Highest tilt")):
            field.setAccessibleName(words)
            field.setToolTip(f"{words} of the tilt series: directions beyond it were not measured")
        self.axes = ChoiceBox()
        for tilt in ("y", "x", "z"):
            for beam in ("z", "y", "x"):
                if tilt != beam and {tilt, beam} <= set(AXES):
                    self.axes.addItem(f"about {tilt}, beam along {beam}", tilt + beam)
        self.axes.setAccessibleName("Axes of the tilts")
        self.axes.setToolTip("The axis that the specimen was tilted about, and the direction of the untilted beam")
        self.estimate = QPushButton("Estimate from the tomogram")
        self.estimate.setToolTip(
            "Look for the missing wedge in the voxels of the tomograms of these particles (seconds)"
        )
        self.words = hint("")
        self._source: object = None
        self._build()
        for field in (self.low, self.high):
            field.valueChanged.connect(lambda _: self._typed())
        self.axes.activated.connect(lambda _: self._typed())
        self.estimate.clicked.connect(self.asked)
        self._say("")
        jobs.wedge_found.connect(self._found)
        jobs.changed.connect(self.refresh)
        workbench.session.events.display.connect(self._display)
        workbench.session.events.opened.connect(self._opened)
        self._opened()

    def wedge(self) -> Wedge:
        """Return the tilts; raises `ParameterProblem` where they cannot be."""
        tilt, beam = self.axes.currentData()  # two letters
        return Wedge(self.low.number, self.high.number, tilt, beam)

    def refresh(self) -> None:
        """Show what the project keeps, and what can be done."""
        session = self.workbench.session
        gallery = session.gallery
        if gallery.source != self._source:
            self._source = gallery.source
            self._say("Of a stack its own tilts count." if isinstance(gallery.source, StackSource) else "")
        is_picks = not isinstance(gallery.source, StackSource)
        for widget in (self.low, self.high, self.axes):
            widget.setEnabled(is_picks)
        running = self.jobs.running("wedge")
        self.estimate.setText("Estimating …" if running else "Estimate from the tomogram")
        there = isinstance(gallery.source, PickSource) and len(gallery.table) > 0
        self.estimate.setEnabled(there or running)  # switched off it would hand the focus on

    def show_kept(self) -> None:
        """Show the tilts that the project keeps."""
        kept = particle_results.tilts(self.workbench.session)
        for field, value in ((self.low, kept.tilt_min), (self.high, kept.tilt_max)):
            with QSignalBlocker(field):
                field.setValue(value)
        self.axes.setCurrentIndex(self.axes.findData(kept.tilt_axis + kept.beam_axis))

    def _typed(self) -> None:
        self._say("")
        session = self.workbench.session
        low, high, (tilt, beam) = self.low.number, self.high.number, self.axes.currentData()
        if session.has_project and low < high:  # else it is said when somebody computes with it
            if self.workbench.attempt(lambda: particle_results.set_tilts(session, low, high, tilt, beam)):
                self._say(NOT_KEPT if session.project.read_only else "")

    def _found(self, words: str, kind: str) -> None:
        session = self.workbench.session
        found = kind != "error" and session.has_project and session.project.read_only
        self._say(f"{words}. {NOT_KEPT}" if found else words, kind)

    def _say(self, words: str, kind: str = "hint") -> None:
        self.words.setText(words)
        self.words.setVisible(bool(words))
        if self.words.property("role") != kind:
            self.words.setProperty("role", kind)
            style = self.words.style()
            if style is not None:
                style.polish(self.words)

    def _opened(self) -> None:
        self.show_kept()
        self.refresh()

    def _display(self, name: str) -> None:
        if name == particle_results.TILTS:
            self.show_kept()

    def add_row(self, words: str, widget: QWidget) -> None:
        """Put another field below, in the same columns."""
        row = self._grid.rowCount()
        self._grid.addWidget(QLabel(words), row, 0)
        self._grid.addWidget(widget, row, 1, 1, 2)

    def _build(self) -> None:
        grid = self._grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        grid.addWidget(QLabel("Tilts"), 0, 0)
        grid.addWidget(self.low, 0, 1)
        grid.addWidget(self.high, 0, 2)
        for row, widget in enumerate((self.axes, self.estimate, self.words), start=1):
            grid.addWidget(widget, row, 1, 1, 2)

"""The panel of the Particles tab: which particles, what they are, clusters, averages."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QFileDialog, QPushButton

from ais_app.core.errors import AisAppError
from ais_app.state.commands import particles, projects
from ais_app.views.particles.area import ParticleArea
from ais_app.views.particles.average_section import AverageSection
from ais_app.views.particles.class_list import ClassList
from ais_app.views.particles.class_section import MarkSection
from ais_app.views.particles.cluster_section import ClusterSection
from ais_app.views.particles.source_section import SourceSection
from ais_app.views.widgets.panel import Panel, heading
from ais_app.views.widgets.soon import Soon
from ais_app.views.workbench import Workbench
from ais_app.workers.particle_jobs import ParticleJobs, alignment
from ais_app.workers.particle_maps import hide_what_covers, place_at_picks, saving_job
from ais_app.workers.tiles import is_stack


class ParticlesPanel(Panel):
    """Everything about particles.

    Parameters
    ----------
    workbench
        Whose.
    area
        The gallery in the middle.
    """

    went = pyqtSignal()  # to the place of a particle: it is to be brought into view

    def __init__(self, workbench: Workbench, area: ParticleArea) -> None:
        super().__init__(workbench)
        self.area = area
        self.source = SourceSection(workbench)
        self.marks = MarkSection(workbench)
        self.jobs = ParticleJobs(workbench.session, workbench.jobs, self)
        self.clusters = ClusterSection(workbench, self.jobs)
        self.average = AverageSection(workbench, self.jobs)
        self.classes = ClassList(workbench, self.average.place)
        self.classify = QPushButton("Classify with a network…")
        self.classify.setToolTip("Let a network that classifies subtomograms say the class of each")
        for title, widget in (
            ("Particles", self.source),
            ("Selection", self.marks),
            ("Average", self.average),
            ("Classes", self.classes),
            ("", self.classify),
            ("Clusters", self.clusters),
        ):
            if title:
                self.layout_.addWidget(heading(title))
            self.layout_.addWidget(widget)
        self.layout_.addStretch(1)
        sections = (self.source, self.marks, self.classes, self.average, self.clusters)
        self._soon = [Soon(self, each.refresh) for each in sections] + [Soon(self, self._refresh)]
        self._connect()

    def take_file(self, path: Path) -> bool:
        """Open a stack of subtomograms."""
        if not is_stack(path):
            return False
        self.open_stack(path)
        return True

    def open_stack(self, path: Path) -> None:
        """Read a stack off the main thread, and show it."""
        workbench = self.workbench
        projects.ensure_project(workbench.session, workbench.drafts)
        workbench.jobs.start(
            f"Open {path.name}", lambda: _reading(path), on_result=self._show_stack, on_error=self._fail, quiet=True
        )

    def apply_theme(self) -> None:
        """Take on the colours of the theme."""
        self.average.apply_theme()
        self.clusters.map.apply_theme()
        self.clusters.show_selection()
        self.area.grid.show_selection()

    def close_down(self) -> None:
        """Stop the threads."""
        self.area.close_down()

    def go_to(self, row: int) -> None:
        """Show the place of a particle in the slices."""
        session = self.workbench.session
        if self.workbench.attempt(lambda: particles.go_to(session, row)):
            self.went.emit()

    def set_rejected(self, wanted: bool) -> None:
        """Reject what is selected, or keep it."""
        session = self.workbench.session
        rows = session.gallery.rows
        act = particles.reject if wanted else particles.keep
        self.workbench.attempt(lambda: act(session, rows))

    def compute(self, kind: str) -> None:
        """Start a job on what is selected, or all that is kept: ``"average"``, ``"align"`` or ``"group"``."""
        dark, average = self.source.dark.isChecked(), self.average

        def start() -> None:
            wedge, symmetry = average.wedge(), average.symmetry.text().strip() or "C1"
            if kind == "average":
                self.jobs.start_average(wedge, dark, symmetry)
            elif kind == "align":
                self.jobs.start_alignment(wedge, dark, lambda: alignment(symmetry))
            else:
                params = self.clusters.params
                self.clusters.check()
                self.jobs.start_grouping(wedge, dark, params)

        self.workbench.attempt(start)

    def ask_network(self) -> None:
        """Let a person choose the network that classifies."""
        if self.jobs.running("classify"):
            words = "A network is at work already: stop it in the list of jobs first, or wait for it"
            self.workbench.notify(words, "warning", passing=True)
            return
        folder = str(self.workbench.session.folder())
        chosen, _ = QFileDialog.getOpenFileName(self, "Network that classifies", folder, "Networks (*.aismodel)")
        if chosen:
            self.classify_with(Path(chosen))

    def classify_with(self, model: Path) -> None:
        """Let a network say the classes."""
        dark = self.source.dark.isChecked()
        self.workbench.attempt(lambda: self.jobs.start_classification(self.average.wedge(), dark, model))

    def save_average(self, folder: Path) -> None:
        """Write the newest average, with its provenance, off the main thread."""
        found, workbench = self.jobs.average, self.workbench
        if found is not None:
            workbench.jobs.start(
                f"Save the average in {folder.name}",
                lambda: saving_job(found, folder),
                on_result=lambda _: workbench.notify(f"The average and its halves are in {folder}"),
                on_error=self._fail,
                quiet=True,
            )

    def place_average(self) -> None:
        """Show the newest average at every pick, in Render; sets of picks that would cover it are hidden."""
        found, session = self.jobs.average, self.workbench.session

        def place() -> None:
            assert found is not None  # asked before
            place_at_picks(session, found, self.jobs.newest.rows)
            hidden = hide_what_covers(session)
            if hidden:
                names, one = ", ".join(f"“{name}”" for name in hidden), len(hidden) == 1
                words = f"{names} {'is' if one else 'are'} hidden, which would cover the average at the same places"
                self.workbench.notify(f"{words}: show {'it' if one else 'them'} again in the list of picks")

        if found is not None:
            self.workbench.attempt(place)

    def _connect(self) -> None:
        session = self.workbench.session
        session.gallery.changed.connect(self._later)
        session.gallery.selection.connect(self.marks.refresh_buttons)
        for signal in (session.events.opened, session.events.tomograms, session.events.features):
            signal.connect(self._later)
        session.events.picks.connect(self._later, check_nargs=False)
        session.view.events.tab.connect(self._later)
        session.gallery.selection.connect(self.clusters.show_selection)
        self.average.asked.connect(self.compute)
        self.average.tilts.asked.connect(lambda: self.workbench.attempt(self.jobs.start_wedge))
        self.average.asked_to_save.connect(self.save_average)
        self.average.asked_to_place.connect(self.place_average)
        self.clusters.asked.connect(lambda: self.compute("group"))
        self.classify.clicked.connect(self.ask_network)
        self.jobs.changed.connect(self._refresh)
        self.jobs.failed.connect(lambda words: self.workbench.notify(words, "error"))
        self.jobs.told.connect(self.workbench.notify)
        self.source.wanted_stack.connect(self.open_stack)
        self.marks.judged.connect(self.set_rejected)
        self.area.asked.connect(self.asked)
        self.area.asked_for_menu.connect(self.asked_for_menu)
        self.area.asked_to_open.connect(self.source.ask_for_stack)
        self.area.grid.activated.connect(self.go_to)
        self.area.grid.asked_to_reject.connect(lambda: self.set_rejected(True))

    def _later(self, *_: object) -> None:
        if self.workbench.session.view.tab == "particles":
            for each in self._soon:
                each.start()

    def _refresh(self) -> None:
        there = self.workbench.session.has_project and len(self.workbench.session.gallery.table) > 0
        running = self.jobs.running("classify")
        self.classify.setText("Classifying …" if running else "Classify with a network…")
        self.classify.setEnabled(there or running)  # switched off it would hand the focus on

    def _show_stack(self, read: object) -> None:
        session = self.workbench.session
        if not session.has_project:
            return  # it was closed meanwhile
        particles.show_stack(session, read)  # type: ignore[arg-type]
        particles.note_stack(session, read[0])  # type: ignore[index]
        session.view.tab = "particles"

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, AisAppError):
            raise error
        self.workbench.notify(str(error), "error")


def _reading(path: Path):  # type: ignore[no-untyped-def]
    from ais_app.core.jobs import Progress

    yield Progress(0, 1, "reading")
    return particles.read_stack(path)

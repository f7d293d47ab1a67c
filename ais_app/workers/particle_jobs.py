"""Work on the particles of the gallery as jobs of the window: averages, alignment, clusters, classes.

Every job begins with the cubes: those that are not there yet are cut first. What it found is taken by
`ais_app.workers.particle_results`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from ais_app.core.errors import AisAppError, ParameterProblem, ProjectProblem
from ais_app.core.particles.wedge import Wedge
from ais_app.state.commands import particle_results
from ais_app.state.gallery_table import StackSource
from ais_app.state.session import Session
from ais_app.workers.job_runner import JobHandle, JobRunner
from ais_app.workers.particle_asked import CLOSED, Asked
from ais_app.workers.particle_average import NewestAverage
from ais_app.workers.particle_lines import file_name
from ais_app.workers.particle_results import ParticleResults

if TYPE_CHECKING:
    from ais_app.core.particles.grouping import GroupingParams
    from ais_app.core.particles.halves_params import AverageParams
    from ais_app.operations.particle_cubes import CubeRequest
    from ais_app.operations.particle_work_results import AverageShown
    from ais_app.operations.particle_work_wedge import WedgeFound

MOST_FOR_WEDGE = 5  # tomograms


class ParticleJobs(QObject):
    """Starts the work, one job of each kind at a time.

    Attributes
    ----------
    newest
        The newest average of what the gallery shows.
    """

    averaged = pyqtSignal()
    wedge_found = pyqtSignal(str, str)  # how sure the tilts are, and "hint", "warning" or "error"
    changed = pyqtSignal()  # a job began or ended
    told = pyqtSignal(str)  # where a result is, and who got none
    failed = pyqtSignal(str)

    def __init__(self, session: Session, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._handles: dict[str, tuple[JobHandle, Asked]] = {}
        self.newest = NewestAverage(session, jobs, self)
        self.newest.changed.connect(self.averaged)
        self.newest.failed.connect(self._fail)
        self._results = ParticleResults(session, self.newest, self)
        self._results.told.connect(self.told)
        self._results.failed.connect(self.failed)
        self._opened = QTimer(self)  # a project that is saved elsewhere is closed, then opened there
        self._opened.setSingleShot(True)
        self._opened.timeout.connect(self._stop_what_nobody_waits_for)
        session.events.opened.connect(self._look_at_jobs)

    @property
    def average(self) -> AverageShown | None:
        """The newest average of what the gallery shows; ``None`` before the first."""
        return self.newest.found

    def running(self, kind: str) -> bool:
        """Whether a job of a kind is under way."""
        return kind in self._handles and self._handles[kind][0].is_active

    def start_average(self, wedge: Wedge, dark: bool, symmetry: str = "C1") -> None:
        """Average what is selected, or all that is kept, with the orientations that are known."""

        def make(request: CubeRequest) -> Any:
            from ais_app.operations.particle_work import average_rows_job

            return average_rows_job(request, symmetry)

        self._start("average", "Average", make, wedge, dark, self._results.take_average)

    def start_alignment(self, wedge: Wedge, dark: bool, params: Callable[[], AverageParams]) -> None:
        """Align what is selected, or all that is kept, to its own average; orientations go into the picks."""
        project = self._session.project
        if project.read_only:  # said before minutes of work, not after them
            remedy = "average them as they are, or work on a copy of the project"
            raise ProjectProblem(project.path, "is open read-only, and orientations belong into its picks", remedy)

        def make(request: CubeRequest) -> Any:
            from ais_app.operations.particle_work import align_rows_job

            return align_rows_job(request, params())

        self._start("align", "Align and average", make, wedge, dark, self._results.take_alignment)

    def start_grouping(self, wedge: Wedge, dark: bool, params: Callable[[], GroupingParams]) -> None:
        """Group what is selected, or all that is kept."""

        def make(request: CubeRequest) -> Any:
            from ais_app.operations.particle_work import group_rows_job

            return group_rows_job(request, params())

        self._start("group", "Group", make, wedge, dark, self._results.take_groups)

    def start_classification(self, wedge: Wedge, dark: bool, model: Path) -> None:
        """Let a network say the class of what is selected, or of all that is kept."""

        def make(request: CubeRequest) -> Any:
            from ais_app.operations.particle_work import classify_rows_job

            return classify_rows_job(request, model)

        self._start("classify", f"Classify with {model.stem}", make, wedge, dark, self._results.take_classes)

    def start_wedge(self) -> None:
        """Estimate the tilts from the voxels of the tomograms that most of the particles are in."""
        self._check_free("wedge", "Tilts")
        session, asked = self._session, Asked.now(self._session)
        there = asked.table.tomograms[asked.table.tomograms >= 0]
        ids, counts = np.unique(there, return_counts=True)
        chosen = ids[np.argsort(-counts, kind="stable")][:MOST_FOR_WEDGE].tolist()
        names = {entry.id: entry.name for entry in session.project.tomograms}
        opened = [(names[id], functools.partial(asked.volume, id)) for id in chosen]

        def make_job() -> Any:
            from ais_app.operations.particle_work_wedge import shared_wedge_job

            return shared_wedge_job(opened)

        def take(found: WedgeFound) -> None:
            if session.gallery.source != asked.source or not asked.is_open:
                return
            try:
                particle_results.set_tilts(session, *found.wedge.to_dict().values())
            except AisAppError as error:
                self._fail(error)
            self.wedge_found.emit(found.words, "warning" if found.doubtful else "hint")

        def fail(error: Exception) -> None:
            if asked.is_open:
                self.wedge_found.emit(str(error), "error")

        words = opened[0][0] if len(opened) == 1 else f"{len(opened)} tomograms"
        handle = self._jobs.start(f"Tilts of {words}", make_job, on_result=take, on_error=fail)
        self._follow_job("wedge", handle, asked)

    # starting

    def _start(
        self,
        kind: str,
        title: str,
        make: Callable[[CubeRequest], Any],
        wedge: Wedge,
        dark: bool,
        take: Callable[[Any, Asked], None],
    ) -> None:
        self._check_free(kind, title)
        gallery, asked = self._session.gallery, Asked.now(self._session)
        source, rows = asked.source, gallery.working
        if not len(rows):
            raise ParameterProblem("particles", "there is none to work on", "keep some, or select others")
        box, name, cubes = gallery.box, file_name(source), asked.folder()

        def fail(error: Exception) -> None:
            if asked.is_open:  # else it was stopped, and may have failed for want of the project
                self._fail(error)

        def taken(found: Any) -> None:
            if asked.is_open:
                take(found, asked)
            else:
                handle.explain(CLOSED)  # it was at its end just then

        def make_job() -> Any:
            from ais_app.core.particles.extract import SubtomogramParams
            from ais_app.operations.particle_cubes import CubeRequest
            from ais_app.operations.particle_work import kept_job

            params = SubtomogramParams(box=max(box.edge, 4), bin=box.binning, edge="pad", dark=dark)
            cache = None if cubes is None else cubes / f"{name}.zarr"
            stack = source.path if isinstance(source, StackSource) else None
            request = CubeRequest(asked.table, rows, asked.volume, params, wedge, cache, stack)
            return kept_job(make(request), asked.table, asked.folder, name)

        count = f"{len(rows):,} particle{'s' * (len(rows) != 1)}"
        handle = self._jobs.start(f"{title}: {count}", make_job, on_result=taken, on_error=fail)
        self._follow_job(kind, handle, asked)

    def _check_free(self, kind: str, title: str) -> None:
        if self.running(kind):
            raise ParameterProblem(title, "is under way", "stop it in the list of jobs first, or wait for it")

    def _follow_job(self, kind: str, handle: JobHandle, asked: Asked) -> None:
        handle.changed.connect(self.changed)
        self._handles[kind] = handle, asked
        self.changed.emit()

    def _look_at_jobs(self) -> None:
        self._opened.start(0)

    def _stop_what_nobody_waits_for(self) -> None:
        """Stop the jobs of a project that was closed: there is nothing left to take what they find."""
        for handle, asked in self._handles.values():
            if handle.is_active and not asked.is_open:
                handle.explain(CLOSED)
                handle.stop()

    def _fail(self, error: Exception) -> None:
        self.failed.emit(str(error))


def alignment(symmetry: str) -> AverageParams:
    """Return how particles are aligned to their own average; any thread may ask, it takes torch along."""
    from ais_app.core.particles.halves_params import AverageParams

    return AverageParams(symmetry=symmetry)

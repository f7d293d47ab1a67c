"""Work on the particles of the gallery as jobs of the window: averages, alignment, clusters, classes.

Every job begins with the cubes: those that are not there yet are cut first. What it found goes to the one who
asked and, where it is part of the project, into the project as one step of undo.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from ais_app.core.errors import AisAppError, ParameterProblem
from ais_app.core.jobs import Progress
from ais_app.core.particles.wedge import Wedge
from ais_app.state.commands import particle_results, particles
from ais_app.state.copying import particles_folder
from ais_app.state.gallery_groups import Grouping, rows_of
from ais_app.state.gallery_table import StackSource
from ais_app.state.session import Session
from ais_app.workers.job_runner import JobHandle, JobRunner
from ais_app.workers.particle_asked import Asked
from ais_app.workers.particle_lines import file_name, shell_of

if TYPE_CHECKING:
    from ais_app.core.particles.grouping import GroupingParams
    from ais_app.core.particles.halves_params import AverageParams
    from ais_app.operations.particle_cubes import CubeRequest
    from ais_app.operations.particle_work_list import Worked
    from ais_app.operations.particle_work_results import AverageShown, ClassesFound, GroupsFound
    from ais_app.operations.particle_work_wedge import WedgeFound

MOST_FOR_WEDGE = 5  # tomograms


class ParticleJobs(QObject):
    """Starts the work, one job of each kind at a time.

    Attributes
    ----------
    average
        The newest average; ``None`` before the first, and of another source.
    """

    averaged = pyqtSignal()
    classified = pyqtSignal(int)  # how many particles got a class
    wedge_found = pyqtSignal(str, str)  # how sure the tilts are, and "hint", "warning" or "error"
    changed = pyqtSignal()  # a job began or ended
    failed = pyqtSignal(str)

    def __init__(self, session: Session, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._handles: dict[str, tuple[JobHandle, Asked]] = {}
        self.average: AverageShown | None = None
        self._averaged = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)  # sets and picks
        self._source: object = None
        session.gallery.changed.connect(self._follow)
        self._opened = QTimer(self)  # a project that is saved elsewhere is closed, then opened there
        self._opened.setSingleShot(True)
        self._opened.timeout.connect(self._stop_what_nobody_waits_for)
        session.events.opened.connect(self._look_at_jobs)

    @property
    def average_rows(self) -> np.ndarray:
        """(k,) rows of the gallery that went into the newest average, without those that are gone since."""
        found = rows_of(self._session.gallery.table, *self._averaged)
        return np.sort(found[found >= 0])

    def running(self, kind: str) -> bool:
        """Whether a job of a kind is under way."""
        return kind in self._handles and self._handles[kind][0].is_active

    def start_average(self, wedge: Wedge, dark: bool, symmetry: str = "C1") -> None:
        """Average what is selected, or all that is kept, with the orientations that are known."""

        def make(request: CubeRequest) -> Any:
            from ais_app.operations.particle_work import average_rows_job

            return average_rows_job(request, symmetry)

        self._start("average", "Average", make, wedge, dark, self._take_average)

    def start_alignment(self, wedge: Wedge, dark: bool, params: Callable[[], AverageParams]) -> None:
        """Align what is selected, or all that is kept, to its own average; orientations go into the picks."""

        def make(request: CubeRequest) -> Any:
            from ais_app.operations.particle_work import align_rows_job

            return align_rows_job(request, params())

        self._start("align", "Align and average", make, wedge, dark, self._take_alignment)

    def start_grouping(self, wedge: Wedge, dark: bool, params: Callable[[], GroupingParams]) -> None:
        """Group what is selected, or all that is kept."""

        def make(request: CubeRequest) -> Any:
            from ais_app.operations.particle_work import group_rows_job

            return group_rows_job(request, params())

        self._start("group", "Group", make, wedge, dark, self._take_groups)

    def start_classification(self, wedge: Wedge, dark: bool, model: Path) -> None:
        """Let a network say the class of what is selected, or of all that is kept."""

        def make(request: CubeRequest) -> Any:
            from ais_app.operations.particle_work import classify_rows_job

            return classify_rows_job(request, model)

        self._start("classify", f"Classify with {model.stem}", make, wedge, dark, self._take_classes)

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
            wedge = found.wedge
            self._attempt(lambda: particle_results.set_tilts(session, *wedge.to_dict().values()))
            self.wedge_found.emit(found.words, "warning" if found.doubtful else "hint")

        def fail(error: Exception) -> None:
            if asked.is_open:
                self.wedge_found.emit(str(error), "error")
                self._fail(error)

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
        handle = self._jobs.start(
            f"{title}: {count}",
            make_job,
            on_result=lambda found: take(found, asked),
            on_error=fail,
        )
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
        """Stop the jobs of a project that was closed: what they find would be shown nowhere."""
        for handle, asked in self._handles.values():
            if not asked.is_shown:
                handle.stop()

    @property
    def _folder(self) -> Path:
        """Where the project's particles are: cubes, lists, the newest averages."""
        return particles_folder(self._session.project.path)

    # taking results

    def _is_shown(self, asked: Asked) -> bool:
        """Whether the particles that were asked about are still those that are shown; said where they are not."""
        if not asked.is_open:
            return False  # closed meanwhile: nobody waits for it
        same = asked.is_shown
        if not same:
            self.failed.emit(
                "The particles have changed since the job began: what it found is not shown; start it again"
            )
        return same

    def _take_average(self, found: AverageShown, asked: Asked) -> None:
        if self._is_shown(asked):
            self._note("Average", found.worked)
            self._show_average(found)

    def _take_alignment(self, found: AverageShown, asked: Asked) -> None:
        if not self._is_shown(asked):
            return
        self._note("Align", found.worked)
        poses = found.poses
        if poses is not None:
            self._attempt(lambda: particle_results.take_poses(self._session, found.rows, poses, found.voxel_size))
        self._show_average(found)

    def _show_average(self, found: AverageShown) -> None:
        table = self._session.gallery.table
        self.average, self._averaged = found, (table.sets[found.rows], table.ids[found.rows])
        self.averaged.emit()

    def _take_groups(self, found: GroupsFound, asked: Asked) -> None:
        if not self._is_shown(asked):
            return
        count = len(self._session.gallery.table)
        assignment, embedding = np.full(count, -1, dtype=np.int64), np.full((count, 2), np.nan)
        assignment[found.rows], embedding[found.rows] = found.assignment, found.embedding
        made = {} if found.worked is None else found.worked.arguments
        grouping = Grouping(assignment, embedding, len(found.slices), found.slices, made=made)
        title = f"Group {len(found.rows):,} particles"
        self._attempt(lambda: particle_results.take_grouping(self._session, title, grouping))
        self._note("Group", found.worked)

    def _take_classes(self, found: ClassesFound, asked: Asked) -> None:
        if self._is_shown(asked):
            self._attempt(lambda: particles.set_classes(self._session, found.rows, found.names))
            self._note("Classify", found.worked)
            self.classified.emit(len(found.rows))

    def _note(self, title: str, done: Worked | None) -> None:
        """Note which particles were worked on, and how, as lines that do it again."""
        if done is None:
            return
        out = done.arguments["work"]
        particle_results.note_work(
            self._session, f"{title} {done.title}", done.python(out), shell_of(self._session, done)
        )

    def _attempt(self, act: Callable[[], object]) -> None:
        try:
            act()
        except AisAppError as error:
            self.failed.emit(str(error))

    def _fail(self, error: Exception) -> None:
        self.failed.emit(str(error))

    def _follow(self) -> None:
        """Forget what was found of another source."""
        source = self._session.gallery.source
        if source != self._source:
            self._source = source
            self.average = None
            self.averaged.emit()
            self._look_for_average(source)

    def _look_for_average(self, source: object) -> None:
        """Show the newest average that was made of the source."""
        if source is None or not self._session.has_project:
            return
        path, table = self._folder / f"{file_name(source)}_average.npz", self._session.gallery.table

        def read() -> Any:
            from ais_app.operations.particle_work_results import kept_average

            yield Progress(0, 1, "reading the average")
            return kept_average(path, table)

        def take(found: AverageShown | None) -> None:
            gallery = self._session.gallery
            same = gallery.source == source and gallery.table.same_particles(table)
            if self.average is None and same and found is not None:
                self._show_average(found)

        if path.is_file():
            self._jobs.start(f"Read {path.name}", read, on_result=take, on_error=self._fail, quiet=True)


def alignment(symmetry: str) -> AverageParams:
    """Return how particles are aligned to their own average; any thread may ask, it takes torch along."""
    from ais_app.core.particles.halves_params import AverageParams

    return AverageParams(symmetry=symmetry)

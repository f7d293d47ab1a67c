"""Work on the particles of the gallery as jobs of the window: averages, alignment, clusters, classes.

Every job begins with the cubes: those that are not there yet are cut first. What it found goes to the one who
asked and, where it is part of the project, into the project as one step of undo.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from ais_app.core.errors import AisAppError, ParameterProblem
from ais_app.core.particles.wedge import Wedge
from ais_app.state.commands import particle_results, particles, render
from ais_app.state.gallery_groups import Grouping
from ais_app.state.gallery_table import PickSource, StackSource
from ais_app.state.session import Session
from ais_app.workers.job_runner import JobHandle, JobRunner

if TYPE_CHECKING:
    from ais_app.core.particles.grouping import GroupingParams
    from ais_app.core.particles.halves_params import AverageParams
    from ais_app.operations.particle_cubes import CubeRequest
    from ais_app.operations.particle_work import AverageShown, GroupsFound


class ParticleJobs(QObject):
    """Starts the work, one job of each kind at a time.

    Attributes
    ----------
    average
        The newest average; ``None`` before the first, and of another source.
    """

    averaged = pyqtSignal()
    classified = pyqtSignal(int)  # how many particles got a class
    changed = pyqtSignal()  # a job began or ended
    failed = pyqtSignal(str)

    def __init__(self, session: Session, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._handles: dict[str, JobHandle] = {}
        self.average: AverageShown | None = None
        self._source: object = None
        session.gallery.changed.connect(self._follow)

    def running(self, kind: str) -> bool:
        """Whether a job of a kind is under way."""
        handle = self._handles.get(kind)
        return handle is not None and handle.is_active

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

    # starting

    def _start(
        self,
        kind: str,
        title: str,
        make: Callable[[CubeRequest], Any],
        wedge: Wedge,
        dark: bool,
        take: Callable[[Any, Any], None],
    ) -> None:
        if self.running(kind):
            raise ParameterProblem(title, "is under way", "stop it in the list of jobs first, or wait for it")
        gallery = self._session.gallery
        table, rows, source = gallery.table, gallery.working, gallery.source
        if not len(rows):
            raise ParameterProblem("particles", "there is none to work on", "keep some, or select others")
        fields = self._fields(dark)
        volume_of = self._session.volume

        def make_job() -> Any:
            from ais_app.core.particles.extract import SubtomogramParams
            from ais_app.operations.particle_cubes import CubeRequest

            params = SubtomogramParams(**fields["params"])
            request = CubeRequest(table, rows, volume_of, params, wedge, fields["cache"], fields["stack"])
            return make(request)

        count = f"{len(rows):,} particle{'s' * (len(rows) != 1)}"
        handle = self._jobs.start(
            f"{title}: {count}",
            make_job,
            on_result=lambda found: take(found, (source, table)),
            on_error=self._fail,
        )
        handle.changed.connect(self.changed)
        self._handles[kind] = handle
        self.changed.emit()

    def _fields(self, dark: bool) -> dict[str, Any]:
        """Return how cubes are cut, and where they are kept."""
        gallery, project = self._session.gallery, self._session.project
        source, box = gallery.source, gallery.box
        stack = source.path if isinstance(source, StackSource) else None
        name = source.name or "picks" if isinstance(source, PickSource) else "stack"
        safe = "".join(letter if letter.isalnum() else "_" for letter in name)
        cache = None if project.read_only else project.folder / f"{project.path.stem}_particles" / f"{safe}.zarr"
        params = {"box": max(box.edge, 4), "bin": box.binning, "edge": "pad", "dark": dark}
        return {"params": params, "cache": cache, "stack": stack}

    # taking results

    def _is_shown(self, asked: Any) -> bool:
        """Whether the particles that were asked about are still those that are shown."""
        source, table = asked
        gallery = self._session.gallery
        same = gallery.source == source and gallery.table.same_particles(table)
        if not same:
            self.failed.emit(
                "The particles have changed since the job began: what it found is not shown; start it again"
            )
        return same

    def _take_average(self, found: AverageShown, asked: Any) -> None:
        if self._is_shown(asked):
            self.average = found
            particle_results.note_work(self._session, f"Average {len(found.rows):,} particles", self._shell("average"))
            self.averaged.emit()

    def _take_alignment(self, found: AverageShown, asked: Any) -> None:
        if not self._is_shown(asked):
            return
        self.average = found
        particle_results.note_work(self._session, f"Align {len(found.rows):,} particles", self._shell("average"))
        poses = found.poses
        if poses is not None:
            self._attempt(lambda: particle_results.take_poses(self._session, found.rows, poses, found.voxel_size))
        self.averaged.emit()

    def _take_groups(self, found: GroupsFound, asked: Any) -> None:
        if not self._is_shown(asked):
            return
        gallery = self._session.gallery
        count = len(gallery.table)
        assignment, embedding = np.full(count, -1, dtype=np.int64), np.full((count, 2), np.nan)
        assignment[found.rows], embedding[found.rows] = found.assignment, found.embedding
        title = f"Group {len(found.rows):,} particles"
        grouping = Grouping(assignment, embedding, len(found.slices), found.slices)
        self._attempt(lambda: particle_results.take_grouping(self._session, title, grouping))
        particle_results.note_work(self._session, title, self._shell("cluster"))

    def _take_classes(self, found: tuple[np.ndarray, list[str], np.ndarray], asked: Any) -> None:
        if self._is_shown(asked):
            rows, names, _ = found
            self._attempt(lambda: particles.set_classes(self._session, rows, names))
            self.classified.emit(len(rows))

    def _shell(self, command: str) -> str:
        """Return what to type to do the same with all particles of the source."""
        source, project = self._session.gallery.source, self._session.project
        if isinstance(source, StackSource):
            return f"ais-app subtomo {command} {shlex.quote(str(source.path))} -o {command}"
        if not isinstance(source, PickSource):
            return ""
        which = f"--pick-set {shlex.quote(source.name)}"
        if not source.name and source.feature is not None:
            which = f"--feature {shlex.quote(project.feature(source.feature).name)}"
        box = self._session.gallery.box
        cut = f"ais-app subtomo extract --project {shlex.quote(str(project.path))} {which}"
        cut += f" --box {box.edge} --bin {box.binning} --edge pad -o particles.zarr"
        return f"{cut} && ais-app subtomo {command} particles.zarr -o {command}"

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


def alignment(symmetry: str) -> AverageParams:
    """Return how particles are aligned to their own average; any thread may ask, it takes torch along."""
    from ais_app.core.particles.halves_params import AverageParams

    return AverageParams(symmetry=symmetry)


def place_at_picks(session: Session, found: AverageShown) -> Path:
    """Show an average at every pick of its set in the scene, turned as each is; return the map that is drawn.

    Raises
    ------
    ParameterProblem
        The particles are no picks, or of several sets.
    """
    from ais_app.operations.particle_work import surface_level, write_map

    source = session.gallery.source
    if not isinstance(source, PickSource) or not source.name:
        remedy = "show one set of picks; of a stack save the average, then: ais-app mapback"
        raise ParameterProblem("average", "there are no picks of one set to place it at", remedy)
    folder = session.project.folder / f"{session.project.path.stem}_particles"
    folder.mkdir(parents=True, exist_ok=True)
    safe = "".join(letter if letter.isalnum() else "_" for letter in source.name)
    path = write_map(found.averages.average, found.voxel_size, folder / f"{safe}_average.mrc")
    table = session.gallery.table
    there = np.unique(table.tomograms[found.rows]).tolist()
    if session.view.tomogram not in there:
        session.view.tomogram = int(there[0])
    render.refresh(session)
    level = surface_level(found.averages.average)
    render.change_picks(session, source.name, style="map", template=str(path), template_level=level, visible=True)
    session.view.tab = "render"
    return path

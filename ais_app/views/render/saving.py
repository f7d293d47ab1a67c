"""What is saved of a scene: a picture, a film, its surfaces, a script for ChimeraX, coordinates of picks."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QObject, QTimer
from PyQt6.QtGui import QImage

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.files import replacing
from ais_app.core.jobs import Job, JobCancelled, Progress
from ais_app.core.scene.camera import Camera
from ais_app.core.scene.surface import SurfaceSettings
from ais_app.core.scene.turntable import turntable
from ais_app.views.render.content import Content

if TYPE_CHECKING:
    from ais_app.core.particle_set import Particles
    from ais_app.views.render.space import Space
    from ais_app.workers.job_runner import JobHandle

MOST_PIXELS = 8192  # along one side: what graphics cards and memory can be counted on for
AHEAD = 3  # frames that wait to be written


def save_picture(space: Space, path: str | Path, width: int, height: int, transparent: bool = False) -> Path:
    """Save the scene as a PNG.

    Raises
    ------
    ParameterProblem
        The picture is too large.
    FileProblem
        It cannot be written.
    """
    if not (1 <= width <= MOST_PIXELS and 1 <= height <= MOST_PIXELS):
        raise ParameterProblem("size", f"{width} × {height} pixels cannot be drawn", f"choose 1 to {MOST_PIXELS}")
    pixels = np.ascontiguousarray(space.picture(width, height, transparent))
    image = QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888)
    if not transparent:
        image = image.convertToFormat(QImage.Format.Format_RGB888)
    with replacing(path) as part:
        if not image.save(str(part), "PNG"):
            raise FileProblem(path, "cannot be written", "choose another folder or make room")
    return Path(path)


class Filming(QObject):
    """Films the scene: frames are drawn here, one between two events, and written by a job.

    Attributes
    ----------
    handle
        The job of the newest film.
    """

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self._space = space
        self._cameras: list[Camera] = []
        self._size = (0, 0)
        self._ready: queue.Queue[np.ndarray | None] = queue.Queue()
        self._given_up = threading.Event()
        self.handle: JobHandle | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(1)
        self._timer.timeout.connect(self._draw)
        session = space.workbench.session
        for signal in (session.view.events.tomogram, session.events.opened):
            signal.connect(self._interrupt, check_nargs=False)

    @property
    def busy(self) -> bool:
        """Whether a film is being made."""
        return self.handle is not None and self.handle.is_active

    def start(
        self, path: str | Path, width: int, height: int, frames: int, fps: float, degrees: float = 360.0
    ) -> JobHandle:  # fmt: skip
        """Film the scene while it turns.

        Raises
        ------
        ParameterProblem
            Another film is being made, or a number makes no sense.
        """
        if self.busy:
            raise ParameterProblem("film", "another one is being made", "wait for it, or stop it in the list of jobs")
        self._cameras = turntable(self._space.camera, frames, degrees)
        self._size = (width, height)
        waiting: queue.Queue[np.ndarray | None] = queue.Queue()
        self._ready = waiting
        self._given_up = ended = threading.Event()

        def job() -> Job[tuple[Path, int]]:
            from ais_app.core.scene.movie import write_movie_job

            return (yield from write_movie_job(_taken(waiting, ended), path, fps, count=frames))

        workbench = self._space.workbench
        self.handle = workbench.jobs.start(
            f"Film {Path(path).name}", job, on_result=lambda made: workbench.notify(f"{made[0]} was saved")
        )
        self.handle.changed.connect(self._follow)
        self._timer.start()
        return self.handle

    def stop(self) -> None:
        """Draw nothing more; a film that is being made is given up."""
        self._given_up.set()
        self._timer.stop()
        self._cameras = []

    def _interrupt(self, *_: object) -> None:
        """Give up a film whose frames are not all drawn: the others would be of another tomogram."""
        if self.busy and self._cameras:
            self.stop()
            words = "The film was given up, for another tomogram has come into view: stay with one while it is made"
            self._space.workbench.notify(words, "warning")

    def _draw(self) -> None:
        if self._ready.qsize() >= AHEAD:
            return
        if not self._cameras:
            self._timer.stop()
            self._ready.put(None)
            return
        picture = self._space.picture(*self._size, camera=self._cameras.pop(0))
        self._ready.put(np.ascontiguousarray(picture[..., :3]))

    def _follow(self) -> None:
        if self.handle is not None and self.handle.state not in ("running", "paused"):
            self.stop()


def _taken(ready: queue.Queue[np.ndarray | None], ended: threading.Event) -> Iterator[np.ndarray]:
    """Give frames as they are drawn; stop waiting when the film is given up."""
    while True:
        if ended.is_set():
            raise JobCancelled
        try:
            frame = ready.get(timeout=0.1)
        except queue.Empty:
            continue
        if frame is None:
            return
        yield frame


def save_surfaces(content: Content, wanted: Mapping[str, SurfaceSettings], path: str | Path) -> Job[Path]:
    """Save the surfaces that are seen into one file, as a job; the suffix chooses the format, Å.

    Parameters
    ----------
    content
        Holds the surfaces.
    wanted
        Name to `SurfaceSettings`.
    path
        ``.obj``, ``.ply``, ``.stl`` or ``.glb``.
    """
    levels = {name: content.surfaces[name].levels for name in wanted}

    def job() -> Job[Path]:
        from ais_app.core.surfaces.mesh_files import write_meshes

        yield Progress(0, 1, "writing")
        meshes = {name: found.mesh(wanted[name]) for name, found in levels.items() if found is not None}
        if not meshes:
            raise ParameterProblem("surfaces", "none is shown", "show one first")
        return write_meshes(path, meshes)

    return job()


def save_coordinates(particles: Particles, path: str | Path, format: str) -> Job[Path]:
    """Save picks for another program, as a job."""

    def job() -> Job[Path]:
        from ais_app.core.coordinates import write_particles

        yield Progress(0, 1, "writing")
        return write_particles(path, particles, format)

    return job()

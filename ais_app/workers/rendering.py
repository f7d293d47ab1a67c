"""Work of the Render tab off the main thread: surfaces, picks, volumes; the newest request of each thing only.

request(name, work) ─► one thread ─► work(cancelled, tell) ─► made(name, value, False) …  made(name, value, True)
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from ais_app.core.errors import FileProblem
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.probability import open_probabilities
from ais_app.core.scene.surface import SurfaceLevels, SurfaceSettings, surface_job
from ais_app.core.surfaces.mesh import first_voxel_zyx
from ais_app.core.tomogram import ZYX, Tomogram

LARGE = 12_000_000  # voxels from which a coarse surface comes first
_KEPT = 12  # volumes that stay open

Cancelled = Callable[[], bool]
Work = Callable[[Cancelled, Callable[[Any], None]], Any]
Stamp = tuple[str, float, int, float]


@dataclass(frozen=True)
class VolumeSource:
    """Where a volume comes from: a file, or memory.

    Parameters
    ----------
    path
        ``None`` for a volume in memory.
    voxel_size
        Å, where the file does not say it.
    volume
        In memory.
    """

    path: Path | None = None
    voxel_size: float | None = None
    volume: Tomogram | None = None

    @property
    def stamp(self) -> Stamp:
        """What it is called in a cache: changes when the file changes."""
        if self.path is None:
            return ("memory", float(id(self.volume)), 0, 0.0)
        try:
            found = self.path.stat()
        except OSError:
            return (str(self.path), 0.0, -1, 0.0)
        return (str(self.path), found.st_mtime, found.st_size, self.voxel_size or 0.0)


class Volumes:
    """Probabilities that were opened; to be used by one thread at a time."""

    def __init__(self) -> None:
        self._open: OrderedDict[Stamp, Tomogram] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, source: VolumeSource) -> Tomogram:
        """Return a volume of probabilities; its file is looked through once.

        Raises
        ------
        FileProblem
            It cannot be read, or holds no probabilities.
        """
        if source.volume is not None:
            return source.volume
        with self._lock:
            stamp = source.stamp
            if stamp not in self._open:
                self._open[stamp] = self._read(source)
                while len(self._open) > _KEPT:
                    self._open.popitem(last=False)
            self._open.move_to_end(stamp)
            return self._open[stamp]

    @staticmethod
    def _read(source: VolumeSource) -> Tomogram:
        assert source.path is not None  # it has no volume
        try:
            return open_probabilities(open_tomogram(source.path, voxel_size=source.voxel_size))
        except OSError as error:
            problem = f"cannot be read ({error.strerror or error})"
            raise FileProblem(source.path, problem, "see whether it is still there") from error


class NewestOf(QObject):
    """One thread that works on several things; of several requests for one thing only the newest counts.

    Parameters
    ----------
    name
        Of the thread.
    parent
        The Qt object it belongs to; call `close` before that goes.
    """

    made = pyqtSignal(str, object, bool)  # name, value, whether it is the final one
    failed = pyqtSignal(str, object)  # name, the exception
    busy_changed = pyqtSignal(str, bool)
    _told = pyqtSignal(str, int, str, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._condition = threading.Condition()
        self._waiting: OrderedDict[str, tuple[int, Work]] = OrderedDict()
        self._newest: dict[str, int] = {}
        self._count = 0
        self._closed = False
        self._told.connect(self._hear)
        self._thread = threading.Thread(target=self._run, name=name)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether something is still to come."""
        return bool(self._newest)

    def is_busy(self, name: str) -> bool:
        """Whether this thing is still to come."""
        return name in self._newest

    def request(self, name: str, work: Work) -> None:
        """Ask for ``work(cancelled, tell)`` in place of what was asked under this name before.

        ``tell(value)`` hands over something preliminary. ``work`` may raise `JobCancelled`.
        """
        was_busy = name in self._newest
        with self._condition:
            self._count += 1
            self._newest[name] = self._count
            self._waiting[name] = (self._count, work)
            self._condition.notify()
        if not was_busy:
            self.busy_changed.emit(name, True)

    def drop(self, name: str) -> None:
        """Forget what was asked under a name."""
        with self._condition:
            self._waiting.pop(name, None)
            known = self._newest.pop(name, None)
        if known is not None:
            self.busy_changed.emit(name, False)

    def close(self) -> None:
        """End the thread; what is under way is told to stop and waited for."""
        with self._condition:
            self._waiting.clear()
            self._newest.clear()
            self._closed = True
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self._closed:
                    self._condition.wait()
                if self._closed:
                    return
                name, (generation, work) = self._waiting.popitem(last=False)
            self._do(name, generation, work)

    def _do(self, name: str, generation: int, work: Work) -> None:
        def cancelled() -> bool:
            return self._newest.get(name) != generation

        try:
            value = work(cancelled, lambda early: self._told.emit(name, generation, "early", early))
        except JobCancelled:
            return
        except Exception as error:  # noqa: BLE001 - handed to the one who asked, on the main thread
            self._told.emit(name, generation, "failed", error)
        else:
            self._told.emit(name, generation, "made", value)

    def _hear(self, name: str, generation: int, what: str, value: Any) -> None:
        """Hand on, on the main thread, what the thread has made, if nothing newer was asked."""
        if self._newest.get(name) != generation:
            return
        if what == "early":
            self.made.emit(name, value, False)
            return
        del self._newest[name]
        self.busy_changed.emit(name, False)
        if what == "made":
            self.made.emit(name, value, True)
        else:
            self.failed.emit(name, value)


def surface_work(volumes: Volumes, source: VolumeSource, settings: SurfaceSettings) -> Work:
    """Return the work that makes a surface; of a large volume a coarse one comes first."""

    def work(cancelled: Cancelled, tell: Callable[[Any], None]) -> SurfaceLevels:
        volume = volumes.get(source)
        depth, height, width = volume.shape
        if depth * height * width / settings.binning**3 > LARGE:
            coarse = replace(settings, binning=min(64, 3 * settings.binning), smoothing=0)
            tell(run(surface_job(volume, coarse), stop=cancelled))
        return run(surface_job(volume, settings), stop=cancelled)

    return work


def offset_zyx(volume: Tomogram, first_voxel: ZYX) -> np.ndarray:
    """Return what brings positions in a volume to positions in the tomogram whose first voxel lies there, (3,) Å."""
    return np.array(first_voxel_zyx(volume)) - np.array(first_voxel)

"""Pictures of the particles in the gallery, made off the main thread: what is in view first, then all others.

gallery ─► Tiles.follow() ─► one thread cuts, newest request first ─► images[row], changed
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from ais_app.core.errors import AisAppError
from ais_app.core.jobs import JobCancelled
from ais_app.core.particles.tiles import cut_tile, distinctness, greys, tile_of_cube
from ais_app.state.gallery_table import ParticleTable, StackSource
from ais_app.state.session import Session
from ais_app.workers.rendering import NewestOf

if TYPE_CHECKING:
    from ais_app.core.particles.stack import SubtomogramStack

AT_ONCE = 16  # tiles that are handed over together
MADE, OUTSIDE, UNREADABLE = 1, 2, 3  # what is known of a row; 0: not made yet
NAME = "tiles"


class Tiles(QObject):
    """The pictures of all rows of the gallery's table, as far as they were made.

    Attributes
    ----------
    images
        (n, edge, edge) uint8.
    state
        (n,) uint8: 0, `MADE`, `OUTSIDE` the tomogram, or `UNREADABLE` where its file is not found or damaged.
    version
        Rises when all of them have to be made anew.
    """

    changed = pyqtSignal(object)  # rows (k,) that are known now
    finished = pyqtSignal()  # all are made
    problem = pyqtSignal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._key: tuple[Any, ...] = ()
        self._table: ParticleTable | None = None
        self._stack: SubtomogramStack | None = None
        self._said: set[str] = set()
        self._quality = np.zeros(0)
        self.version = 0
        self.images, self.state = np.zeros((0, 1, 1), dtype=np.uint8), np.zeros(0, dtype=np.uint8)
        self._newest = NewestOf("tiles", self)
        self._newest.made.connect(self._take)
        self._newest.failed.connect(self._fail)
        session.events.opened.connect(self._opened)

    @property
    def busy(self) -> bool:
        """Whether some are still to come."""
        return self._newest.busy

    def follow(self) -> None:
        """Take on what the gallery shows now; what was made stays as long as it is right."""
        session, gallery = self._session, self._session.gallery
        table, look = gallery.table, gallery.look
        # a tomogram may be found again elsewhere, or get another voxel size; those of no particle do not matter
        there = set(np.unique(table.tomograms).tolist())
        entries = session.project.tomograms if session.has_project else ()
        known = tuple((each.id, each.path, each.voxel_size_zyx) for each in entries if each.id in there)
        key = (gallery.source, known, gallery.box, look.axis, look.depth)
        if key == self._key and self._table is not None and table.same_particles(self._table):
            self._table = table
            return
        if key[:2] != self._key[:2]:
            self._stack, self._said = None, set()
        self._newest.drop(NAME)
        self._key, self._table = key, table
        self.version += 1
        self.images = np.zeros((len(table), gallery.box.edge, gallery.box.edge), dtype=np.uint8)
        self.state = np.zeros(len(table), dtype=np.uint8)
        self._quality = np.full(len(table), np.nan)

    def want(self, rows: np.ndarray) -> None:
        """Make the tiles of these rows next, then those of all others."""
        missing = rows[self.state[rows] == 0]
        others = np.flatnonzero(self.state == 0)
        if not len(others) or (not len(missing) and self.busy):
            return
        self._newest.request(NAME, self._work(np.concatenate([missing, np.setdiff1d(others, missing)])))

    def _opened(self) -> None:
        self._key = ()  # another project may have the same picks of other tomograms

    def retry(self) -> None:
        """Look again, when they are wanted next, for what could not be read."""
        self.state[self.state == UNREADABLE] = 0

    def close_down(self) -> None:
        """Stop the thread."""
        self._newest.close()

    def _work(self, rows: np.ndarray) -> Callable[[Callable[[], bool], Callable[[Any], None]], Any]:
        session, table, key = self._session, self._table, self._key
        assert table is not None  # `follow` was called first
        source, _, box, axis, depth = key

        def picture(row: int) -> np.ndarray | None:
            tomogram = session.volume(int(table.tomograms[row]))
            centre = table.positions_zyx[row] / np.array(tomogram.require_voxel_size_zyx())
            return cut_tile(tomogram, centre, box.edge, box.binning, axis, depth)

        def of_stack(row: int) -> np.ndarray | None:
            if self._stack is None:
                from ais_app.core.particles.stack import SubtomogramStack

                self._stack = SubtomogramStack.open(source.path)
            return tile_of_cube(self._stack.read([row])[0], axis, depth)

        cut = of_stack if isinstance(source, StackSource) else picture

        def work(cancelled: Callable[[], bool], tell: Callable[[Any], None]) -> Any:
            for some in _batches(rows):
                tell((key, *_made(cut, some, cancelled)))
            return None

        return work

    def _take(self, _: str, value: Any, final: bool) -> None:
        if final:
            self._session.gallery.set_quality(self._quality.copy())
            self.finished.emit()
            return
        key, rows, images, states, qualities, problem = value
        if key != self._key:
            return
        there = np.array([image is not None for image in images])
        self.state[rows] = states
        if there.any():
            self.images[rows[there]] = np.stack([image for image in images if image is not None])
        self._quality[rows] = qualities
        if problem and problem not in self._said:
            self._said.add(problem)
            self.problem.emit(problem)
        self.changed.emit(rows)

    def _fail(self, _: str, error: Exception) -> None:
        if not isinstance(error, AisAppError):
            raise error
        self.problem.emit(str(error))


def _batches(rows: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]


def _made(
    cut: Callable[[int], np.ndarray | None], rows: np.ndarray, cancelled: Callable[[], bool]
) -> tuple[np.ndarray, list[np.ndarray | None], np.ndarray, np.ndarray, str]:
    """Return rows, their pictures, what is known of them, how distinct they are, and what went wrong."""
    images: list[np.ndarray | None] = []
    states, qualities, problem = np.full(len(rows), OUTSIDE, np.uint8), np.full(len(rows), np.nan), ""
    for place, row in enumerate(rows.tolist()):
        if cancelled():
            raise JobCancelled
        try:
            tile = cut(row)
        except AisAppError as error:
            tile, problem, states[place] = None, str(error), UNREADABLE
        images.append(None if tile is None else greys(tile))
        if tile is not None:
            states[place], qualities[place] = MADE, distinctness(tile)
    return rows, images, states, qualities, problem


def is_stack(path: Path) -> bool:
    """Return whether a folder is a stack of subtomograms; a look into its header is enough."""
    if not path.is_dir() or not (path / "wedges.json").is_file():
        return False
    return (path / "particles.star").is_file()

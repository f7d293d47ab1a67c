"""The cubes of particles that a gallery shows, for work on all of them or on some.

few rows of picks   ─► cut into memory
most rows of picks  ─► cut into a stack beside the project, which later work finds there
rows of a stack     ─► that stack
"""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress
from ais_app.core.particle_set import Particles
from ais_app.core.particles.extract import Places, SubtomogramParams, cut, place
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import SubtomogramStack, create_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.provenance import fingerprint
from ais_app.core.tomogram import Tomogram
from ais_app.state.gallery_table import ParticleTable

IN_MEMORY = 2**28  # bytes of cubes that are not worth a file
KEPT = 2  # stacks of one choice: another job may still read the one before
SHARE = 0.5  # of all rows, from which on all are cut into a file
WAIT_SECONDS = 0.1  # between two looks whether another job has cut what is wanted

_guard = threading.RLock()  # of what follows: several jobs of the window work on the same stacks
_cutting: dict[Path, threading.Lock] = {}
_users: Counter[Path] = Counter()  # of each stack: jobs that cut it or read its cubes


@dataclass(frozen=True)
class CubeRequest:
    """Which cubes.

    Parameters
    ----------
    table
        The particles.
    rows
        (k,) rising: those that are wanted.
    volume_of
        Gives the tomogram of an id; any thread may call it.
    params
        How cubes are cut.
    wedge
        Of the tomograms; a stack has its own.
    cache
        Folder of the stack that is kept beside the project, ``NAME.zarr``; its name does not matter for what is in it.
    stack
        The stack whose rows they are, instead of picks.
    """

    table: ParticleTable
    rows: np.ndarray
    volume_of: Callable[[int], Tomogram]
    params: SubtomogramParams
    wedge: Wedge
    cache: Path | None = None
    stack: Path | None = None


@dataclass(frozen=True)
class Cubes:
    """Cubes, and which rows of the table they are.

    Parameters
    ----------
    stack
        In memory or on disk.
    rows
        (k,) those of the request that have a box in their tomogram.
    """

    stack: SubtomogramStack
    rows: np.ndarray


def cubes_job(request: CubeRequest) -> Job[Cubes]:
    """Return cubes; what is not there yet is cut.

    Raises
    ------
    ParameterProblem
        No row is wanted, none has a box in its tomogram, or the tomograms have voxels of different sizes.
    FileProblem, ProjectProblem
        A tomogram or the stack cannot be read.
    """
    if not len(request.rows):
        raise ParameterProblem("particles", "there is none to work on", "keep some, or select others")
    if request.stack is not None:
        yield Progress(0, 0, "reading subtomograms")
        whole = SubtomogramStack.open(request.stack)
        return Cubes(whole.subset(request.rows), request.rows)
    size = len(request.rows) * request.params.box**3 * 4
    if request.cache is not None and (size > IN_MEMORY or len(request.rows) > SHARE * len(request.table)):
        return (yield from _cached(request, request.cache))
    found = yield from _placed(request, request.rows)
    cubes = np.empty((len(found.rows), *(request.params.box,) * 3), dtype=np.float32)
    for done, places, batch in _cut(request, found):
        cubes[places] = batch
        yield Progress(done, len(cubes), "cutting subtomograms")
    poses = Poses(found.rotations, found.shifts, np.zeros(len(found.rows)))
    zero = np.zeros(len(cubes), np.int64)
    stack = SubtomogramStack(cubes, found.particles, (request.wedge,), zero, found.voxel_size, poses)
    return Cubes(stack, found.rows)


@dataclass(frozen=True)
class _Found:
    """Rows with a place in their tomogram, tomogram by tomogram."""

    rows: np.ndarray
    parts: list[tuple[Tomogram, Places]]
    particles: Particles
    rotations: np.ndarray
    shifts: np.ndarray
    voxel_size: float


def _placed(request: CubeRequest, rows: np.ndarray) -> Job[_Found]:
    table, kept, parts, shifts, particles = request.table, [], [], [], []
    sizes: list[float] = []
    ids = np.unique(table.tomograms[rows]).tolist()
    for number, id in enumerate(ids):
        yield Progress(number, len(ids), "looking for the tomograms")
        tomogram = request.volume_of(int(id))
        sizes += tomogram.require_voxel_size_zyx()
        here = rows[table.tomograms[rows] == id]
        places = place(table.positions_zyx[here], tomogram.shape, tomogram.require_voxel_size_zyx(), request.params)
        mine = here[places.rows]
        centres = places.voxels * np.array(tomogram.require_voxel_size_zyx())
        names = np.asarray(table.names[mine], dtype=object)
        shape = {name: tomogram.shape for name in names.tolist()}
        particles.append(Particles(centres, tomograms=names, voxel_size=tomogram.voxel_size, shapes=shape))
        kept.append(mine)
        parts.append((tomogram, places))
        shifts.append(places.shifts_zyx)
    if max(sizes) > 1.01 * min(sizes):
        problem = f"the tomograms have voxels of {min(sizes):g} to {max(sizes):g} Å"
        raise ParameterProblem("particles", problem, "choose tomograms of one voxel size")
    chosen = np.concatenate(kept)
    if not len(chosen):
        problem = f"none of {len(rows):,} has its box in a tomogram"
        raise ParameterProblem("particles", problem, "choose a smaller box, or see whether the positions are right")
    turned = np.tile(np.eye(3), (len(chosen), 1, 1))
    if table.rotations is not None:
        known = np.isfinite(table.rotations[chosen]).all(axis=(1, 2))
        turned[known] = table.rotations[chosen][known]
    size = sizes[0] * request.params.bin
    return _Found(chosen, parts, Particles.concatenate(particles), turned, np.concatenate(shifts), size)


def _cut(request: CubeRequest, found: _Found):  # type: ignore[no-untyped-def]
    """Yield how many are done, which rows of the result, and their cubes."""
    first = done = 0
    for tomogram, places in found.parts:
        for batch, cubes in cut(tomogram.data, places, request.params, cube_voxel_size=found.voxel_size):
            done += len(batch)
            yield done, first + batch, cubes
        first += len(places.rows)


def _cached(request: CubeRequest, cache: Path) -> Job[Cubes]:
    """Cut all rows into a stack, or find it; return those that are wanted."""
    every = yield from _placed(request, np.arange(len(request.table)))
    mark = _mark(request, every)
    path = cache.with_name(f"{cache.stem}_{mark[:12]}.zarr")
    with ExitStack() as until_read:
        until_read.enter_context(_in_use(path))
        yield from _present(path, request, every, mark)
        _forget_older(cache)
        stack = SubtomogramStack.open(path).with_poses(
            Poses(every.rotations, every.shifts, np.zeros(len(every.rows)))  # they may have been aligned since
        )
        stack.wedges = (request.wedge,)
        chosen = np.flatnonzero(np.isin(every.rows, request.rows))
        if not len(chosen):
            remedy = "choose others, or a smaller box"
            raise ParameterProblem("particles", "none of them has its box in a tomogram", remedy)
        wanted = stack.subset(chosen)
        weakref.finalize(wanted, until_read.pop_all().close)  # cubes are read as long as somebody has it
    return Cubes(wanted, every.rows[chosen])


def _present(path: Path, request: CubeRequest, every: _Found, mark: str) -> Job[None]:
    """Cut a stack if it is not there; where another job does so, wait for it."""
    with _guard:
        lock = _cutting.setdefault(path, threading.Lock())
    while not lock.acquire(timeout=WAIT_SECONDS):
        yield Progress(0, 0, "waiting for the job that cuts these subtomograms")
    try:
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        poses = Poses(every.rotations, every.shifts, np.zeros(len(every.rows)))
        options: dict[str, Any] = {"poses": poses, "resume": mark, "notes": {"contrast": "bright"}}
        zero = np.zeros(len(every.rows), np.int64)
        with create_stack(
            path, request.params.box, every.particles, (request.wedge,), zero, every.voxel_size, **options
        ) as writer:
            missing = writer.missing.copy()
            for done, places, batch in _cut(request, every):
                fresh = missing[places]
                writer.write(places[fresh], batch[fresh])
                yield Progress(done, len(every.rows), "cutting subtomograms")
    finally:
        lock.release()


@contextmanager
def _in_use(path: Path) -> Iterator[None]:
    """Keep a stack from being forgotten."""
    with _guard:
        _users[path] += 1
    try:
        yield
    finally:
        with _guard:
            _users[path] -= 1


def _forget_older(cache: Path) -> None:
    """Remove stacks of this choice that nothing asks for any more: all but the newest two, and those that are read."""
    pattern = re.compile(rf"{re.escape(cache.stem)}_[0-9a-f]{{12}}\.zarr")
    with _guard:
        found = [path for path in cache.parent.iterdir() if pattern.fullmatch(path.name)]
        for path in sorted(found, key=lambda each: each.stat().st_mtime)[:-KEPT]:
            if not _users[path]:
                shutil.rmtree(path, ignore_errors=True)


def _mark(request: CubeRequest, found: _Found) -> str:
    """Return what the cubes depend on, in one word."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr(request.params.to_dict()).encode())
    digest.update(found.particles.positions_zyx.tobytes())
    for tomogram, _ in found.parts:
        known = "" if tomogram.path is None else fingerprint(tomogram.path)  # a file may be replaced by a better one
        digest.update(f"{tomogram.path} {known} {tomogram.require_voxel_size_zyx()}\n".encode())
    return digest.hexdigest()

"""Stacks of subtomograms: ``python benchmarks/subtomogram_stacks.py [--count 5000] [--edge 64] [--picks 500]``.

Writes a stack of noise (seed 0) into a temporary folder and times opening it, reading 100 cubes at random places and
in order, its particles, and saving poses, five times each; then cuts cubes at picks out of a tomogram of noise, plain
(MRC) and packed (OME-Zarr). The first number is by the clock (the fastest of five), the second by the processor, which
does not depend on what else the machine does. What was written just before is read from the memory of the operating
system, as in a second look at the same particles.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from ais_app.core.coordinates import write_particles
from ais_app.core.io import create_volume
from ais_app.core.particle_set import Particles
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import SubtomogramStack, create_stack, save_poses
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram
from ais_app.operations.subtomo_extract import SubtomogramParams, subtomo_extract


def timed(what: str, work: Callable[[], object], times: int = 5) -> None:
    """Print how long it takes."""
    seconds, busy = [], []
    for _ in range(times):
        start, start_busy = time.perf_counter(), time.process_time()
        work()
        seconds.append(time.perf_counter() - start)
        busy.append(time.process_time() - start_busy)
    print(f"| {what} | {min(seconds):.3f} s | {min(busy):.3f} s |", flush=True)


def stack(folder: Path, count: int, edge: int) -> None:
    """Time a stack of `count` cubes."""
    random = np.random.default_rng(0)
    noise = random.standard_normal((64, edge, edge, edge), dtype=np.float32)
    particles = Particles(random.uniform(0, 5000, (count, 3)), voxel_size=10.0)
    path = folder / "noise.zarr"

    def write() -> None:
        with create_stack(path, edge, particles, [Wedge()], np.zeros(count, dtype=int), 10.0) as writer:
            for first in range(0, count, 64):
                rows = np.arange(first, min(first + 64, count))
                writer.write(rows, noise[: len(rows)])

    timed(f"write {count:,} cubes of {edge}³", write, times=1)
    opened = SubtomogramStack.open(path)
    timed("open", lambda: SubtomogramStack.open(path))
    timed("open, and read the particles", lambda: SubtomogramStack.open(path).particles)
    timed("100 cubes at random", lambda: opened.read(random.choice(count, 100, replace=False)))
    timed("100 cubes in order", lambda: opened.read(slice(200, 300)))
    timed("one cube", lambda: opened.cubes[count // 2])
    timed("save poses", lambda: save_poses(path, Poses.unturned(count)))


def extraction(folder: Path, count: int, edge: int, shape: tuple[int, int, int]) -> None:
    """Time cutting `count` cubes out of a plain and of a packed tomogram."""
    random = np.random.default_rng(0)
    data = random.standard_normal(shape, dtype=np.float32)
    where = random.uniform(edge / 2, np.array(shape) - edge / 2, (count, 3)) * 10
    names = np.full(count, "noise", dtype=object)
    write_particles(folder / "noise.star", Particles(where, tomograms=names, voxel_size=10.0))
    for suffix in ("mrc", "ome.zarr"):
        path = folder / f"noise.{suffix}"
        with create_volume(path, shape, np.float32, like=Tomogram(data, (10.0,) * 3)) as writer:
            for z in range(0, shape[0], 16):
                writer.write(z, data[z : z + 16])
        for title, params in (
            ("", SubtomogramParams(box=edge)),
            (", moved exactly", SubtomogramParams(box=edge, placing="exact")),
        ):
            options = {"coordinates": [folder / "noise.star"], "tilt": "-60,60"}
            what = f"cut {count:,} of {edge}³ from {suffix}{title}"
            timed(what, partial(subtomo_extract, [path], folder / "cut.zarr", params, **options), times=1)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--edge", type=int, default=64)
    parser.add_argument("--picks", type=int, default=500)
    parser.add_argument("--tomogram", default="256,720,720", help="z,y,x; 0 to leave the extraction out")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print("| | clock | processor |\n|---|---|---|")
        stack(Path(folder), chosen.count, chosen.edge)
        z, *yx = (int(size) for size in chosen.tomogram.split(","))
        if z:
            extraction(Path(folder), chosen.picks, chosen.edge, (z, yx[0], yx[1]))


if __name__ == "__main__":
    main()

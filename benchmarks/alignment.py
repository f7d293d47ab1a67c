"""Alignment against known poses: how often it is right, how exact, and how fast.

    python benchmarks/alignment.py                       # the table, on one core
    python benchmarks/alignment.py --particles 100 --device cuda --angular-step 15
    python benchmarks/alignment.py --exhaustive 2        # and the slow search, for two particles

Particles are two sums of Gaussians in boxes of 40 voxels, turned exactly; each is moved by up to 4 voxels along each
axis, its wedge beyond ±60° taken away, and white noise added in what is left. The signal-to-noise ratio is that of
variances in the whole box; within the ball of the particle it is some 2.5 times as high. Times are of the processor,
so that others on the machine disturb them less; with a GPU they are those of the clock. Ends with 1 where a number is
worse than is asked.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from goals import GOALS

from ais_app.core.particles.align import Aligner, AlignParams
from ais_app.core.particles.correlation import Reference
from ais_app.core.particles.exhaustive import exhaustive
from ais_app.core.particles.orientations import all_rotations, angles_between, random_rotations, rotations_near
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.wedge import Wedge

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/core/particles"))
from subtomogram_phantoms import blobs, simple_subtomograms

EDGE, REACH, WEDGE = 40, 4.0, Wedge(-60, 60)
RATIOS = (1.0, 0.5, 0.1, 0.05, 0.01)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--particles", type=int, default=20, help="for each ratio, of two kinds")
    parser.add_argument("--modes", default="grid,harmonics")
    parser.add_argument("--angular-step", type=float, default=AlignParams().angular_step)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--exhaustive", type=int, default=0, help="particles for the slow search")
    parser.add_argument("--exhaustive-rotations", type=int, default=64, help="that are timed; the rest is calculated")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    print(
        f"{asked.particles} particles of {EDGE}³ a line, ±60°, seed {asked.seed}, "
        f"{asked.device}, {asked.threads} thread(s)"
    )
    print(f"grid of {asked.angular_step:g}°, then refinement; SNR in the box")
    header = "within 15° before | within 15° after | rotation error median (90 %) | shift error | particles/s"
    print(f"{'mode':>10} {'SNR':>5} | {header}")
    speeds = {}
    for mode in asked.modes.split(","):
        for ratio in RATIOS:
            speeds[mode, ratio] = _line(mode, ratio, asked)
    if asked.exhaustive:
        _slow(asked, speeds)
    GOALS.settle()


def _made(ratio: float, count: int, seed: int) -> list[tuple[np.ndarray, np.ndarray, Poses]]:
    sets = []
    for kind in (0, 1):
        random = np.random.default_rng([seed, kind, round(1000 * ratio)])
        part = (count + 1 - kind) // 2
        particle = blobs(kind, EDGE)
        poses = Poses.of(random_rotations(part, random), random.uniform(-REACH, REACH, (part, 3)))
        sets.append((particle.cube(EDGE), simple_subtomograms(particle, poses, WEDGE, ratio, random, EDGE), poses))
    return sets


def _line(mode: str, ratio: float, asked: argparse.Namespace) -> float:
    clock: Callable[[], float] = time.process_time if asked.device == "cpu" else time.perf_counter
    before, angles, shifts, seconds = [], [], [], 0.0
    for reference, cubes, true in _made(ratio, asked.particles, asked.seed):
        none = np.zeros(len(cubes), dtype=int)
        options = {"mode": mode, "angular_step": asked.angular_step, "device": asked.device}
        coarse = Aligner(reference, [WEDGE], AlignParams(refine=False, **options)).align(cubes, none).poses
        before.append(angles_between(coarse.rotations, true.rotations))
        aligner = Aligner(reference, [WEDGE], AlignParams(**options))
        aligner.align(cubes[:1], none[:1])  # turns the reference once, and compiles
        start = clock()
        for first in range(0, len(cubes), aligner.batch_size):
            rows = slice(first, first + aligner.batch_size)
            found = aligner.align(cubes[rows], none[rows]).poses
            angles.append(angles_between(found.rotations, true.rotations[rows]))
            shifts.append(np.linalg.norm(found.shifts_zyx - true.shifts_zyx[rows], axis=1))
        seconds += clock() - start
    coarse_angles, angle, shift = np.concatenate(before), np.concatenate(angles), np.concatenate(shifts)
    speed = len(angle) / seconds
    if mode == "grid":  # what is used unless another is asked for
        GOALS.at_least(f"SNR {ratio:g}, share within 15°", float((angle <= 15).mean()), 1)
        if ratio >= 0.1:
            GOALS.at_most(f"SNR {ratio:g}, median error of rotations, degrees", float(np.median(angle)), 0.8)
            GOALS.at_most(f"SNR {ratio:g}, median error of shifts, voxels", float(np.median(shift)), 0.1)
    print(
        f"{mode:>10} {ratio:5g} | {(coarse_angles <= 15).mean():16.0%} | {(angle <= 15).mean():15.0%} | "
        f"{np.median(angle):11.2f}° ({np.quantile(angle, 0.9):.2f}°)        | {np.median(shift):6.3f} vox  | "
        f"{speed:6.1f}",
        flush=True,
    )
    return speed


def _slow(asked: argparse.Namespace, speeds: dict[tuple[str, float], float]) -> None:
    """Time the slow search on some rotations of its grid, true ones among them, and calculate the whole of it."""
    (reference, cubes, true), _ = _made(0.1, 2 * asked.exhaustive, asked.seed)
    grid = all_rotations(15.0)
    some = grid[np.random.default_rng(asked.seed).choice(len(grid), asked.exhaustive_rotations, replace=False)]
    errors, seconds = [], 0.0
    for cube, rotation in zip(cubes, true.rotations, strict=True):
        start = time.process_time()
        exhaustive(Reference(reference), cube, WEDGE, rotations=some)
        seconds += (time.process_time() - start) / len(some)
        # its accuracy: halving the grid about the nearest rotation down to a degree
        nearest = grid[angles_between(grid, rotation).argmin()][None]
        found = exhaustive(Reference(reference), cube, WEDGE, step=15, finest=1, rotations=nearest)
        errors.append(angles_between(found.rotations, rotation[None])[0])
    each = seconds / len(cubes)
    rounds = 4 * len(rotations_near(1, 1.8))  # 7.5°, 3.75°, 1.9° and 0.9°
    whole = each * (len(grid) + rounds)
    print(f"slow search: {each * 1000:.1f} ms a rotation, {len(grid):,} of 15° and {rounds} finer: {whole:.0f} s")
    print(f"             rotation error median {np.median(errors):.2f}° at SNR 0.1")
    for mode in asked.modes.split(","):
        print(f"             {mode} is {speeds[mode, 0.1] * whole:,.0f} times as fast")
        GOALS.at_least(f"{mode}, times as fast as the slow search", speeds[mode, 0.1] * whole, 20)


if __name__ == "__main__":
    main()

"""Averages, classes and likelihood against the truth: ``python benchmarks/averaging.py [--only NAME ...] [--seed N]``.

Subtomograms are maps turned, moved (±2 voxels) and seen through a wedge of ±60°, with white noise seen through the same
wedge; the SNR is the variance of signal over that of noise in the whole box. Every start is from random orientations,
in two independent halves; the oracle is the average with the true poses.

    small       40 particles of Gaussians in 32³ at SNR 0.5 and 0.1, 80 at 0.05
    ribosomes   200 ribosomes in 40³ (voxels of 10 Å) at SNR 0.05
    mixture     two complexes, half of each, not aligned before: FAML, and averaging with sorting
    faml        two particles of Gaussians at SNR 0.5, 0.1 and 0.01: FAML

``--maps A.mrc B.mrc`` are the complexes of the mixture, such as a 70S and a 50S ribosome (density maps of 10 Å);
without them they are a proteasome and TRiC. Prints a table for each; the numbers are in docs/subtomograms/average.md.
Ends with 1 where a correlation of 0.92 and the oracle's resolution within a shell, or a purity of 0.9, is not reached.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from goals import GOALS
from sklearn.metrics import adjusted_rand_score

from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Progress, run
from ais_app.core.particles.align import AlignParams, align
from ais_app.core.particles.average import average_now
from ais_app.core.particles.faml import FamlParams, faml_job
from ais_app.core.particles.fourier import from_fourier, resized, soft_sphere, to_fourier
from ais_app.core.particles.fsc import fourier_shell_correlation
from ais_app.core.particles.halves import AverageParams, refine_halves_job
from ais_app.core.particles.orientations import random_rotations
from ais_app.core.particles.poses import Poses, turned
from ais_app.core.particles.wedge import Wedge
from ais_app.core.simulate.templates import Template, load_template, template_of

WEDGE = Wedge(-60, 60)
FINE = 2  # maps are turned on a grid this much finer than the cubes


def gaussians(seed: int, edge: int, count: int = 12) -> np.ndarray:
    """Return a particle of Gaussians within 0.3 boxes of its centre of mass, on the finer grid."""
    random = np.random.default_rng(seed)
    directions = random.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    places = directions * (0.3 * edge * random.uniform(0.1, 1, size=(count, 1)) ** (1 / 3))
    widths = random.uniform(1.3, 2.5, size=count)
    places -= (places * widths[:, None] ** 3).sum(axis=0) / (widths**3).sum()
    along = np.arange(FINE * edge) / FINE - edge // 2
    x, y, z = (np.exp(-((along[None] - places[:, [i]]) ** 2) / (2 * widths[:, None] ** 2)) for i in range(3))
    return np.einsum("nz,ny,nx->zyx", z, y, x, optimize=True).astype(np.float32)


def of_template(template: Template, edge: int, voxel_size: float) -> np.ndarray:
    """Return a complex in a box of `edge` voxels, on a grid `FINE` times finer."""
    density = torch.from_numpy(np.ascontiguousarray(template.density))
    side, wanted = density.shape[0], FINE * edge
    scaled = round(side * template.voxel_size / (voxel_size / FINE))
    small = np.asarray(from_fourier(resized(to_fourier(density), side, scaled), scaled))
    cube = np.zeros((wanted,) * 3, np.float32)
    low = wanted // 2 - scaled // 2
    from_, to = max(0, -low), min(scaled, wanted - low)
    inside = slice(low + from_, low + to)
    cube[inside, inside, inside] = small[from_:to, from_:to, from_:to]
    return cube


def coarse(fine: np.ndarray) -> np.ndarray:
    """Return a map on the grid of the cubes."""
    edge = fine.shape[0] // FINE
    whole = to_fourier(torch.from_numpy(fine))
    return np.asarray(from_fourier(resized(whole, FINE * edge, edge), edge))


def subtomograms(fine: np.ndarray, poses: Poses, snr: float, random: np.random.Generator) -> np.ndarray:
    """Return cubes of a map in poses."""
    edge = fine.shape[0] // FINE
    mask = WEDGE.mask(edge)
    cubes = []
    for number in range(len(poses)):
        turn, move = (torch.from_numpy(part[[number]]) for part in (poses.rotations, poses.shifts_zyx * FINE))
        clean = resized(to_fourier(turned(torch.from_numpy(fine), turn, move)[0]), FINE * edge, edge) * mask
        white = torch.from_numpy(random.normal(size=(edge,) * 3).astype(np.float32))
        signal, noise = from_fourier(clean, edge), from_fourier(to_fourier(white) * mask, edge)
        cubes.append(signal + noise * torch.sqrt(signal.var() / (snr * noise.var())))
    return torch.stack(cubes).numpy()


def random_poses(count: int, random: np.random.Generator) -> Poses:
    """Return rotations drawn uniformly, and shifts of up to 2 voxels along each axis."""
    return Poses.of(random_rotations(count, random), random.uniform(-2, 2, (count, 3)))


def against(truth: np.ndarray, average: np.ndarray) -> tuple[float, int]:
    """Return the correlation of a map with the truth, brought onto it, and the last shell of an FSC of 0.5."""
    edge = len(truth)
    asked = AlignParams(angular_step=15.0, candidates=6)
    back = align(truth, average[None], [Wedge(-90, 90)], np.zeros(1, np.int64), asked).poses.inverse()
    turn, move = (torch.from_numpy(np.ascontiguousarray(part)) for part in (back.rotations, back.shifts_zyx))
    there = turned(torch.from_numpy(average), turn, move, fine=True)[0].numpy()
    inside = soft_sphere(edge) > 0.5
    curve = fourier_shell_correlation(there, truth, 1.0, soft_sphere(edge)).fsc_masked
    below = np.flatnonzero(curve[1:] < 0.5)
    return float(np.corrcoef(there[inside], truth[inside])[0, 1]), int(below[0]) if len(below) else edge // 2


def shown(start: float) -> Callable[[Progress], None]:
    """Return what prints the records of iterations."""

    def show(step: Progress) -> None:
        if step.values:
            print(
                f"    {time.time() - start:6.0f} s", {k: round(float(v), 3) for k, v in step.values.items()}, flush=True
            )

    return show


def averaged(name: str, fine: np.ndarray, count: int, snr: float, seed: int, voxel_size: float = 1.0) -> str:
    """Average from random orientations, and return a row of the table."""
    random = np.random.default_rng((seed, count))
    poses = random_poses(count, random)
    cubes, truth, wedge_of = subtomograms(fine, poses, snr, random), coarse(fine), np.zeros(count, np.int64)
    start = time.time()
    job = refine_halves_job(cubes, [WEDGE], wedge_of, AverageParams(seed=seed), voxel_size=voxel_size)
    found = run(job, shown(start))
    took = time.time() - start
    oracle = average_now(cubes, poses, [WEDGE], wedge_of, fine=True, voxel_size=voxel_size)
    (mine, shell), (best, wanted) = against(truth, found.averages.average), against(truth, oracle.average)
    assert found.averages.fsc is not None and oracle.fsc is not None
    GOALS.at_most(f"{name}, SNR {snr:g}, shells behind the oracle", wanted - shell, 1)
    GOALS.at_least(f"{name}, SNR {snr:g}, correlation", mine, 0.92)
    halves = f"{found.averages.fsc.resolution():.1f} / {oracle.fsc.resolution():.1f}"
    row = f"| {name} | {count} | {snr:g} | {mine:.3f} | {best:.3f} | {shell} | {wanted} | {halves} | {took:.0f} s |"
    print(row, flush=True)
    return row


def small(seed: int) -> list[str]:
    """Average Gaussians: CC ≥ 0.92 and within one shell of the oracle at SNR 0.1."""
    head = ["| particles | n | SNR | CC | CC of oracle | shell at FSC 0.5 | oracle | halves, Å / oracle | time |"]
    cases = ((40, 0.5), (40, 0.1), (80, 0.05))
    return head + [averaged("Gaussians, 32³", gaussians(seed, 32), count, snr, seed) for count, snr in cases]


def ribosomes(seed: int) -> list[str]:
    """Average 200 ribosomes at SNR 0.05."""
    return [averaged("ribosome, 40³, 10 Å", of_template(load_template("ribosome"), 40, 10.0), 200, 0.05, seed, 10.0)]


def mixed(maps: Sequence[np.ndarray], count: int, snr: float, seed: int) -> tuple[np.ndarray, Poses, np.ndarray]:
    """Return cubes of several maps in turn, their poses and classes."""
    random = np.random.default_rng((seed, 1))
    truth, poses = np.arange(count) % len(maps), random_poses(count, random)
    parts = [subtomograms(one, poses[truth == number], snr, random) for number, one in enumerate(maps)]
    cubes = np.empty((count, *parts[0].shape[1:]), np.float32)
    for number, part in enumerate(parts):
        cubes[truth == number] = part
    return cubes, poses, truth


def purity(truth: np.ndarray, found: np.ndarray) -> float:
    """Return the share of the particles that are of the kind that their class is mostly of."""
    return sum(np.bincount(truth[found == number]).max() for number in np.unique(found)) / len(truth)


def likelihood(
    name: str, maps: Sequence[np.ndarray], count: int, snr: float, seed: int, iterations: int, step: float = 20.0
) -> str:
    """Sort with FAML, and return a row of the table."""
    cubes, _, truth = mixed(maps, count, snr, seed)
    start = time.time()
    asked = FamlParams(classes=len(maps), iterations=iterations, seed=seed, angular_step=step)
    found = run(faml_job(cubes, [WEDGE], np.zeros(count, np.int64), asked), shown(start))
    took = time.time() - start
    agreements = " / ".join(
        f"{max(against(coarse(one), part.average)[0] for one in maps):.2f}" for part in found.averages
    )
    ari, pure = adjusted_rand_score(truth, found.classes), purity(truth, found.classes)
    asked_for, finite = f"FAML, {name}, SNR {snr:g}", [np.isfinite(one.average).all() for one in found.averages]
    GOALS.at_least(f"{asked_for}, share of averages that are finite", float(np.mean(finite)), 1)
    GOALS.at_most(f"{asked_for}, shares of classes from 1", abs(float(found.alpha.sum()) - 1), 1e-4)
    if snr >= 0.1:
        GOALS.at_least(f"{asked_for}, ARI", ari, 0.9)
        GOALS.at_least(f"{asked_for}, purity", pure, 0.9)
    row = f"| FAML | {name} | {count} | {snr:g} | {ari:.2f} "
    row += f"| {pure:.2f} | {agreements} | {np.round(found.alpha, 2).tolist()} "
    row += f"| {found.sigma2:.3f} | {took:.0f} s |"
    print(row, flush=True)
    return row


FAML_HEAD = "| method | particles | n | SNR | ARI | purity | CC of averages with truth | shares | σ² | time |"


def faml_small(seed: int) -> list[str]:
    """Sort Gaussians: ARI ≥ 0.9 at SNR 0.1; at 0.01 all numbers stay finite."""
    maps = [gaussians(10 * seed + number, 32) for number in range(2)]
    return [FAML_HEAD, *(likelihood("Gaussians, 32³", maps, 40, snr, seed, 8, 30.0) for snr in (0.1, 0.01, 0.5))]


def mixture(seed: int, files: Sequence[Path], snr: float, count: int) -> list[str]:
    """Sort two complexes in one set: at least 90 % purity is asked for."""
    templates = [template_of(*read_map(file), file.name.split(".")[0]) for file in files]
    templates = templates or [load_template(name) for name in ("proteasome", "tric")]
    maps = [of_template(template, 24, 16.0) for template in templates]
    name = " and ".join(template.name for template in templates) + ", 24³, 16 Å"
    return [FAML_HEAD, likelihood(name, maps, count, snr, seed, 6, 30.0), sorted_too(name, maps, count, snr, seed)]


def sorted_too(name: str, maps: Sequence[np.ndarray], count: int, snr: float, seed: int) -> str:
    """Average all, then sort by differences and align to the class averages in turn; a row of the table."""
    from ais_app.core.particles.sort import SortParams, sort_job

    cubes, _, truth = mixed(maps, count, snr, seed)
    wedge_of = np.zeros(count, np.int64)
    start = time.time()
    together = AverageParams(iterations=4, angular_step=30.0, global_iterations=3, seed=seed)
    whole = run(refine_halves_job(cubes, [WEDGE], wedge_of, together), shown(start))
    asked = SortParams(classes=len(maps), seed=seed)
    found = run(sort_job(cubes, whole.poses, [WEDGE], wedge_of, asked), shown(start))
    took = time.time() - start
    agreements = " / ".join(
        f"{max(against(coarse(one), part.average)[0] for one in maps):.2f}" for part in found.averages
    )
    ari, pure = adjusted_rand_score(truth, found.classes), purity(truth, found.classes)
    GOALS.at_least(f"average and sort, {name}, SNR {snr:g}, purity", pure, 0.9)
    shares = np.round(np.bincount(found.classes) / count, 2).tolist()
    row = f"| average and sort | {name} | {count} | {snr:g} | {ari:.2f} "
    row += f"| {pure:.2f} | {agreements} | {shares} | | {took:.0f} s |"
    print(row, flush=True)
    return row


def read_map(path: Path) -> tuple[np.ndarray, float]:
    """Return a density map, its centre of mass in the middle of a cube, and its voxel size."""
    tomogram = open_tomogram(path)
    density = np.clip(tomogram.read().astype(np.float32), 0, None)
    side = max(density.shape)
    centre = np.round(
        [np.average(np.arange(n), weights=density.sum(axis=(*{0, 1, 2} - {i},))) for i, n in enumerate(density.shape)]
    )
    cube = np.zeros((2 * side,) * 3, np.float32)
    low = [side - int(c) for c in centre]
    cube[tuple(slice(a, a + n) for a, n in zip(low, density.shape, strict=True))] = density
    low_corner = side - side // 2  # so that the centre of mass comes to voxel side // 2
    inside = slice(low_corner, low_corner + side)
    return cube[inside, inside, inside], tomogram.voxel_size


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=["small", "ribosomes", "faml", "mixture"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--maps", nargs=2, type=Path, default=[])
    parser.add_argument("--snr", type=float, default=0.1, help="of the mixture")
    parser.add_argument("--count", type=int, default=40, help="particles of the mixture")
    parser.add_argument("--threads", type=int, default=0)
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    parts = {"small": small, "ribosomes": ribosomes, "faml": faml_small}
    for name in asked.only:
        rows = mixture(asked.seed, asked.maps, asked.snr, asked.count) if name == "mixture" else parts[name](asked.seed)
        print(f"\n## {name}, seed {asked.seed}\n", *rows, "", sep="\n", flush=True)
    GOALS.settle()


if __name__ == "__main__":
    main()

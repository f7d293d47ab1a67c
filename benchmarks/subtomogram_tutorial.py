"""The tutorial on subtomogram averaging, run and scored: ``python benchmarks/subtomogram_tutorial.py OUT_DIR``.

Reads the commands from docs/tutorials/subtomogram_averaging.md, runs them in OUT_DIR (seeds stand in the commands), and
compares picks, poses and what was put back with the truth. With ``--picture FILE`` it draws the picture of the page;
with ``--score`` it only scores what is in OUT_DIR.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from ais_app.cli.app import run
from ais_app.core.coordinates import read_particles
from ais_app.core.io import open_tomogram
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.scoring import dice

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tutorials" / "subtomogram_averaging.md"
NEAR = 60.0  # Å


@dataclass(frozen=True)
class Score:
    """What the truth says.

    Parameters
    ----------
    true, found, right
        Ribosomes, picks, and picks within 60 Å of a ribosome, each counted once.
    angle, distance
        Median of the poses of these, degrees and Å, after the one rotation and shift that fits all best.
    aligned
        How many of them are within 10 degrees.
    overlap
        Dice of what was put back, as large as the ribosomes together, with their voxels.
    resolution
        Å, where the corrected FSC of the halves falls below 0.143; two voxels where it never does.
    """

    true: int
    found: int
    right: int
    angle: float
    distance: float
    aligned: int
    overlap: float
    resolution: float


def commands() -> list[list[str]]:
    """Return the commands of the page, each as words, without the name of the program."""
    blocks = re.findall(r"^```\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("ais-app ")]


def follow(folder: Path, replaced: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, float]:
    """Run the commands in `folder`; return the seconds of each, of one that comes twice those of the first.

    Parameters
    ----------
    folder
        Made where it is missing.
    replaced
        Name of a command, such as ``"subtomo average"``, to options and their other values.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before, seconds = Path.cwd(), {}
    os.chdir(folder)
    try:
        for words in commands():
            name = " ".join(words[:2]) if words[0] == "subtomo" else words[0]
            for option, value in (replaced or {}).get(name, {}).items():
                words[words.index(option) + 1] = value
            start = time.perf_counter()
            if run(words) != 0:
                raise SystemExit(f"failed: ais-app {shlex.join(words)}")
            seconds.setdefault(name, time.perf_counter() - start)
    finally:
        os.chdir(before)
    return seconds


def score(folder: Path) -> Score:
    """Compare with the truth."""
    truth = read_particles(folder / "phantom" / "ribosome.star")
    picks = read_particles(folder / "picks" / "tomogram_dog_coords.star")
    away, nearest = cKDTree(truth.positions_zyx).query(picks.positions_zyx)
    placed = SubtomogramStack.open(folder / "ribosomes.zarr").placed()
    away, nearest = cKDTree(truth.positions_zyx).query(placed.positions_zyx)
    near = away < NEAR
    rotations, of = placed.rotations[near], nearest[near]
    turns = Rotation.from_matrix(np.swapaxes(truth.rotations[of], 1, 2) @ rotations)
    best = min((np.rad2deg((turns * one.inv()).magnitude()) for one in turns), key=np.median)
    common = turns[best < 15].mean()
    angles = np.rad2deg((turns * common.inv()).magnitude())
    beside = (placed.positions_zyx[near] - truth.positions_zyx[of])[:, ::-1]
    within = np.einsum("nij,nj->ni", np.swapaxes(rotations, 1, 2), beside)
    distance = np.linalg.norm(within - np.median(within, axis=0), axis=1)
    mask = open_tomogram(folder / "phantom" / "ribosome.mrc").read() > 0
    back = open_tomogram(folder / "back" / "tomogram__average.mrc").read()
    level = np.sort(back.ravel())[-np.count_nonzero(mask)]
    return Score(
        len(truth), len(picks), len(set(of.tolist())), float(np.median(angles)), float(np.median(distance)),
        int((angles < 10).sum()), float(dice(back >= level, mask)), _resolution(folder / "average" / "fsc.csv"),
    )  # fmt: skip


def _resolution(path: Path) -> float:
    table = np.genfromtxt(path, delimiter=",", names=True)
    below = np.flatnonzero(table["corrected"][1:] < 0.143)
    return float(table["resolution"][1 + below[0] - 1] if len(below) and below[0] else table["resolution"][-1])


def draw(folder: Path, path: Path) -> None:
    """Draw a slice of the tomogram, the same slice of what was put back, and three sections of the average."""
    from PIL import Image

    def grey(plane: np.ndarray, low: float, high: float, zoom: int) -> np.ndarray:
        scaled = np.clip((plane - low) / (high - low), 0, 1) * 255
        return np.kron(scaled, np.ones((zoom, zoom))).astype(np.uint8)

    tomogram = -open_tomogram(folder / "phantom" / "tomogram.mrc").read()[30:35].mean(axis=0)
    back = open_tomogram(folder / "back" / "tomogram__average.mrc").read()[32]
    average = open_tomogram(folder / "average" / "average.mrc").read()
    middle = average.shape[0] // 2
    sections = [average[middle], average[:, middle], average[:, :, middle]]
    low, high = np.percentile(average, [1, 99.8])
    side = np.concatenate([grey(section, low, high, 5) for section in sections])
    spread = np.percentile(tomogram, [0.5, 99.5])
    panels = [grey(tomogram, *spread, 2), grey(back, 0.0, float(np.percentile(average, 99.8)), 2), side]
    height = max(len(panel) for panel in panels)
    canvas = np.full((height, sum(panel.shape[1] for panel in panels) + 16), 255, np.uint8)
    x = 0
    for panel in panels:
        top = (height - len(panel)) // 2
        canvas[top : top + len(panel), x : x + panel.shape[1]] = panel
        x += panel.shape[1] + 8
    Image.fromarray(canvas).save(path, optimize=True)


def main() -> None:
    """Run, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--score", action="store_true")
    chosen = parser.parse_args()
    seconds = {} if chosen.score else follow(chosen.folder.resolve())
    found = score(chosen.folder)
    print("| | |\n|---|---|")
    print(f"| ribosomes found | {found.right} of {found.true}, {found.found - found.right} picks beside |")
    print(f"| orientations, median | {found.angle:.1f}°; {found.aligned} of {found.right} within 10° |")
    print(f"| places, median | {found.distance:.1f} Å |")
    print(f"| FSC 0.143 between the halves | {found.resolution:.0f} Å |")
    print(f"| overlap with the true voxels (Dice) | {found.overlap:.2f} |")
    for name, value in seconds.items():
        print(f"| {name} | {value:.0f} s |")
    if chosen.picture:
        draw(chosen.folder, chosen.picture)


if __name__ == "__main__":
    main()

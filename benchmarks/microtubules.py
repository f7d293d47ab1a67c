"""Train on one real microtubule, segment and trace the other, both ways, through the command line.

    python benchmarks/microtubules.py OUT_DIR [--seed 0] [--epochs 30] [--ways 13-14,14-13]

Prints a table of axis errors and writes OUT_DIR/microtubules.json and the pictures of docs/tutorials/microtubules.md.
Data: tests/data/microtubules, two crops of one cryo-ET tomogram (BSD-3-Clause, see tests/data/README.md).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

sys.path.insert(0, str(Path(__file__).parent))
from microtubule_axes import clicks, layer_line, reference_axis, through_clicks

import ais_app
from ais_app import Tomogram
from ais_app.cli.app import run
from ais_app.core.filaments.curve import Curve
from ais_app.core.filaments.spline import fit_curve

DATA = Path(__file__).parent.parent / "tests" / "data" / "microtubules"
RADIUS = 125.0  # Å, outer radius of a microtubule: what a person paints
EVERY = 3  # every so many slices are painted
TRAIN = ["--architecture", "vggnet_s", "--depth", "9", "--voxel-size", "21", "--box-size", "48", "--boxes", "40",
         "--validation", "none"]  # fmt: skip
TTA = "16"
DUST = "1000000"  # Å³, a hundredth of what a microtubule of 200 nm fills


@dataclass(frozen=True)
class Result:
    """One way: errors in voxels of 10.52 Å against the reference axis, before and after --refine."""

    train: str
    test: str
    seed: int
    train_seconds: float
    filaments: int
    components: int
    median: float
    worst: float
    coverage: float
    refined_median: float
    refined_worst: float
    refined_coverage: float
    layer_line_clicks: float
    layer_line_reference: float
    layer_line_traced: float
    median_to_clicks: float
    worst_to_clicks: float
    clicks_to_reference: float


def command(*words: object) -> None:
    """Run one line of the command line and stop where it fails."""
    line = [str(word) for word in words]
    print("$ ais-app", " ".join(line), flush=True)
    if code := run(line):
        raise SystemExit(f"ais-app {line[0]} ended with {code}")


def painted(tomogram: Tomogram, axis: Curve, seed: int) -> tuple[np.ndarray, list[int]]:
    """Labels as a person paints them: the tube's outline in some slices, a voxel off here and there."""
    random = np.random.default_rng(seed)
    size = tomogram.require_voxel_size_zyx()
    slices = list(range(EVERY // 2, tomogram.shape[0], EVERY))
    labels = np.zeros(tomogram.shape, dtype=np.uint8)
    # the tube goes on beyond the faces
    points = axis.points(np.arange(-500.0, axis.length + 500.0, 4.0))
    grid = np.stack(np.meshgrid(*(np.arange(n) * s for n, s in zip(tomogram.shape[1:], size[1:], strict=True)),
                                indexing="ij"), axis=-1)  # fmt: skip
    for z in slices:
        here = np.concatenate([np.full((*grid.shape[:2], 1), z * size[0]), grid], axis=-1)
        slip = np.concatenate([[0.0], random.normal(0, size[1], 2)])
        labels[z] = cKDTree(points + slip).query(here)[0] <= RADIUS + random.normal(0, size[1])
    return labels, slices


def one_way(train: Path, test: Path, out: Path, seed: int, epochs: int) -> Result:
    """Annotate `train`, train a network on it, segment and trace `test`."""
    out.mkdir(parents=True, exist_ok=True)
    learnt = ais_app.open_tomogram(train)
    labels, slices = painted(learnt, reference_axis(learnt, clicks(train)), seed)
    ais_app.write_volume(out / "painted.mrc", labels, like=learnt)
    project, model = out / "microtubules.aisproj", out / "microtubule.aismodel"
    project.unlink(missing_ok=True)
    command("project", "create", project)
    command("project", "add", project, train)
    command("project", "import-labels", project, "--tomogram", learnt.name, "--feature", "microtubule",
            "--slices", ",".join(map(str, slices)), out / "painted.mrc")  # fmt: skip
    started = time.perf_counter()
    command("train", "--project", project, "--feature", "microtubule", *TRAIN, "--epochs", epochs, "--seed", seed,
            "--out", model)  # fmt: skip
    seconds = time.perf_counter() - started
    command("segment", test, "-m", model, "-o", out, "--tta", TTA, "--overwrite")
    segmentation = out / f"{test.stem}__microtubule.mrc"
    command("filaments", segmentation, "-o", out / "traced", "--min-volume", DUST)
    command("filaments", segmentation, "-o", out / "refined", "--min-volume", DUST, "--refine", test)
    return compared(train, test, out, seed, seconds)


def compared(train: Path, test: Path, out: Path, seed: int, seconds: float) -> Result:
    """Compare what was traced with the reference axis and with the clicks."""
    from ais_app.core.picking.labelling import at_least, components
    from ais_app.core.scoring import score_curves

    tomogram = ais_app.open_tomogram(test)
    size = tomogram.require_voxel_size_zyx()
    voxel = size[0]
    start = clicks(test)
    parabola, reference = through_clicks(start), reference_axis(tomogram, start)
    true = reference.points(np.arange(0.0, reference.length, 1.0))
    traced, refined = (
        ais_app.read_filaments(out / kind / f"{test.stem}__microtubule_filaments.json").polylines
        for kind in ("traced", "refined")
    )
    before, after = (score_curves(lines, [true], 1.5 * voxel) for lines in (traced, refined))
    # distance of every traced point between the outer clicks from the clicks' parabola
    to_clicks = _between(refined[0], start)
    errors = cKDTree(parabola.points(np.arange(0.0, parabola.length, 1.0))).query(to_clicks)[0] / voxel
    probability = ais_app.open_probabilities(out / f"{test.stem}__microtubule.mrc")
    lines = [
        layer_line(tomogram, fit_curve(_between(curve, start), 0.1))[0]
        for curve in (parabola.points(parabola.steps(5.0)), true[::5], refined[0])
    ]
    return Result(
        train=train.stem,
        test=test.stem,
        seed=seed,
        train_seconds=round(seconds, 1),
        filaments=len(refined),
        components=len(components(at_least(probability.data, 0.5), size, float(DUST))),
        median=before.median / voxel,
        worst=before.worst / voxel,
        coverage=before.coverage,
        refined_median=after.median / voxel,
        refined_worst=after.worst / voxel,
        refined_coverage=after.coverage,
        layer_line_clicks=lines[0],
        layer_line_reference=lines[1],
        layer_line_traced=lines[2],
        median_to_clicks=float(np.median(errors)),
        worst_to_clicks=float(errors.max()),
        clicks_to_reference=float(cKDTree(true).query(start)[0].max() / voxel),
    )


def _between(points: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the part of a polyline between the first and the last of some points beside it, finely sampled."""
    curve = fit_curve(points, 0.1)
    arc = np.arange(0.0, curve.length, 5.0)
    first, last = sorted(cKDTree(curve.points(arc)).query(ends[[0, -1]])[1])
    return curve.points(arc[first : last + 1])


def table(results: list[Result]) -> str:
    """Return the results as text."""
    heads = f"{'median':>7} {'worst':>7} {'cover':>7}"
    rows = [
        "Distance of the traced from the reference axis, voxels of 10.52 Å",
        f"{'train -> test':38} {'seed':>4} {'s':>5} {'n':>2}   {'as segmented':^23}   {'--refine':^23}",
        f"{'':38} {'':>4} {'':>5} {'':>2}   {heads}   {heads}",
    ]
    rows += [
        f"{r.train} -> {r.test:18} {r.seed:4} {r.train_seconds:5.0f} {r.filaments:2}   {r.median:7.2f} {r.worst:7.2f} "
        f"{r.coverage:7.1%}   {r.refined_median:7.2f} {r.refined_worst:7.2f} {r.refined_coverage:7.1%}"
        for r in results
    ]
    rows.append("Layer line at 4.1 nm, power over noise, when the wall is unrolled about ...")
    rows += [
        f"{r.test}: the clicks {r.layer_line_clicks:.0f}, the reference axis {r.layer_line_reference:.0f}, the traced "
        f"axis {r.layer_line_traced:.0f}; clicks are up to {r.clicks_to_reference:.1f} voxels off the reference, "
        f"{r.median_to_clicks:.1f} (worst {r.worst_to_clicks:.1f}) between their parabola and the traced axis"
        for r in results
    ]
    return "\n".join(rows)


def main() -> None:
    """Run the ways asked for, print the table, write JSON and pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--ways", default="13-14,14-13")
    asked = parser.parse_args()
    results = []
    for way in asked.ways.split(","):
        train, test = (DATA / f"cylindra_{number}pf_MT.tif" for number in way.split("-"))
        results.append(one_way(train, test, asked.out / way, asked.seed, asked.epochs))
    print(table(results))
    (asked.out / "microtubules.json").write_text(json.dumps([asdict(r) for r in results], indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()

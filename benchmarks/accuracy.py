"""Accuracy on unseen phantoms: ``python benchmarks/accuracy.py OUT_DIR [--snr 1 --snr 0.3 --snr 0.1] [--fresh]``.

For each SNR one phantom (seed 11) is annotated on a few slices, one network per feature is trained on at most 40
boxes, and two phantoms that no network has seen (seeds 21 and 22) are segmented without and with interactions,
picked and traced. "Seen" membranes are those that the missing wedge does not hide. Training is timed by the clock and
by the processor, whose seconds do not depend on what else the machine does. Prints tables as in docs/accuracy.md and
writes OUT_DIR/accuracy.json. What is in OUT_DIR already is used again unless --fresh says
otherwise.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
import warnings
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_dilation
from skimage.feature import structure_tensor

import ais_app
from ais_app.core.errors import DataWarning
from ais_app.core.prediction.interactions import Competition, InteractionGraph, Rule
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.scoring import dice, score_curves, score_picks
from ais_app.core.training.parameters import TrainParams
from ais_app.operations.filaments import curves_path
from ais_app.operations.pick import coordinate_path
from ais_app.operations.segment import segmentation_path
from ais_app.operations.train import train

TRAINED_ON, UNSEEN = 11, (21, 22)
SLICES, BOXES = 7, 40
SHAPE = (64, 256, 256)
FEATURES = ("membrane", "ribosome", "microtubule", "carbon")
CONTENTS = {"n_microtubules": 4}  # with two, one slab of a phantom hardly shows any
# a membrane is 50 Å thin; the others are large, and at half the resolution a network sees all of them at once
HALF = {"voxel_size": 20.0, "box_size": 48}
TRAINING = {
    "membrane": {"architecture": "unet_s", "depth": 5, "epochs": 15, "box_size": 96},
    "ribosome": {"architecture": "unet_s", "depth": 5, "epochs": 75, **HALF},
    "microtubule": {"architecture": "vggnet_s", "depth": 9, "epochs": 20, **HALF},
    "carbon": {"architecture": "unet_s", "depth": 5, "epochs": 30, **HALF},
}
TTA = PredictionParams(tta=8)
PICKING = ais_app.BlobParams(threshold=0.7, min_volume=1e6, min_spacing=175.0)
TRACING = ais_app.FilamentParams(threshold=0.7, min_volume=1.5e7, min_length=900.0)
HALF_A_RIBOSOME = 62.5  # Å
AXIS_TOLERANCE = 40.0  # Å; within it an axis counts as covered
WITH = InteractionGraph(
    (
        # the network of the microtubules is the weakest: it yields to the others and takes nothing from them
        Competition(emit=FEATURES[:2], absorb=FEATURES[:3]),
        Rule("avoid", "membrane", "carbon", radius=20.0, shape="ball"),
        Rule("avoid", "ribosome", "carbon", radius=20.0, shape="ball"),
    )
)
GRAPHS = {"without": InteractionGraph(), "with": WITH}


def phantom(folder: Path, snr: float, seed: int) -> Path:
    out = folder / f"phantom_{seed}"
    if not (out / "truth.json").exists():
        params = ais_app.SimulateParams(shape=SHAPE, snr=snr, **CONTENTS)
        ais_app.simulate(out, params, seed)
    return out


def trained(folder: Path, project: Path, feature: str) -> tuple[Path, dict[str, float]]:
    """Return the network and how long its training took: by the clock, and by the processor over all cores."""
    out = folder / f"{feature}.aismodel"
    times = folder / f"{feature}.seconds.json"
    if not out.exists():
        start, processor = time.perf_counter(), time.process_time()
        params = TrainParams(boxes=BOXES, seed=1, **TRAINING[feature])
        train(project, feature, out, params)
        taken = {"clock": time.perf_counter() - start, "processor": time.process_time() - processor}
        times.write_text(json.dumps(taken))
    return out, json.loads(times.read_text())


def annotated(folder: Path, source: Path) -> Path:
    path = folder / "accuracy.aisproj"
    if path.exists():
        return path
    with ais_app.Project.create(path) as project:
        entry = project.add_tomogram(source / "tomogram.mrc")
        chosen = np.linspace(0.1 * SHAPE[0], 0.9 * SHAPE[0], SLICES).round().astype(int).tolist()
        for feature in FEATURES:
            project.import_labels(entry, feature, source / f"{feature}.mrc", slices=chosen)
    return path


def unseen(membrane: np.ndarray, tilt: float = 60.0) -> np.ndarray:
    """Where the tilt series cannot show a membrane: around those whose normal lies in the missing wedge.

    A flat membrane is a line along its normal in Fourier space; tilted about y up to 60° the microscope records
    normals with |z| <= tan(60°) |x|.
    """
    tensor = structure_tensor(membrane.astype(np.float32), sigma=3.0)
    inside = np.nonzero(membrane)
    entries = np.stack([component[inside] for component in tensor], axis=-1)
    matrices = entries[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 3, 3)
    normal = np.linalg.eigh(matrices)[1][:, :, -1]
    hidden = np.abs(normal[:, 0]) > np.tan(np.radians(tilt)) * np.abs(normal[:, 2])
    mask = np.zeros(membrane.shape, dtype=bool)
    mask[tuple(axis[hidden] for axis in inside)] = True
    return binary_dilation(mask, iterations=2)


def scored(truth: Path, out: Path) -> dict[str, float | None]:
    result: dict[str, float | None] = {}
    files = {name: segmentation_path("tomogram.mrc", out, name) for name in FEATURES}
    masks = {name: ais_app.open_tomogram(truth / f"{name}.mrc").read() > 0 for name in FEATURES[:3]}
    found = {name: ais_app.open_probabilities(files[name]).read() > 0.5 for name in FEATURES[:3]}
    result |= {f"{name} Dice": dice(found[name], masks[name]) for name in FEATURES[:3]}
    result["seen membrane Dice"] = dice(found["membrane"], masks["membrane"], unseen(masks["membrane"]))
    ais_app.pick([files["ribosome"]], out, PICKING)
    picked = ais_app.read_particles(coordinate_path(files["ribosome"], out, "star")).positions_zyx
    placed = ais_app.read_particles(truth / "ribosome.star").positions_zyx
    picks = score_picks(picked, placed, HALF_A_RIBOSOME)
    result |= {"pick precision": picks.precision, "pick recall": picks.recall, "pick F1": picks.f1}
    result |= axis_scores(truth, out, files["microtubule"])
    return result


def axis_scores(truth: Path, out: Path, segmentation: Path) -> dict[str, float | None]:
    content = json.loads((truth / "truth.json").read_text(encoding="utf-8"))
    axes = [np.array(f["axis_xyz"])[:, ::-1] for f in content["filaments"] if f["kind"] == "microtubule"]
    ais_app.filaments([segmentation], out, TRACING)
    curves = ais_app.read_filaments(curves_path(segmentation, out)).polylines
    score = score_curves(curves, axes, tolerance=AXIS_TOLERANCE)
    finite = np.isfinite(score.median)
    return {
        "axis median, Å": score.median if finite else None,
        "axis worst, Å": score.worst if finite else None,
        "axis coverage": score.coverage,
        "filaments": float(len(curves)),
        "true filaments": float(len(axes)),
    }


def at_snr(folder: Path, snr: float) -> list[dict]:
    source = phantom(folder, snr, TRAINED_ON)
    project = annotated(folder, source)
    models = {name: trained(folder, project, name) for name in FEATURES}
    rows = []
    for seed in UNSEEN:
        truth = phantom(folder, snr, seed)
        for kind, graph in GRAPHS.items():
            out = folder / f"segmented_{seed}_{kind}"
            files = [path for path, _ in models.values()]
            tomogram = truth / "tomogram.mrc"
            results = ais_app.segment([tomogram], files, out, TTA, interactions=graph, skip_existing=False)
            if results[0].error is not None:
                raise results[0].error
            rows.append({"snr": snr, "seed": seed, "interactions": kind, **scored(truth, out)})
            print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
    for row in rows:
        row["training seconds"] = {
            name: f"{taken['clock']:.0f} (processor {taken['processor']:.0f})" for name, (_, taken) in models.items()
        }
    return rows


def cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "–" if value is None else str(value)


def table(rows: list[dict]) -> str:
    names = [name for name in rows[0] if name != "training seconds"]
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    for row in rows:
        cells = [
            f"{row[n]:.3g}" if isinstance(row[n], float) else str(row[n] if row[n] is not None else "–") for n in names
        ]
        lines.append("| " + " | ".join(cells) + " |")
    times = {row["snr"]: row["training seconds"] for row in rows}
    lines += ["", "Training time, seconds:"] + [f"SNR {snr}: {seconds}" for snr, seconds in times.items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--snr", type=float, action="append")
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore", DataWarning)
    if options.fresh:
        shutil.rmtree(options.out, ignore_errors=True)
    rows = []
    for snr in options.snr or [1.0, 0.3, 0.1]:
        folder = options.out / f"snr_{snr}"
        folder.mkdir(parents=True, exist_ok=True)
        rows += at_snr(folder, snr)
    (options.out / "accuracy.json").write_text(json.dumps(rows, indent=2, ensure_ascii=False), encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()

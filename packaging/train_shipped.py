"""Train the networks that come with the program, on simulated tomograms, and publish them into resources/networks.

    python packaging/train_shipped.py WORK_DIR [--feature membrane ...] [--phantoms 24] [--unseen 8] [--boxes 400]
                                      [--shape 48,224,224] [--epochs N] [--draws 4] [--device auto]
                                      [--out resources/networks] [--fresh] [--quick]

Every phantom has another seed, signal-to-noise ratio, defocus, voxel size and tilt range; whole phantoms are held out
to choose the best epoch, and others, which no training has seen, give the scores on the card. The network of
microtubules is also tried on two crops of a real tomogram (tests/data/microtubules). What is in WORK_DIR is used again:
an interrupted run goes on, a training from its last checkpoint. --quick runs everything in about a minute, to see
that it does. On two cores that do nothing else the whole takes about 20 minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import ais_app
from ais_app.core.errors import DataWarning
from ais_app.core.model.package import load_model, load_preview, save_model
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.training.metrics import scores
from ais_app.core.zoo.publish import Description, publish
from ais_app.operations.segment import segmentation_path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

from real_crops import on_real_crops  # noqa: E402 - a script beside this one's folder

FIRST_TRAINED, FIRST_UNSEEN = 1000, 9000  # seeds
SNRS = (0.03, 1.0)  # drawn from the logarithm
UNSEEN_SNRS = (0.05, 0.1, 0.3, 1.0)
DEFOCI = (2.0, 6.0)  # µm
VOXEL_SIZES = (8.0, 10.0, 13.68, 16.0)  # Å
TILTS = (50.0, 60.0)  # degrees
SLICES = 6  # annotated of each phantom
# a membrane is 50 Å thin; the others are large, and at half the resolution a network sees all of them at once
SETTINGS: dict[str, dict[str, object]] = {
    "membrane": {"voxel_size": 10.0, "box_size": 64, "depth": 5, "epochs": 12},
    "ribosome": {"voxel_size": 20.0, "box_size": 48, "depth": 5, "epochs": 30},
    "microtubule": {"voxel_size": 20.0, "box_size": 48, "depth": 7, "epochs": 12},
}
CONTENTS = {"n_microtubules": 4}  # with two, one slab of a phantom hardly shows any
LIMITS = (
    "Trained on simulated tomograms only: ice without crowding beyond a few per cent, one kind of carbon film, no"
    " lamella damage, no denoising. Look at the result before you use it; to go on training from this network on a few"
    " slices of your own tomograms is the surer way. Structures must be dark: ais-app convert --invert where they are"
    " not."
)


@dataclass(frozen=True)
class Size:
    """How large a run is."""

    phantoms: int
    unseen: int
    shape: tuple[int, int, int]
    boxes: int
    epochs: int | None
    draws: int
    device: str
    architecture: str


def conditions(seed: int, shape: tuple[int, int, int], snr: float | None = None) -> ais_app.SimulateParams:
    """Return how the phantom of a seed is imaged; the same seed gives the same."""
    draw = np.random.default_rng(seed)
    logarithm = draw.uniform(math.log(SNRS[0]), math.log(SNRS[1]))
    return ais_app.SimulateParams(
        shape=shape,
        snr=round(math.exp(logarithm), 4) if snr is None else snr,
        defocus=round(float(draw.uniform(*DEFOCI)), 2),
        voxel_size=float(draw.choice(VOXEL_SIZES)),
        tilt=float(draw.choice(TILTS)),
        **CONTENTS,
    )


def phantom(folder: Path, seed: int, shape: tuple[int, int, int], snr: float | None = None) -> Path:
    out = folder / f"phantom_{seed}"
    if not (out / "truth.json").exists():
        ais_app.simulate(out, conditions(seed, shape, snr), seed)
        print(f"phantom {seed}: {conditions(seed, shape, snr).to_dict()['snr']} SNR", flush=True)
    return out


def annotated(work: Path, sources: Sequence[Path]) -> Path:
    """Return a project of all phantoms with a few slices of each labelled."""
    path = work / f"shipped_{len(sources)}.aisproj"
    if (work / f"{path.stem}.done").exists():
        return path
    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    with ais_app.Project.create(path) as project:
        for source in sources:
            entry = project.add_tomogram(source / "tomogram.mrc", name=source.name)
            depth = ais_app.open_tomogram(source / "tomogram.mrc").shape[0]
            chosen = np.linspace(0.1 * depth, 0.9 * depth, SLICES).round().astype(int).tolist()
            for feature in SETTINGS:
                if (mask := source / f"{feature}.mrc").exists():
                    project.import_labels(entry, feature, mask, slices=chosen)
    (work / f"{path.stem}.done").write_text("", encoding="utf-8")
    return path


def trained(work: Path, project: Path, feature: str, size: Size) -> Path:
    out = work / f"{feature}.aismodel"
    if out.exists():
        return out
    settings = SETTINGS[feature] | ({} if size.epochs is None else {"epochs": size.epochs})
    params = ais_app.TrainParams(
        architecture=size.architecture,
        boxes=size.boxes,
        draws=size.draws,
        device=size.device,
        batch=16,
        validation="tomogram",
        seed=1,
        **settings,  # type: ignore[arg-type] - each of its own kind
    )
    began = time.perf_counter()
    ais_app.train(project, feature, out, params, resume=out.with_name(out.name + ".checkpoint").exists())
    print(f"{feature}: trained in {time.perf_counter() - began:.0f} s", flush=True)
    return out


def measured(work: Path, model: Path, feature: str, size: Size) -> dict[str, float]:
    """Return scores on phantoms that no training has seen: for each SNR, and their means."""
    kept = work / f"{feature}.scores.json"
    if kept.exists() and kept.stat().st_mtime > model.stat().st_mtime:
        return json.loads(kept.read_text(encoding="utf-8"))
    found: dict[str, list[float]] = {}
    for number in range(size.unseen):
        snr = UNSEEN_SNRS[number % len(UNSEEN_SNRS)]
        truth = phantom(work, FIRST_UNSEEN + number, size.shape, snr)
        if not (truth / f"{feature}.mrc").exists():
            continue  # none found room in it
        out = work / f"segmented_{FIRST_UNSEEN + number}"
        result = ais_app.segment([truth / "tomogram.mrc"], [model], out, PredictionParams(), skip_existing=False)[0]
        if result.error is not None:
            raise result.error
        probability = ais_app.open_probabilities(segmentation_path("tomogram.mrc", out, feature)).read()
        labels = (ais_app.open_tomogram(truth / f"{feature}.mrc").read() > 0).astype(np.uint8)
        score = scores(probability, labels)
        found.setdefault(f"unseen_dice_snr_{snr:g}", []).append(score.dice)
        found.setdefault("unseen_dice", []).append(score.dice)
        found.setdefault("unseen_average_precision", []).append(score.average_precision)
    values = {name: float(np.mean(each)) for name, each in sorted(found.items())}
    if feature == "microtubule":
        values |= on_real_crops(work, model)
    kept.write_text(json.dumps(values, indent=2), encoding="utf-8")
    return values


def published(work: Path, model: Path, feature: str, values: dict[str, float], size: Size, out: Path) -> None:
    """Publish a network without the places of its training files, which are nobody's but this machine's."""
    loaded = load_model(model)
    training = dict(loaded.card.training)
    data = {
        **training.get("data", {}),
        "tomograms": [{"name": f"phantom {FIRST_TRAINED + n}"} for n in range(size.phantoms)],
    }
    card = replace(loaded.card, training={**training, "data": data, "unseen": values})
    picture = load_preview(model)
    package = work / "publish" / f"{feature}.aismodel"
    package.parent.mkdir(exist_ok=True)
    save_model(replace(loaded, card=card), package, preview=None if picture is None else _decoded(picture))
    about = Description(
        title=f"{feature.capitalize()} (simulated)",
        description=f"Finds {feature}s; a start for {VOXEL_SIZES[0]:g} to {VOXEL_SIZES[-1]:g} Å per voxel.",
        filtering="weighted back-projection, phases flipped, no denoising",
        data=(
            f"{size.phantoms} simulated tomograms of {' x '.join(map(str, size.shape))} voxels, one seed each from"
            f" {FIRST_TRAINED} on: SNR {SNRS[0]:g} to {SNRS[1]:g}, defocus {DEFOCI[0]:g} to {DEFOCI[1]:g} µm, voxels of"
            f" {', '.join(f'{v:g}' for v in VOXEL_SIZES)} Å, tilts to ±{TILTS[0]:g}° or ±{TILTS[1]:g}°, {SLICES} slices"
            f" of each labelled, {size.boxes} boxes. Scores called unseen are means over {size.unseen} tomograms of"
            " other seeds, of all their slices, at a probability of 0.5; the others are of whole held-out tomograms."
        ),
        limits=LIMITS,
        authors="the makers of ais-app",
        licence="CC0-1.0",
        scores=values,
    )
    entry = publish(package, out, feature, about, replace_it=True, zoo_title="Shipped with ais-app")
    print(f"{feature}: {entry.size / 1e6:.1f} MB -> {out}; {json.dumps(values)}", flush=True)


def _decoded(picture: bytes) -> np.ndarray:
    import io

    from matplotlib.image import imread

    return (imread(io.BytesIO(picture), format="png")[..., :3] * 255).round().astype(np.uint8)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--feature", action="append", choices=list(SETTINGS))
    parser.add_argument("--phantoms", type=int, default=24)
    parser.add_argument("--unseen", type=int, default=8)
    parser.add_argument("--shape", type=lambda text: tuple(map(int, text.split(","))), default=(48, 224, 224))
    parser.add_argument("--boxes", type=int, default=400)
    parser.add_argument("--epochs", type=int, help="other than what suits each feature")
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--architecture", default="unet_s", help="small: all networks together must stay below 15 MB")
    parser.add_argument("--out", type=Path, default=ROOT / "resources" / "networks")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--quick", action="store_true")
    return parser.parse_args()


def main() -> None:
    options = _options()
    warnings.simplefilter("ignore", DataWarning)
    if options.fresh:
        shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True, exist_ok=True)
    names = ("phantoms", "unseen", "shape", "boxes", "epochs", "draws", "device", "architecture")
    size = Size(**{name: getattr(options, name) for name in names})
    if options.quick:
        size = replace(size, phantoms=2, unseen=1, shape=(24, 128, 128), boxes=12, epochs=1, draws=1)
    sources = [phantom(options.work, FIRST_TRAINED + number, size.shape) for number in range(size.phantoms)]
    project = annotated(options.work, sources)
    for feature in options.feature or SETTINGS:
        model = trained(options.work, project, feature, size)
        published(options.work, model, feature, measured(options.work, model, feature, size), size, options.out)


if __name__ == "__main__":
    main()

"""What gets the most out of few labels: ``python benchmarks/choices.py OUT_DIR [--group NAME ...] [--seeds 1]``.

On a phantom (seed 11, SNR 0.3) seven slices are annotated and at most 40 boxes cut. Every row trains a network with one
thing changed, and is scored on all slices of two phantoms (seeds 21 and 22) that no training has seen; networks of
microtubules also on two crops of a real tomogram. Groups: architectures, augmentation, loss, optimisation, depth,
start (from the shipped networks or from nothing), together (symmetries, ensembles, self-training). Rows that are in
OUT_DIR are used again, so an interrupted run goes on. --epochs, --draws and --device for machines that can do more.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from real_crops import on_real_crops

import ais_app
from ais_app.core.errors import DataWarning
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.training.metrics import scores
from ais_app.operations.segment import segmentation_path

TRAINED_ON, UNSEEN = 11, (21, 22)
SNR, SHAPE, SLICES, BOXES = 0.3, (64, 256, 256), 7, 40
FEATURES = ("membrane", "ribosome", "microtubule")
VOXEL_SIZES = {"membrane": 10.0, "ribosome": 20.0, "microtubule": 20.0}  # as in benchmarks/accuracy.py
ARCHITECTURES = ("unet_s", "resunet", "vggnet_m", "eman2", "inceptionnet", "pix2pix", "resnet")
ALTERED = ("symmetries", "brightness", "contrast", "gamma", "noise", "blur", "scale", "wedge", "spectrum", "shift")
NO_AUGMENTATION = {name: False if name == "symmetries" else 0.0 for name in ALTERED}
SHIPPED = Path(ais_app.__file__).resolve().parent.parent / "resources" / "networks"


@dataclass(frozen=True)
class Row:
    """One thing to measure."""

    group: str
    name: str
    feature: str
    changes: dict[str, object] = field(default_factory=dict)
    seed: int = 1
    slices: int = SLICES
    parent: str | None = None
    tta: int = 1
    members: int = 1
    taught: bool = False  # on its own confident predictions as well

    @property
    def key(self) -> str:
        """What its files are called."""
        return f"{self.group}-{self.feature}-{self.name}-{self.seed}".replace(" ", "_").replace("/", "_")


def rows(groups: Sequence[str], features: Sequence[str], seeds: Sequence[int]) -> Iterator[Row]:
    """Return what to measure; first what everything else is held against."""
    few = [feature for feature in features if feature != "microtubule"]
    made: dict[str, Callable[[], Iterator[Row]]] = {
        "base": lambda: (Row("base", "base", f, seed=s) for f in few for s in (1, 2, 3)),
        "architectures": lambda: (
            Row("architectures", a, f, {"architecture": a}, s) for s in seeds for f in features for a in ARCHITECTURES
        ),
        "augmentation": lambda: (
            Row("augmentation", name, f, changes, s)
            for s in seeds
            for f in few
            for name, changes in {
                "none at all": NO_AUGMENTATION,
                "symmetries alone": {**NO_AUGMENTATION, "symmetries": True},
                **{f"no {one}": {one: NO_AUGMENTATION[one]} for one in ALTERED},
            }.items()
        ),
        "loss": lambda: (
            Row("loss", one, f, {"loss": one}, s)
            for s in seeds
            for f in few
            for one in ("bce", "dice", "focal", "focal+dice")
        ),
        "optimisation": lambda: (
            Row("optimisation", name, f, changes, s)
            for s in seeds
            for f in few
            for name, changes in {
                "no averaging of weights": {"averaging": 0.0},
                "constant step": {"schedule": "constant", "learning_rate": 5e-4},
                "adam": {"optimiser": "adam"},
                "twice the epochs": {"epochs": 2},
            }.items()
        ),
        "depth": lambda: (
            Row("depth", name, f, changes, s)
            for s in seeds
            for f in few
            for name, changes in {
                "1 slice": {"depth": 1},
                "9 slices": {"depth": 9},
                "3D": {"architecture": "unet3d", "depth": 16, "box_size": 48},
            }.items()
        ),
        "start": lambda: (
            Row("start", f"{n} slices, {'shipped network' if p else 'nothing'}", f, {}, s, n, p)
            for s in seeds
            for f in few
            for n in (1, SLICES)
            for p in (None, f)
        ),
        "together": lambda: (
            row
            for f in few
            for row in (
                Row("together", "8 symmetries", f, tta=8),
                Row("together", "3 networks", f, members=3),
                Row("together", "3 networks, 8 symmetries", f, members=3, tta=8),
                Row("together", "self-training", f, taught=True),
            )
        ),
    }
    for group in ("base", *(name for name in made if name != "base")):
        if group == "base" or group in groups:
            yield from made[group]()


class Bench:
    """Measures rows in a folder."""

    def __init__(self, folder: Path, epochs: int, draws: int, device: str) -> None:
        self.folder, self.epochs, self.draws, self.device = folder, epochs, draws, device
        for seed in (TRAINED_ON, *UNSEEN):
            if not (self.phantom(seed) / "truth.json").exists():
                ais_app.simulate(
                    self.phantom(seed), ais_app.SimulateParams(shape=SHAPE, snr=SNR, n_microtubules=4), seed
                )

    def phantom(self, seed: int) -> Path:
        """Return the folder of a phantom."""
        return self.folder / f"phantom_{seed}"

    def project(self, slices: int) -> Path:
        """Return the project with so many annotated slices."""
        path = self.folder / f"{slices}.aisproj"
        if not path.exists():
            source = self.phantom(TRAINED_ON)
            low, high = (0.1, 0.9) if slices > 1 else (0.5, 0.5)
            chosen = np.linspace(low * SHAPE[0], high * SHAPE[0], slices).round().astype(int).tolist()
            with ais_app.Project.create(path) as project:
                entry = project.add_tomogram(source / "tomogram.mrc")
                for feature in FEATURES:
                    project.import_labels(entry, feature, source / f"{feature}.mrc", slices=chosen)
        return path

    def params(self, row: Row) -> ais_app.TrainParams:
        """Return how a row's network is trained."""
        changes = {"architecture": "unet_s", "depth": 5, "box_size": 64, **row.changes}
        epochs = self.epochs * int(changes.pop("epochs", 1))  # type: ignore[call-overload]
        return ais_app.TrainParams(
            boxes=BOXES if row.slices > 1 else BOXES // 4,
            epochs=epochs,
            draws=self.draws,
            seed=row.seed,
            voxel_size=VOXEL_SIZES[row.feature],
            device=self.device,
            **changes,  # type: ignore[arg-type] - each of its own kind
        )

    def trained(self, row: Row) -> Path:
        """Return the network of a row, trained where it is not there."""
        out = self.folder / f"{row.key}.aismodel"
        if not out.exists():
            project = self.self_taught(row) if row.taught else self.project(row.slices)
            parent = None if row.parent is None else SHIPPED / f"{row.parent}.aismodel"
            start = time.perf_counter()
            ais_app.train(project, row.feature, out, self.params(row), parent=parent)
            out.with_suffix(".seconds").write_text(f"{time.perf_counter() - start:.0f}", encoding="utf-8")
        return out

    def self_taught(self, row: Row) -> Path:
        """Return the project with six more slices, labelled by the network where it is sure, else ignored."""
        path = self.folder / f"taught_{row.feature}.aisproj"
        if path.exists():
            return path
        teacher = self.trained(Row("base", "base", row.feature))
        tomogram = self.phantom(TRAINED_ON) / "tomogram.mrc"
        probability = self.probability([teacher], tomogram, row.feature, tta=8)
        labels = np.where(probability > 0.9, 1, np.where(probability < 0.1, 0, 2)).astype(np.uint8)
        own = np.linspace(0.1 * SHAPE[0], 0.9 * SHAPE[0], SLICES).round().astype(int)
        with ais_app.Project.create(path) as project:
            entry = project.add_tomogram(tomogram)
            between = ((own[1:] + own[:-1]) // 2).tolist()
            truth = ais_app.open_tomogram(self.phantom(TRAINED_ON) / f"{row.feature}.mrc").read() > 0
            labels[own] = truth[own]
            project.import_labels(entry, row.feature, labels, slices=sorted([*own.tolist(), *between]))
        return path

    def probability(self, models: Sequence[Path], tomogram: Path, feature: str, tta: int = 1) -> np.ndarray:
        """Return the mean probability, (z, y, x), of some networks."""
        found = []
        for model in models:
            out = self.folder / "segmented"
            done = ais_app.segment([tomogram], [model], out, PredictionParams(tta=tta), skip_existing=False)[0]
            if done.error is not None:
                raise done.error
            found.append(ais_app.open_probabilities(segmentation_path("tomogram.mrc", out, feature)).read())
        return np.mean(found, axis=0)

    def measured(self, row: Row) -> dict[str, float | str]:
        """Return the scores of a row."""
        kept = self.folder / f"{row.key}.json"
        if kept.exists():
            return json.loads(kept.read_text(encoding="utf-8"))
        if row.group == "together" and not row.taught:
            models = [self.trained(Row("base", "base", row.feature, seed=n + 1)) for n in range(row.members)]
        else:
            models = [self.trained(row)]
        found: dict[str, list[float]] = {"Dice": [], "best Dice": [], "AP": [], "loss": []}
        start, slices = time.perf_counter(), 0
        for seed in UNSEEN:
            probability = self.probability(models, self.phantom(seed) / "tomogram.mrc", row.feature, row.tta)
            slices += len(probability)
            labels = (ais_app.open_tomogram(self.phantom(seed) / f"{row.feature}.mrc").read() > 0).astype(np.uint8)
            score = scores(probability, labels)
            sure = np.clip(np.where(labels, probability, 1 - probability), 1e-3, 1)
            for name, value in zip(
                found, (score.dice, score.best_dice, score.average_precision, -np.log(sure).mean()), strict=True
            ):
                found[name].append(float(value))
        values: dict[str, float | str] = {name: float(np.mean(each)) for name, each in found.items()}
        values["s a slice"] = (time.perf_counter() - start) / slices
        seconds = models[0].with_suffix(".seconds")
        values["training, s"] = float(seconds.read_text(encoding="utf-8")) if seconds.exists() else float("nan")
        if row.feature == "microtubule":
            values |= on_real_crops(self.folder, models[0])
        values = {"group": row.group, "name": row.name, "feature": row.feature, "seed": str(row.seed), **values}
        kept.write_text(json.dumps(values, indent=2), encoding="utf-8")
        print(json.dumps(values), flush=True)
        return values


def table(values: Sequence[dict[str, float | str]]) -> str:
    """Return the rows with the mean over seeds, group by group."""
    columns = (
        "Dice",
        "best Dice",
        "AP",
        "loss",
        "training, s",
        "s a slice",
        "real_axis_coverage",
        "real_axis_median_angstrom",
    )
    lines = ["| group | feature | | seeds | " + " | ".join(columns) + " |", "|---" * (len(columns) + 4) + "|"]
    keys = dict.fromkeys((str(v["group"]), str(v["feature"]), str(v["name"])) for v in values)
    for group, feature, name in keys:
        same = [v for v in values if (v["group"], v["feature"], v["name"]) == (group, feature, name)]
        cells = []
        for column in columns:
            numbers = [float(v[column]) for v in same if column in v and np.isfinite(float(v[column]))]
            spread = f" ± {np.std(numbers):.3f}" if len(numbers) > 1 and column in ("Dice", "AP") else ""
            cells.append(f"{np.mean(numbers):.3g}{spread}" if numbers else "–")
        lines.append(f"| {group} | {feature} | {name} | {len(same)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    groups = ("architectures", "augmentation", "loss", "optimisation", "depth", "start", "together")
    parser.add_argument("--group", action="append", choices=groups)
    parser.add_argument("--feature", action="append", choices=FEATURES)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    warnings.simplefilter("ignore", DataWarning)
    options.out.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.out, options.epochs, options.draws, options.device)
    seeds = range(1, options.seeds + 1)
    values = [bench.measured(row) for row in rows(options.group or groups, options.feature or FEATURES, seeds)]
    (options.out / "choices.json").write_text(json.dumps(values, indent=2), encoding="utf-8")
    print(table(values))


if __name__ == "__main__":
    main()

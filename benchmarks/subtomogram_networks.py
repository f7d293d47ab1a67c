"""Networks of subtomograms against papers: ``python benchmarks/subtomogram_networks.py [--reduced] [--maps DIR]``.

Simulates subtomograms (see ais_app/core/simulate/subtomograms.py), trains each network on some and measures it on
others that it has not seen, at each SNR. Prints tables as in docs/accuracy.md, and writes what it measured to --out.

The papers simulate 22 complexes from the PDB in boxes of 40 voxels of 9.2 Å, tilted to ±60°. With --maps DIR, a folder
with the maps named in STAND_INS in it, 22 classes are made of those; without, of the maps that are shipped. To them
comes the class of boxes without a particle. --reduced: the same boxes binned to 20 voxels of 18.4 Å (the SNR is that
before), few of each class, few epochs, some of the networks and SNRs; minutes on two cores. The whole is for a GPU.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mask_scores import mask_scores
from subtomogram_papers import PAPER, PAPER_FOUND, PAPER_SSN3D, TILTS, templates

from ais_app.core.jobs import run
from ais_app.core.model.architectures import architecture
from ais_app.core.model.card import ModelCard
from ais_app.core.model.cubes import standardised
from ais_app.core.model.package import Model
from ais_app.core.particles.classify import classify, decode, encode, features, logits
from ais_app.core.particles.clusters import cluster_codes, decoded_masks, weak_data
from ais_app.core.particles.discover import DiscoverParams, discover
from ais_app.core.particles.open_set import known_classes, record_known
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.subtomograms import NOTHING, Subtomograms, simulate_subtomograms
from ais_app.core.training.boxes import BoxSet, TrainingData
from ais_app.core.training.classify import accuracies
from ais_app.core.training.cubes import cube_data
from ais_app.core.training.parameters import TrainParams
from ais_app.core.training.trainer import train_job

EDGE, VOXEL_SIZE = 40, 9.2  # of the boxes that are simulated; Å


@dataclass(frozen=True)
class Form:
    """How much is computed: the whole, or what fits into minutes."""

    binning: int
    each: int
    epochs: int
    classifiers: tuple[str, ...]
    snrs: tuple[float, ...]
    tilts: tuple[float, ...]
    segmenters: tuple[str, ...]
    segmenter_snrs: tuple[float, ...]
    segmenter_epochs: int
    encoder_epochs: int
    clusters: int
    discoverers: tuple[str, ...]
    left_out: int | None
    discovery_snr: float

    @property
    def edge(self) -> int:
        """Voxels across a box that networks see."""
        return EDGE // self.binning


WHOLE = Form(
    binning=1,
    each=1000,
    epochs=20,
    classifiers=("dsrf3d", "inception3d", "dsrf3d_v2", "rb3d_pooled", "cb3d", "classifier3d"),
    snrs=(1000, 0.5, 0.1, 0.05, 0.03),
    tilts=TILTS,
    segmenters=("ssn3d_v1", "ssn3d_v2", "ssn3d_ed"),
    segmenter_snrs=(0.5, 0.06, 0.01),
    segmenter_epochs=40,
    encoder_epochs=60,
    clusters=100,
    discoverers=("dsrf3d", "inception3d", "classifier3d"),
    left_out=None,
    discovery_snr=0.05,
)
REDUCED = Form(
    binning=2,
    each=120,
    epochs=12,
    classifiers=("dsrf3d", "inception3d", "classifier3d"),
    snrs=(1000, 0.5, 0.1, 0.05, 0.03),
    tilts=(60.0,),
    segmenters=("ssn3d_v1", "ssn3d_v2", "ssn3d_ed"),
    segmenter_snrs=(0.5, 0.06, 0.01),
    segmenter_epochs=10,
    encoder_epochs=15,
    clusters=16,
    discoverers=("classifier3d",),
    left_out=3,
    discovery_snr=0.5,
)


def sets(form: Form, folder: Path | None, seed: int, tilt: float = 60.0) -> tuple[Subtomograms, Subtomograms]:
    """Return subtomograms to train on and, of another seed, to test on: half and half, as in the papers."""
    microscope = SimulateParams(
        voxel_size=VOXEL_SIZE, tilt=tilt, tilt_step=3.0, defocus=5.0, spherical_aberration=2.0, dose=0.0
    )
    maps = templates(folder)
    one, two = (simulate_subtomograms(maps, microscope, EDGE, form.each // 2, seed + k) for k in (0, 1000))
    return one, two


def binned(cubes: np.ndarray, form: Form) -> np.ndarray:
    """Return means over so many voxels along each axis as the form bins by."""
    n, b = form.edge, form.binning
    return cubes.reshape(-1, n, b, n, b, n, b).mean((2, 4, 6), dtype=np.float32)


def settings(form: Form, name: str, epochs: int, seed: int, **options: Any) -> TrainParams:
    defaults = {"batch": 32, "draws": 1, "validation": "none", "learning_rate": 1e-3}
    return TrainParams(**{**defaults, **options}, architecture=name, box_size=form.edge, epochs=epochs, seed=seed)


def card(name: str, form: Form, **wanted: Any) -> ModelCard:
    """Return the card of a network; of its parameters those that it has."""
    known = architecture(name).parameters
    return ModelCard(name, {key: value for key, value in {"size": form.edge, **wanted}.items() if key in known})


def timed(job: Any) -> tuple[Any, float]:
    start = time.perf_counter()
    result = run(job)
    return result, time.perf_counter() - start


def classifiers(
    form: Form, training: Subtomograms, test: Subtomograms, seed: int, folder: Path | None
) -> list[dict[str, Any]]:
    rows = []
    for tilt in form.tilts:
        if tilt != TILTS[0]:
            training, test = sets(form, folder, seed, tilt)
        rows += [{"tilt": tilt, **row} for row in _classified(form, training, test, seed, TILTS.index(tilt))]
    return rows


def _classified(form: Form, training: Subtomograms, test: Subtomograms, seed: int, column: int) -> list[dict[str, Any]]:
    rows = []
    for snr in form.snrs:
        cubes, unseen = binned(training.at(snr), form), binned(test.at(snr), form)
        for name in form.classifiers:
            params = settings(form, name, form.epochs, seed)
            data = cube_data(cubes, training.labels, params, classes=training.classes)
            result, seconds = timed(train_job(data, params, card(name, form, classes=len(training.classes))))
            start = time.perf_counter()
            chosen = classify(result.model, unseen, batch=64, device=DEVICE).argmax(1)
            each = (time.perf_counter() - start) / len(unseen)
            paper = PAPER.get(name, {}).get(snr)
            row = {"network": name, "snr": snr, "paper": paper and paper[column], "s_classify": each}
            row |= {"s_train": seconds / (form.epochs * len(cubes)), **accuracies(chosen, test.labels)}
            rows.append(row)
            print(f"# {name} at {snr}, ±{TILTS[column]:.0f}°: {row['accuracy']:.3f} in {seconds:.0f} s", flush=True)
    return rows


def discoverers(
    form: Form, training: Subtomograms, test: Subtomograms, seed: int, folder: Path | None
) -> list[dict[str, Any]]:
    """Leave each class out of a training, and look for it among the clusters of what the network sees in the others."""
    rows = []
    cubes, unseen = (binned(made.at(form.discovery_snr), form) for made in (training, test))
    count = len(training.classes)
    left_out = [k for k in range(count) if training.classes[k] != NOTHING][: form.left_out]
    for name in form.discoverers:
        for out in left_out:
            kept, numbers = training.labels != out, np.cumsum(np.arange(count) != out) - 1
            params = settings(form, name, form.epochs, seed, validation="auto")
            data = cube_data(cubes[kept], numbers[training.labels[kept]], params)
            result, seconds = timed(train_job(data, params, card(name, form, classes=count - 1)))
            known = known_classes(record_known(result.model, data, device=DEVICE))
            grouped, near = (of(result.model, unseen, batch=64, device=DEVICE) for of in (logits, features))
            wanted = DiscoverParams(clusters=form.clusters, seed=seed)
            found = discover(grouped, near, known, wanted, test.labels)
            best = max(found.clusters, key=lambda one: (one.counts[out] / one.size, one.size))
            row = {"network": name, "left_out": training.classes[out], "purity": best.counts[out] / best.size}
            row |= {"recall": best.counts[out] / int((test.labels == out).sum()), "rank": best.rank}
            rows.append(row)
            print(f"# {name} without {row['left_out']}: {row['purity']:.2f} in {seconds:.0f} s", flush=True)
    return rows


def segmenters(
    form: Form, training: Subtomograms, test: Subtomograms, seed: int, folder: Path | None
) -> list[dict[str, Any]]:
    rows = []
    size = form.edge - form.edge % 8  # they halve three times
    for snr in form.segmenter_snrs:
        cubes, masks = _with_particle(training, form, snr, size)
        unseen, truth = _with_particle(test, form, snr, size)
        rows.append({"network": "all background", "snr": snr, **asdict(mask_scores(np.zeros_like(truth), truth))})
        for name in form.segmenters:
            params = settings(form, name, form.segmenter_epochs, seed, loss="bce+dice")
            params = replace(params, box_size=size, shift=0.0, scale=0.0)
            data = TrainingData(BoxSet(cubes, masks, np.ones(len(cubes), bool)), None, VOXEL_SIZE * form.binning, -1)
            result, seconds = timed(train_job(data, params, card(name, form)))
            scores = asdict(mask_scores(_segmented(result.model, unseen), truth))
            paper = PAPER_SSN3D.get(name, {}).get(snr)
            rows.append({"network": name, "snr": snr, "paper": paper, "seconds": seconds, **scores})
            print(f"# {name} at {snr}: mIoU {rows[-1]['mean_iou']:.3f} in {seconds:.0f} s", flush=True)
    return rows


def _with_particle(made: Subtomograms, form: Form, snr: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    there = made.labels != made.classes.index(NOTHING)
    first = (form.edge - size) // 2
    inner = (slice(None), *[slice(first, first + size)] * 3)
    masks = binned(made.masks[there], form) >= 0.5
    cubes = standardised(binned(made.at(snr)[there], form))
    return np.ascontiguousarray(cubes[inner]), masks[inner].astype(np.uint8)


def _segmented(model: Model, cubes: np.ndarray) -> np.ndarray:
    network = model.network.to(DEVICE).eval()
    with torch.inference_mode():
        parts = [network(x.to(DEVICE)).cpu().numpy() > 0.5 for x in torch.from_numpy(cubes).split(64)]
    return np.concatenate(parts)


def encoder(
    form: Form, training: Subtomograms, test: Subtomograms, seed: int, folder: Path | None, snr: float = 0.5
) -> dict[str, Any]:
    """Return how pure clusters of codes are, how pure those of the voxels, and how well clusters teach to segment."""
    as_published = {"batch": 8, "optimiser": "adam", "schedule": "constant"}
    params = settings(form, "autoencoder3d", form.encoder_epochs, seed, shift=0.0, **as_published)
    cubes, unseen = binned(training.at(snr), form), binned(test.at(snr), form)
    data = cube_data(cubes, None, params)
    result, seconds = timed(train_job(data, params, card("autoencoder3d", form)))
    codes = encode(result.model, cubes, batch=64, device=DEVICE)
    start = time.perf_counter()
    encode(result.model, unseen, batch=64, device=DEVICE)
    each = (time.perf_counter() - start) / len(unseen)
    found: dict[str, Any] = {"snr": snr, "s_encode": each}
    found |= {"s_train": seconds / (form.encoder_epochs * len(training))}
    clusters = cluster_codes(codes, form.clusters, seed)
    by_voxels = cluster_codes(standardised(cubes).reshape(len(cubes), -1), form.clusters, seed)
    for name, groups in (("codes", clusters), ("voxels", by_voxels)):
        counts = [np.bincount(training.labels[groups.assignment == k]).max() for k in range(form.clusters)]
        found[f"purity_{name}"] = float(sum(counts) / len(cubes))
    # a person would look at the decoded centres; here those clusters are chosen of which most cubes hold a particle
    there = training.labels != training.classes.index(NOTHING)
    chosen = [k for k in range(form.clusters) if there[clusters.assignment == k].mean() > 0.5]
    masks = decoded_masks(decode(result.model, codes, batch=64, device=DEVICE))
    weak = settings(form, "edss3d", form.segmenter_epochs, seed, shift=0.0, scale=0.0)
    labelled = weak_data(cubes, masks, clusters, chosen, weak)
    result, _ = timed(train_job(labelled, weak, card("edss3d", form)))
    seen = test.labels != test.classes.index(NOTHING)
    truth = binned(test.masks[seen], form) >= 0.5
    for name, masks in (
        ("edss3d", _segmented(result.model, standardised(unseen[seen]))), ("all background", np.zeros_like(truth))
    ):  # fmt: skip
        found[name] = asdict(mask_scores(masks, truth))
    return found | {"chosen": len(chosen)}


def show(found: dict[str, Any]) -> None:
    if "classifiers" in found:
        print("\n| network | tilts | SNR | accuracy | the paper's | s to train on one, per epoch | s to classify one |")
        print("|---|---|---|---|---|---|---|")
    for row in found.get("classifiers", []):
        paper = "" if row["paper"] is None else f"{row['paper']:.3f}"
        times = f"{row['s_train']:.4f} | {row['s_classify']:.4f}"
        print(
            f"| {row['network']} | ±{row['tilt']:.0f}° | {row['snr']:g} | {row['accuracy']:.3f} | {paper} | {times} |"
        )
    if "discoverers" in found:
        print("\n| network | left out | purity of the best cluster | of it in that | rank |\n|---|---|---|---|---|")
    for row in found.get("discoverers", []):
        shares = f"{row['purity']:.2f} | {row['recall']:.2f} | {row['rank']}"
        print(f"| {row['network']} | {row['left_out']} | {shares} |")
    for name in dict.fromkeys(row["network"] for row in found.get("discoverers", [])):
        purities = [row["purity"] for row in found["discoverers"] if row["network"] == name]
        paper = PAPER_FOUND.get(name, "")
        print(
            f"{name}: {sum(p > 0.5 for p in purities)} of {len(purities)} are most of some cluster; the paper: {paper}"
        )
    if "segmenters" in found:
        print("\n| network | SNR | pixel accuracy | mean IoU | the paper's |\n|---|---|---|---|---|")
    for row in found.get("segmenters", []):
        paper = "{:.2f} %, {:.2f}".format(*row["paper"]) if row.get("paper") else ""
        scores = f"{100 * row['right']:.2f} % | {100 * row['mean_iou']:.2f}"
        print(f"| {row['network']} | {row['snr']:g} | {scores} | {paper} |")
    if "encoder" in found:
        codes, voxels = (found["encoder"][f"purity_{name}"] for name in ("codes", "voxels"))
        print(f"\npurity of clusters: of codes {codes:.3f}, of voxels {voxels:.3f}")
        print(f"encoding: {found['encoder']['s_encode']:.4f} s a subtomogram")
        taught, nothing = (found["encoder"][name] for name in ("edss3d", "all background"))
        print(
            f"EDSS3D taught by clusters: Dice {taught['dice']:.3f}, mean IoU {100 * taught['mean_iou']:.2f}, "
            f"all background {100 * nothing['mean_iou']:.2f}"
        )


PARTS: dict[str, Callable[[Form, Subtomograms, Subtomograms, int, Path | None], Any]] = {
    "classifiers": classifiers,
    "discoverers": discoverers,
    "encoder": encoder,
    "segmenters": segmenters,
}
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reduced", action="store_true")
    parser.add_argument("--maps", type=Path)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--snr", type=float, nargs="+", help="classifiers: these ratios only")
    parser.add_argument("--tilt", type=float, nargs="+", choices=TILTS, help="classifiers: these ranges only, degrees")
    parser.add_argument("--networks", nargs="+", choices=WHOLE.classifiers, help="classifiers: these only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("subtomogram_networks.json"))
    arguments = parser.parse_args()
    form = REDUCED if arguments.reduced else WHOLE
    form = replace(
        form,
        snrs=tuple(arguments.snr or form.snrs),
        tilts=tuple(arguments.tilt or form.tilts),
        classifiers=tuple(arguments.networks or form.classifiers),
    )
    start = time.perf_counter()
    training, test = sets(form, arguments.maps, arguments.seed)
    print(f"# {len(training)} + {len(test)} subtomograms in {time.perf_counter() - start:.0f} s", flush=True)
    found: dict[str, Any] = {"classes": training.classes, "seed": arguments.seed, "device": DEVICE}
    for name in arguments.parts:
        found[name] = PARTS[name](form, training, test, arguments.seed, arguments.maps)
        arguments.out.write_text(json.dumps(found, indent=2))
    show(found)
    print(f"\n{time.perf_counter() - start:.0f} s in all, {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()

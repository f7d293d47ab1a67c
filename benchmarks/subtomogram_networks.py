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
import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import center_of_mass

from ais_app.core.jobs import run
from ais_app.core.model.cubes import standardised
from ais_app.core.model.package import Model, ModelCard, architecture
from ais_app.core.particles.classify import classify, decode, encode
from ais_app.core.particles.clusters import cluster_codes, decoded_masks, weak_data
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.subtomograms import NOTHING, Subtomograms, simulate_subtomograms
from ais_app.core.simulate.templates import Template, load_template, template_names, template_of
from ais_app.core.training.boxes import BoxSet, TrainingData
from ais_app.core.training.classify import accuracies
from ais_app.core.training.cubes import cube_data
from ais_app.core.training.parameters import TrainParams
from ais_app.core.training.trainer import train_job

EDGE, VOXEL_SIZE = 40, 9.2  # of the boxes that are simulated; Å
IN_MEMBRANES = "ampa_receptor"
# complex of the papers -> map in --maps, and what brings it to electrons per voxel of 10 Å
STAND_INS = {
    "1F1B": ("pdb_assembly_10A/1f1b_10A", 1.0),
    "1W6T": ("pdb_assembly_10A/1w6t_10A", 1.0),
    "1YG6": ("pdb_assembly_10A/1yg6_10A", 1.0),
    "2BO9": ("pdb_assembly_10A/2bo9_10A", 1.0),
    "2BYU": ("pdb_assembly_10A/2byu_10A", 1.0),
    "2GHO": ("pdb_assembly_10A/2gho_10A", 1.0),
    "2H12": ("pdb_assembly_10A/2h12_10A", 1.0),
    # the same kind of complex
    "3DY4 -> 3J9I, 20S proteasome": ("pdb_assembly_10A/3j9i_10A", 1.0),
    "1FNT -> 3IPM, 20S with activator": ("polnet_10A/3ipm", 1.37),
    "4V4Q -> 4V5A, 70S ribosome": ("pdb_assembly_10A/4v5a_10A", 1.0),
    "1LB3 -> 6PXM, ferritin": ("polnet_10A/6pxm", 17.5),
    "1KP8 -> 4V94, chaperonin": ("polnet_10A/derived_4v94_half", 1.37),
    # others of some 60 to 520 kDa
    "1A1S -> 2CG9": ("pdb_assembly_10A/2cg9_10A", 1.0),
    "1BXR -> 1BXN": ("pdb_assembly_10A/1bxn_10A", 1.0),
    "1EQR -> 3H84": ("pdb_assembly_10A/3h84_10A", 1.0),
    "1GYT -> 7N4Y": ("polnet_10A/7n4y", 17.5),
    "1QO1 -> 1U6G": ("pdb_assembly_10A/1u6g_10A", 1.0),
    "1VPX -> 1F4A": ("polnet_10A/1f4a", 17.5),
    "1VRG -> 1QVR": ("pdb_assembly_10A/1qvr_10A", 1.0),
    "2GLS -> 2LDB": ("pdb_assembly_10A/2ldb_10A", 1.0),
    "2IDB -> 3D2F": ("pdb_assembly_10A/3d2f_10A", 1.0),
    "2REC -> 3CF3": ("pdb_assembly_10A/3cf3_10A", 1.0),
}
# Xu et al. (2017), Bioinformatics 33, i13, table 2, ±60°
PAPER = {
    "dsrf3d": {1000: 0.990, 0.5: 0.972, 0.1: 0.891, 0.05: 0.767, 0.03: 0.658},
    "inception3d": {1000: 0.993, 0.5: 0.975, 0.1: 0.851, 0.05: 0.757, 0.03: 0.608},
}
# Liu et al. (2018), semantic segmentation of subtomograms: pixel accuracy in % and mean IoU
PAPER_SSN3D = {
    "ssn3d_v1": {0.5: (98.28, 70.10)},
    "ssn3d_v2": {0.5: (99.30, 85.30)},
    "ssn3d_ed": {0.5: (99.35, 86.40), 0.06: (98.84, 83.04), 0.01: (97.94, 73.78)},
}


@dataclass(frozen=True)
class Form:
    """How much is computed: the whole, or what fits into minutes."""

    binning: int
    each: int
    epochs: int
    classifiers: tuple[str, ...]
    snrs: tuple[float, ...]
    segmenters: tuple[str, ...]
    segmenter_snrs: tuple[float, ...]
    segmenter_epochs: int
    encoder_epochs: int
    clusters: int

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
    segmenters=("ssn3d_v1", "ssn3d_v2", "ssn3d_ed"),
    segmenter_snrs=(0.5, 0.06, 0.01),
    segmenter_epochs=40,
    encoder_epochs=60,
    clusters=100,
)
REDUCED = Form(
    binning=2,
    each=120,
    epochs=12,
    classifiers=("dsrf3d", "inception3d", "classifier3d"),
    snrs=(0.5, 0.1),
    segmenters=("ssn3d_ed",),
    segmenter_snrs=(0.5,),
    segmenter_epochs=10,
    encoder_epochs=15,
    clusters=16,
)


def templates(folder: Path | None) -> list[Template]:
    if folder is None:
        return [load_template(name) for name in template_names() if name != IN_MEMBRANES]
    return [
        template_of(_electrons(folder / f"{file}.mrc.gz", factor), 10.0, name)
        for name, (file, factor) in STAND_INS.items()
    ]


def _electrons(path: Path, factor: float) -> np.ndarray:
    raw = gzip.decompress(path.read_bytes())
    nx, ny, nz, mode = np.frombuffer(raw, "<i4", 4)
    extended = int(np.frombuffer(raw, "<i4", 1, offset=92)[0])
    kind = {0: "i1", 1: "<i2", 2: "<f4"}[int(mode)]
    density = np.frombuffer(raw, kind, nx * ny * nz, offset=1024 + extended).reshape(nz, ny, nx)
    n = 2 * max(density.shape)
    cube = np.zeros((n, n, n), np.float32)
    centre = np.rint(center_of_mass(density.clip(0))).astype(int)
    cube[tuple(slice(n // 2 - c, n // 2 - c + side) for c, side in zip(centre, density.shape, strict=True))] = density
    size = max(np.abs(np.argwhere(cube > 0) - n // 2).max() + 2, 8)
    inner = slice(n // 2 - size, n // 2 + size)
    return cube[inner, inner, inner].clip(0) * np.float32(factor)


def sets(form: Form, folder: Path | None, seed: int) -> tuple[Subtomograms, Subtomograms]:
    """Return subtomograms to train on and, of another seed, to test on: half and half, as in the papers."""
    microscope = SimulateParams(
        voxel_size=VOXEL_SIZE, tilt=60.0, tilt_step=3.0, defocus=5.0, spherical_aberration=2.0, dose=0.0
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


def classifiers(form: Form, training: Subtomograms, test: Subtomograms, seed: int) -> list[dict[str, Any]]:
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
            row = {"network": name, "snr": snr, "paper": PAPER.get(name, {}).get(snr), "s_classify": each}
            row |= {"s_train": seconds / (form.epochs * len(cubes)), **accuracies(chosen, test.labels)}
            rows.append(row)
            print(f"# {name} at {snr}: {row['accuracy']:.3f} in {seconds:.0f} s", flush=True)
    return rows


def segmenters(form: Form, training: Subtomograms, test: Subtomograms, seed: int) -> list[dict[str, Any]]:
    rows = []
    size = form.edge - form.edge % 8  # they halve three times
    for snr in form.segmenter_snrs:
        cubes, masks = _with_particle(training, form, snr, size)
        unseen, truth = _with_particle(test, form, snr, size)
        rows.append({"network": "all background", "snr": snr, **_overlap(np.zeros_like(truth), truth)})
        for name in form.segmenters:
            params = settings(form, name, form.segmenter_epochs, seed, loss="bce+dice")
            params = replace(params, box_size=size, shift=0.0, scale=0.0)
            data = TrainingData(BoxSet(cubes, masks, np.ones(len(cubes), bool)), None, VOXEL_SIZE * form.binning, -1)
            result, seconds = timed(train_job(data, params, card(name, form)))
            found = _segmented(result.model, unseen)
            paper = PAPER_SSN3D.get(name, {}).get(snr)
            rows.append({"network": name, "snr": snr, "paper": paper, "seconds": seconds, **_overlap(found, truth)})
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


def _overlap(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return the share of voxels that are right, and the IoU, the mean over cubes and over particle and background."""
    ious = []
    for value in (0, 1):
        one, two = found == value, truth == value
        either = (one | two).sum((1, 2, 3))
        ious.append(np.where(either > 0, (one & two).sum((1, 2, 3)) / np.maximum(either, 1), 1.0))
    return {"pixel_accuracy": float((found == truth).mean()), "mean_iou": float(np.mean(ious))}


def encoder(form: Form, training: Subtomograms, test: Subtomograms, seed: int, snr: float = 0.5) -> dict[str, Any]:
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
    overlap = _overlap(_segmented(result.model, standardised(unseen[seen])), truth)
    return found | {"chosen": len(chosen), "edss3d": overlap, "all background": _overlap(0 * truth, truth)}


def show(found: dict[str, Any]) -> None:
    if "classifiers" in found:
        print("\n| network | SNR | accuracy | the paper's | s to train on one, per epoch | s to classify one |")
        print("|---|---|---|---|---|---|")
    for row in found.get("classifiers", []):
        paper = "" if row["paper"] is None else f"{row['paper']:.3f}"
        times = f"{row['s_train']:.4f} | {row['s_classify']:.4f}"
        print(f"| {row['network']} | {row['snr']:g} | {row['accuracy']:.3f} | {paper} | {times} |")
    if "segmenters" in found:
        print("\n| network | SNR | pixel accuracy | mean IoU | the paper's |\n|---|---|---|---|---|")
    for row in found.get("segmenters", []):
        paper = "{:.2f} %, {:.2f}".format(*row["paper"]) if row.get("paper") else ""
        scores = f"{100 * row['pixel_accuracy']:.2f} % | {100 * row['mean_iou']:.2f}"
        print(f"| {row['network']} | {row['snr']:g} | {scores} | {paper} |")
    if "encoder" in found:
        codes, voxels = (found["encoder"][f"purity_{name}"] for name in ("codes", "voxels"))
        print(f"\npurity of clusters: of codes {codes:.3f}, of voxels {voxels:.3f}")
        print(f"encoding: {found['encoder']['s_encode']:.4f} s a subtomogram")
        taught, nothing = (100 * found["encoder"][name]["mean_iou"] for name in ("edss3d", "all background"))
        print(f"EDSS3D taught by clusters: mean IoU {taught:.2f}, all background {nothing:.2f}")


PARTS: dict[str, Callable[[Form, Subtomograms, Subtomograms, int], Any]] = {
    "classifiers": classifiers,
    "encoder": encoder,
    "segmenters": segmenters,
}
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reduced", action="store_true")
    parser.add_argument("--maps", type=Path)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("subtomogram_networks.json"))
    arguments = parser.parse_args()
    form = REDUCED if arguments.reduced else WHOLE
    start = time.perf_counter()
    training, test = sets(form, arguments.maps, arguments.seed)
    print(f"# {len(training)} + {len(test)} subtomograms in {time.perf_counter() - start:.0f} s", flush=True)
    found: dict[str, Any] = {"classes": training.classes, "seed": arguments.seed, "device": DEVICE}
    for name in arguments.parts:
        found[name] = PARTS[name](form, training, test, arguments.seed)
        arguments.out.write_text(json.dumps(found, indent=2))
    show(found)
    print(f"\n{time.perf_counter() - start:.0f} s in all, {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()

"""Groups and masks of subtomograms: ``python benchmarks/subtomogram_groups.py [--only NAME ...] [--seed N]``.

On the shapes of benchmarks/subtomogram_classes.py, in cubes of 20 voxels under the wedge of ±60°:

    groups   320 cubes of four shapes, SNR 0.5: how pure 16 groups are, by Autoencoder3D, components and voxels
    teach    EDSS3D taught by the groups of the ball and the shell that a person would choose; here the truth does
    masks    SSN3D-ED in crowded cubes of 24 voxels, SNR 0.5, 96 to learn from and 32 to test on, against Otsu

IoU is the mean over cubes and over particle and background; all background is the row to compare with. Ends with 1
where a number is worse than is asked.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from goals import GOALS
from mask_scores import mask_scores
from skimage.filters import threshold_otsu
from subtomogram_classes import EDGE, FOUR, density, shapes

from ais_app.core.jobs import run
from ais_app.core.model.card import ModelCard
from ais_app.core.model.cubes import standardised
from ais_app.core.particles.classify import decode
from ais_app.core.particles.clusters import cluster_codes, decoded_masks, weak_data
from ais_app.core.particles.fourier import from_fourier, to_fourier
from ais_app.core.particles.grouping import Grouping, GroupingParams, group
from ais_app.core.particles.orientations import random_rotations
from ais_app.core.particles.particle_masks import probabilities
from ais_app.core.particles.wedge import Wedge
from ais_app.core.training.boxes import BoxSet, TrainingData
from ais_app.core.training.parameters import TrainParams
from ais_app.core.training.trainer import train_job

EACH, CROWDED = 80, 24


def purity(assignment: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of cubes that belong to the most frequent shape of their group."""
    return sum(int(np.bincount(labels[assignment == k]).max()) for k in np.unique(assignment)) / len(labels)


def grouped(seed: int) -> tuple[np.ndarray, np.ndarray, Grouping]:
    cubes, labels = shapes(FOUR, EACH, 0.5, seed)
    return cubes, labels, group(cubes, GroupingParams(clusters=16, epochs=12, map="components", seed=seed))


def groups(seed: int) -> None:
    start = time.perf_counter()
    cubes, labels, found = grouped(seed)
    seconds = time.perf_counter() - start
    parts = group(cubes, GroupingParams(clusters=16, by="components", map="components", seed=seed))
    voxels = cluster_codes(standardised(cubes).reshape(len(cubes), -1), 16, seed)
    pure, by_parts, by_voxels = (purity(each.assignment, labels) for each in (found.clusters, parts.clusters, voxels))
    print("\n| 16 groups by | purity |\n|---|---|")
    print(f"| Autoencoder3D, 12 epochs ({seconds:.0f} s) | {pure:.3f} |")
    print(f"| 32 principal components | {by_parts:.3f} |")
    print(f"| voxels | {by_voxels:.3f} |", flush=True)
    GOALS.at_least("Autoencoder3D, purity of 16 groups", pure, 0.8)
    GOALS.at_least("the same, against groups by voxels", pure - by_voxels, -0.02)


def teach(seed: int) -> None:
    cubes, labels, found = grouped(seed)
    assert found.encoder is not None
    wanted = np.isin(labels, [FOUR.index("ball"), FOUR.index("shell")])
    number = found.clusters.assignment
    chosen = [k for k in range(16) if wanted[number == k].mean() > 0.5]
    masks = decoded_masks(decode(found.encoder, found.codes), dark=False)
    params = TrainParams(
        architecture="edss3d", box_size=EDGE, depth=EDGE, epochs=30, batch=16, draws=1, shift=0.0, scale=0.0,
        validation="none", seed=seed,
    )  # fmt: skip
    data = weak_data(cubes, masks, found.clusters, chosen, params)
    model = run(train_job(data, params, ModelCard("edss3d", {"classes": 1}, depth=EDGE))).model
    unseen, theirs = shapes(FOUR, 20, 0.5, seed + 1000)
    kept = np.isin(theirs, [FOUR.index("ball"), FOUR.index("shell")])
    clean, _ = shapes(FOUR, 20, 1e6, seed + 1000)
    truth = np.stack([cube > 0.5 * cube.max() for cube in clean[kept]])
    said = probabilities(model, unseen[kept], 1.0) > 0.5
    print("\n| taught by groups | Dice on unseen cubes | mean IoU |\n|---|---|---|")
    for name, masks in ((f"EDSS3D, {len(chosen)} of 16 groups chosen", said), ("all background", np.zeros_like(truth))):
        scores = mask_scores(masks, truth)
        print(f"| {name} | {scores.dice:.3f} | {scores.mean_iou:.3f} |", flush=True)
    GOALS.at_least("EDSS3D taught by groups, mean IoU", mask_scores(said, truth).mean_iou, 0.55)


def crowded(count: int, snr: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return cubes with a shape in the middle and three beside it, and the mask of the one in the middle."""
    random = np.random.default_rng((seed, 31))
    grid = np.stack(np.meshgrid(*[np.arange(CROWDED) - CROWDED // 2] * 3, indexing="ij"), axis=-1)[..., ::-1]
    cubes, masks = [], []
    for _ in range(count):
        rotations, names = random_rotations(4, random), random.choice(FOUR, 4)
        own = density(names[0], (grid - random.uniform(-1.5, 1.5, 3)) @ rotations[0])
        away = random.normal(size=(3, 3))
        away *= random.uniform(12.5, 15, (3, 1)) / np.linalg.norm(away, axis=1, keepdims=True)
        beside = [density(n, (grid - t) @ r) for n, t, r in zip(names[1:], away, rotations[1:], strict=True)]
        masks.append(own > 0.5)
        cubes.append(np.maximum.reduce([own, *beside]))
    signal = torch.from_numpy(np.array(cubes, np.float32))
    noise = torch.from_numpy(random.normal(size=signal.shape).astype(np.float32))
    seen = Wedge(-60, 60).mask(CROWDED)
    signal, noise = (from_fourier(to_fourier(x) * seen, CROWDED) for x in (signal, noise))
    factor = torch.sqrt(signal.var(dim=(1, 2, 3)) / (snr * noise.var(dim=(1, 2, 3))))
    return (signal + noise * factor[:, None, None, None]).numpy(), np.array(masks)


def masks(seed: int) -> None:
    cubes, truth = crowded(96, 0.5, seed)
    unseen, theirs = crowded(32, 0.5, seed + 1000)
    print("\n| masks of particles | right voxels | mean IoU | Dice |\n|---|---|---|---|")
    otsu = np.stack([cube > threshold_otsu(cube) for cube in unseen])
    rows = {"all background": np.zeros_like(theirs), "Otsu": otsu}
    for name in ("ssn3d_ed", "unet3d"):
        params = TrainParams(
            architecture=name, box_size=CROWDED, depth=CROWDED, epochs=12, draws=2, batch=4, shift=0.0, scale=0.0,
            validation="none", seed=seed,
        )  # fmt: skip
        data = TrainingData(BoxSet(standardised(cubes), truth.astype(np.uint8), np.ones(96, bool)), None, None, 1)
        model = run(train_job(data, params, ModelCard(name, depth=CROWDED))).model
        rows[name] = probabilities(model, unseen, 1.0) > 0.5
    for name, found in rows.items():
        scores = mask_scores(found, theirs)
        print(f"| {name} | {100 * scores.right:.2f} % | {scores.mean_iou:.3f} | {scores.dice:.3f} |", flush=True)
    ours, simple = (mask_scores(rows[name], theirs).mean_iou for name in ("ssn3d_ed", "Otsu"))
    GOALS.at_least("SSN3D-ED, mean IoU", ours, 0.7)
    GOALS.at_least("the same, above Otsu's", ours - simple, 0.15)


PARTS: dict[str, Callable[[int], None]] = {"groups": groups, "teach": teach, "masks": masks}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for name in arguments.only:
        PARTS[name](arguments.seed)
    GOALS.settle()


if __name__ == "__main__":
    main()

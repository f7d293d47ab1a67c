"""The page that the demo ends with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ais_app.core.particle_set import Particles
from ais_app.core.pictures import grey, overlay, rings
from ais_app.core.report import Report
from ais_app.core.scoring import PickScore
from ais_app.core.tomogram import Tomogram
from ais_app.operations.train import Trained

COLOURS = {"membrane": "#e69f00", "ribosome": "#56b4e9"}
NEXT = (
    "ais-app info YOUR_TOMOGRAM.mrc",
    "ais-app project create mine.aisproj",
    "ais-app project add mine.aisproj YOUR_TOMOGRAM.mrc",
    "ais-app project import-labels mine.aisproj --tomogram YOUR_TOMOGRAM --feature membrane LABELS.mrc --slices 60,80",
    "ais-app train --project mine.aisproj --feature membrane --out membrane.aismodel",
    "ais-app segment YOUR_TOMOGRAM.mrc -m membrane.aismodel -o segmentations",
)


def write_report(
    folder: Path,
    tomogram: Tomogram,
    masks: Mapping[str, np.ndarray],
    probabilities: Mapping[str, np.ndarray],
    picks: Particles,
    agreement: Mapping[str, float],
    score: PickScore,
    trained: Mapping[str, Trained],
    seconds: Mapping[str, float],
) -> Path:
    """Write ``report.html`` with pictures and scores into `folder` and return its path.

    `masks` and `probabilities` are (z, y, x) per feature, on the grid of `tomogram`.
    """
    report = Report("ais-app demo", folder)
    report.text(
        "Two phantom tomograms were simulated. A few slices of the first were annotated, one network per feature was "
        "trained on them, and the second phantom, which no network had seen, was segmented, picked and meshed."
    )
    report.heading("Scores on the unseen phantom")
    rows = [[f"{name}: Dice", f"{value:.3f}"] for name, value in agreement.items()]
    rows += [
        ["ribosome picks: F1 at half a radius", f"{score.f1:.3f}"],
        ["ribosome picks: precision, recall", f"{score.precision:.3f}, {score.recall:.3f}"],
        ["ribosome picks: found, true", f"{score.found}, {score.truth}"],
        ["ribosome picks: median distance", f"{score.distance:.0f} Å"],
    ]
    report.table(["", "value"], rows)
    report.heading("Pictures")
    _pictures(report, tomogram, masks, probabilities, picks)
    report.heading("Training")
    names = ["training_loss", "loss", "dice", "precision", "recall", "average_precision"]
    cells = [[feature, *(_number(made.metrics.get(name)) for name in names)] for feature, made in trained.items()]
    report.table(["on held-out slices", *(name.replace("_", " ") for name in names)], cells)
    report.text("Held out: " + "; ".join(f"{name}: {result.held_out}" for name, result in trained.items()) + ".")
    report.heading("Time")
    report.table(["stage", "seconds"], [[name, f"{value:.1f}"] for name, value in seconds.items()])
    report.heading("Next, with your own data")
    report.lines(NEXT)
    return report.write()


def _number(value: float | None) -> str:
    """Write a score; a dash where nothing was held out to measure it on."""
    return "–" if value is None else f"{value:.3f}"


def _pictures(
    report: Report,
    tomogram: Tomogram,
    masks: Mapping[str, np.ndarray],
    probabilities: Mapping[str, np.ndarray],
    picks: Particles,
) -> None:
    z = tomogram.shape[0] // 2
    picture = grey(tomogram.slab(z, 3).mean(axis=0))
    painted = {COLOURS[name]: mask[z].astype(np.float32) for name, mask in masks.items()}
    predicted = {COLOURS[name]: volume[z] for name, volume in probabilities.items()}
    size = np.array(tomogram.require_voxel_size_zyx())
    voxels = picks.positions_zyx / size
    reach = 125.0 / size[0]  # rings as wide as a ribosome, on slices that cut it
    near = voxels[np.abs(voxels[:, 0] - z) < reach]
    report.picture(picture, f"Slice {z} of the unseen phantom, mean of three slices")
    report.picture(overlay(picture, painted), "The truth: membrane orange, ribosome blue")
    report.picture(overlay(picture, predicted), "Predicted")
    report.picture(rings(picture, near[:, 1:], reach, COLOURS["ribosome"]), "Ribosomes picked within this slice")

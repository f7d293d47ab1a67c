"""How well a network of microtubules does on two crops of a real tomogram (tests/data/microtubules)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import ais_app
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.scoring import score_curves
from ais_app.operations.filaments import curves_path
from ais_app.operations.segment import segmentation_path

REAL = Path(__file__).resolve().parent.parent / "tests" / "data" / "microtubules"
TRACING = ais_app.FilamentParams(threshold=0.5, min_volume=1.5e6, min_length=400.0)
AXIS_TOLERANCE = 40.0  # Å


def on_real_crops(work: Path, model: Path) -> dict[str, float]:
    """Return how well axes traced on two real microtubules agree with the published clicks along them."""
    content = json.loads((REAL / "clicks.json").read_text(encoding="utf-8"))
    coverages, medians = [], []
    for name in ("cylindra_13pf_MT", "cylindra_14pf_MT"):
        out = work / "real"
        dark = out / f"{name}.mrc"  # in the crops dense things are bright, in the phantoms dark
        ais_app.convert([REAL / f"{name}.tif"], dark, ais_app.ConvertParams(invert=True), skip_existing=True)
        done = ais_app.segment([dark], [model], out, PredictionParams(tta=8), skip_existing=False)[0]
        if done.error is not None:
            raise done.error
        file = segmentation_path(dark, out, "microtubule")
        ais_app.filaments([file], out, TRACING)
        curves = ais_app.read_filaments(curves_path(file, out)).polylines
        score = score_curves(curves, [_axis(np.array(content[name]) * 10)], tolerance=AXIS_TOLERANCE)
        coverages.append(score.coverage)
        medians.append(score.median)
    found = {"real_axis_coverage": float(np.mean(coverages))}
    return found | ({"real_axis_median_angstrom": float(np.mean(medians))} if np.isfinite(medians).all() else {})


def _axis(points_zyx: np.ndarray) -> np.ndarray:
    """Return the parabola through three clicks, Å, as a polyline."""
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points_zyx, axis=0), axis=1))])
    at = np.linspace(0, arc[-1], 100)
    return np.stack([np.polyval(np.polyfit(arc, points_zyx[:, i], 2), at) for i in range(3)], axis=1)

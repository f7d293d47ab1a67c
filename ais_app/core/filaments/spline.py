"""Smoothing splines with a stated tolerance in Å."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import BSpline, splprep

from ais_app.core.errors import ParameterProblem
from ais_app.core.filaments.curve import Curve
from ais_app.core.filaments.polyline import arc_lengths


def fit_curve(
    points_zyx: np.ndarray, tolerance: float, *, closed: bool = False, weights: np.ndarray | None = None
) -> Curve:
    """Fit the smoothest cubic spline whose root mean square distance from the points is at most `tolerance`.

    Parameters
    ----------
    points_zyx
        (n, 3) Å, in order along the curve; repeated points are used once.
    tolerance
        Å; 0 interpolates.
    closed
        Whether the last point is followed by the first.
    weights
        (n,) how much each point counts, 1 on average; those with 0 are left out.

    Raises
    ------
    ParameterProblem
        Fewer than two different points.

    Notes
    -----
    Dierckx's smoothing splines, P. Dierckx, Curve and Surface Fitting with Splines, 1993, in SciPy's FITPACK.
    """
    points = np.asarray(points_zyx, dtype=float)
    weight = np.ones(len(points)) if weights is None else np.asarray(weights, dtype=float)
    points, weight = _distinct(points[weight > 0], weight[weight > 0])
    if len(points) < 2:
        raise ParameterProblem("filament", f"{len(points)} distinct points make no curve")
    if closed := closed and len(points) > 3:
        whole = np.concatenate([points, points[:1]]), np.concatenate([weight, weight[:1]])
        points, weight = _distinct(*whole)
        points[-1] = points[0]
    arc = arc_lengths(points)
    degree = min(3, len(points) - 1)
    # sum of squares = n tolerance²; splprep squares the weights
    (knots, coefficients, degree), _ = splprep(
        points.T,
        w=np.sqrt(weight / weight.mean()),
        u=arc,
        k=degree,
        s=len(points) * tolerance**2,
        per=int(closed),
        full_output=True,
        quiet=True,
    )[0]
    return Curve(BSpline(knots, np.transpose(coefficients), degree), 0.0, float(arc[-1]), closed)


def _distinct(points: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    kept = np.concatenate([[True], steps > 1e-6]) if len(points) else np.zeros(0, dtype=bool)
    return points[kept], weight[kept]

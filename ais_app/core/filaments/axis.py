"""From a line of voxels to the axis of a filament: centred in its cross-sections, with its ends where they are."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ais_app.core.filaments.curve import Curve
from ais_app.core.filaments.joining import FREE, Strand
from ais_app.core.filaments.polyline import arc_lengths, polyline_length
from ais_app.core.filaments.sections import Window, cross_sections, disc
from ais_app.core.filaments.spline import fit_curve

BORDER = "border"

_ROUNDS = 3  # each round brings the curve about ten times closer to the centre
_WIDE = 1.5  # radii: wide enough for a curve beside the axis to see the whole body, too narrow for most neighbours
_INSIDE = 0.9  # share of a section that must lie inside the volume for its centre to mean something
_LOW, _HIGH = 0.6, 1.25  # shares of the usual cross-section between which a section votes
_LOOK_BACK = 10  # radii of a line that tell how it goes on
# shares of the usual cross-section: an end that is cut flat drops through both at once, a round one is met half a
# radius beyond the axis's end
_END, _GONE = 0.75, 0.5


@dataclass(frozen=True)
class Filament:
    """A traced filament.

    Parameters
    ----------
    curve
        Its axis, Å from the centre of voxel (0, 0, 0).
    radius
        Å, of its body in the segmentation.
    ends
        What is at its start and its end: ``"free"``, ``"junction"`` or ``"border"`` (of the volume).
    score
        Mean probability on the axis.
    symmetry
        How alike the density is at every azimuth, 0…1, where the axis was centred on it.
    """

    curve: Curve
    radius: float
    ends: tuple[str, str]
    score: float
    symmetry: float | None = None


@dataclass(frozen=True)
class _Body:
    """The probability around one strand and how it is looked at."""

    window: Window
    radius: float
    threshold: float
    tolerance: float
    step: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "step", min(self.window.voxel_size_zyx))

    def weights(self, curve: Curve, arc: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what discs across a curve hold; values below half of the threshold have no weight.

        Returns
        -------
        weights, inside, vectors
            (n, k) weights, (n, k) whether the point is inside the volume, (n, k, 3) vectors from the curve, Å.
        """
        grid = disc(radius, max(self.step / 2, radius / 15))
        values, across, up = cross_sections(curve, arc, grid, self.window)
        inside = np.isfinite(values)
        weights = np.where(inside, values, 0.0)
        weights[weights < self.threshold / 2] = 0.0
        return weights, inside, grid[:, :1] * across[:, None] + grid[:, 1:] * up[:, None]


def trace_axis(strand: Strand, window: Window, *, threshold: float, tolerance: float, centre: bool) -> Filament:
    """Fit a curve to a strand, centre it in the probability and find its ends.

    Parameters
    ----------
    strand
        Joined centre line, Å.
    window
        The probability around it, at least five radii wide.
    threshold
        What counts as inside.
    tolerance
        Of the spline, Å.
    centre
        Whether to move the curve to the centre of mass of its cross-sections.

    Notes
    -----
    A section does not vote where it holds much more than the filament's usual cross-section (a crossing, a
    neighbour), much less (a weak stretch), or where it leaves the volume; the spline carries on through it. A free
    end is where the cross-section falls to three quarters of the usual one: thinning stops about one radius before.
    """
    body = _Body(window, max(strand.radius, 1.5 * min(window.voxel_size_zyx)), threshold, tolerance)
    curve, ends = fit_curve(_without_hooks(strand), tolerance, closed=strand.closed), strand.ends
    for _ in range(_ROUNDS if centre else 1):
        if centre:
            curve = _centred(curve, body)
        if not curve.closed:
            # what an end gains is centred in the next round
            curve, ends = _with_ends(curve, strand.ends, body)
    values = window.sample(curve.points(curve.steps(body.step)))
    return Filament(curve, strand.radius, ends, float(np.nan_to_num(values).mean()))


def _without_hooks(strand: Strand) -> np.ndarray:
    """Drop one radius at free ends, where the line turns into a corner of the body."""
    points = strand.points_zyx
    if strand.closed or strand.length < 6 * strand.radius:
        return points
    arc = arc_lengths(points)
    low, high = (strand.radius if end == FREE else 0.0 for end in strand.ends)
    return points[(arc >= low) & (arc <= arc[-1] - high)]


def _centred(curve: Curve, body: _Body) -> Curve:
    from scipy.ndimage import binary_erosion

    arc = curve.steps(body.step)
    weights, inside, vectors = body.weights(curve, arc, _WIDE * body.radius)
    mass = weights.sum(axis=1)
    usual = np.median(mass)
    votes = (mass > _LOW * usual) & (mass < _HIGH * usual) & (inside.mean(axis=1) > _INSIDE)
    # what swells a section has begun to pull at the ones before it
    apart = binary_erosion(votes, np.ones(2 * round(body.radius / body.step) + 1), border_value=1)
    votes = apart if apart.sum() > len(arc) / 3 else votes
    if votes.sum() < max(4, len(arc) // 8):
        return curve
    shifts = np.einsum("nk,nkd->nd", weights[votes], vectors[votes]) / mass[votes, None]
    points = curve.points(arc[votes]) + shifts
    return fit_curve(points, _justified(points, body.tolerance), closed=curve.closed)


def _justified(points: np.ndarray, tolerance: float) -> float:
    """Return how far the spline may stay from the points: what their scatter calls for, but never over `tolerance`.

    The smoothest curve within the full tolerance would flatten bends that clean data show well.
    """
    if len(points) < 5:
        return tolerance
    # independent scatter of deviation σ gives second differences of deviation √6 σ; the median is blind to outliers
    scatter = np.median(np.abs(np.diff(points, n=2, axis=0))) / (0.6745 * np.sqrt(6)) * np.sqrt(3)
    return float(np.clip(2 * scatter, tolerance / 5, tolerance))


def _with_ends(curve: Curve, ends: tuple[str, str], body: _Body) -> tuple[Curve, tuple[str, str]]:
    """Carry free ends on to where the cross-section shrinks or the volume ends."""
    usual = _usual_section(curve, body)
    points = curve.points(curve.steps(body.step))
    kinds = list(ends)
    for side in (0, 1):
        if ends[side] == FREE:
            outward = points if side else points[::-1]
            carried, at_border = _carried_on(outward, body, usual)
            points = carried if side else carried[::-1]
            kinds[side] = BORDER if at_border else FREE
    if polyline_length(points) < 2 * body.step:
        return curve, ends
    return fit_curve(points, body.step / 50), (kinds[0], kinds[1])


def _usual_section(curve: Curve, body: _Body) -> float:
    weights, inside, _ = body.weights(curve, curve.steps(body.step), body.radius)
    return float(np.median(weights.sum(axis=1) / np.maximum(inside.mean(axis=1), 0.1)))


def _carried_on(points: np.ndarray, body: _Body, usual: float) -> tuple[np.ndarray, bool]:
    """Replace the last radius of a line by the parabola through what comes before, up to the filament's end.

    Near its end a line follows the rim of the body, or sections that the volume's face cuts; farther in it can be
    trusted. Returns the new line, (n, 3), and whether it ends at the face of the volume.
    """
    before = arc_lengths(points) - polyline_length(points)
    trusted = before <= -body.radius if before[0] < -4 * body.radius else before <= before[0] / 3
    fitted = trusted & (before >= -_LOOK_BACK * body.radius)
    if fitted.sum() < 3:
        return points, False
    degree = 2 if before[fitted][0] < -4 * body.radius else 1
    parabola = np.polynomial.polynomial.polyfit(before[fitted], points[fitted], degree)
    start = float(before[trusted][-1])
    beyond = np.arange(start, 5 * body.radius, body.step / 4)[1:]
    continued = np.polynomial.polynomial.polyval(beyond, parabola).T
    # the parabola does not pass through the last trusted point; the difference is carried along
    continued += points[trusted][-1] - np.polynomial.polynomial.polyval(start, parabola)
    line = fit_curve(np.concatenate([points[trusted][-1:], continued]), 0.0)
    arc = line.steps(body.step / 4)
    reached, at_border = _last_full(line, arc, body, usual)
    kept = np.append(arc[4:reached:4], arc[reached]) if reached else arc[:0]
    return np.concatenate([points[trusted], line.points(kept)]), at_border


def _last_full(line: Curve, arc: np.ndarray, body: _Body, usual: float) -> tuple[int, bool]:
    """Return the last of the sections `arc`, going outward, before the end, and whether the volume ends there."""
    weights, inside, _ = body.weights(line, arc, body.radius)
    within = np.isfinite(body.window.sample(line.points(arc)))
    share = weights.sum(axis=1) / np.maximum(inside.mean(axis=1), 0.1)
    there = within & (share >= _GONE * usual)
    stop = len(there) if there.all() else int(np.argmin(there))
    full = np.flatnonzero(share[:stop] >= _END * usual)
    return int(full[-1]) if len(full) else 0, stop < len(there) and not within[stop]

"""Where noise ends among the values of local maxima, and particles begin."""

from __future__ import annotations

import numpy as np

FEW = 8  # maxima; fewer tell nothing about noise
_ROUNDS = 200  # of the fit of two Gaussians, which ends long before
_OUTLIERS = 0.1  # share of the maxima that may be something else, far stronger than particles
_TWO_GROUPS = 0.7  # of the variance that two groups explain; halves of a single normal distribution explain 0.64
_BELOW = 60  # spacings that one is compared with
_CHANCE = 1e-3  # that values of one kind have such a gap


def paper_threshold(values: np.ndarray, level: float) -> float:
    """Return ``m + level (M - m) / 20`` of the largest and the smallest maximum.

    Pei, Xu, Frazier and Alber (2016), BMC Bioinformatics 17, 405.
    """
    if len(values) == 0:
        return 0.0
    low, high = float(values.min()), float(values.max())
    return low + level * (high - low) / 20


def automatic_threshold(values: np.ndarray, way: str) -> float:
    """Return the value that divides maxima of noise from those of particles; -inf where there are too few to tell.

    Parameters
    ----------
    values
        (n,) values of maxima, none negative.
    way
        ``"otsu"``: the two groups differ most from each other for their own spread (Otsu 1979, IEEE Trans. Syst. Man
        Cybern. 9, 62). ``"mixture"``: two Gaussians are fitted by expectation and maximisation, and a value belongs
        to the more likely one. Square roots are divided. Where a few are far above all others, such as gold, and
        they make no second group or the others fall apart better among themselves, those are divided. ``"gap"``:
        where the values have one gap that chance does not make (`gap_threshold`); else the same as ``"mixture"``.
        It tells few particles from much noise, where there are no two groups, but stops behind gold that is there too.
    """
    if len(values) < FEW or np.ptp(values) == 0:
        return -np.inf
    if way == "gap" and (cut := gap_threshold(values)) is not None:
        return cut
    roots = np.sqrt(np.asarray(values, dtype=np.float64))
    between, explained = _otsu(roots)
    others = roots[roots <= between]
    if len(others) > (1 - _OUTLIERS) * len(roots) and len(others) >= FEW and np.ptp(others) > 0:
        below, more = _otsu(others)
        if more > explained or explained < _TWO_GROUPS:
            roots, between = others, below
    return (between if way == "otsu" else _between_gaussians(roots, between)) ** 2


def gap_threshold(values: np.ndarray) -> float | None:
    """Return the value above the lowest gap that chance hardly makes; ``None`` where there is none.

    From the largest down, the k-th spacing of values of one kind, times k, is about as large as the next ones are, and
    exponential (Renyi 1953, Acta Math. Acad. Sci. Hung. 4, 191): of n of them the largest is beyond ``ln(n / p)`` times
    their mean with a probability of p, here one in a thousand. Spacings of square roots are compared with the mean of
    the 60 below; fewer than `FEW` above the gap, or more than half of all, are not taken for a group. Below a gap
    there may be another, as below gold that below particles: it is looked for among the others alone.

    Parameters
    ----------
    values
        (n,), none negative.
    """
    others, cut = np.sort(np.asarray(values, dtype=np.float64))[::-1], None
    while (above := _above_widest_gap(np.sqrt(others))) is not None:
        others, cut = others[above:], float(others[above - 1])
    return cut


def _above_widest_gap(falling: np.ndarray) -> int | None:
    """Return how many values lie above the widest gap; ``None`` where chance may have made it."""
    spacings = -np.diff(falling) * np.arange(1, len(falling))
    last = min(len(falling) // 2, len(spacings) - _BELOW)
    if last < FEW:
        return None
    sums = np.concatenate([[0.0], np.cumsum(spacings)])
    below = (sums[1 + _BELOW :] - sums[1:-_BELOW])[:last] / _BELOW  # of those that follow each
    ratios = np.divide(spacings[:last], below, out=np.zeros(last), where=below > 0)
    ratios[: FEW - 1] = 0
    widest = int(ratios.argmax())
    return widest + 1 if ratios[widest] > np.log(len(falling) / _CHANCE) else None


def _otsu(values: np.ndarray) -> tuple[float, float]:
    """Return the value that divides best, and the share of the variance that the division explains."""
    from skimage.filters import threshold_otsu

    between = float(threshold_otsu(values))
    upper = values > between
    share = float(upper.mean())
    if share in (0.0, 1.0):
        return between, 0.0
    apart = float(values[upper].mean() - values[~upper].mean())
    return between, share * (1 - share) * apart**2 / float(values.var())


def _between_gaussians(values: np.ndarray, start: float) -> float:
    """Fit two Gaussians, from the two sides of `start` on, and return where the upper becomes the more likely."""
    smallest = 1e-3 * values.std()
    upper = (values > start).astype(float)
    for _ in range(_ROUNDS):
        shares = np.array([1 - upper.mean(), upper.mean()])
        belongs = np.stack([1 - upper, upper])
        means = belongs @ values / (shares * len(values))
        spreads = np.sqrt((belongs * np.square(values - means[:, None])).sum(axis=1) / (shares * len(values)))
        spreads = np.maximum(spreads, smallest)
        logs = np.log(shares / spreads)[:, None] - 0.5 * np.square((values - means[:, None]) / spreads[:, None])
        new = 1 / (1 + np.exp(np.clip(logs[0] - logs[1], -700, 700)))
        new[values <= means[0]] = 0  # a wide upper one would take the lowest as well
        new[values >= means[1]] = 1
        done, upper = np.abs(new - upper).max() < 1e-6, new
        if done or not 0 < upper.mean() < 1:
            break
    chosen = values[upper >= 0.5]
    return float(chosen.min()) if len(chosen) else start

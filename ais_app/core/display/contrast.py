"""Which grey values become black and white, and how often each occurs.

sample_of(tomogram) ──► auto_contrast ──► ContrastLimits
                   └──► Histogram
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import Tomogram

SLICES = 8  # of a sample
BINS = 256
_MOST = 2**18  # values that are looked at: enough for a percentile of 0.03, sorted in a few milliseconds
_PADDING = 0.02  # share from which one repeated value counts as padding
_PEAK = 3.0  # times as frequent as the values beside it, which padding is and grey values are not
_FEW_VALUES = 32  # a sample with fewer different values is a mask or a label map
_DEVIATIONS = 5.0  # of the background, from which values may be those of gold beads
_BEADS = 0.02  # share of the voxels that gold beads fill at most
_NORMAL = 1.4826  # standard deviation of a normal distribution by its median absolute deviation


@dataclass(frozen=True)
class ContrastLimits:
    """The grey values that are shown black (`low`) and white (`high`)."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low < self.high):
            raise ParameterProblem("contrast", f"{self.low:g} to {self.high:g} is no range", "choose low below high")

    def grey(self, values: np.ndarray, *, invert: bool = False) -> np.ndarray:
        """Return grey values as uint8 of the same shape: 0 at `low`, 255 at `high`, the reverse when inverted.

        NaN becomes 0.
        """
        scaled = np.subtract(values, np.float32(self.low), dtype=np.float32)
        scaled *= np.float32(255 / (self.high - self.low))
        if invert:
            np.subtract(np.float32(255), scaled, out=scaled)
        np.fmax(scaled, 0, out=scaled)  # fmax gives 0 for NaN
        np.fmin(scaled, 255, out=scaled)
        scaled += np.float32(0.5)
        return scaled.astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often grey values occur.

    Parameters
    ----------
    low, high
        Range of the bins.
    counts
        (bins,) int64; values outside the range are in the first and the last bin. There are 256, fewer of few whole
        numbers.
    """

    low: float
    high: float
    counts: np.ndarray

    @classmethod
    def of(cls, sample: np.ndarray, low: float | None = None, high: float | None = None) -> Histogram:
        """Count a sample.

        Parameters
        ----------
        sample
            Any shape, real; NaN and infinite values are left out, large samples thinned.
        low, high
            Range; by default three times that of `auto_contrast` around its middle, but no more than the sample's own:
            a few gold beads must not press everything else into three bins.
        """
        values = _values(sample)
        if values.size == 0:
            return cls(0.0, 1.0, np.zeros(BINS, np.int64))
        bins = BINS
        if low is None or high is None:
            least, most = _span(values)
            low, high = least if low is None else low, most if high is None else high
            if np.array_equal(values, np.rint(values)):
                # whole numbers: bins as wide as whole steps, or every other bin would be empty
                low, step = np.floor(low) - 0.5, np.ceil((high - low + 1) / BINS)
                bins = int(np.ceil((high + 0.5 - low) / step))
                high = low + bins * step
        scaled = (values - np.float32(low)) * np.float32(bins / (high - low))
        at = np.clip(scaled, 0, bins - 1).astype(np.int64)
        return cls(float(low), float(high), np.bincount(at, minlength=bins))

    @property
    def edges(self) -> np.ndarray:
        """(bins + 1,) grey values between the bins."""
        return np.linspace(self.low, self.high, len(self.counts) + 1)

    @property
    def log_counts(self) -> np.ndarray:
        """(bins,) float, log10 of one more than the counts: empty bins are 0, rare values can be seen."""
        return np.asarray(np.log10(1.0 + self.counts))


def sample_of(tomogram: Tomogram, slices: int = SLICES) -> np.ndarray:
    """Read a few slices of a tomogram, thinned.

    Parameters
    ----------
    tomogram
        Lazy or not.
    slices
        How many, evenly over the middle three fifths, where the specimen is.

    Returns
    -------
    ndarray
        (n, h, w) float32; some 2¹⁸ values at most.
    """
    depth, height, width = tomogram.shape
    chosen = np.unique(np.linspace(0.2 * (depth - 1), 0.8 * (depth - 1), max(1, slices)).round().astype(int))
    stride = max(1, int(np.ceil(np.sqrt(len(chosen) * height * width / _MOST))))
    # rows first, in the file: what lies between them is not read; columns from memory
    planes = [np.asarray(tomogram.data[int(z), ::stride, :])[:, ::stride] for z in chosen]
    return np.stack([np.asarray(plane, dtype=np.float32) for plane in planes])


def auto_contrast(sample: np.ndarray, saturation: float = 0.0006) -> ContrastLimits:
    """Return limits at which a tomogram looks right.

    Percentiles, with two exceptions. A value that is repeated as grey values are not (zeros around a rotated
    volume) is left out. And what lies farther than five deviations of the background from its median may be gold:
    limits go no farther out than that unless more than 2 % of the voxels do, which gold does not.

    Parameters
    ----------
    sample
        Any shape, real; NaN and infinite values are left out, large samples thinned.
    saturation
        Share of the voxels that are shown fully black or white, both together.

    Raises
    ------
    ParameterProblem
        The saturation is not from 0 to 1.
    """
    if not 0 <= saturation < 1:
        raise ParameterProblem("saturation", f"{saturation:g} is no share", "choose 0 to 1")
    values = _without_padding(np.sort(_values(sample)))
    if values.size == 0:
        return ContrastLimits(0.0, 1.0)
    median = _percentile(values, 0.5)
    deviation = _NORMAL * float(np.median(np.abs(values - np.float32(median))))
    low, high = _percentile(values, saturation / 2), _percentile(values, 1 - saturation / 2)
    if deviation > 0:
        far = _DEVIATIONS * deviation
        low = max(low, min(median - far, _percentile(values, _BEADS)))
        high = min(high, max(median + far, _percentile(values, 1 - _BEADS)))
    # limits as wide as float32 tells apart, around a constant
    least = max(1e-6 * max(abs(low), abs(high)), 1e-30)
    return ContrastLimits(low, high) if high - low > least else _around(low)


def _span(values: np.ndarray) -> tuple[float, float]:
    """Return three times the automatic contrast around its middle, no more than there is."""
    limits = auto_contrast(values)
    width = limits.high - limits.low
    low, high = max(float(values.min()), limits.low - width), min(float(values.max()), limits.high + width)
    return (low, high) if low < high else (limits.low, limits.high)


def _around(value: float) -> ContrastLimits:
    half = max(0.5, 1e-3 * abs(value))
    return ContrastLimits(value - half, value + half)


def _values(sample: np.ndarray) -> np.ndarray:
    """Return the finite values of a sample, (n,) float32, thinned."""
    flat = np.asarray(sample).reshape(-1)
    values = flat[:: max(1, -(-flat.size // _MOST))].astype(np.float32)
    return values[np.isfinite(values)]


def _without_padding(values: np.ndarray) -> np.ndarray:
    """Leave out what is repeated as grey values are not, from sorted values."""
    if values.size == 0:
        return values
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    counts = np.diff(np.append(starts, values.size))
    if len(counts) <= _FEW_VALUES:
        return values
    beside = np.maximum(np.concatenate([[0], counts[:-1]]), np.concatenate([counts[1:], [0]]))
    padding = (counts > _PADDING * values.size) & (counts > _PEAK * beside)
    return values[~np.repeat(padding, counts)] if padding.any() else values


def _percentile(values: np.ndarray, share: float) -> float:
    """Return the value below which a share of the sorted values lies."""
    at = share * (values.size - 1)
    below = int(at)
    above = min(below + 1, values.size - 1)
    return float(values[below] + (at - below) * (float(values[above]) - float(values[below])))

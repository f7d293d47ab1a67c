"""From one type of grey values to another: exactly where they fit, otherwise by a scale that is written down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.moments import Moments, moments_job

_DEVIATIONS = 5.0  # grey values farther from the mean are clipped when floats become integers
_LARGEST_HALF = float(np.finfo(np.float16).max)
_NO_NAME = "probability:"  # a scale in a label line holds no longer once the values are scaled


@dataclass(frozen=True)
class Cast:
    """How stored values follow from grey values: ``stored = (grey - offset) / step``, rounded for integers.

    Parameters
    ----------
    dtype
        Type of the stored values.
    step, offset
        1 and 0 where nothing is scaled.
    """

    dtype: np.dtype[Any]
    step: float = 1.0
    offset: float = 0.0

    @property
    def scaled(self) -> bool:
        """Whether values change by more than rounding."""
        return (self.step, self.offset) != (1.0, 0.0)

    @property
    def label(self) -> str:
        """Say how to get the grey values back; empty where nothing was scaled."""
        return f"grey value = {self.offset:.7g} + {self.step:.7g} x stored value" if self.scaled else ""

    def labels(self, given: Iterable[str]) -> list[str]:
        """Return the label lines of the source that still hold."""
        return [text for text in given if not (self.scaled and text.startswith(_NO_NAME))]

    def to_dict(self) -> dict[str, float]:
        """Return the scale as JSON-able values; nothing where there is none."""
        return {"grey_step": self.step, "grey_offset": self.offset} if self.scaled else {}

    def __call__(self, slab: np.ndarray) -> np.ndarray:
        """Return a slab in the stored type."""
        if self.scaled:
            slab = (slab.astype(np.float32, copy=False) - np.float32(self.offset)) / np.float32(self.step)
        if self.dtype.kind in "iu" and slab.dtype != self.dtype:
            limits = np.iinfo(self.dtype)
            slab = np.clip(np.nan_to_num(np.rint(slab)), limits.min, limits.max)
        return slab.astype(self.dtype, copy=False)


def cast_for(tomogram: Tomogram, original: np.dtype[Any], wanted: str | None, allowed: Sequence[str]) -> Job[Cast]:
    """Choose how a volume is stored; reads it once where the range decides.

    Parameters
    ----------
    tomogram
        What is to be stored, possibly binned or rescaled from the original.
    original
        Type before that: means of integers are stored as such integers again.
    wanted
        A type, or ``None``: the original one, or where the format lacks it, the smallest that holds every value.
    allowed
        What the format can store.

    Raises
    ------
    ParameterProblem
        The format cannot store the wanted type, or float16 cannot hold the values.
    """
    if wanted is not None and wanted not in allowed:
        raise ParameterProblem("--dtype", f"this format does not hold {wanted}", f"choose one of {', '.join(allowed)}")
    if wanted is None and original.name in allowed:
        return Cast(np.dtype(original.name))
    if wanted is not None and np.can_cast(original, wanted, "safe"):
        return Cast(np.dtype(wanted))
    seen = yield from moments_job(tomogram.data)
    if wanted is None:
        return Cast(_smallest(original, seen, allowed))
    target = np.dtype(wanted)
    if target.kind == "f":
        if target == np.float16 and seen.count and max(-seen.low, seen.high) > _LARGEST_HALF:
            problem = f"values from {seen.low:g} to {seen.high:g} do not fit float16"
            raise ParameterProblem(tomogram.path or tomogram.name, problem, "use float32")
        return Cast(target)
    limits = np.iinfo(target)
    if original.kind in "iub" and limits.min <= seen.low <= seen.high <= limits.max:
        return Cast(target)
    return _spread(target, seen)


def _smallest(original: np.dtype[Any], seen: Moments, allowed: Sequence[str]) -> np.dtype[Any]:
    if original.kind in "iub":
        for name in ("uint8", "int8", "int16", "uint16"):
            limits = np.iinfo(name)
            if name in allowed and limits.min <= seen.low <= seen.high <= limits.max:
                return np.dtype(name)
    return np.dtype(np.float32)


def _spread(target: np.dtype[Any], seen: Moments) -> Cast:
    """Lay mean ± 5 deviations, or the range where that is narrower, over all values of an integer type."""
    low = max(seen.low, seen.mean - _DEVIATIONS * seen.deviation)
    high = min(seen.high, seen.mean + _DEVIATIONS * seen.deviation)
    limits = np.iinfo(target)
    if not seen.count or not high > low:
        return Cast(target)
    step = (high - low) / (float(limits.max) - float(limits.min))
    return Cast(target, step, low - step * float(limits.min))

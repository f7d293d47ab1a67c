"""How grey values are scaled before a network sees them; the recipe is stored in the model.

Training, preview and segmentation call the same `Normalisation.apply`, so that a box, a crop and a tile of one
tomogram are scaled alike.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.errors import DataWarning, ModelProblem, ParameterProblem
from ais_app.core.jobs import run
from ais_app.core.tomogram import Statistics, Tomogram
from ais_app.core.volume.moments import moments_job

KINDS = {
    "tomogram": "mean 0 and deviation 1 over the whole tomogram",
    "slice": "mean 0 and deviation 1 over each whole slice, as in models of Ais",
    "none": "grey values as they are",
}


@dataclass(frozen=True)
class Normalisation:
    """A recipe that turns grey values into what a network was trained on.

    Parameters
    ----------
    kind
        One of `KINDS`.

    Raises
    ------
    ModelProblem
        The kind is unknown.
    """

    kind: str = "tomogram"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ModelProblem("normalisation", f"{self.kind!r} is not known", f"known: {', '.join(KINDS)}")

    @property
    def whole_slices(self) -> bool:
        """Whether `apply` must see whole slices, so that a box is cut only afterwards."""
        return self.kind == "slice"

    def apply(
        self, slab: np.ndarray, statistics: Statistics | None = None, name: str | Path = "tomogram"
    ) -> np.ndarray:
        """Scale grey values.

        Parameters
        ----------
        slab
            (..., y, x) grey values of the tomogram. Any part of it; whole slices where `whole_slices` says so.
        statistics
            `Tomogram.statistics` of the tomogram, at the voxel size at which the network works. Needed by
            ``"tomogram"`` only.
        name
            What errors call the tomogram.

        Returns
        -------
        ndarray
            (..., y, x) float32, a new array. Where all voxels are equal: zeros. Voxels that are no finite number
            count as the mean; `DataWarning` says so.

        Raises
        ------
        ParameterProblem
            The statistics are no finite numbers.
        """
        slab = np.array(slab, dtype=np.float32)
        finite = np.isfinite(slab)
        if not finite.all():
            problem = "holds voxels that are no finite number (NaN or infinite); they are taken for the mean"
            warnings.warn(DataWarning(f"{name}: {problem}"), stacklevel=2)
            slab[~finite] = np.nan
        mean, deviation = self._level(slab, finite, statistics)
        if not (np.isfinite(mean).all() and np.isfinite(deviation).all()):
            raise ParameterProblem(name, f"mean {mean} and deviation {deviation} are no grey values", "check the file")
        slab -= mean.astype(np.float32)
        slab *= (1 / np.where(deviation > 0, deviation, 1)).astype(np.float32)
        return slab if finite.all() else np.nan_to_num(slab, copy=False)

    def _level(
        self, slab: np.ndarray, finite: np.ndarray, statistics: Statistics | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and deviation, float64, in shapes that fit the slab."""
        if self.kind == "none":
            return np.float64(0), np.float64(1)
        if self.kind == "tomogram":
            if statistics is None:
                raise TypeError("the statistics of the tomogram are needed for the 'tomogram' recipe")
            return np.float64(statistics.mean), np.float64(statistics.deviation)
        count = np.maximum(1, finite.sum(axis=(-2, -1), keepdims=True))
        mean = np.nansum(slab, axis=(-2, -1), keepdims=True, dtype=np.float64) / count
        squares = np.nansum(np.square(slab - mean), axis=(-2, -1), keepdims=True)
        return mean, np.sqrt(squares / count)

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as stored in a model package."""
        return {"kind": self.kind}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Normalisation:
        """Read `to_dict`'s values.

        Raises
        ------
        ModelProblem
            The recipe is not known to this version.
        """
        if set(values) != {"kind"}:
            raise ModelProblem("normalisation", f"{dict(values)} is not a recipe", "update ais-app")
        return cls(str(values["kind"]))


def check_contrast(tomogram: Tomogram) -> None:
    """Make sure that a tomogram shows something; single slices may be blank, as padding is.

    Slices are looked at until one has two different numbers, which is usually the first. Only where a dozen have
    none are all voxels read.

    Raises
    ------
    ParameterProblem
        All voxels are equal, or none is a finite number.
    """
    depth = tomogram.shape[0]
    near_middle = sorted(np.unique(np.linspace(0, depth - 1, _SLICES).round()), key=lambda z: abs(z - depth / 2))
    if any(_has_contrast(np.asarray(tomogram.data[int(z)])) for z in near_middle):
        return
    whole = run(moments_job(tomogram.data))
    if whole.low < whole.high:
        return
    problem = f"all its voxels are {whole.low:g}" if whole.count else "no voxel is a finite number (all are NaN)"
    remedy = "the volume is empty: write it again from what it was made of, or leave it out"
    raise ParameterProblem(tomogram.path or tomogram.name, f"{problem}, so there is nothing to predict", remedy)


_SLICES = 12


def _has_contrast(plane: np.ndarray) -> bool:
    finite = plane[np.isfinite(plane)]
    return bool(finite.size and finite.min() < finite.max())

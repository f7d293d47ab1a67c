"""Where a tool may paint: a lazy mask of the tomogram, nonzero where it may.

Whatever can be sliced like a (z, y, x) array will do: an array, the labels of another feature as a volume, a
segmentation on disk, or `OverLabels`, which allows painting only over the background.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ais_app.core.annotation.labels import BACKGROUND, Edit, Index, Labels
from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import LazyArray, Region


class OverLabels:
    """A lazy mask of the voxels that carry certain labels.

    Parameters
    ----------
    labels
        Of the feature that is painted, or of another one.
    over
        The labels that may be painted over: the background as it stands.
    """

    dtype = np.dtype(bool)

    def __init__(self, labels: Labels, over: tuple[int, ...] = (BACKGROUND,)) -> None:
        self.shape = labels.shape
        self._labels, self._over = labels, over

    def __getitem__(self, key: Any) -> np.ndarray:
        """Return the mask of a region, three slices without step, as bool."""
        return np.isin(self._labels.read(key), self._over)


def checked_mask(mask: LazyArray, shape: Index) -> LazyArray:
    """Return `mask`, or raise `ParameterProblem` where it does not fit a tomogram of `shape`."""
    if tuple(mask.shape) != tuple(shape):
        remedy = "take a mask of the same tomogram"
        raise ParameterProblem("mask", f"has {tuple(mask.shape)} voxels, the tomogram {tuple(shape)}", remedy)
    return mask


def allowed_in(mask: LazyArray, region: Region) -> np.ndarray:
    """Return where a region may be painted, bool; NaN in the mask is a no."""
    values = np.asarray(mask[region])
    return values if values.dtype == bool else (values != 0) & (values == values)


def restrict(edit: Edit, allowed: LazyArray, shape: Index) -> Edit:
    """Return `edit` without what it changes outside a mask.

    Parameters
    ----------
    edit
        Of any tool.
    allowed
        (z, y, x) lazy mask, nonzero where it may paint.
    shape
        (z, y, x) of the labels.

    Raises
    ------
    ParameterProblem
        The mask is that of another tomogram.
    """
    where = allowed_in(checked_mask(allowed, shape), edit.region)
    return Edit(edit.start_zyx, edit.before, np.where(where, edit.after, edit.before), edit.planes, edit.title)

"""Labels of one feature with what is known from others: a negative feature is background, an ignored one is left out.

What a person painted as membrane is known not to be a ribosome: on slices where only the membranes are annotated,
membrane voxels become background for the ribosomes and all else is left out of the loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ais_app.core.annotation.boxes import Box
from ais_app.core.annotation.labels import BACKGROUND, FEATURE, IGNORE
from ais_app.core.tomogram import Region
from ais_app.core.training.data import ReadLabels


@dataclass(frozen=True)
class CombinedLabels:
    """Reads like the labels of the feature itself.

    Parameters
    ----------
    own
        Labels of the feature.
    negatives
        Labels of each feature that is known not to be this one.
    ignored
        Labels of each feature that the network shall neither learn nor unlearn.
    borrowed
        z of slices where a negative feature is annotated and this one is not.
    boxes
        Squares a person placed for the feature or a negative one: inside them the own labels hold.
    """

    own: ReadLabels
    negatives: Sequence[ReadLabels]
    ignored: Sequence[ReadLabels]
    borrowed: frozenset[int]
    boxes: Sequence[Box]

    def __call__(self, region: Region) -> np.ndarray:
        """Return the labels of a region, uint8."""
        labels = np.array(self.own(region))
        for other in self.ignored:
            labels[(other(region) == FEATURE) & (labels != FEATURE)] = IGNORE
        start, rows, columns = (part.start or 0 for part in region)
        for offset, plane in enumerate(labels):
            z = start + offset
            if z in self.borrowed:
                here = (slice(z, z + 1), region[1], region[2])
                self._borrow(plane, z, (rows, columns), here)
        return labels

    def _borrow(self, plane: np.ndarray, z: int, corner: tuple[int, int], region: Region) -> None:
        unknown = (plane == BACKGROUND) & ~self._boxed(z, plane.shape, corner)
        for other in self.negatives:
            unknown &= other(region)[0] != FEATURE
        plane[unknown] = IGNORE

    def _boxed(self, z: int, shape: tuple[int, ...], corner: tuple[int, int]) -> np.ndarray:
        inside = np.zeros(shape, dtype=bool)
        for box in self.boxes:
            if round(box.centre_zyx[0]) == z and box.size is not None:
                first = [round(at) - box.size // 2 - low for at, low in zip(box.centre_zyx[1:], corner, strict=True)]
                y, x = (slice(max(0, low), max(0, low + box.size)) for low in first)
                inside[y, x] = True
        return inside


def combined(
    own: ReadLabels,
    slices: Sequence[int],
    boxes: Sequence[Box],
    others: Mapping[str, Sequence[tuple[ReadLabels, Sequence[int]]]],
) -> tuple[ReadLabels, tuple[int, ...]]:
    """Return the labels of a feature combined with others, and the slices that teach something now.

    Parameters
    ----------
    own, slices, boxes
        Of the feature; `boxes` with those of the negative features.
    others
        ``"negatives"`` and ``"ignored"``: labels and annotated slices of each feature.
    """
    negatives, ignored = others.get("negatives", ()), others.get("ignored", ())
    if not negatives and not ignored:
        return own, tuple(slices)
    borrowed = {z for _, annotated in negatives for z in annotated} - set(slices)
    labels = CombinedLabels(own, [r for r, _ in negatives], [r for r, _ in ignored], frozenset(borrowed), boxes)
    return labels, tuple(sorted({*slices, *borrowed}))

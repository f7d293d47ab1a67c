"""What must be predicted, and where, so that a part comes out as it is in the whole volume.

A volume, a slice and a live preview make the same plan; it says which features are needed in which slices, applies the
interactions, and cuts out what was wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.model.card import ModelCard
from ais_app.core.prediction.distances import Distances, squared_distances
from ais_app.core.prediction.interactions import Competition, InteractionGraph
from ais_app.core.prediction.suppression import Slice
from ais_app.core.tomogram import Region, Tomogram

MARGIN = 64  # voxels


@dataclass
class PredictedSlice(Slice):
    """One slice of all features, the size of the region.

    Parameters
    ----------
    z
        Index in the tomogram.
    planes
        Feature to (y, x) float32, probability after the interactions.
    removed_by
        Feature to (y, x) uint8: the step of the graph that removed a voxel, from 1; 0 elsewhere. Empty unless asked.
    uncertainty
        Feature to (y, x) float32: variance of the probability over symmetries and models, before the interactions.
        Empty unless asked.
    """

    uncertainty: dict[str, np.ndarray]


class Plan:
    """What must be predicted, and where, so that the wanted part comes out as in the whole volume.

    Parameters
    ----------
    cards
        Of the models at hand.
    tomogram
        Its shape and voxel size are looked at.
    region
        z, y, x slices that are wanted; all when ``None``.
    interactions
        ``None``: the competition that the cards ask for.
    features
        Those wanted; all when empty.

    Attributes
    ----------
    known, features
        Features of the models, and those of them that are wanted.
    region
        The wanted part, with its bounds.
    reach
        Feature to how far around a wanted voxel it matters; without the features that do not matter.
    predicted
        The part to predict. In y and x it reaches beyond the wanted part by whole multiples of `MARGIN`, so that a
        live preview finds its planes again while a radius is changed: a network's answer depends, in its last digits,
        on where its windows end.

    Raises
    ------
    ParameterProblem
        No models, a feature that no model predicts, or an empty region.
    """

    def __init__(
        self,
        cards: Sequence[ModelCard],
        tomogram: Tomogram,
        region: Region | None = None,
        interactions: InteractionGraph | None = None,
        features: Sequence[str] = (),
    ) -> None:
        self.known = list(dict.fromkeys(card.feature for card in cards))
        if not self.known:
            raise ParameterProblem("models", "there are none", "give at least one")
        for name in features:
            if name not in self.known:
                remedy = f"features: {', '.join(self.known)}"
                raise ParameterProblem(name, "no model predicts this feature", remedy)
        self.features = list(features) or self.known
        self.interactions = competition_of(cards) if interactions is None else interactions
        self.interactions.check(self.known)
        self.region = inside(tomogram, region or (slice(None),) * 3)
        self.voxel_size_zyx = tomogram.voxel_size_zyx
        self.reach = self.interactions.reach(self.features, self.voxel_size_zyx)
        far_z, *in_plane = (max(axis) for axis in zip(*self.reach.values(), strict=True))
        far = (far_z, *(-(-voxels // MARGIN) * MARGIN for voxels in in_plane))
        z, y, x = (
            slice(max(0, part.start - voxels), min(size, part.stop + voxels))
            for part, voxels, size in zip(self.region, far, tomogram.shape, strict=True)
        )
        self.predicted: Region = (z, y, x)

    def needed(self, z: int) -> list[str]:
        """Return the features that the wanted slices depend on in slice z."""
        wanted = self.region[0]
        return [
            name
            for name in self.known
            if name in self.reach and wanted.start - self.reach[name][0] <= z < wanted.stop + self.reach[name][0]
        ]

    def nothing(self) -> dict[str, np.ndarray]:
        """Return zeros for every feature: interactions never look at what is not needed, so they can stand there."""
        _, rows, columns = self.predicted
        return dict.fromkeys(self.known, np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32))

    def finished(
        self, raw: Iterable[PredictedSlice], distances: Distances = squared_distances
    ) -> Iterator[PredictedSlice]:
        """Apply the interactions to the predicted slices, given in order of z, and yield the wanted part of them.

        Raises
        ------
        ParameterProblem
            A radius, and the voxel size is not known.
        """
        for current in self.interactions.stream(raw, self.voxel_size_zyx, distances):
            if self.region[0].start <= current.z < self.region[0].stop:
                yield self._cropped(current)

    def _cropped(self, current: PredictedSlice) -> PredictedSlice:
        rows, columns = (
            slice(part.start - whole.start, part.stop - whole.start)
            for part, whole in zip(self.region[1:], self.predicted[1:], strict=True)
        )
        planes, removed, uncertain = (
            {name: of[name][rows, columns] for name in self.features if name in of}
            for of in (current.planes, current.removed_by, current.uncertainty)
        )
        return PredictedSlice(current.z, planes, removed, uncertain)


def competition_of(cards: Iterable[ModelCard]) -> InteractionGraph:
    """Return the competition that the models' cards ask for, as a graph; without steps where none does."""
    cards = list(cards)
    emit, absorb = (
        tuple(dict.fromkeys(card.feature for card in cards if wanted(card)))
        for wanted in (lambda card: card.emit, lambda card: card.absorb)
    )
    return InteractionGraph((Competition(emit, absorb),) if emit and absorb else ())


def inside(tomogram: Tomogram, region: Region) -> Region:
    """Return the region with its bounds filled in.

    Raises
    ------
    ParameterProblem
        It has a step, is empty, or reaches outside the tomogram.
    """
    parts = []
    for axis, part, size in zip("zyx", region, tomogram.shape, strict=True):
        start = 0 if part.start is None else part.start
        stop = size if part.stop is None else part.stop
        if part.step not in (None, 1) or not 0 <= start < stop <= size:
            problem = f"{start}:{stop} along {axis} is no part of 0:{size}"
            raise ParameterProblem("region", problem, "give z, y and x slices inside the tomogram, without steps")
        parts.append(slice(start, stop))
    z, y, x = parts
    return z, y, x

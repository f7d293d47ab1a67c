"""Picks that follow sliders: the picker of blobs, with everything kept that the next setting will not change.

    volume ──► averaged ──► components at a threshold ──► lobes of each ──► filters ──► particles
               kept          kept                          kept              done anew, in milliseconds

The result is that of `pick_blobs` with the same parameters, whatever was asked before.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, run
from ais_app.core.particle_set import Particles
from ais_app.core.pickers import Keep
from ais_app.core.pickers.blobs import BlobParams, Lobes, averaged, lobes_of, select
from ais_app.core.picking import labelling
from ais_app.core.tomogram import ZYX, LazyArray

_KEPT = 3  # thresholds whose components stay in memory: a label volume each
_BATCH = 32  # components measured between two looks at whether to go on

_Cut = tuple[float, bool, str, bool]


@dataclass
class _Measured:
    """The lobes of the components of one threshold, as far as they were asked for."""

    done: np.ndarray  # (n,) bool, of the components
    lobes: Lobes = field(default_factory=Lobes.none)


@dataclass
class _Found:
    """The components at one threshold, and their lobes for each way of cutting and measuring them."""

    volume: LazyArray
    components: labelling.Components
    measured: dict[_Cut, _Measured] = field(default_factory=dict)


class LivePicks:
    """The picks of one segmentation while its parameters change; to be used by one thread at a time.

    Parameters
    ----------
    volume
        (z, y, x) probability 0…1; in memory it is fastest.
    voxel_size_zyx
        Å.
    """

    def __init__(self, volume: LazyArray, voxel_size_zyx: ZYX) -> None:
        if len(volume.shape) != 3:
            raise ParameterProblem("volume", f"has {len(volume.shape)} axes", "give a volume (z, y, x)")
        self._volume, self._size = volume, voxel_size_zyx
        self._binned: tuple[int, LazyArray, ZYX] = (1, volume, voxel_size_zyx)
        self._found: OrderedDict[tuple[int, float], _Found] = OrderedDict()

    def pick(self, params: BlobParams, keep: Keep | None = None) -> Particles:
        """Return what `pick_blobs` returns for these parameters."""
        return run(self.pick_job(params, keep))

    def is_quick(self, params: BlobParams) -> bool:
        """Return whether `pick` has only to filter what it knows: then it takes milliseconds."""
        found = self._found.get((params.binning, params.threshold))
        measured = None if found is None else found.measured.get(_cut(params))
        if found is None or measured is None:
            return False
        return bool(measured.done[_large(found.components, params)].all())

    def pick_job(self, params: BlobParams, keep: Keep | None = None) -> Job[Particles]:
        """Pick as a job that can be stopped every few milliseconds; what was measured until then is kept."""
        key = (params.binning, params.threshold)
        if key not in self._found:
            yield Progress(0, 0, "components")
            self._label(*key)
        self._found.move_to_end(key)
        found = self._found[key]
        measured = found.measured.setdefault(_cut(params), _Measured(np.zeros(len(found.components), dtype=bool)))
        missing = np.flatnonzero(_large(found.components, params) & ~measured.done)
        for start in range(0, len(missing), _BATCH):
            yield Progress(start, len(missing), "blobs")
            batch = missing[start : start + _BATCH]
            new = [lobes_of(found.volume, found.components, int(index), params) for index in batch]
            measured.lobes = Lobes.join([measured.lobes, *new])
            measured.done[batch] = True
        return select(measured.lobes, self._volume.shape, self._size, params, keep)

    def _label(self, binning: int, threshold: float) -> None:
        if self._binned[0] != binning:
            self._binned = (binning, *averaged(self._volume, self._size, binning))
        _, volume, size = self._binned
        while len(self._found) >= _KEPT:
            self._found.popitem(last=False)
        components = labelling.components(labelling.at_least(volume, threshold), size)
        self._found[binning, threshold] = _Found(volume, components)


def _cut(params: BlobParams) -> _Cut:
    """Return what the lobes of a component depend on."""
    neck = 0.0 if params.one_per_component else params.neck
    return neck, params.one_per_component, params.position, params.orientation != "none"


def _large(found: labelling.Components, params: BlobParams) -> np.ndarray:
    """Return which components have the minimum volume, as `labelling.components` decides it."""
    return found.volumes >= params.min_volume * (1 - 1e-9)

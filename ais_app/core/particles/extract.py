"""Cut subtomograms at picks: out of core, at whole or exact places, binned, cleaned of neighbours, normalised.

    positions ──► place: central voxels and what is left of a voxel ──► cut: boxes read in the order of the slices ──►
    moved (only if asked for), binned by cropping in Fourier space ──► neighbours out ──► grey values normalised

A tomogram that is mapped into memory is read box by box; of any other format each layer is unpacked once.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.params import Params, param
from ais_app.core.particles.cube_values import masked_out, normalised, sphere
from ais_app.core.particles.layers import Layers, read_box
from ais_app.core.tomogram import ZYX, LazyArray
from ais_app.core.volume.unknown import counted_as_mean

_BATCH, _BATCH_VOXELS = 16, 2**24  # cubes between two yields, and voxels that are cut for them, at most
_MARGIN = 4  # voxels of the result, cut away again: what a cube that does not end as it begins does to its transform


@dataclass(frozen=True)
class SubtomogramParams(Params):
    """How subtomograms are cut."""

    box: int = param(40, "Edge of the cubes", unit="voxels", low=4, high=1024)
    bin: int = param(1, "Voxels of the tomogram along one voxel of the cubes", low=1, high=32)
    voxel_size: float | None = param(
        None, "Rescale tomograms to this voxel size first; needed where they differ", unit="Å", low=0.01, high=1e4
    )
    edge: str = param("drop", "Boxes that reach out of the volume are", choices=("drop", "pad"))
    least_inside: float = param(0.5, "Part of a padded box that must lie in the volume", low=0.01, high=1)
    placing: str = param(
        "nearest", "Cut at the nearest voxel and keep the rest as a shift, or move by it exactly",
        choices=("nearest", "exact"),
    )  # fmt: skip
    dark: bool = param(True, "Particles are dark in the tomograms: turn them bright")
    normalise: str = param(
        "box", "Mean 0 and deviation 1 in the box, in or outside of the sphere, or not at all",
        choices=("box", "inside", "outside", "none"),
    )  # fmt: skip
    diameter: float | None = param(
        None, "Sphere of a particle, to normalise and mask by; the largest in the box if not given", unit="Å", low=1
    )
    neighbours: str = param(
        "keep", "Other picks in the box are kept, or replaced by the mean around", choices=("keep", "mask")
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.neighbours == "mask" and self.diameter is None:
            raise ParameterProblem("neighbours", "how large they are is not known", "give the diameter")


@dataclass(frozen=True)
class Places:
    """Where cubes are cut.

    Parameters
    ----------
    rows
        (k,) which of the picks have a place.
    voxels
        (k, 3) z y x, their central voxels.
    shifts_zyx
        (k, 3) voxels of the cubes: where the pick lies from the centre of that voxel.
    picks
        (n, 3) z y x voxels, float, of all picks, which may be neighbours of others; far away where not known.
    outside, at_edge, unknown
        How many picks were dropped: beyond the volume, with too little of the box inside, at no number.
    """

    rows: np.ndarray
    voxels: np.ndarray
    shifts_zyx: np.ndarray
    picks: np.ndarray
    outside: int = 0
    at_edge: int = 0
    unknown: int = 0

    @property
    def dropped(self) -> int:
        """How many picks were dropped."""
        return self.outside + self.at_edge + self.unknown


def place(
    positions_zyx: np.ndarray,
    shape: tuple[int, int, int],
    voxel_size_zyx: ZYX,
    params: SubtomogramParams | None = None,
    first_voxel_zyx: ZYX = (0.0, 0.0, 0.0),
) -> Places:
    """Return where the boxes of picks lie, and drop those without a place.

    Parameters
    ----------
    positions_zyx
        (n, 3) Å.
    shape, voxel_size_zyx
        Of the tomogram that is cut, voxels and Å.
    params
        Box, binning and what is done at the edges.
    first_voxel_zyx
        Å; where the centre of voxel (0, 0, 0) lies, of a tomogram that was rescaled.
    """
    chosen = params or SubtomogramParams()
    index = (np.asarray(positions_zyx, dtype=float) - np.array(first_voxel_zyx)) / np.array(voxel_size_zyx)
    known = np.isfinite(index).all(axis=1)
    index = np.where(known[:, None], index, -1e6)
    voxels = np.floor(index + 0.5).astype(np.int64)
    size = np.array(shape)
    within = ((voxels >= 0) & (voxels < size)).all(axis=1)
    edge = chosen.box * chosen.bin
    start = voxels - edge // 2
    overlap = np.clip(np.minimum(start + edge, size) - np.maximum(start, 0), 0, None) / edge
    needed = 1.0 if chosen.edge == "drop" else chosen.least_inside
    enough = overlap.prod(axis=1) >= needed - 1e-9
    kept = np.flatnonzero(within & enough)
    return Places(
        kept,
        voxels[kept],
        (index[kept] - voxels[kept]) / chosen.bin,
        index,
        outside=int((known & ~within).sum()),
        at_edge=int((within & ~enough).sum()),
        unknown=int((~known).sum()),
    )


def cut(
    data: LazyArray,
    places: Places,
    params: SubtomogramParams | None = None,
    *,
    cube_voxel_size: float = 1.0,
    rows: np.ndarray | None = None,
    threads: int = 1,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield cubes in batches, in the order of the slices: which of the places, (k,), and (k, e, e, e) float32.

    Parameters
    ----------
    data
        (z, y, x) of any real type; only what is needed is read, each part once.
    places
        From `place`.
    params
        As given to `place`.
    cube_voxel_size
        Å of the cubes' voxels, which the diameter is counted in.
    rows
        Which of the places; all if not given. The others are still known as neighbours.
    threads
        That work on the cubes of a batch; the result does not depend on it.
    """
    chosen = params or SubtomogramParams()
    wanted = np.arange(len(places.rows)) if rows is None else np.asarray(rows, dtype=np.int64)
    margin = _MARGIN if chosen.bin > 1 or chosen.placing == "exact" else 0
    edge = (chosen.box + 2 * margin) * chosen.bin
    layers = None if isinstance(data, np.ndarray) else Layers(data, edge)
    strips = np.zeros_like(places.voxels[:, 1]) if layers is None else places.voxels[:, 1] // layers.width
    order = np.lexsort((places.voxels[:, 2], places.voxels[:, 0], strips))
    order = order[np.isin(order, wanted)]
    finish = _Finish(places, chosen, cube_voxel_size, margin)
    size = int(np.clip(_BATCH_VOXELS // edge**3, 1, _BATCH))
    pool = ThreadPoolExecutor(max(1, threads))
    try:
        for at in range(0, len(order), size):
            batch, boxes = order[at : at + size], []
            for row in batch:
                if layers is not None:
                    layers.turn_to(int(strips[row]))
                boxes.append(read_box(data if layers is None else layers, places.voxels[row] - edge // 2, edge))
            yield batch, np.stack(list(pool.map(finish, batch, boxes)))
    finally:
        pool.shutdown(cancel_futures=True)


class _Finish:
    """Makes the cube of a place from its box of the tomogram."""

    def __init__(self, places: Places, params: SubtomogramParams, voxel_size: float, margin: int) -> None:
        self._places, self._params, self._margin = places, params, margin
        radius = (params.box - 1) // 2 if params.diameter is None else params.diameter / 2 / voxel_size
        self._radius = float(radius)
        self._own = sphere(params.box, self._radius)
        self._among = {"inside": self._own <= 0, "outside": self._own > 0}.get(params.normalise)
        if self._among is not None and np.count_nonzero(self._among) < 8:
            problem = f"{params.normalise} of a sphere of {2 * radius * voxel_size:g} Å the box has no voxels"
            raise ParameterProblem("diameter", problem, "choose another diameter or box")

    def __call__(self, row: int, box: np.ndarray) -> np.ndarray:
        params = self._params
        cube, _ = counted_as_mean(-box if params.dark else box)  # also what lies beyond the volume
        if self._margin:
            cube = _resampled(cube, params, self._places.shifts_zyx[row], self._margin)
        if params.neighbours == "mask":
            cube = self._without_neighbours(row, cube)
        return cube if params.normalise == "none" else normalised(cube, self._among)

    def _without_neighbours(self, row: int, cube: np.ndarray) -> np.ndarray:
        """Replace what belongs to other picks: inside their spheres, and nearer to them than to this one."""
        places, edge = self._places, self._params.box
        exact = self._params.placing == "exact"
        own_place = places.picks[places.rows[row]]
        away = (places.picks - (own_place if exact else places.voxels[row])) / self._params.bin
        near = np.flatnonzero((np.abs(away) < edge / 2 + self._radius).all(axis=1))
        near = near[near != places.rows[row]]
        if not len(near):
            return cube
        own = self._own if exact else sphere(edge, self._radius, away[places.rows[row]] + edge // 2)
        weight = np.zeros_like(own)
        background = own > 0
        for other in near:
            distance = sphere(edge, self._radius, away[other] + edge // 2)
            # half of a voxel to either side is soft; the border to this particle is the plane between both
            inside = np.clip(0.5 - distance, 0, 1) * np.clip(0.5 + (own - distance) / 2, 0, 1)
            weight = np.maximum(weight, inside)
            background &= distance > 0
        return masked_out(cube, weight, background)


def _resampled(box: np.ndarray, params: SubtomogramParams, shift_zyx: np.ndarray, margin: int) -> np.ndarray:
    """Move a box, where asked for, and bin it, both in Fourier space; the margin goes."""
    from scipy import fft  # torch, made for batches, would start threads of its own for every cube

    edge, inner = len(box), params.box
    # falls to the mean at the sides: a step there would ring through the cube
    ramp = np.minimum(np.arange(edge) + 0.5, np.arange(edge)[::-1] + 0.5) / (margin * params.bin)
    fall = (0.5 - 0.5 * np.cos(np.pi * np.clip(ramp, 0, 1))).astype(np.float32)
    mean = np.float32(box.mean(dtype=float))
    soft = (box - mean) * (fall[:, None, None] * fall[:, None] * fall)
    size = inner + 2 * margin
    spectrum = fft.rfftn(np.fft.ifftshift(soft))
    # what is finer than the new voxels goes, and the highest frequency of an even size, which has no partner
    highest = (size - 1) // 2
    waves = np.concatenate([np.arange(highest + 1), np.arange(-highest, 0)])
    kept = spectrum[np.ix_(waves % edge, waves % edge, np.arange(highest + 1))] * np.float32((size / edge) ** 3)
    if params.placing == "exact":
        for axis, shift in enumerate(shift_zyx):
            phase = np.exp(2j * np.pi / size * shift * waves[: kept.shape[axis]]).astype(np.complex64)
            kept = kept * np.expand_dims(phase, tuple({0, 1, 2} - {axis}))
    small = np.zeros((size, size, size // 2 + 1), dtype=np.complex64)
    small[np.ix_(waves % size, waves % size, np.arange(highest + 1))] = kept
    cube = np.fft.fftshift(fft.irfftn(small, s=(size,) * 3)) + mean
    # the centre of a cube is its voxel n // 2
    first = size // 2 - inner // 2
    return np.ascontiguousarray(cube[(slice(first, first + inner),) * 3], dtype=np.float32)

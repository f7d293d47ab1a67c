"""Boxes for networks of volumes: as deep as they are asked for, with the labels of all slices that are known.

Slices that nobody annotated are ignored, and so is what lies beyond the tomogram: one annotated slice is enough to
learn from, and each one more in the depth of a box says more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ais_app.core.annotation.labels import IGNORE
from ais_app.core.errors import ParameterProblem
from ais_app.core.prediction.normalise import Normalisation
from ais_app.core.prediction.tiles import mirrored
from ais_app.core.training.data import Ground, labels_around
from ais_app.core.training.parameters import TrainParams
from ais_app.core.training.sampling import Site


def z_margin(params: TrainParams) -> int:
    """Return the slices around a box that are cut with it, so that a shift along z finds image there.

    Without such shifts an annotated slice would always lie at one place of the pooling cells.
    """
    return round(params.depth * params.shift)


def cut_volume_box(site: Site, params: TrainParams, margin: int, z_margin: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut one box; beyond the tomogram it is mirrored and its labels are ignored.

    Parameters
    ----------
    site
        Where; the box is moved along z until it lies inside the tomogram, if it is not too deep for that.
    params
        `depth` and `box_size` of the box; `box_size` also of a person's boxes without a size of their own.
    margin, z_margin
        Voxels more on each side, in y and x, and slices more at each end.

    Returns
    -------
    ndarray, ndarray
        (depth, edge, edge) float32, normalised by the tomogram, and labels of that shape, uint8.

    Raises
    ------
    ParameterProblem
        A voxel of the box is no finite number.
    """
    ground, size = site.ground, params.box_size + 2 * margin
    z = _inside(site.z, params.depth, ground.shape[0])
    starts = (z - params.depth // 2 - z_margin, site.y - size // 2, site.x - size // 2)
    lengths = (params.depth + 2 * z_margin, size, size)
    extents = [slice(start, start + length) for start, length in zip(starts, lengths, strict=True)]
    image = _normalised(ground, extents)
    if not np.isfinite(image).all():
        problem = f"slices about {site.z} hold NaN or infinite voxels near y, x = {site.y}, {site.x}"
        raise ParameterProblem(ground.source.name, problem, "replace them first")
    labels = np.full(lengths, IGNORE, np.uint8)
    known = set(site.slices) | {site.z}
    for at in range(max(0, extents[0].start), min(ground.shape[0], extents[0].stop)):
        if at in known:
            labels[at - extents[0].start] = _known_labels(ground, at, extents[1:], params.box_size)
    return image, labels


def _inside(z: int, depth: int, slices: int) -> int:
    """Return the slice nearest to z about which a box lies inside, or the middle one where no box does."""
    first, last = depth // 2, slices - depth + depth // 2
    return min(max(z, first), last) if first <= last else slices // 2


def _normalised(ground: Ground, extents: Sequence[slice]) -> np.ndarray:
    zs, ys, xs = (mirrored(extent, n) for extent, n in zip(extents, ground.shape, strict=True))
    region = tuple(slice(int(places.min()), int(places.max()) + 1) for places in (zs, ys, xs))
    block = np.asarray(ground.tomogram.data[region], dtype=np.float32)
    block = block[np.ix_(zs - zs.min(), ys - ys.min(), xs - xs.min())]
    return Normalisation().apply(block, ground.tomogram.statistics)


def _known_labels(ground: Ground, z: int, extents: Sequence[slice], size: int) -> np.ndarray:
    """Return the labels of a slice, (y, x): all where it is annotated, else those inside a person's boxes."""
    labels = labels_around(ground.plane(z), *extents)
    if z in ground.slices:
        return labels
    unknown = np.ones(labels.shape, bool)
    for box_z, y, x, edge in ground.boxes:
        if box_z == z:
            first = [at - (edge or size) // 2 - extent.start for at, extent in zip((y, x), extents, strict=True)]
            rows, columns = (slice(max(0, low), max(0, low + (edge or size))) for low in first)
            unknown[rows, columns] = False
    labels[unknown] = IGNORE
    return labels

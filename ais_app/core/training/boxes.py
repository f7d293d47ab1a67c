"""The arrays a network is trained on: boxes cut out of tomograms, or read from a training set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ais_app.core.annotation.labels import FEATURE, IGNORE
from ais_app.core.errors import ParameterProblem
from ais_app.core.prediction.tiles import mirrored
from ais_app.core.training.data import LabelledTomogram, labels_around, on_grid
from ais_app.core.training.parameters import TrainParams, suited
from ais_app.core.training.sampling import Site, person_sites, placed_sites, tiled_sites
from ais_app.core.training.split import split
from ais_app.core.training.volume_boxes import cut_volume_box, z_margin

DEFAULT_BOXES = 64  # placed on the labels when a person placed none and gave no number
MOST_HELD_OUT = 48  # boxes that are measured on after every epoch
DEFAULT_VOLUME_BOXES, MOST_VOLUMES_HELD_OUT = 24, 12  # the same for networks of volumes: a box is many slices


@dataclass(frozen=True)
class BoxSet:
    """Boxes to learn from or to measure on.

    Parameters
    ----------
    images
        (n, depth, size, size) float32, normalised by the tomogram they come from.
    labels
        (n, size, size) uint8 of the middle slice: 0, 1, 2 = ignore. For networks of volumes (n, depth, size, size).
    positive
        (n,) true for boxes that hold the feature in their middle part.
    """

    images: np.ndarray
    labels: np.ndarray
    positive: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class TrainingData:
    """All a training needs, on one grid.

    Parameters
    ----------
    training
        Boxes with their margin.
    held_out
        Boxes without margin; ``None`` where nothing is held out.
    voxel_size
        Å; ``None`` where it is not known.
    contrast
        −1 if the feature is darker than its surroundings, +1 if brighter.
    margin
        Voxels on each side of the training boxes beyond the edge of a box.
    record
        JSON-able: what the data are and how they were divided.
    z_margin
        Slices at each end of the training boxes beyond the depth of a box; 0 for slabs.
    """

    training: BoxSet
    held_out: BoxSet | None
    voxel_size: float | None
    contrast: int
    margin: int = 0
    record: dict[str, Any] = field(default_factory=dict)
    z_margin: int = 0


def cut_boxes(data: Sequence[LabelledTomogram], params: TrainParams, stride: int, dimension: int = 2) -> TrainingData:
    """Cut training and held-out boxes out of labelled tomograms.

    Parameters
    ----------
    data
        Labelled tomograms; those without annotation are left out.
    params
        See `TrainParams`.
    stride
        Of the network; the box size must be a multiple of it.
    dimension
        Of the network. 3: boxes are volumes, as deep as `TrainParams.depth` says, a multiple of the stride; cubes
        where it is 1.

    Raises
    ------
    ParameterProblem
        Nothing is annotated, no box holds the feature, or the box size does not suit the network.
    """
    check_box_size(params.box_size, stride)
    params = suited(params, stride, dimension)
    cutter = _Cutter(params, dimension == 3)
    data = [item for item in data if item.slices or item.boxes]
    if not data:
        raise ParameterProblem("training", "no tomogram has annotated slices or boxes", "paint or import labels first")
    grounds, voxel_size = on_grid(data, params.voxel_size)
    divided = split(grounds, params)
    sites, by_person = _training_sites(divided.training, params, cutter.default_boxes)
    training = cutter.cut(sites, margin=True)
    only_negative = bool(by_person) and params.boxes is None and not training.positive.any()
    if only_negative:  # boxes of other features say what it is not; what it is, the labels say
        sites += placed_sites(divided.training, cutter.default_boxes, params.negatives, params.box_size, params.seed)
        training = cutter.cut(sites, margin=True)
    if not training.positive.any():
        problem = f"none of {len(training)} boxes holds the feature"
        raise ParameterProblem("training", problem, "paint the feature on the annotated slices, or place boxes on it")
    held_out_sites = person_sites(divided.held_out, params.box_size)
    if params.boxes is not None or not by_person or only_negative:
        held_out_sites = tiled_sites(divided.held_out, params.box_size, cutter.most, params.seed, cutter.deep)
    held_out = cutter.cut(held_out_sites[: cutter.most], margin=False) if held_out_sites else None
    record = {
        "tomograms": [_record(item) for item in data],
        "boxes": {
            "placed by a person": by_person,
            "placed on labels": len(training) - by_person,
            "with the feature": int(training.positive.sum()),
            "held out": len(held_out_sites[: cutter.most]),
        },
        "held_out": divided.words,
    }
    signs = contrast_sign(training)
    return TrainingData(training, held_out, voxel_size, signs, params.margin, record, cutter.z_margin)


def check_box_size(size: int, stride: int) -> None:
    """Raise `ParameterProblem` unless the box size is a multiple of the network's stride."""
    if size % stride:
        near = max(stride, round(size / stride) * stride)
        raise ParameterProblem(
            "box size", f"{size} is not a multiple of {stride}, the network's stride", f"give {near}"
        )


def contrast_sign(boxes: BoxSet) -> int:
    """Return −1 where the feature is darker than the background, +1 where brighter, 0 if it cannot be told."""
    middle = boxes.images if boxes.labels.ndim == 4 else boxes.images[:, boxes.images.shape[1] // 2]
    inside, outside = middle[boxes.labels == FEATURE], middle[boxes.labels == 0]
    if not inside.size or not outside.size:
        return 0
    return int(np.sign(inside.mean(dtype=np.float64) - outside.mean(dtype=np.float64)))


def middle_has_feature(labels: np.ndarray, margin: int, z_margin: int = 0) -> np.ndarray:
    """Return (n,) bool: whether labels (n, size, size) or (n, depth, size, size) hold the feature inside margins."""
    return (_inner(labels, margin, z_margin) == FEATURE).reshape(len(labels), -1).any(1)


def _inner(boxes: np.ndarray, margin: int, z_margin: int) -> np.ndarray:
    """Return a view of boxes (n, …, size, size) without their margins; that along z only where there are slices."""
    edge = slice(margin, boxes.shape[-1] - margin)
    boxes = boxes[..., edge, edge]
    return boxes[:, z_margin : boxes.shape[1] - z_margin] if z_margin else boxes


def _training_sites(areas: Sequence[Any], params: TrainParams, default: int) -> tuple[list[Site], int]:
    """Return the boxes of a person, then those placed on labels; and the number of the former."""
    sites = person_sites(areas, params.box_size)
    by_person = len(sites)
    wanted = params.boxes if params.boxes is not None else (0 if by_person else default)
    missing = max(0, wanted - by_person)
    if missing:
        sites += placed_sites(areas, missing, params.negatives, params.box_size, params.seed)
    if not sites:
        raise ParameterProblem("training", "there is no place for a box", "annotate whole slices, or place boxes")
    return sites, by_person


def cut_box(site: Site, size: int, depth: int, margin: int = 0, *, raw: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Cut one box; beyond the border of the tomogram it is mirrored and its label is ignored.

    Parameters
    ----------
    site
        Where.
    size, depth
        Edge in voxels, and number of slices.
    margin
        Voxels more on each side.
    raw
        Leave the grey values as they are instead of normalising them by the tomogram.

    Returns
    -------
    ndarray, ndarray
        (depth, edge, edge) float32, and the labels of the middle slice, (edge, edge) uint8.

    Raises
    ------
    ParameterProblem
        A voxel of the box is no finite number.
    """
    first = -margin - size // 2
    offsets = np.arange(first, first + size + 2 * margin)
    extents = [slice(at + first, at + first + len(offsets)) for at in (site.y, site.x)]
    ys, xs = (mirrored(extent, n) for extent, n in zip(extents, site.ground.shape[1:], strict=True))
    region = slice(ys.min(), ys.max() + 1), slice(xs.min(), xs.max() + 1)
    ground = site.ground
    slab = ground.tomogram.slab(site.z, depth, region) if raw else ground.slab(site.z, depth, *region)
    image = slab[:, (ys - ys.min())[:, None], xs - xs.min()]
    if not np.isfinite(image).all():
        problem = f"slice {site.z} holds NaN or infinite voxels near y, x = {site.y}, {site.x}"
        raise ParameterProblem(ground.source.name, problem, "replace them first")
    label = labels_around(ground.plane(site.z), *extents)
    if site.trusted is not None:
        beyond = (offsets < -(site.trusted // 2)) | (offsets >= site.trusted - site.trusted // 2)
        label[beyond] = IGNORE
        label[:, beyond] = IGNORE
    return image, label


class _Cutter:
    """How boxes are cut for one kind of network: slabs with the labels of one slice, or volumes."""

    def __init__(self, params: TrainParams, volumes: bool) -> None:
        self.params, self.volumes = params, volumes
        self.z_margin = z_margin(params) if volumes else 0
        self.deep = params.depth if volumes else 1  # slices between boxes that are held out
        self.default_boxes = DEFAULT_VOLUME_BOXES if volumes else DEFAULT_BOXES
        self.most = MOST_VOLUMES_HELD_OUT if volumes else MOST_HELD_OUT

    def cut(self, sites: Sequence[Site], *, margin: bool) -> BoxSet:
        """Cut boxes, with their margins or without."""
        params = self.params
        across, along = (params.margin, self.z_margin) if margin else (0, 0)
        size = params.box_size + 2 * across
        images = np.empty((len(sites), params.depth + 2 * along, size, size), np.float32)
        labels = np.empty(images.shape if self.volumes else (len(sites), size, size), np.uint8)
        for i, site in enumerate(sites):
            if self.volumes:
                images[i], labels[i] = cut_volume_box(site, params, across, along)
            else:
                images[i], labels[i] = cut_box(site, params.box_size, params.depth, across)
        return BoxSet(images, labels, middle_has_feature(labels, across, along))


def _record(item: LabelledTomogram) -> dict[str, Any]:
    size = item.tomogram.voxel_size_zyx
    known = {
        "name": item.name,
        "shape": list(item.tomogram.shape),
        "voxel_size_zyx": None if size is None else list(size),
        "annotated_slices": len(item.slices),
        "boxes": len(item.boxes),
    }
    return known | dict(item.origin)


def without_margin(boxes: BoxSet, margin: int, z_margin: int = 0) -> BoxSet:
    """Return boxes cut down by `margin` voxels on each side, and by `z_margin` slices at each end."""
    images = _inner(boxes.images, margin, z_margin)
    return replace(boxes, images=images, labels=_inner(boxes.labels, margin, z_margin))

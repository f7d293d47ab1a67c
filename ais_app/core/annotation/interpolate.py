"""Interpolation between annotated slices: paint every fifth one, and let the others follow from the shapes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ais_app.core.annotation.in_plane import checked_label, region_between
from ais_app.core.annotation.labels import AXES, BACKGROUND, FEATURE, Edit, Labels, Plane
from ais_app.core.annotation.shapes import Crop, between
from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.tomogram import Region


def interpolate_job(
    labels: Labels, planes: Sequence[int], *, axis: str = "z", label: int = FEATURE, replace: bool = False
) -> Job[Edit]:
    """Fill all planes between annotated ones, from one to the next.

    Parameters
    ----------
    labels
        What is painted on.
    planes
        Indices of two or more annotated planes, in any order.
    axis
        The axis they are perpendicular to.
    label
        What is interpolated, 1 or 2. Other labels between the planes are kept.
    replace
        Remove what is painted with `label` between the planes already; otherwise it is added to.

    Returns
    -------
    Edit
        The planes between become annotated; those given are not changed. How shapes follow from each other is told
        in `ais_app.core.annotation.shapes`.

    Raises
    ------
    ParameterProblem
        There are fewer than two planes, one lies outside, none lies between them, or none carries the label.
    """
    label = checked_label(label, least=FEATURE)
    chosen = _checked_planes(labels, planes, axis)
    found: dict[int, list[Crop]] = {}
    last = _painted(labels, Plane(axis, chosen[0]), label)
    carries = bool(last.any())
    for done, (low, high) in enumerate(pairwise(chosen)):
        yield Progress(done, len(chosen), f"planes {low} to {high}")
        first, last = last, _painted(labels, Plane(axis, high), label)
        carries = carries or bool(last.any())
        for index, crops in enumerate(between(first, last, high - low), start=low + 1):
            found[index] = [_trimmed(crop) for crop in crops]
    if not carries:
        raise ParameterProblem("interpolation", f"no plane carries the label {label}", "paint on two planes first")
    yield Progress(len(chosen) - 1, len(chosen), "writing")
    planes_between = tuple(Plane(axis, index) for index in found)
    old = {index: _around(_painted(labels, Plane(axis, index), label)) for index in found} if replace else {}
    return _edit(labels, axis, label, found, old, planes_between)


interpolate = direct(interpolate_job)


def _checked_planes(labels: Labels, planes: Sequence[int], axis: str) -> list[int]:
    chosen = sorted({int(index) for index in planes})
    if len(chosen) < 2:
        raise ParameterProblem("interpolation", f"{len(chosen)} planes", "annotate two planes or more")
    for index in chosen:
        Plane(axis, index).region(labels.shape)  # refuses a plane outside
    if chosen[-1] - chosen[0] == len(chosen) - 1:
        problem = f"nothing lies between the planes {chosen[0]} to {chosen[-1]}"
        raise ParameterProblem("interpolation", problem, "annotate planes that are farther apart")
    return chosen


def _painted(labels: Labels, plane: Plane, label: int) -> np.ndarray:
    return (labels.read(plane.region(labels.shape)) == label).squeeze(AXES.index(plane.axis))


def _around(mask: np.ndarray) -> Crop:
    return _trimmed((np.zeros(2, dtype=int), mask))


def _trimmed(crop: Crop) -> Crop:
    """Return a window cut to what is inside; of nothing, an empty one."""
    corner, mask = crop
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return corner, mask[:0, :0]
    return corner + (rows[0], columns[0]), mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()


def _edit(
    labels: Labels,
    axis: str,
    label: int,
    found: dict[int, list[Crop]],
    old: dict[int, Crop],
    planes: tuple[Plane, ...],
) -> Edit:
    """Return the edit that removes the masks of `old` and then paints those that were found, by plane."""
    along = AXES.index(axis)
    region = _region(along, found, old)
    start = np.array([part.start for part in region])
    before = labels.read(region)
    after = before.copy()
    seen, shown = np.moveaxis(before, along, 0), np.moveaxis(after, along, 0)
    corner = np.delete(start, along)
    for index, (at, mask) in old.items():
        shown[index - start[along]][_slices(at - corner, mask)][mask] = BACKGROUND
    for index, crops in found.items():
        for at, mask in crops:
            part = _slices(at - corner, mask)
            held = seen[index - start[along]][part]
            shown[index - start[along]][part][mask & ((held == BACKGROUND) | (held == label))] = label
    z, y, x = (int(value) for value in start)
    return Edit((z, y, x), before, after, planes, "Interpolate")


def _region(along: int, found: dict[int, list[Crop]], old: dict[int, Crop]) -> Region:
    """Return the smallest region that holds all crops; an empty one where there are none."""
    crops = [crop for many in found.values() for crop in many] + list(old.values())
    filled = [(corner, corner + mask.shape) for corner, mask in crops if mask.size]
    low = np.min([corner for corner, _ in filled], axis=0) if filled else np.zeros(2, dtype=int)
    high = np.max([end for _, end in filled], axis=0) if filled else low
    return region_between(np.insert(low, along, min(found)), np.insert(high, along, max(found) + 1))


def _slices(corner: np.ndarray, mask: np.ndarray) -> tuple[slice, slice]:
    y, x = (slice(int(a), int(a) + n) for a, n in zip(corner, mask.shape, strict=True))
    return y, x

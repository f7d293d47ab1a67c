"""Labels from elsewhere: from the plane before, or from what a network predicts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ais_app.core.annotation.in_plane import checked_label, first_voxel, region_between
from ais_app.core.annotation.labels import AXES, BACKGROUND, FEATURE, IGNORE, Edit, Index, Labels, Plane, bounds
from ais_app.core.errors import ParameterProblem


def copy_plane(labels: Labels, from_plane: int, to_plane: int, *, axis: str = "z", replace: bool = True) -> Edit:
    """Copy the labels of one plane to another, such as the next slice.

    Parameters
    ----------
    labels
        What is painted on.
    from_plane, to_plane
        Indices along `axis`.
    axis
        The axis both planes are perpendicular to.
    replace
        Replace what the other plane holds; otherwise only its background is painted on.

    Returns
    -------
    Edit
        The other plane becomes annotated.

    Raises
    ------
    ParameterProblem
        A plane lies outside, or both are the same.
    """
    if from_plane == to_plane:
        raise ParameterProblem("copy", f"plane {axis} = {to_plane} onto itself", "choose another plane")
    source, target = Plane(axis, from_plane).region(labels.shape), Plane(axis, to_plane).region(labels.shape)
    copied, before = labels.read(source), labels.read(target)
    after = copied if replace else np.where(before == BACKGROUND, copied, before)
    return Edit(first_voxel(target), before, after, (Plane(axis, to_plane),), "Copy")


def from_probability(
    labels: Labels,
    probability: np.ndarray,
    threshold: float = 0.5,
    *,
    start_zyx: Index = (0, 0, 0),
    label: int = FEATURE,
    replace: bool = True,
    keep_ignored: bool = True,
    planes: Sequence[Plane] = (),
) -> Edit:
    """Take what a network predicts as labels, to be corrected by hand.

    An edit holds its region before and after. Take a large volume in slabs, in one `Project.group`: then memory
    does not grow with it, and the slabs are one step of undo.

    Parameters
    ----------
    labels
        What is painted on.
    probability
        (dz, dy, dx) 0 … 1 of a slice, a region or a volume. Where it is not a number, nothing is predicted and
        nothing changes.
    threshold
        0 … 1; a voxel is predicted when its probability is this or greater.
    start_zyx
        Index of the first voxel of `probability` in the tomogram.
    label
        What predicted voxels become, 1 or 2.
    replace
        Where nothing is predicted, remove this label; otherwise it is only added to.
    keep_ignored
        Leave alone what is marked as ignore (2).
    planes
        Planes that become annotated: those the person has looked at.

    Raises
    ------
    ParameterProblem
        The region reaches beyond the tomogram, the probability is not 3D, or a parameter is out of its bounds.
    """
    label = checked_label(label, least=FEATURE)
    if not 0 <= threshold <= 1:
        raise ParameterProblem("threshold", f"{threshold} is out of its bounds", "choose between 0 and 1")
    probability = np.asarray(probability)
    if probability.ndim != 3:
        remedy = f"give z, y, x; a plane has one voxel along one of {', '.join(AXES)}"
        raise ParameterProblem("probability", f"has {probability.ndim} axes", remedy)
    region = region_between(start_zyx, np.add(start_zyx, probability.shape))
    inside = min(start_zyx) >= 0 and bounds(region, labels.shape)[1] == probability.shape
    if not inside:
        problem = f"{probability.shape} voxels from {tuple(start_zyx)} on reach beyond {tuple(labels.shape)}"
        raise ParameterProblem("probability", problem, "take the region of the same tomogram")
    before = labels.read(region)
    predicted = probability >= threshold
    after = np.where(predicted, np.uint8(label), before)
    if replace:
        removed = (before == label) | (before == IGNORE)  # the latter counts only where it is not kept
        after[removed & (probability < threshold)] = BACKGROUND
    if keep_ignored:
        after[before == IGNORE] = IGNORE
    return Edit(first_voxel(region), before, after, tuple(planes), "Take prediction")

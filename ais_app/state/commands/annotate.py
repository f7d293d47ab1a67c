"""Commands about labels: strokes, outlines, whole slices, what networks predict.

    tool ──► Stroke, Edit ──► commit(...) ──► the project, as one step of undo, and a line in the log

What a tool has made while the mouse moved is handed over with the line that makes it again: `paint` and its like
compute the same edit from the path, for scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ais_app.core.annotation import livewire, polygon
from ais_app.core.annotation.copying import copy_plane, from_probability
from ais_app.core.annotation.flood import FloodStroke
from ais_app.core.annotation.interpolate import interpolate_job
from ais_app.core.annotation.labels import BACKGROUND, FEATURE, Edit, Plane
from ais_app.core.annotation.restrict import OverLabels, restrict
from ais_app.core.annotation.stroke import Stroke
from ais_app.core.display.view_slice import SliceRequest, read_slice
from ais_app.core.errors import ParameterProblem, ProjectProblem
from ais_app.core.jobs import Job, run
from ais_app.core.tomogram import ZYX
from ais_app.state.brush_size import stepped
from ais_app.state.commands import tomograms
from ais_app.state.labels import LabelStore
from ais_app.state.log import CommandLine, command
from ais_app.state.records import Feature, TomogramEntry
from ais_app.state.session import Session

RADIUS_PER_VOXEL = 10.0  # where the voxel size is not known a brush of 100 covers 10 voxels

Points = Sequence[ZYX]


@dataclass(frozen=True)
class Target:
    """What is painted on, and with which brush.

    Parameters
    ----------
    labels
        Of the chosen feature on the tomogram in view.
    radius
        Of the brush, in the unit of `voxel_size_zyx`.
    voxel_size_zyx
        Å; ones where it is not known, and the radius is in voxels then.
    """

    labels: LabelStore
    radius: float
    voxel_size_zyx: ZYX

    @property
    def feature(self) -> Feature:
        """Whose labels they are."""
        return self.labels.feature

    @property
    def tomogram(self) -> TomogramEntry:
        """Where they are."""
        return self.labels.tomogram


class Unpainted:
    """A lazy mask of the voxels that no feature of a tomogram has painted; see `restrict`."""

    dtype = np.dtype(bool)

    def __init__(self, stores: Sequence[LabelStore]) -> None:
        self.shape = stores[0].shape
        self._masks = [OverLabels(store) for store in stores]

    def __getitem__(self, key: Any) -> np.ndarray:
        """Return the mask of a region, three slices without step, as bool."""
        free: np.ndarray = np.logical_and.reduce([mask[key] for mask in self._masks])
        return free


def target(session: Session) -> Target:
    """Return what is annotated now.

    Raises
    ------
    ProjectProblem
        There is nothing that may be painted: no tomogram, no feature, one that is locked or hidden, a project that is
        open read-only.
    """
    entry, feature = target_feature(session)
    radius, voxel_size_zyx = brush_of(feature, entry)
    return Target(session.project.labels(entry, feature), radius, voxel_size_zyx)


def target_feature(session: Session) -> tuple[TomogramEntry, Feature]:
    """Return the tomogram and the feature that are annotated now; raises as `target`."""
    entry = session.tomogram
    if entry is None:
        raise ProjectProblem("tomogram", "there is none in view", "open one first")
    if session.project.read_only:
        remedy = "close it elsewhere, or save it under another name"
        raise ProjectProblem(session.project.path.name, "is open read-only", remedy)
    feature = session.feature
    if feature is None:
        raise ProjectProblem("feature", "there is none to annotate", "add one in the panel of the Annotate tab")
    if feature.locked:
        raise ProjectProblem(f"feature {feature.name}", "is locked", "unlock it to change its labels and boxes")
    if not feature.visible:
        raise ProjectProblem(f"feature {feature.name}", "is hidden", "show it before you paint on it")
    return entry, feature


def brush_of(feature: Feature, entry: TomogramEntry) -> tuple[float, ZYX]:
    """Return the radius of a feature's brush and the voxel size it is measured with: Å, or voxels where unknown."""
    if entry.voxel_size_zyx is None:
        return feature.brush_radius / RADIUS_PER_VOXEL, (1.0, 1.0, 1.0)
    return feature.brush_radius, entry.voxel_size_zyx


def radius_per_voxel(entry: TomogramEntry | None) -> float:
    """Return how much of `Feature.brush_radius` is one voxel: Å, or `RADIUS_PER_VOXEL` where that is not known."""
    return (entry.voxel_size if entry is not None else None) or RADIUS_PER_VOXEL


def allowed(session: Session, on: Target, label: int) -> Unpainted | None:
    """Return the mask of where a tool may paint; ``None`` for everywhere. An eraser may act everywhere."""
    if not session.view.over_background or label == BACKGROUND:
        return None
    return Unpainted([session.project.labels(on.tomogram, feature) for feature in session.project.features])


def image_plane(session: Session, axis: str, index: int) -> np.ndarray:
    """Return the grey values of a plane of the tomogram in view without display filters, axes in the order z, y, x."""
    entry = session.tomogram
    if entry is None:
        raise ProjectProblem("tomogram", "there is none in view", "open one first")
    return read_slice(session.volume(entry.id), SliceRequest(axis, index, session.view.slab, ()))


def change_radius(session: Session, steps: int) -> None:
    """Make the brush of the chosen feature larger or smaller; see `stepped`."""
    feature = session.feature
    if feature is not None:
        radius = stepped(feature.brush_radius, steps, radius_per_voxel(session.tomogram))
        session.project.change_feature(feature, brush_radius=radius)


# what a tool has made, and the same for scripts


def commit(session: Session, labels: LabelStore, edit: Edit, python: str, module: str = "annotate") -> None:
    """Write an edit as one step of undo, and note the call (of a command in `module`) that makes it again."""
    labels.apply(edit)
    session.log.note(CommandLine(f"{edit.title} {labels.feature.name}", f"commands.{module}.{python}"))


def call(name: str, points: Points | np.ndarray, **options: Any) -> str:
    """Return the call of a command for a path, rounded to a thousandth of a voxel."""
    path = ", ".join("({:.10g}, {:.10g}, {:.10g})".format(*(round(float(v), 3) for v in point)) for point in points)
    given = "".join(f", {key}={value!r}" for key, value in options.items())
    return f"{name}(session, [{path}]{given})"


def paint(session: Session, points_zyx: Points, *, axis: str = "z", label: int = FEATURE, shape: str = "disk") -> None:
    """Sweep the brush of the chosen feature along a path; `label` 0 erases, 2 marks as ignore."""
    on = target(session)
    stroke = Stroke(on.labels, on.radius, shape=shape, label=label, axis=axis, voxel_size_zyx=on.voxel_size_zyx,
                    allowed=allowed(session, on, label))  # fmt: skip
    _finish(session, on, stroke, points_zyx, call("paint", points_zyx, axis=axis, label=label, shape=shape))


def flood(
    session: Session, points_zyx: Points, *, axis: str = "z", label: int = FEATURE, sensitivity: float = 0.5
) -> None:
    """Paint what looks like the places on a path, within the brush of the chosen feature."""
    on = target(session)
    image = image_plane(session, axis, round(points_zyx[0]["zyx".index(axis)]))
    stroke = FloodStroke(on.labels, image, on.radius, sensitivity=sensitivity, label=label, axis=axis,
                         voxel_size_zyx=on.voxel_size_zyx, allowed=allowed(session, on, label))  # fmt: skip
    _finish(session, on, stroke, points_zyx, call("flood", points_zyx, axis=axis, label=label, sensitivity=sensitivity))


def _finish(session: Session, on: Target, stroke: Stroke, points_zyx: Points, python: str) -> None:
    for point in points_zyx:
        stroke.to(point)
    commit(session, on.labels, stroke.edit(), python)


def fill_outline(session: Session, points_zyx: Points, *, axis: str = "z", label: int = FEATURE) -> None:
    """Fill a closed outline."""
    on = target(session)
    edit = polygon.fill_polygon(on.labels, points_zyx, label=label, axis=axis)
    edit = _restricted(session, on, edit, label)
    commit(session, on.labels, edit, call("fill_outline", points_zyx, axis=axis, label=label))


def fill_inside(session: Session, points_zyx: Points, *, axis: str = "z", label: int = FEATURE) -> None:
    """Fill the inside of an outline that was painted before; the only point lies inside."""
    on = target(session)
    edit = polygon.fill_enclosed(on.labels, points_zyx[0], label=label, axis=axis)
    edit = _restricted(session, on, edit, label)
    commit(session, on.labels, edit, call("fill_inside", points_zyx, axis=axis, label=label))


def trace(session: Session, points_zyx: Points, *, axis: str = "z", label: int = FEATURE) -> None:
    """Paint a path that a live-wire found with the brush of the chosen feature."""
    on = target(session)
    edit = livewire.trace(
        on.labels, points_zyx, on.radius, label=label, axis=axis, voxel_size_zyx=on.voxel_size_zyx
    )  # fmt: skip
    edit = _restricted(session, on, edit, label)
    commit(session, on.labels, edit, call("trace", points_zyx, axis=axis, label=label))


def _restricted(session: Session, on: Target, edit: Edit, label: int) -> Edit:
    where = allowed(session, on, label)
    return edit if where is None else restrict(edit, where, on.labels.shape)


# whole slices


@command("Copy slice {z} to {to}")
def copy_slice(session: Session, z: int, to: int) -> None:
    """Copy the labels of the chosen feature from one slice to another, in place of what is there, and go there."""
    on = target(session)
    depth = on.labels.shape[0]
    if not 0 <= to < depth:
        raise ParameterProblem("copy", f"there is no slice {to}", f"slices run from 0 to {depth - 1}")
    on.labels.apply(copy_plane(on.labels, z, to))
    tomograms.go_to(session, z=to)


@command("Mark {axis} = {index} as annotated")
def mark(session: Session, index: int, axis: str = "z") -> None:
    """Say that a slice is annotated with the chosen feature: where nothing is painted it is background."""
    target(session).labels.mark(axis, index)


@command("Mark {axis} = {index} as not annotated")
def unmark(session: Session, index: int, axis: str = "z") -> None:
    """Say that a slice is not annotated; its labels stay."""
    target(session).labels.unmark(axis, index)


@command("Clear {axis} = {index}")
def clear(session: Session, index: int, axis: str = "z") -> None:
    """Remove the labels of the chosen feature from a slice, and its mark."""
    target(session).labels.clear_plane(axis, index)


def toggle_mark(session: Session) -> None:
    """Mark the slice in view as annotated, or take its mark away."""
    marked = session.view.z in target(session).labels.annotated_slices()
    (unmark if marked else mark)(session, session.view.z)


@command("Interpolate between annotated slices")
def interpolate(session: Session, replace: bool = False) -> None:
    """Fill the slices between those that are annotated with the chosen feature; see `interpolate_job`."""
    on = target(session)
    on.labels.apply(run(interpolation_job(on.labels, replace)))


def interpolation_job(labels: LabelStore, replace: bool = False) -> Job[Edit]:
    """Compute what `interpolate` writes, as a job."""
    slices = labels.annotated_slices()
    if len(slices) < 2:
        problem = f"{labels.feature.name} is annotated on {len(slices)} slice{'s' * (len(slices) != 1)}"
        raise ParameterProblem("interpolation", problem, "paint it on two slices or more, then the ones between follow")
    return (yield from interpolate_job(labels, slices, replace=replace))


def prediction_edit(
    labels: LabelStore, plane: np.ndarray, threshold: float, z: int, corner_yx: tuple[int, int]
) -> Edit:
    """Return the edit that takes what is predicted of a slice, (h, w) 0 … 1 from `corner_yx` on, as labels."""
    start = (z, *corner_yx)
    return from_probability(labels, plane[None], threshold, start_zyx=start, planes=[Plane("z", z)])

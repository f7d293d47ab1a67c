"""IMOD models: points in contours; x and y count from the corner of the first voxel, z from the centre of its slice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ais_app.core import geometry
from ais_app.core.coordinates import CoordinateFormat, CoordinateParams, Layout, Particles
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.formats.imod_model import (
    ImodContour,
    ImodObject,
    ImodPoints,
    SlicerView,
    read_imod_points,
    write_imod_points,
)  # fmt: skip
from ais_app.core.formats.tables import required_voxel_size, unknown_voxel_size
from ais_app.core.params import param

_OBJECTS = "imod_objects"  # the block that keeps what objects look like
_GREEN = (0.0, 1.0, 0.0)
_FILAMENT = "aisFilamentID"


@dataclass(frozen=True)
class ImodParams(CoordinateParams):
    """Options of IMOD models.

    Parameters
    ----------
    half_voxel
        IMOD's rule; off for programs that write voxel indices as they are.
    points
        Where to read from; ``"auto"`` takes the contours, with the angles of the slicer views where each point has
        one.
    slicer_angles
        Write a slicer view for each particle.
    radius
        Å, of the spheres that 3dmod draws; 0 for none.
    contours
        Column whose values become contours of their own; else filaments where there are any.
    """

    half_voxel: bool = param(True, "x and y count from the corner of a voxel, as in IMOD, not from its centre")
    points: str = param("auto", "Read the contours or the slicer views", choices=("auto", "contours", "slicer"))
    slicer_angles: bool = param(False, "Write orientations as slicer views, one for each particle")
    radius: float = param(0.0, "Radius of the spheres in 3dmod", unit="Å", low=0.0, high=1e5)
    contours: str = param("", "Column whose values become contours of their own; filaments when not given")


def read(path: Path, params: ImodParams) -> Particles:
    """Read all points of all objects, or the slicer views."""
    model = read_imod_points(path)
    voxel_size = params.voxel_size if params.voxel_size is not None else model.voxel_size
    points, table = _contour_points(model)
    centres = np.array([view.centre for view in model.views]).reshape(-1, 3)
    matched = len(points) == len(centres) > 0 and bool((np.abs(points - centres) <= 1).all())
    if params.points == "slicer":
        if not len(centres):
            raise FileProblem(path, "has no slicer views", "read it with --set points=contours")
        points, table, matched = centres, pd.DataFrame(index=range(len(centres))), True
    turned = matched and params.points != "contours"
    angles = np.array([view.angles for view in model.views]).reshape(-1, 3)
    if voxel_size is None and len(points):
        raise unknown_voxel_size(path)
    looks = [(thing.name, *thing.colour, thing.kind, thing.radius) for thing in model.objects]
    corner = geometry.IMOD_CORNER_XYZ if params.half_voxel else 0.0
    return Particles(
        positions_zyx=geometry.xyz(geometry.index_to_angstrom(points - corner, voxel_size or 0.0)),
        rotations=geometry.imod_to_matrices(angles) if turned else None,
        tomograms=np.full(len(points), params.tomogram, dtype=object),
        voxel_size=voxel_size,
        shape_zyx=model.shape_zyx,
        table=table,
        blocks={_OBJECTS: pd.DataFrame(looks, columns=["name", "red", "green", "blue", "kind", "radius"])},
        layout=Layout("imod"),
    )


def _contour_points(model: ImodPoints) -> tuple[np.ndarray, pd.DataFrame]:
    points, rows = [np.empty((0, 3))], []
    sized = any(contour.sizes is not None for thing in model.objects for contour in thing.contours)
    for number, thing in enumerate(model.objects):
        for part, contour in enumerate(thing.contours):
            points.append(contour.points)
            sizes = contour.sizes if contour.sizes is not None else np.full(len(contour.points), -1.0)
            rows += [(number, part, size) for size in sizes.tolist()]
    table = pd.DataFrame(rows, columns=["imod_object", "imod_contour", "imod_size"])
    return np.concatenate(points), table if sized else table.drop(columns="imod_size")


def write(path: Path, particles: Particles, params: ImodParams) -> None:
    """Write scattered points in one object, or open contours where particles belong to filaments."""
    voxel_size = required_voxel_size(particles, params.voxel_size, "imod")
    corner = geometry.IMOD_CORNER_XYZ if params.half_voxel else 0.0
    points = geometry.angstrom_to_index(geometry.xyz(particles.positions_zyx), voxel_size) + corner
    model = ImodPoints(voxel_size=voxel_size, shape_zyx=_shape(particles, points))
    if "imod_object" in particles.table.columns:
        model.objects = _same_objects(particles, points)
    else:
        model.objects = [_new_object(particles, points, params, voxel_size)]
    if params.slicer_angles:
        if particles.rotations is None:
            raise ParameterProblem("slicer_angles", "the particles have no orientations", "leave it off")
        angles = geometry.matrices_to_imod(particles.rotations)
        model.views = [SlicerView(tuple(turn), tuple(point)) for turn, point in zip(angles, points, strict=True)]
    write_imod_points(path, model)


def _shape(particles: Particles, points: np.ndarray) -> tuple[int, int, int]:
    shape = particles.shape_of(particles.names[0]) if len(particles) else particles.shape_zyx
    if shape is not None:
        return shape
    x, y, z = (max(1, int(np.ceil(most)) + 1) for most in points.max(axis=0, initial=0))
    return z, y, x


def _new_object(particles: Particles, points: np.ndarray, params: ImodParams, voxel_size: float) -> ImodObject:
    column = params.contours or (_FILAMENT if _FILAMENT in particles.table.columns else "")
    radius = round(params.radius / voxel_size)
    name = particles.names[0] if len(particles) else ""
    if not column:
        return ImodObject(name, _GREEN, "scattered", radius, [ImodContour(points)] if len(points) else [])
    if column not in particles.table.columns:
        there = ", ".join(map(str, particles.table.columns)) or "none"
        raise ParameterProblem("contours", f"the particles have no column {column}", f"they have: {there}")
    values = particles.table[column].to_numpy()
    contours = [ImodContour(points[values == value]) for value in pd.unique(values)]
    return ImodObject(name, _GREEN, "open", radius, contours)


def _same_objects(particles: Particles, points: np.ndarray) -> list[ImodObject]:
    looks = particles.blocks.get(_OBJECTS)
    kept = list(looks.itertuples(index=False)) if isinstance(looks, pd.DataFrame) else []
    objects = [ImodObject(o.name, (o.red, o.green, o.blue), o.kind, int(o.radius)) for o in kept]
    numbers = particles.table["imod_object"].to_numpy(dtype=int)
    parts = particles.table["imod_contour"].to_numpy(dtype=int)
    while len(objects) <= numbers.max(initial=-1):
        objects.append(ImodObject("", _GREEN, "scattered", 0))
    sizes = particles.table["imod_size"].to_numpy(dtype=float) if "imod_size" in particles.table.columns else None
    for number, part in sorted(set(zip(numbers.tolist(), parts.tolist(), strict=True))):
        rows = (numbers == number) & (parts == part)
        own = sizes[rows] if sizes is not None and (sizes[rows] >= 0).any() else None
        objects[number].contours.append(ImodContour(points[rows], own))
    return objects


def _sniff(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(7) == b"IMODV1."


FORMAT = CoordinateFormat(
    name="imod",
    title="IMOD model",
    suffix=".mod",
    params=ImodParams,
    sniff=_sniff,
    read=read,
    write=write,
    one_tomogram=True,
)

"""copick: one JSON file for the picks of one object in one run; Å, a 4 × 4 matrix and an instance number each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ais_app.core import geometry
from ais_app.core.coordinates import CoordinateFormat, CoordinateParams, Layout, Particles
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.files import read_json, write_json
from ais_app.core.params import param

_BLOCK = "copick"  # keeps what the file says of all picks together
_INSTANCE = "copick_instance_id"
_POINT_KEYS = ("location", "transformation_", "transformation", "score", "instance_id")


@dataclass(frozen=True)
class CopickParams(CoordinateParams):
    """Options of copick's files."""

    object: str = param("particle", "Name of the object, for a new file; copick forbids underscores in it")
    user: str = param("ais-app", "User, for a new file")
    session: str = param("1", "Session, for a new file")


def read(path: Path, params: CopickParams) -> Particles:
    """Read the picks; what a matrix shifts is applied."""
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("points"), list):
        raise FileProblem(path, "has no list of points", "is it a file of copick picks?")
    if content.get("unit", "angstrom") != "angstrom":
        raise FileProblem(path, f"is in {content['unit']!r}, only angstrom is known")
    points = content["points"]
    matrices = np.array([_matrix(point, number, path) for number, point in enumerate(points, 1)]).reshape(-1, 4, 4)
    bad = np.flatnonzero(~geometry.are_rotations(matrices[:, :3, :3]))
    if len(bad):
        raise FileProblem(path, f"point {bad[0] + 1}: the matrix is no rotation (scaled, mirrored or not a number)")
    places = [_location(point, number, path) for number, point in enumerate(points, 1)]
    spacing = params.voxel_size if params.voxel_size is not None else content.get("voxel_spacing")
    others = [{key: value for key, value in point.items() if key not in _POINT_KEYS} for point in points]
    table = pd.DataFrame(others, index=range(len(points)))
    if any("instance_id" in point for point in points):
        table.insert(0, _INSTANCE, [point.get("instance_id", 0) for point in points])
    scored = any("score" in point for point in points)
    return Particles(
        positions_zyx=geometry.xyz(np.array(places).reshape(-1, 3) + matrices[:, :3, 3]),
        rotations=matrices[:, :3, :3],
        scores=np.array([_number(point.get("score", 1.0), path) for point in points]) if scored else None,
        tomograms=np.full(len(points), content.get("run_name") or params.tomogram, dtype=object),
        voxel_size=float(spacing) if spacing else None,
        table=table,
        blocks={_BLOCK: {key: value for key, value in content.items() if key != "points"}},
        layout=Layout("copick"),
    )


def _location(point: Any, number: int, path: Path) -> list[float]:
    place = point.get("location") if isinstance(point, Mapping) else None
    if not isinstance(place, Mapping) or not set("xyz") <= set(place):
        raise FileProblem(path, f"point {number} has no location with x, y, z")
    return [_number(place[axis], path) for axis in "xyz"]


def _number(value: Any, path: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise FileProblem(path, f"{value!r} stands where a number must")
    return float(value)


def _matrix(point: Any, number: int, path: Path) -> np.ndarray:
    if not isinstance(point, Mapping):
        raise FileProblem(path, f"point {number} is {point!r}")
    values = point.get("transformation_", point.get("transformation"))
    if values is None:
        return np.eye(4)
    try:
        return np.array(values, dtype=float).reshape(4, 4)
    except (ValueError, TypeError) as error:
        raise FileProblem(path, f"point {number}: the transformation is not a 4 × 4 matrix") from error


def write(path: Path, particles: Particles, params: CopickParams) -> None:
    """Write the picks."""
    kept = particles.blocks.get(_BLOCK)
    head: dict[str, Any] = dict(kept) if isinstance(kept, dict) else _head(particles, params)
    head["unit"] = "angstrom"
    matrices = np.broadcast_to(np.eye(4), (len(particles), 4, 4)).copy()
    if particles.rotations is not None:
        matrices[:, :3, :3] = particles.rotations
    places = np.round(geometry.xyz(particles.positions_zyx), 6) + 0.0
    scores = particles.scores if particles.scores is not None else np.ones(len(particles))
    own = particles.layout is not None and particles.layout.format == "copick"
    extra = particles.table.drop(columns=_INSTANCE, errors="ignore") if own else particles.table.iloc[:, :0]
    rows = json.loads(extra.to_json(orient="records")) if len(extra.columns) else [{}] * len(particles)
    points = [
        {
            "location": dict(zip("xyz", place.tolist(), strict=True)),
            "transformation_": matrix.tolist(),
            "instance_id": int(instance),
            "score": float(score),
            **row,
        }
        for place, matrix, instance, score, row in zip(
            places, matrices, _instances(particles), scores, rows, strict=True
        )
    ]
    write_json(path, {**head, "points": points})


def _head(particles: Particles, params: CopickParams) -> dict[str, Any]:
    if not params.object or "_" in params.object:
        raise ParameterProblem("object", f"{params.object!r} is no name for a copick object", "use a dash for _")
    run = (particles.names[0] if len(particles) else "") or params.tomogram
    return {
        "pickable_object_name": params.object,
        "user_id": params.user,
        "session_id": params.session,
        "run_name": run or None,
        "voxel_spacing": params.voxel_size or particles.voxel_size,
        "unit": "angstrom",
    }


def _instances(particles: Particles) -> np.ndarray:
    for column in (_INSTANCE, "aisFilamentID"):
        if column in particles.table.columns:
            return particles.table[column].to_numpy(dtype=int)
    return np.arange(len(particles))


def _sniff(path: Path) -> bool:
    if path.suffix.lower() != ".json":
        return False
    with path.open("rb") as stream:
        return b"pickable_object_name" in stream.read(4096)


FORMAT = CoordinateFormat(
    name="copick",
    title="copick picks (JSON)",
    suffix=".json",
    params=CopickParams,
    sniff=_sniff,
    read=read,
    write=write,
    one_tomogram=True,
)

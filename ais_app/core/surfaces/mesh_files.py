"""Surfaces on disk: OBJ, PLY, STL and GLB, coordinates in Å, x y z."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.files import replacing
from ais_app.core.surfaces.mesh import Mesh, rgb_of

if TYPE_CHECKING:
    import trimesh

MESH_FORMATS = ("obj", "ply", "stl", "glb")


def write_mesh(path: str | Path, mesh: Mesh) -> Path:
    """Write a surface; the suffix chooses the format: .obj, .ply, .stl or .glb.

    Coordinates are Å, x y z. The colour is kept except in STL, which has none.

    Raises
    ------
    ParameterProblem
        The suffix is of no mesh format.
    FileProblem
        The file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in MESH_FORMATS:
        problem = f"{path.suffix or 'no suffix'} is no mesh format"
        raise ParameterProblem(path, problem, f"known: {', '.join(MESH_FORMATS)}")
    with replacing(path) as part:
        if kind == "obj":
            _write_obj(part, mesh)
        else:
            _shape(mesh, kind).export(part, file_type=kind)
    return path


def _shape(mesh: Mesh, kind: str) -> trimesh.Trimesh:
    """Return the mesh with its colour, the way the format keeps it."""
    import trimesh

    shape = trimesh.Trimesh(mesh.vertices_xyz, mesh.faces, process=False)
    rgba = np.array([*rgb_of(mesh.colour), 255], dtype=np.uint8)
    if kind == "glb":
        material = trimesh.visual.material.PBRMaterial(baseColorFactor=rgba, metallicFactor=0.0, doubleSided=True)
        shape.visual = trimesh.visual.TextureVisuals(material=material)
    elif kind == "ply" and len(mesh.vertices_xyz):
        shape.visual = trimesh.visual.ColorVisuals(shape, vertex_colors=np.tile(rgba, (len(mesh.vertices_xyz), 1)))
    return shape


def _write_obj(path: Path, mesh: Mesh) -> None:
    """Write a Wavefront OBJ with the colour behind each vertex, in blocks: trimesh takes five times as long."""
    red, green, blue = (value / 255 for value in rgb_of(mesh.colour))
    vertex = f"v %.3f %.3f %.3f {red:.4f} {green:.4f} {blue:.4f}\n".encode()
    with path.open("wb") as stream:
        stream.write(b"# ais-app; x y z in Angstrom\n")
        for line, rows in ((vertex, mesh.vertices_xyz), (b"f %d %d %d\n", mesh.faces + 1)):
            for start in range(0, len(rows), 2**16):
                block = rows[start : start + 2**16]
                stream.write(line * len(block) % tuple(block.ravel().tolist()))

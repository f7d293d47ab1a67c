"""Surfaces on disk: OBJ, PLY, STL and GLB, coordinates in Å, x y z; one surface a file, or several with their names."""

from __future__ import annotations

from collections.abc import Mapping
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

    Coordinates are Å, x y z. Colour and opacity are kept except in STL, which has none, and OBJ, which has no opacity.

    Raises
    ------
    ParameterProblem
        The suffix is of no mesh format.
    FileProblem
        The file cannot be written.
    """
    kind = _kind(path)
    with replacing(path) as part:
        if kind == "obj":
            _write_obj(part, {"": mesh})
        else:
            _shape(mesh, kind).export(part, file_type=kind)
    return Path(path)


def write_meshes(path: str | Path, meshes: Mapping[str, Mesh]) -> Path:
    """Write several surfaces into one file.

    GLB and OBJ keep them apart, with their names; PLY and STL join them, PLY with their colours.

    Parameters
    ----------
    path
        The suffix chooses the format, as for `write_mesh`.
    meshes
        Name to surface.

    Raises
    ------
    ParameterProblem, FileProblem
        As for `write_mesh`.
    """
    kind = _kind(path)
    filled = {name: mesh for name, mesh in meshes.items() if len(mesh.faces)}
    if not filled:
        return write_mesh(path, Mesh(np.empty((0, 3), np.float32), np.empty((0, 3), np.int32)))
    with replacing(path) as part:
        if kind == "obj":
            _write_obj(part, filled)
        elif kind == "glb":
            import trimesh

            scene = trimesh.Scene()
            for name, mesh in filled.items():
                scene.add_geometry(_shape(mesh, kind), node_name=name, geom_name=name)
            scene.export(part, file_type=kind)
        else:
            _joined(filled, kind).export(part, file_type=kind)
    return Path(path)


def _kind(path: str | Path) -> str:
    suffix = Path(path).suffix
    kind = suffix.lower().lstrip(".")
    if kind not in MESH_FORMATS:
        problem = f"{suffix or 'no suffix'} is no mesh format"
        raise ParameterProblem(path, problem, f"known: {', '.join(MESH_FORMATS)}")
    return kind


def _rgba(mesh: Mesh) -> np.ndarray:
    return np.array([*rgb_of(mesh.colour), round(255 * mesh.opacity)], dtype=np.uint8)


def _shape(mesh: Mesh, kind: str) -> trimesh.Trimesh:
    """Return the mesh with its colour, the way the format keeps it."""
    import trimesh

    shape = trimesh.Trimesh(mesh.vertices_xyz, mesh.faces, process=False)
    if kind == "glb":
        material = trimesh.visual.material.PBRMaterial(
            baseColorFactor=_rgba(mesh),
            metallicFactor=0.0,
            doubleSided=True,
            alphaMode="BLEND" if mesh.opacity < 1 else None,
        )
        shape.visual = trimesh.visual.TextureVisuals(material=material)
    elif kind == "ply" and len(mesh.vertices_xyz):
        colours = np.tile(_rgba(mesh), (len(mesh.vertices_xyz), 1))
        shape.visual = trimesh.visual.ColorVisuals(shape, vertex_colors=colours)
    return shape


def _joined(meshes: Mapping[str, Mesh], kind: str) -> trimesh.Trimesh:
    """Return all surfaces as one, with the colour of each vertex where the format keeps it."""
    import trimesh

    counts = [len(mesh.vertices_xyz) for mesh in meshes.values()]
    firsts = np.cumsum([0, *counts[:-1]])
    vertices = np.concatenate([mesh.vertices_xyz for mesh in meshes.values()])
    faces = np.concatenate([mesh.faces + first for mesh, first in zip(meshes.values(), firsts, strict=True)])
    shape = trimesh.Trimesh(vertices, faces, process=False)
    if kind == "ply":
        colours = np.repeat([_rgba(mesh) for mesh in meshes.values()], counts, axis=0)
        shape.visual = trimesh.visual.ColorVisuals(shape, vertex_colors=colours)
    return shape


def _write_obj(path: Path, meshes: Mapping[str, Mesh]) -> None:
    """Write a Wavefront OBJ with the colour behind each vertex, in blocks: trimesh takes five times as long."""
    first = 1
    with path.open("wb") as stream:
        stream.write(b"# ais-app; x y z in Angstrom\n")
        for name, mesh in meshes.items():
            red, green, blue = (value / 255 for value in rgb_of(mesh.colour))
            if name:
                stream.write(f"o {' '.join(name.split())}\n".encode())
            vertex = f"v %.3f %.3f %.3f {red:.4f} {green:.4f} {blue:.4f}\n".encode()
            for line, rows in ((vertex, mesh.vertices_xyz), (b"f %d %d %d\n", mesh.faces + first)):
                for start in range(0, len(rows), 2**16):
                    block = rows[start : start + 2**16]
                    stream.write(line * len(block) % tuple(block.ravel().tolist()))
            first += len(mesh.vertices_xyz)

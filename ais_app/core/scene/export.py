"""Files of a scene for other programs: surfaces, a ChimeraX script, coordinates.

What is to be written is handed over as meshes and particles, made from files (`operations.export_scene`) or those that
the window shows already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ais_app.core.coordinates import coordinate_format, write_particles
from ais_app.core.errors import ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.core.scene.chimerax import can_open, write_chimerax
from ais_app.core.scene.glyphs import Glyph
from ais_app.core.scene.instances import instances
from ais_app.core.scene.scene import Scene, ScenePicks
from ais_app.core.surfaces.mesh import Mesh
from ais_app.core.surfaces.mesh_files import MESH_FORMATS, write_mesh, write_meshes
from ais_app.core.tomogram import ZYX

PICK_FACES = 2_000_000  # triangles that all picks of a set may have together in a file


def export(
    scene: Scene,
    folder: str | Path,
    stem: str,
    meshes: Mapping[str, Mesh],
    picks: Mapping[str, Particles],
    *,
    mesh_formats: Sequence[str] = ("glb",),
    separate: bool = False,
    chimerax: bool = True,
    coordinate_formats: Sequence[str] = ("star",),
) -> list[Path]:
    """Write the files of a scene.

    Parameters
    ----------
    scene
        The scene.
    folder, stem
        Where to, and what all names begin with.
    meshes
        Name of each surface, and of each set of picks drawn as a map, to its mesh: Å in the frame of the scene.
    picks
        Name of each set of picks to its particles, of this tomogram.
    mesh_formats
        Of ``"obj"``, ``"ply"``, ``"stl"``, ``"glb"``: ``<stem>.glb`` with all of `meshes`.
    separate
        One file for each instead: ``<stem>_<name>.glb``.
    chimerax
        Write ``<stem>.cxc`` and what it opens.
    coordinate_formats
        ``<stem>_<picks>_coords.star`` and so on for each of `picks`.

    Returns
    -------
    list of Path
        All files written.

    Raises
    ------
    ParameterProblem
        A format is not known, or two names give the same file.
    FileProblem
        A file cannot be written.
    """
    check_formats(mesh_formats, coordinate_formats)
    _check_names([*meshes, *(name for name in picks if name not in meshes)])
    folder = Path(folder)
    written: list[Path] = []
    for kind in mesh_formats:
        if separate:
            written += [write_mesh(folder / f"{stem}_{file_name(name)}.{kind}", mesh) for name, mesh in meshes.items()]
        else:
            written.append(write_meshes(folder / f"{stem}.{kind}", meshes))
    if chimerax:
        written += _script(scene, folder, stem, meshes, picks, written)
    for name, particles in picks.items():
        for form in coordinate_formats:
            written.append(write_particles(coordinate_path(folder, stem, name, form), particles, form))
    return written


def check_formats(mesh_formats: Sequence[str], coordinate_formats: Sequence[str]) -> None:
    """Raise `ParameterProblem` for a format that is not known."""
    for kind in mesh_formats:
        if kind not in MESH_FORMATS:
            raise ParameterProblem("format", f"{kind!r} is not known", f"known: {', '.join(MESH_FORMATS)}")
    for form in coordinate_formats:
        coordinate_format(form)


def coordinate_path(folder: Path, stem: str, name: str, form: str) -> Path:
    """Return where the coordinates of a set of picks go; the format is named where its suffix does not say it."""
    suffix = coordinate_format(form).suffix
    said = "" if suffix == f".{form}" else f"_{form}"
    return folder / f"{stem}_{file_name(name)}_coords{said}{suffix}"


def picks_mesh(shown: ScenePicks, particles: Particles, glyph: Glyph, first_voxel_zyx: ZYX) -> Mesh:
    """Return the picks of a set as one surface with the look of the scene, of at most `PICK_FACES` triangles."""
    merged = instances(particles, first_voxel_zyx).merged(glyph, PICK_FACES)
    return Mesh(merged.vertices_xyz, merged.faces, shown.colour, shown.opacity)


def file_name(name: str) -> str:
    """Return a name as a part of the name of a file."""
    return re.sub(r"[^\w.+-]+", "_", name).strip("_") or "unnamed"


def _script(
    scene: Scene, folder: Path, stem: str, meshes: Mapping[str, Mesh], picks: Mapping[str, Particles], there: list[Path]
) -> list[Path]:
    """Write the script, and meshes for what ChimeraX cannot open otherwise."""
    readable = {surface.name for surface in scene.surfaces if surface.source and can_open(surface.source)}
    opened: dict[str, str | Path] = {}
    more = []
    for name, mesh in meshes.items():
        if name not in readable:
            path = folder / f"{stem}_{file_name(name)}.glb"
            if path not in there:
                more.append(write_mesh(path, mesh))
            opened[name] = path
    possible = tuple(surface for surface in scene.surfaces if surface.name in readable or surface.name in opened)
    shown = replace(scene, surfaces=possible)
    return [*more, *write_chimerax(folder / f"{stem}.cxc", shown, picks=picks, meshes=opened)]


def _check_names(names: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        file = file_name(name).lower()
        if file in seen:
            raise ParameterProblem(name, f"would be written to the same file as {seen[file]}", "rename one of them")
        seen[file] = name

"""Export scenes: their surfaces as OBJ, PLY, STL or GLB, a ChimeraX script, the coordinates of their picks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ais_app.core import provenance
from ais_app.core.errors import AisAppError, ParameterProblem
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.particle_set import Particles
from ais_app.core.probability import open_probabilities
from ais_app.core.scene.export import check_formats, coordinate_path, export, file_name, picks_mesh
from ais_app.core.scene.glyphs import map_surface
from ais_app.core.scene.scene import Scene, ScenePicks, SceneSurface, read_scene
from ais_app.core.scene.surface import SurfaceLevels, surface_job
from ais_app.core.surfaces.mesh import Mesh
from ais_app.core.tomogram import tomogram_name
from ais_app.operations.particle_lists import particles_of, read_lists
from ais_app.operations.per_file import FileResult, each_file, input_files


def export_scene_job(
    scenes: Sequence[str | Path],
    out_dir: str | Path,
    *,
    mesh_formats: Sequence[str] = ("glb",),
    separate: bool = False,
    chimerax: bool = True,
    coordinate_formats: Sequence[str] = ("star",),
    skip_existing: bool = False,
) -> Job[list[FileResult]]:
    """Write what scenes show for other programs, in Å in the frames of their tomograms.

    Parameters
    ----------
    scenes
        Files of `core.scene.scene.write_scene`, folders or globs.
    out_dir
        Folder of the results; made where it is missing.
    mesh_formats
        Of ``"obj"``, ``"ply"``, ``"stl"``, ``"glb"``: ``<scene>.glb`` with all visible surfaces, without dust, and the
        picks that are drawn as maps; with names and colours where the format has them.
    separate
        One file for each surface: ``<scene>_<surface>.glb``.
    chimerax
        Write ``<scene>.cxc``, which opens maps, surfaces and picks in place, and what it needs beside it.
    coordinate_formats
        Names of coordinate formats: ``<scene>_<picks>_coords.star`` for each visible set of picks.
    skip_existing
        Leave scenes out whose results are there.

    Returns
    -------
    list of FileResult
        One per scene; a failure is in its ``error``.

    Raises
    ------
    ParameterProblem
        A format is not known, or nothing is to be written.
    FileProblem
        A folder or glob holds no scene.
    """
    check_formats(mesh_formats, coordinate_formats)
    if not (mesh_formats or chimerax or coordinate_formats):
        raise ParameterProblem("export", "nothing is to be written", "choose surfaces, a script or coordinates")
    options: dict[str, Any] = {"mesh_formats": list(mesh_formats), "separate": separate, "chimerax": chimerax}
    options["coordinate_formats"] = list(coordinate_formats)
    folder = Path(out_dir)

    def targets(path: Path) -> list[Path]:
        try:
            return _targets(read_scene(path), folder, path.stem, options)
        except AisAppError:  # said when its turn comes; it has no outputs that could be there already
            return [folder / f"{path.stem}.unreadable"]

    def work(path: Path) -> Job[str]:
        scene = read_scene(path)
        meshes, picks = yield from _contents(scene, bool(mesh_formats) or chimerax)
        written = export(scene, folder, path.stem, meshes, picks, **options)
        arguments = {"scenes": [str(path)], "out_dir": str(folder), **options}
        for output in written:
            provenance.record("export_scene", output, arguments, [path, *_sources(scene)]).write(output)
        return f"{len(meshes)} surfaces, {sum(map(len, picks.values())):,} picks, {len(written)} files"

    return (yield from each_file(input_files(scenes, (".json",), "scene"), targets, work, skip_existing=skip_existing))


export_scene = direct(export_scene_job)


def _targets(scene: Scene, folder: Path, stem: str, options: dict[str, Any]) -> list[Path]:
    names = [surface.name for surface in scene.surfaces if surface.visible]
    names += [shown.name for shown in scene.picks if shown.visible and shown.style == "map"]
    found = [folder / f"{stem}.cxc"] if options["chimerax"] else []
    for kind in options["mesh_formats"]:
        kinds = [f"{stem}_{file_name(name)}.{kind}" for name in names] if options["separate"] else [f"{stem}.{kind}"]
        found += [folder / name for name in kinds]
    for form in options["coordinate_formats"]:
        found += [coordinate_path(folder, stem, shown.name, form) for shown in scene.picks if shown.visible]
    return found


def _sources(scene: Scene) -> list[str]:
    """Return the files that are read, each once."""
    found = [surface.source for surface in scene.surfaces if surface.visible]
    for shown in scene.picks:
        if shown.visible:
            found += [shown.source, shown.template if shown.style == "map" else ""]
    return [source for source in dict.fromkeys(found) if source]


def _contents(scene: Scene, with_meshes: bool) -> Job[tuple[dict[str, Mesh], dict[str, Particles]]]:
    """Make the surfaces and read the picks that are visible."""
    surfaces = [surface for surface in scene.surfaces if surface.visible and with_meshes]
    shown_picks = [shown for shown in scene.picks if shown.visible]
    total = len(surfaces) + len(shown_picks) + 1
    meshes: dict[str, Mesh] = {}
    picks: dict[str, Particles] = {}
    for number, surface in enumerate(surfaces):
        yield Progress(number, total, surface.name)
        meshes[surface.name] = yield from _surface(surface, number, total)
    for number, shown in enumerate(shown_picks):
        yield Progress(len(surfaces) + number, total, shown.name)
        picks[shown.name] = _picks(scene, shown)
        if shown.style == "map" and with_meshes:
            template = open_tomogram(shown.template)
            size = template.require_voxel_size_zyx("write it into the file: ais-app convert --voxel-size")
            glyph = map_surface(template.data, size, shown.template_level)
            meshes[shown.name] = picks_mesh(shown, picks[shown.name], glyph, scene.first_voxel_zyx)
    yield Progress(total - 1, total, "writing")
    return meshes, picks


def _surface(surface: SceneSurface, number: int, total: int) -> Job[Mesh]:
    if not surface.source:
        raise ParameterProblem(surface.name, "is a prediction that is in no file", "export the prediction first")
    volume = open_probabilities(open_tomogram(surface.source, voxel_size=surface.voxel_size))
    job = surface_job(volume, surface.settings)
    try:
        while True:
            step = next(job)
            yield Progress(number + step.done / step.total, total, f"{surface.name}: {step.message}")
    except StopIteration as finished:
        made: SurfaceLevels = finished.value
        return made.mesh(surface.settings)


def _picks(scene: Scene, shown: ScenePicks) -> Particles:
    """Read the picks of the scene's tomogram, with what a file of the tomogram adds to them."""
    drawn = [one.source for one in scene.slices] + [volume.source for volume in scene.volumes]
    own = [source for source in drawn if tomogram_name(source) == scene.tomogram]
    (listing,) = read_lists([shown.source], source=shown.format, tomograms=own[:1])
    if listing.error is not None:
        raise listing.error
    assert listing.particles is not None  # a list without an error
    found = particles_of([listing], scene.tomogram) if scene.tomogram else listing.particles
    return found if found.shape_zyx is not None else replace(found, shape_zyx=scene.shape_zyx)

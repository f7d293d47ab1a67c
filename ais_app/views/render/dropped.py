"""Files that a person gives to the Render tab: segmentations become surfaces, coordinates become picks."""

from __future__ import annotations

from pathlib import Path

from ais_app.core.errors import FileProblem
from ais_app.state import scene_store as store
from ais_app.state.commands import render
from ais_app.views.workbench import Workbench

COORDINATES = (".star", ".csv", ".tsv", ".tbl", ".em", ".mod", ".cmm", ".json")


def volume_suffix(path: Path) -> bool:
    """Return whether a file is a volume by its name."""
    from ais_app.core.io import volume_formats

    name = path.name.lower().removesuffix(".gz").removesuffix(".bz2")
    return any(name.endswith(format.suffixes) for format in volume_formats().values())


def coordinate_file(path: Path) -> bool:
    """Return whether a file may hold coordinates, by its name."""
    return path.suffix.lower() in COORDINATES


def add_surface_file(workbench: Workbench, path: Path) -> str:
    """Show a segmentation as a surface; one that lies elsewhere than the tomogram is shown, and that is said.

    Raises
    ------
    FileProblem
        It is no volume that can be read.
    """
    from ais_app.core.io import open_tomogram

    session = workbench.session
    try:
        name = render.add_surface(session, path)
        scene = store.scene_of(session)
        surface = next(each for each in scene.surfaces if each.name == name)
        odd = store.mismatch(scene, open_tomogram(path, voxel_size=surface.voxel_size))
    except OSError as error:
        raise FileProblem(path, f"cannot be read ({error.strerror or error})", "see who may read it") from error
    if odd:
        workbench.notify(f"{path.name} {odd}; it may be of another tomogram, or its voxel size is wrong", "warning")
    return name


def add_picks_file(workbench: Workbench, path: Path) -> None:
    """Keep the picks of a coordinate file that are of the tomogram in view, as a set with the file's name.

    Raises
    ------
    FileProblem
        It holds no coordinates that can be read, or none of this tomogram.
    """
    from dataclasses import replace

    from ais_app.core.coordinates import read_particles
    from ais_app.core.position_check import position_problems

    session, entry = workbench.session, workbench.session.tomogram
    assert entry is not None  # the tab takes no file without one
    particles = read_particles(path)
    own = particles[particles.tomograms == entry.name]
    if not len(own) and len(particles.names) == 1:
        own = particles  # a file of one tomogram under another name
    if not len(own):
        raise FileProblem(
            path, f"holds no picks of {entry.name}", f"it has: {', '.join(particles.names[:5]) or 'none'}"
        )
    own = replace(own, shape_zyx=entry.shape, shapes={}, voxel_size=own.voxel_size or entry.voxel_size)
    odd = position_problems(replace(own, voxel_size=entry.voxel_size))
    render.keep_picks(session, path.stem, own, {"method": "file", "file": str(path)})
    if odd:
        workbench.notify(f"{path.name}: {odd[0]}", "warning")

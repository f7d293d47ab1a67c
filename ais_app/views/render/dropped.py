"""Files that a person gives to the Render tab: segmentations become surfaces."""

from __future__ import annotations

from pathlib import Path

from ais_app.core.errors import FileProblem
from ais_app.state import scene_store as store
from ais_app.state.commands import render
from ais_app.views.workbench import Workbench


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

"""``ais-app mesh``: surfaces of segmentations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.options import with_params
from ais_app.cli.reporting import SkipExisting, report, with_progress
from ais_app.core.surfaces.mesh import MeshParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(MeshParams)
def mesh(
    segmentations: Annotated[list[str], typer.Argument(help="Segmentations: files, folders or globs.")],
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder of the results.")],
    params: MeshParams,
    formats: Annotated[
        str, typer.Option("--format", help="Mesh formats, with commas between: obj, ply, stl, glb")
    ] = "obj",
    voxel_size: Annotated[float | None, typer.Option(help="Replaces what the files say. [Å]", min=0.01)] = None,
    skip_existing: SkipExisting = False,
) -> None:
    """Turn segmentations into surfaces: DIR/<segmentation>.obj and other formats.

    Vertices are x y z in Å in the frame of the file's header: they overlay the volume in ChimeraX and Blender.
    """
    from ais_app.operations.mesh import mesh_job

    names = [name.strip() for name in formats.split(",")]
    job = mesh_job(segmentations, out_dir, params, formats=names, voxel_size=voxel_size, skip_existing=skip_existing)
    report(with_progress(job, "Meshing"))

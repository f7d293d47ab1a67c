"""``ais-app mesh``: surfaces of segmentations."""

from __future__ import annotations

from typing import Annotated

import typer

from ais_app.cli.arguments import OutDir, Segmentations, SkipExisting, VoxelSize
from ais_app.cli.options import with_params
from ais_app.cli.reporting import report, with_progress
from ais_app.core.surfaces.mesh import MeshParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(MeshParams)
def mesh(
    segmentations: Segmentations,
    out_dir: OutDir,
    params: MeshParams,
    formats: Annotated[
        str, typer.Option("--format", help="Mesh formats, with commas between: obj, ply, stl, glb")
    ] = "obj",
    voxel_size: VoxelSize = None,
    skip_existing: SkipExisting = False,
) -> None:
    """Turn segmentations into surfaces: DIR/<segmentation>.obj and other formats.

    Vertices are x y z in Å in the frame of the file's header: they overlay the volume in ChimeraX and Blender.
    """
    from ais_app.operations.mesh import mesh_job

    names = [name.strip() for name in formats.split(",")]
    job = mesh_job(segmentations, out_dir, params, formats=names, voxel_size=voxel_size, skip_existing=skip_existing)
    report(with_progress(job, "Meshing"))

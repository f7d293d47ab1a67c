"""``ais-app dog``: particles from tomograms, by a difference of Gaussians."""

from __future__ import annotations

import typer

from ais_app.cli.arguments import Formats, OutDir, ParticleMask, SkipExisting, Tomograms, VoxelSize
from ais_app.cli.options import with_params
from ais_app.cli.reporting import report, with_progress
from ais_app.core.pickers.dog import DogParams
from ais_app.core.picking.masking import MaskParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(MaskParams, "mask_params")
@with_params(DogParams)
def dog(
    tomograms: Tomograms,
    out_dir: OutDir,
    params: DogParams,
    mask_params: MaskParams,
    formats: Formats = "star",
    mask: ParticleMask = None,
    voxel_size: VoxelSize = None,
    skip_existing: SkipExisting = False,
) -> None:
    """Pick everything of one size, without a network: DIR/<tomogram>_dog_coords.star and other formats.

    Difference of Gaussians, maxima, minimum distance, threshold or the strongest --number.
    """
    from ais_app.operations.dog import dog_job

    job = dog_job(
        tomograms,
        out_dir,
        params,
        formats=[name.strip() for name in formats.split(",")],
        mask=mask,
        mask_params=mask_params,
        voxel_size=voxel_size,
        skip_existing=skip_existing,
    )
    report(with_progress(job, "Picking"))

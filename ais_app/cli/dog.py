"""``ais-app dog``: particles from tomograms, by a difference of Gaussians."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.options import with_params
from ais_app.cli.reporting import SkipExisting, report, with_progress
from ais_app.core.pickers.dog import DogParams
from ais_app.core.picking.masking import MaskParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(MaskParams, "mask_params")
@with_params(DogParams)
def dog(
    tomograms: Annotated[list[str], typer.Argument(help="Tomograms: files, folders or globs.")],
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder of the results.")],
    params: DogParams,
    mask_params: MaskParams,
    formats: Annotated[
        str, typer.Option("--format", help="Coordinate formats, with commas between: star, tsv, relion5 …")
    ] = "star",
    mask: Annotated[
        str | None, typer.Option(help="Keep particles by this segmentation: a file, {tomogram} allowed, or a feature.")
    ] = None,
    voxel_size: Annotated[float | None, typer.Option(help="Replaces what the files say. [Å]", min=0.01)] = None,
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

"""``ais-app saliency``: particles from tomograms, by what stands out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.options import with_params
from ais_app.cli.reporting import SkipExisting, report, with_progress
from ais_app.core.pickers.saliency import SaliencyParams
from ais_app.core.picking.masking import MaskParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(MaskParams, "mask_params")
@with_params(SaliencyParams)
def saliency(
    tomograms: Annotated[list[str], typer.Argument(help="Tomograms: files, folders or globs.")],
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder of the results.")],
    params: SaliencyParams,
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
    """Pick what looks unlike the rest, without a network: DIR/<tomogram>_saliency_coords.star and other formats.

    Supervoxels, features, robust principal components; threshold or the most salient --number.
    """
    from ais_app.operations.saliency import saliency_job

    job = saliency_job(
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

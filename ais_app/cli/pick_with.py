"""``ais-app pick-with``: particles by any picker, also of other packages."""

from __future__ import annotations

from typing import Annotated

import typer

from ais_app.cli.arguments import Formats, OutDir, ParticleMask, SkipExisting, VoxelSize
from ais_app.cli.options import with_params
from ais_app.cli.reporting import plugin_text, report, with_progress
from ais_app.core.picking.masking import MaskParams

app = typer.Typer(add_completion=False)
LIST = "see `ais-app pick-with --pickers`"


def _show_pickers(wanted: bool) -> None:
    if wanted:
        from ais_app.core.pickers import DENSITY, pickers

        for known in pickers().values():
            typer.echo(f"{plugin_text(known)}\n    reads {'tomograms' if known.reads == DENSITY else 'segmentations'}")
        raise typer.Exit


@app.command()
@with_params(MaskParams, "mask_params")
def pick_with(
    picker: Annotated[str, typer.Argument(help="Name of the picker.")],
    tomograms: Annotated[list[str], typer.Argument(help="What it reads: tomograms or segmentations.")],
    out_dir: OutDir,
    mask_params: MaskParams,
    params: Annotated[
        list[str] | None, typer.Option("--param", help="parameter=value of the picker; repeatable.")
    ] = None,
    formats: Formats = "star",
    mask: ParticleMask = None,
    voxel_size: VoxelSize = None,
    skip_existing: SkipExisting = False,
    listing: Annotated[
        bool,
        typer.Option("--pickers", help="List the pickers and their parameters.", callback=_show_pickers, is_eager=True),
    ] = False,
) -> None:
    """Pick with any picker there is: DIR/<tomogram>_<picker>_coords.star and other formats.

    Those built in have commands of their own (dog, saliency, pick, filaments); other packages may add more.
    """
    from ais_app.core.params_text import split_pair, values_from_text
    from ais_app.core.pickers import picker_named
    from ais_app.operations.pick_with import pick_with_job

    values = values_from_text(picker_named(picker).params, [split_pair(pair) for pair in params or []], LIST)
    job = pick_with_job(
        picker,
        tomograms,
        out_dir,
        values,
        formats=[name.strip() for name in formats.split(",")],
        mask=mask,
        mask_params=mask_params,
        voxel_size=voxel_size,
        skip_existing=skip_existing,
    )
    report(with_progress(job, "Picking"))

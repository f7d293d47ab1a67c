"""``ais-app convert``: volumes from one format, grid or type to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.options import with_params
from ais_app.cli.reporting import SkipExisting, report, with_progress
from ais_app.operations.convert import ConvertParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(ConvertParams)
def convert(
    files: Annotated[
        list[str], typer.Argument(metavar="IN... OUT", help="Inputs, then the output; only inputs with --output-dir.")
    ],
    params: ConvertParams,
    out_dir: Annotated[
        Path | None, typer.Option("--output-dir", "-o", help="Folder for <name>.<format> of every input.")
    ] = None,
    format: Annotated[
        str, typer.Option("--format", help="Suffix of the files in --output-dir: mrc, mrc.gz, tif, ome.zarr …")
    ] = "mrc",
    skip_existing: SkipExisting = False,
) -> None:
    """Convert volumes between formats; crop, bin, rescale or change the type on the way.

    The suffix of OUT chooses the format. Origin and voxel size follow, so that input and output overlay.
    """
    from ais_app.core.errors import ParameterProblem
    from ais_app.operations.convert import convert_job

    inputs, out, suffix = (files, out_dir, format) if out_dir is not None else (files[:-1], files[-1], None)
    if not inputs:
        raise ParameterProblem("output", "only one file is named", "write IN OUT, or IN --output-dir DIR")
    job = convert_job(inputs, out, params, format=suffix, skip_existing=skip_existing)
    report(with_progress(job, "Converting"))

"""``ais-app convert``: volumes from one format, grid or type to another."""

from __future__ import annotations

import typer

from ais_app.cli.arguments import InputsThenOutput, OutputDir, OutputSuffix, SkipExisting, inputs_and_output
from ais_app.cli.options import with_params
from ais_app.cli.reporting import report, with_progress
from ais_app.operations.convert import ConvertParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(ConvertParams)
def convert(
    files: InputsThenOutput,
    params: ConvertParams,
    out_dir: OutputDir = None,
    format: OutputSuffix = "mrc",
    skip_existing: SkipExisting = False,
) -> None:
    """Convert volumes between formats; crop, bin, rescale or change the type on the way.

    The suffix of OUT chooses the format. Origin and voxel size follow, so that input and output overlay.
    """
    from ais_app.operations.convert import convert_job

    inputs, out, suffix = inputs_and_output(files, out_dir, format)
    job = convert_job(inputs, out, params, format=suffix, skip_existing=skip_existing)
    report(with_progress(job, "Converting"))

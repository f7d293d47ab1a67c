"""``ais-app filter``: filtered copies of volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ais_app.cli.arguments import InputsThenOutput, OutputDir, OutputSuffix, SkipExisting, VoxelSize, inputs_and_output
from ais_app.cli.reporting import plugin_text, report, with_progress

if TYPE_CHECKING:
    from ais_app.core.filtering.chain import FilterSetting

app = typer.Typer(add_completion=False)


def _show_filters(wanted: bool) -> None:
    if wanted:
        from ais_app.core.filters import filters

        typer.echo("\n".join(plugin_text(known) for known in filters().values()))
        raise typer.Exit


@app.command("filter")
def filter_(
    files: InputsThenOutput,
    filters: Annotated[
        list[str],
        typer.Option(
            "--filter",
            help="Name of a filter, or NAME:parameter=value,parameter=value; repeat it for several in order.",
        ),
    ],
    params: Annotated[
        list[str] | None, typer.Option("--param", help="parameter=value of the filter, if there is only one.")
    ] = None,
    out_dir: OutputDir = None,
    format: OutputSuffix = "mrc",
    voxel_size: VoxelSize = None,
    skip_existing: SkipExisting = False,
    listing: Annotated[
        bool,
        typer.Option("--filters", help="List the filters and their parameters.", callback=_show_filters, is_eager=True),
    ] = False,
) -> None:
    """Filter volumes, as the slice view does for the eye; the result is float32.

    Filters act on each slice by itself unless three_d=yes. To train and segment, use the unfiltered volumes.
    """
    from ais_app.operations.filter import filter_volume_job

    inputs, out, suffix = inputs_and_output(files, out_dir, format)
    chain = _chain(filters, params or [])
    job = filter_volume_job(inputs, out, chain, format=suffix, voxel_size=voxel_size, skip_existing=skip_existing)
    report(with_progress(job, "Filtering"))


def _chain(filters: list[str], params: list[str]) -> list[FilterSetting]:
    from ais_app.core.errors import ParameterProblem
    from ais_app.core.filtering.chain import FilterSetting

    if params and len(filters) != 1:
        problem = f"does not say to which of {len(filters)} filters it belongs"
        raise ParameterProblem(f"--param {params[0]}", problem, f"write --filter {filters[0]}:{params[0]}")
    joined = [",".join(params)] if params else []
    signs = ["," if ":" in text else ":" for text in filters]
    return [FilterSetting.from_text(sign.join([text, *joined])) for text, sign in zip(filters, signs, strict=True)]

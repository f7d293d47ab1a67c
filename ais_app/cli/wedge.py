"""``ais-app wedge``: which tilts a tomogram was made of."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ais_app.cli.arguments import BeamAxis, JsonLines, TiltAxis, Tomograms, VoxelSize
from ais_app.cli.reporting import report_failures, with_progress

if TYPE_CHECKING:
    from ais_app.operations.wedge import WedgeResult

app = typer.Typer(add_completion=False)


@app.command()
def wedge(
    tomograms: Tomograms,
    as_json: JsonLines = False,
    tilt: Annotated[
        str | None, typer.Option(help="Lowest and highest tilt, such as -60,60, to compare. [degrees]")
    ] = None,
    tilt_file: Annotated[
        Path | None, typer.Option(help="Tilts: .tlt .rawtlt .mdoc .aln .star tilt.com, or the mask of a wedge.")
    ] = None,
    tilt_axis: TiltAxis = "y",
    beam_axis: BeamAxis = "z",
    voxel_size: VoxelSize = None,
) -> None:
    """Estimate the missing wedge from the voxels: axes, lowest and highest tilt, and how sure that is.

    Tilts that are given count more than the estimate, and are compared with it.
    """
    from ais_app.operations.wedge import wedge_job

    axes = {"tilt_axis": tilt_axis, "beam_axis": beam_axis}
    job = wedge_job(tomograms, tilt=tilt, tilt_file=tilt_file, voxel_size=voxel_size, **axes)
    results = with_progress(job, "Looking for wedges")
    if as_json:
        for one in results:
            typer.echo(json.dumps(one.to_dict(), ensure_ascii=False))
    else:
        _show(results)
    report_failures(results)


def _show(results: list[WedgeResult]) -> None:
    from rich.console import Console
    from rich.table import Table

    width = None if sys.stdout.isatty() else 200  # a file or a pipe has no width to wrap at
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    for name in ("tomogram", "tilts", "about", "beam", "from", "voxels say", "correlation", "power left"):
        table.add_column(name, justify="right" if name in ("correlation", "power left") else "left")
    for one in results:
        if one.error is None:
            table.add_row(*_row(one))
    console = Console(file=sys.stdout, highlight=False, markup=False, width=width, soft_wrap=width is not None)
    console.print(table)
    for one in results:
        if one.note:
            console.print(f"! {one.path.name}: {one.note}", style="yellow")


def _row(one: WedgeResult) -> list[str]:
    wedge, seen = one.wedge, one.estimate
    about = ["none seen", "", ""]
    if wedge is not None:
        about = [f"{wedge.tilt_min:g} to {wedge.tilt_max:g}°", wedge.tilt_axis, wedge.beam_axis]
    numbers = ["none seen", "", ""]
    if seen is not None:
        numbers = [seen.certainty, f"{seen.correlation:.2f}", f"{seen.power:.3f}"]
    return [one.path.name, *about, one.source, *numbers]

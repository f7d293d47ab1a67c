"""``ais-app info``: what a volume is, for people and for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from ais_app.cli.arguments import JsonArray, VoxelSize
from ais_app.cli.reporting import report_failures, with_progress

if TYPE_CHECKING:
    from rich.console import Console

    from ais_app.core.tomogram import Tomogram
    from ais_app.core.volume.preflight import Survey
    from ais_app.operations.info import VolumeInfo

app = typer.Typer(add_completion=False)

_CONTRAST = {
    "dark": "dense things look dark, as networks expect",
    "bright": "dense things look bright; networks trained on dark ones need it inverted",
    "unclear": "unclear",
}


@app.command()
def info(
    files: Annotated[list[str], typer.Argument(help="Volumes or stacks: files, folders or globs.")],
    as_json: JsonArray = False,
    fast: Annotated[bool, typer.Option("--fast", help="Take range and mean from a dozen slices.")] = False,
    voxel_size: VoxelSize = None,
) -> None:
    """Show size, voxel size, type, range, origin and labels of volumes, and what is odd about them.

    Of a stack of subtomograms: how many, their size, classes, missing wedges, and whether poses are known.
    """
    from ais_app.operations.info import info_job

    found = with_progress(info_job(files, fast=fast, voxel_size=voxel_size), "Reading")
    if as_json:
        typer.echo(json.dumps([one.to_dict() for one in found], indent=2, ensure_ascii=False))
    else:
        _show(found)
    report_failures(found)


def _show(found: list[VolumeInfo]) -> None:
    from rich.console import Console

    width = None if sys.stdout.isatty() else 200  # a file or a pipe has no width to wrap at
    console = Console(file=sys.stdout, highlight=False, width=width, soft_wrap=width is not None)
    for one in found:
        if one.stack is not None:
            _show_table(console, one, one.stack.rows())
            console.print()
        elif one.tomogram is not None and one.survey is not None:
            _show_one(console, one, one.tomogram, one.survey)


def _show_table(console: Console, one: VolumeInfo, rows: Iterable[tuple[str, str]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", min_width=11)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(name, escape(text))
    console.print(f"[bold]{escape(str(one.path))}[/bold]  [dim]{escape(one.format)}[/dim]")
    console.print(table)


def _show_one(console: Console, one: VolumeInfo, tomogram: Tomogram, survey: Survey) -> None:
    from rich.markup import escape

    _show_table(console, one, _rows(tomogram, survey))
    for finding in survey.findings:
        console.print(f"[yellow]! {escape(str(finding))}[/yellow]")
    if not survey.findings:
        console.print("[green]nothing odd was found[/green]")
    console.print()


def _rows(tomogram: Tomogram, survey: Survey) -> list[tuple[str, str]]:
    import numpy as np

    z, y, x = tomogram.shape
    dtype = np.dtype(tomogram.data.dtype)
    moments, sizes = survey.moments, tomogram.voxel_size_zyx
    rows = [("size", f"{x} × {y} × {z} voxels (x, y, z), {_bytes(x * y * z * dtype.itemsize)}")]
    if sizes is None:
        rows.append(("voxel size", "unknown"))
    else:
        one = f"{sizes[0]:.5g}" if max(sizes) < 1.0001 * min(sizes) else " × ".join(f"{s:.5g}" for s in sizes[::-1])
        extent = " × ".join(f"{n * s / 10:,.1f}" for n, s in zip((x, y, z), sizes[::-1], strict=True))
        rows.append(("voxel size", f"{one} Å; {extent} nm in all"))
    rows.append(("type", dtype.name + (", a mask or label map" if survey.kind == "labels" else "")))
    if moments.count:
        of = " (of a dozen slices)" if survey.sampled else ""
        span = (
            f"{moments.low:.6g} to {moments.high:.6g}, mean {moments.mean:.6g}, deviation {moments.deviation:.6g}{of}"
        )
        rows.append(("range", span))
    if any(tomogram.origin_zyx):
        rows.append(("origin", ", ".join(f"{o:.6g}" for o in tomogram.origin_zyx[::-1]) + " Å (x, y, z)"))
    if any(tomogram.nstart_zyx):
        rows.append(("nstart", ", ".join(map(str, tomogram.nstart_zyx[::-1])) + " voxels (x, y, z)"))
    if survey.kind == "grey":
        rows.append(("contrast", _CONTRAST[survey.contrast]))
        wedge = survey.wedge
        seen = "not seen in the middle block"
        if wedge is not None:
            tilts = f"{wedge.tilt_min:.0f} to {wedge.tilt_max:.0f}°"
            seen = f"along {wedge.beam_axis}, tilted about {wedge.tilt_axis} from {tilts} or so"
        rows.append(("missing wedge", seen))
    return rows + [("label", " ".join(text.split())) for text in tomogram.labels]


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"

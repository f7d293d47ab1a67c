"""``ais-app coordinates``: particle lists from one program to another, and what is in them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ais_app.cli.arguments import Rename
from ais_app.cli.reporting import report, with_progress

if TYPE_CHECKING:
    from ais_app.core.coordinates import CoordinateFormat
    from ais_app.operations.particle_lists import Listing

app = typer.Typer(add_completion=False)


def _show_formats(wanted: bool) -> None:
    if wanted:
        from ais_app.core.coordinates import coordinate_formats

        typer.echo("\n\n".join(_format_text(known) for known in coordinate_formats().values()))
        raise typer.Exit


@app.command()
def coordinates(
    files: Annotated[list[str], typer.Argument(help="Particle lists: files, folders or globs.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="A file (with suffix) for all together, or a folder for one by one."),
    ] = None,
    to: Annotated[str, typer.Option("--to", help="Format to write, see --formats.")] = "star",
    source: Annotated[str, typer.Option("--from", help="Format to read; auto finds it from the content.")] = "auto",
    voxel_size: Annotated[
        float | None, typer.Option(help="Voxel size of the tomogram, for lists that do not say. [Å]", min=0.01)
    ] = None,
    shape: Annotated[str | None, typer.Option(help="Size of the tomogram, z,y,x. [voxels]")] = None,
    tomogram: Annotated[
        list[str] | None, typer.Option(help="Tomogram file: its size, voxel size and name are used; repeatable.")
    ] = None,
    centre: Annotated[
        str | None, typer.Option(help="RELION 5's centre: relion-picker, half, half-integer (docs/geometry.md).")
    ] = None,
    options: Annotated[
        list[str] | None, typer.Option("--set", help="Option of the format written, name=value; repeatable.")
    ] = None,
    source_options: Annotated[
        list[str] | None, typer.Option("--set-from", help="Option of the format read, name=value; repeatable.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Keep this tomogram, * and ? allowed; repeatable.")] = None,
    rename: Rename = None,
    split: Annotated[bool, typer.Option("--split", help="Write one file for each tomogram.")] = False,
    formats: Annotated[
        bool,
        typer.Option("--formats", help="List all formats with their options.", callback=_show_formats, is_eager=True),
    ] = False,
) -> None:
    """Convert particle lists between programs; without --out show what is in them.

    Positions, orientations, scores and all other columns are carried over.
    """
    from ais_app.core.params_text import split_pair
    from ais_app.operations.coordinates import coordinates_job
    from ais_app.operations.particle_lists import read_job

    pairs = [split_pair(pair) for pair in options or []]
    source_pairs = [split_pair(pair) for pair in source_options or []]
    if centre is not None:
        # meant for the list that has a centre: the one that is written, else the one that is read
        (pairs if out is not None and to == "relion5" else source_pairs).append(("centre", centre))
    reading: dict[str, Any] = {
        "source": source,
        "voxel_size": voxel_size,
        "shape": _shape(shape),
        "tomograms": tomogram or [],
        "source_options": format_values(source_pairs, source),
        "only": only or [],
        "rename": rename or [],
    }
    if out is None:
        _show(with_progress(read_job(files, **reading), "Reading"))
        return
    job = coordinates_job(files, out, to=to, options=format_values(pairs, to), split=split, **reading)
    report(with_progress(job, "Converting"))


def format_values(pairs: Sequence[tuple[str, str]], format: str) -> dict[str, Any]:
    """Return typed options; those of a format that is not known yet take the type they have in any that knows them."""
    from ais_app.core.coordinates import coordinate_format, coordinate_formats
    from ais_app.core.params_text import values_from_text

    if format != "auto":
        return values_from_text(coordinate_format(format).params, pairs)
    values: dict[str, Any] = {}
    for name, text in pairs:
        knows = [f.params for f in coordinate_formats().values() if name in f.params.__dataclass_fields__]
        values |= values_from_text(knows[0], [(name, text)]) if knows else {name: text}
    return values


def _shape(text: str | None) -> tuple[int, ...] | None:
    from ais_app.core.errors import ParameterProblem

    if text is None:
        return None
    words = text.replace("x", ",").split(",")
    if len(words) != 3 or not all(word.strip().isdigit() for word in words):
        raise ParameterProblem("--shape", f"{text!r} is not z,y,x", "write for example 200,928,960")
    return tuple(int(word) for word in words)


def _format_text(known: CoordinateFormat) -> str:
    import dataclasses

    lines = [f"{known.name} ({known.suffix}): {known.title}"]
    for field in dataclasses.fields(known.params):
        limits = field.metadata
        unit = f" [{limits['unit']}]" if limits["unit"] else ""
        choices = f" ({', '.join(map(str, limits['choices']))})" if limits["choices"] else ""
        default = "none" if field.default in (None, "") else field.default
        lines.append(f"    {field.name}{unit}: {limits['help']}{choices}; default {default}")
    return "\n".join(lines)


def _show(listings: Sequence[Listing]) -> None:
    for listing in listings:
        if listing.error is not None:
            sys.stderr.write(f"ais-app: {listing.error}\n")
        else:
            _show_one(listing)
    if any(listing.error is not None for listing in listings):
        raise typer.Exit(1)


def _show_one(listing: Listing) -> None:
    import numpy as np

    from ais_app.core.position_check import position_problems
    from ais_app.operations.particle_lists import how_many

    particles = listing.particles
    assert particles is not None  # _show sends no other
    size = f"{particles.voxel_size:g} Å" if particles.voxel_size else "unknown"
    typer.echo(f"{listing.path}  ({listing.format})")
    typer.echo(f"  {how_many(particles)}, voxel size {size}")
    typer.echo(f"  orientations: {'yes' if particles.rotations is not None else 'no'}; scores: {_scores(listing)}")
    columns = ", ".join(map(str, particles.table.columns)) or "none"
    typer.echo(f"  other columns: {columns}")
    for name in particles.names:
        rows = particles.positions_zyx[particles.tomograms == name]
        low, high = rows.min(axis=0)[::-1], rows.max(axis=0)[::-1]
        spans = ", ".join(f"{axis} {a:,.0f}…{b:,.0f}" for axis, a, b in zip("xyz", low, high, strict=True))
        voxels = ""
        if particles.voxel_size:
            scaled = np.round(np.array([low, high]) / particles.voxel_size).astype(int).T
            voxels = f" = voxels {', '.join(f'{a}…{b}' for a, b in scaled)}"
        typer.echo(f"  {name or '(no name)'}: {len(rows):,}; {spans} Å{voxels}")
    for problem in position_problems(particles):
        sys.stderr.write(f"ais-app: warning: {listing.path}: {problem}\n")


def _scores(listing: Listing) -> str:
    scores = listing.particles.scores if listing.particles is not None else None
    return "no" if scores is None or not len(scores) else f"{scores.min():g} to {scores.max():g}"

"""``ais-app subtomo extract``: subtomograms at picks, in one stack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import ListFormat, ListOptions, Rename, StackOut, Tilt, TiltFile, TomogramVoxelSize
from ais_app.cli.options import with_params
from ais_app.cli.reporting import with_progress
from ais_app.core.particles.extract import SubtomogramParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(SubtomogramParams)
def extract(
    tomograms: Annotated[
        list[str] | None, typer.Argument(help="Tomograms: files, folders or globs; with a project names of its own.")
    ] = None,
    *,
    out: StackOut,
    coordinates: Annotated[list[str] | None, typer.Option(help="Particle list; repeatable.")] = None,
    source: ListFormat = "auto",
    source_options: ListOptions = None,
    rename: Rename = None,
    project: Annotated[
        Path | None, typer.Option(metavar="P.aisproj", help="Take the picks of a project instead of lists.")
    ] = None,
    feature: Annotated[str | None, typer.Option(help="Picks of this feature of the project.")] = None,
    pick_set: Annotated[str | None, typer.Option(help="Picks of the project's sets of this name.")] = None,
    tilt: Tilt = None,
    tilt_file: TiltFile = None,
    tomogram_voxel_size: TomogramVoxelSize = None,
    threads: Annotated[int | None, typer.Option(help="Threads; all cores if not given.", min=1)] = None,
    params: SubtomogramParams,
) -> None:
    """Cut subtomograms at picks into one stack, STACK.zarr, that all other commands of subtomo take.

    If it is interrupted, the same command goes on where it was.
    """
    from ais_app.cli.coordinates import format_values
    from ais_app.core.params_text import split_pair
    from ais_app.operations.subtomo_extract import subtomo_extract_job

    job = subtomo_extract_job(
        tomograms or [],
        out,
        params,
        coordinates=coordinates or [],
        source=source,
        source_options=format_values([split_pair(pair) for pair in source_options or []], source),
        rename=rename or [],
        project=project,
        feature=feature,
        pick_set=pick_set,
        tilt=tilt,
        tilt_file=tilt_file,
        tomogram_voxel_size=tomogram_voxel_size,
        threads=threads,
    )
    typer.echo(with_progress(job, "Extracting"))

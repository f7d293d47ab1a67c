"""``ais-app subtomo sort``: sort aligned subtomograms into classes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import GoOn, OutDir, SaveAligned, SaveClasses, Stack, StackTilt, StartingPoses
from ais_app.cli.options import with_params
from ais_app.cli.reporting import with_progress
from ais_app.core.particles.choice import ParticleChoice
from ais_app.core.particles.sort import SortParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(SortParams)
@with_params(ParticleChoice, "choice")
def sort(
    stack: Stack,
    out_dir: OutDir,
    tilt: StackTilt = None,
    poses: StartingPoses = None,
    mask: Annotated[Path | None, typer.Option(help="Map, 0 to 1, of where differences count.")] = None,
    save: SaveClasses = True,
    save_aligned: SaveAligned = False,
    resume: GoOn = True,
    *,
    choice: ParticleChoice,
    params: SortParams,
) -> None:
    """Sort aligned subtomograms into classes by what sets them apart, each compared only where it was measured.

    Writes class_1_average.mrc, class_1_half1.mrc, class_1_half2.mrc, class_1_fsc.csv, and so on for each class,
    particles.star, rounds.csv and coordinates.csv.
    """
    from ais_app.operations.subtomo_sort import subtomo_sort_job

    job = subtomo_sort_job(
        stack,
        out_dir,
        params,
        tilt=tilt,
        poses=poses,
        mask=mask,
        save=save,
        save_aligned=save_aligned,
        resume=resume,
        choice=choice,
    )
    typer.echo(with_progress(job, "Sorting"))

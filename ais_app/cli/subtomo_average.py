"""``ais-app subtomo average``: align and average subtomograms, in two independent halves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import GoOn, OutDir, Stack, StackTilt, StartingPoses
from ais_app.cli.options import with_params
from ais_app.cli.reporting import with_progress
from ais_app.core.particles.choice import ParticleChoice
from ais_app.core.particles.halves_params import AverageParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(AverageParams)
@with_params(ParticleChoice, "choice")
def average(
    stack: Stack,
    out_dir: OutDir,
    tilt: StackTilt = None,
    poses: StartingPoses = None,
    align: Annotated[
        bool, typer.Option("--align/--no-align", help="Align, or average with the poses there are.")
    ] = True,
    reference: Annotated[Path | None, typer.Option(help="Map to align to first.")] = None,
    mask: Annotated[Path | None, typer.Option(help="Map, 0 to 1, of what belongs to the particle.")] = None,
    save: Annotated[bool, typer.Option("--save", help="Write the poses into the stack too.")] = False,
    resume: GoOn = True,
    *,
    choice: ParticleChoice,
    params: AverageParams,
) -> None:
    """Align subtomograms to their own average, in two independent halves.

    Writes average.mrc, half1.mrc, half2.mrc, fsc.csv, particles.star (with the poses) and iterations.csv. Without
    orientations in the stack, and without a reference, the start is random.
    """
    from ais_app.operations.subtomo_average import subtomo_average_job

    job = subtomo_average_job(
        stack,
        out_dir,
        params,
        tilt=tilt,
        poses=poses,
        align=align,
        reference=reference,
        mask=mask,
        save=save,
        resume=resume,
        choice=choice,
    )
    typer.echo(with_progress(job, "Averaging"))

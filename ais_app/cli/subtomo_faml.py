"""``ais-app subtomo faml``: align and sort subtomograms by maximum likelihood."""

from __future__ import annotations

from typing import Annotated

import typer

from ais_app.cli.arguments import GoOn, OutDir, SaveAligned, SaveClasses, Stack, StackTilt, StartingPoses
from ais_app.cli.options import with_params
from ais_app.cli.reporting import with_progress
from ais_app.core.particles.choice import ParticleChoice
from ais_app.core.particles.faml import FamlParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(FamlParams)
@with_params(ParticleChoice, "choice")
def faml(
    stack: Stack,
    out_dir: OutDir,
    tilt: StackTilt = None,
    poses: StartingPoses = None,
    use_poses: Annotated[
        bool, typer.Option("--use-poses", help="Make the first classes with the stack's poses.")
    ] = False,
    save: SaveClasses = True,
    save_aligned: SaveAligned = False,
    resume: GoOn = True,
    *,
    choice: ParticleChoice,
    params: FamlParams,
) -> None:
    """Align subtomograms and sort them into classes by maximum likelihood; nothing needs to be known before.

    Writes class_1_average.mrc, class_1_half1.mrc, class_1_half2.mrc, class_1_fsc.csv, and so on for each class,
    particles.star, probabilities.csv and iterations.csv.
    """
    from ais_app.operations.subtomo_faml import subtomo_faml_job

    job = subtomo_faml_job(
        stack,
        out_dir,
        params,
        tilt=tilt,
        poses=poses,
        use_poses=use_poses,
        save=save,
        save_aligned=save_aligned,
        resume=resume,
        choice=choice,
    )
    typer.echo(with_progress(job, "Aligning and sorting"))

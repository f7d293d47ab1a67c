"""``ais-app subtomo align``: the orientation and place of a map in each subtomogram."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import GoOn, Stack, StackTilt, StartingPoses
from ais_app.cli.options import with_params
from ais_app.cli.reporting import with_progress
from ais_app.core.particles.alignment import AlignParams
from ais_app.core.particles.choice import ParticleChoice

app = typer.Typer(add_completion=False)


@app.command()
@with_params(AlignParams)
@with_params(ParticleChoice, "choice")
def align(
    stack: Stack,
    reference: Annotated[
        list[Path], typer.Option(metavar="MAP.mrc", help="Map to look for; repeatable: the best one is taken.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="OUT.star", help="Particle list; STACK_aligned.star if not given."),
    ] = None,
    save: Annotated[bool, typer.Option("--save", "--in-place", help="Write the poses into the stack too.")] = False,
    low_pass_angstrom: Annotated[
        float | None, typer.Option(help="Finest detail used, instead of a shell. [Å]", min=0.01)
    ] = None,
    reference_dark: Annotated[bool, typer.Option("--reference-dark", help="Density is dark in the maps.")] = False,
    reference_voxel_size: Annotated[
        float | None, typer.Option(help="Replaces what the maps say. [Å]", min=0.01)
    ] = None,
    tilt: StackTilt = None,
    poses: StartingPoses = None,
    resume: GoOn = True,
    *,
    choice: ParticleChoice,
    params: AlignParams,
) -> None:
    """Find the orientation and place of a map in each subtomogram, under the missing wedge.

    Writes the particles where they were found, with angles and scores. The map is brought to the voxels of the stack.
    """
    from ais_app.operations.subtomo_align import subtomo_align_job

    job = subtomo_align_job(
        stack,
        out or stack.with_name(f"{stack.stem}_aligned.star"),
        params,
        reference=reference,
        reference_voxel_size=reference_voxel_size,
        reference_dark=reference_dark,
        low_pass_angstrom=low_pass_angstrom,
        tilt=tilt,
        poses=poses,
        save=save,
        resume=resume,
        choice=choice,
    )
    typer.echo(with_progress(job, "Aligning"))

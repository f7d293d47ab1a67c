"""``ais-app subtomo train``: a network that classifies or encodes subtomograms, or marks the particle in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import ModelOut, Parent, ResumeTraining, TrustParent
from ais_app.cli.options import with_params
from ais_app.cli.training import numbers, say_if_stopped, watched
from ais_app.core.training.cube_parameters import CubeTrainParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(CubeTrainParams)
def train(
    stacks: Annotated[
        list[str], typer.Argument(metavar="STACK.zarr...", help="Stacks of subtomograms, cubes of one size.")
    ],
    *,
    out: ModelOut,
    params: CubeTrainParams,
    classes: Annotated[
        Path | None, typer.Option(help="Table with the class of each subtomogram; those of the stack if not given.")
    ] = None,
    column: Annotated[str | None, typer.Option(help="Column of that table; class_name if not given.")] = None,
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="Take no notice of any class: an encoder learns from the cubes alone.")
    ] = False,
    masks: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Labels of all voxels, for a network of volumes: a stack, or .npz as of simulate."
        ),
    ] = None,
    parent: Parent = None,
    trust_source: TrustParent = False,
    resume: ResumeTraining = False,
) -> None:
    """Train a network on subtomograms whose classes are known, all or some: NAME.aismodel, its history, its provenance.

    With --masks a network of volumes (--architecture ssn3d_ed) learns which voxels are the particle, for subtomo
    segment and for segment.

    Ctrl-C stops after the current batch and keeps the best weights; --resume goes on from there.
    """
    from ais_app.operations.subtomo_train import subtomo_train_job

    job = subtomo_train_job(
        stacks,
        out,
        params,
        classes=classes,
        column=column,
        unlabelled=unlabelled,
        masks=masks,
        parent=parent,
        trust_source=trust_source,
        resume=resume,
    )
    trained = watched(job, "reading subtomograms")
    words = f"{len(trained.classes)} classes, " if trained.classes else ""
    typer.echo(f"{trained.model}: {words}{numbers(trained.metrics) or 'no epoch was finished'}")
    say_if_stopped(trained.finished)

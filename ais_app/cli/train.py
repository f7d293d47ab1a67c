"""``ais-app train``: a network from annotations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import LearnFrom, ModelOut, Parent, ResumeTraining, TrustParent
from ais_app.cli.options import with_params
from ais_app.cli.training import SHOWN, say_if_stopped, watched
from ais_app.core.training.parameters import TrainParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(TrainParams)
def train(
    out: ModelOut,
    params: TrainParams,
    project: Annotated[Path | None, typer.Option(help="Project that holds the annotations.")] = None,
    feature: Annotated[str | None, typer.Option(help="Feature of the project to learn.")] = None,
    tomogram: LearnFrom = None,
    negative: Annotated[
        list[str] | None, typer.Option(help="Feature that is background here; give the option again for more.")
    ] = None,
    ignored: Annotated[
        list[str] | None, typer.Option(help="Feature that is left out of the loss; give the option again for more.")
    ] = None,
    training_set: Annotated[Path | None, typer.Option(help="Training set of Ais (.scnt) instead of a project.")] = None,
    parent: Parent = None,
    trust_source: TrustParent = False,
    resume: ResumeTraining = False,
) -> None:
    """Train a network on the annotations of a project: OUT.aismodel, its history as CSV and JSON, its provenance.

    Boxes are placed on the labels when the project has none. Ctrl-C stops after the current batch and keeps the best
    weights; --resume goes on from there.
    """
    from ais_app.operations.train import train_job

    job = train_job(
        project,
        feature,
        out,
        params,
        tomograms=tomogram or (),
        negatives=negative or (),
        ignored=ignored or (),
        training_set=training_set,
        parent=parent,
        trust_source=trust_source,
        resume=resume,
    )
    trained = watched(job, "cutting boxes")
    scores = ", ".join(f"{name} {trained.metrics[name]:.3f}" for name in SHOWN if trained.metrics.get(name) is not None)
    typer.echo(f"{trained.model}: {scores} ({trained.held_out})")
    say_if_stopped(trained.finished)

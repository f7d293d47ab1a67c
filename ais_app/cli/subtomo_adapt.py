"""``ais-app subtomo adapt``: a classifier for other data than it was trained on, without labels of these."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import ModelOut, TrustModel
from ais_app.cli.options import with_params
from ais_app.cli.training import numbers, say_if_stopped, watched
from ais_app.core.training.adapt_parameters import AdaptParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(AdaptParams)
def adapt(
    model: Annotated[Path, typer.Argument(metavar="NAME.aismodel", help="Network that classifies subtomograms.")],
    *,
    source: Annotated[Path, typer.Option(metavar="STACK.zarr", help="Subtomograms like those it was trained on.")],
    target: Annotated[Path, typer.Option(metavar="STACK.zarr", help="Subtomograms that it is to be good at.")],
    out: ModelOut,
    params: AdaptParams,
    trust_source: TrustModel = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted adaptation of the same OUT.")
    ] = False,
) -> None:
    """Adapt a classifier, say from simulated to experimental subtomograms, without a label of the latter.

    Ctrl-C stops after the current batch and keeps the best weights; --resume goes on from there.
    """
    from ais_app.operations.subtomo_adapt import subtomo_adapt_job

    job = subtomo_adapt_job(model, source, target, out, params, trust_source=trust_source, resume=resume)
    adapted = watched(job, "reading subtomograms")
    gained = "" if adapted.before is None else f"; accuracy on the target {adapted.before:.3f} -> {adapted.after:.3f}"
    typer.echo(f"{adapted.model}: {numbers(adapted.metrics)}{gained}")
    say_if_stopped(adapted.finished)

"""``ais-app subtomo classify``: subtomograms into the classes of a network."""

from __future__ import annotations

from typing import Annotated

import typer

from ais_app.cli.arguments import Classifier, GoOn, OutDir, Stack, TrustModel
from ais_app.cli.options import with_params
from ais_app.cli.training import stoppable
from ais_app.core.particles.classify import ClassifyParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(ClassifyParams)
def classify(
    stack: Stack,
    *,
    model: Classifier,
    out_dir: OutDir,
    params: ClassifyParams,
    save: Annotated[bool, typer.Option("--save", help="Keep the classes in the stack too.")] = False,
    trust_source: TrustModel = False,
    resume: GoOn = True,
) -> None:
    """Sort subtomograms: DIR/<stack>_classes.csv and .star with the class of each and how probable it is.

    --open-set calls unknown what lies farther from all classes than subtomograms of these classes do.
    """
    from ais_app.operations.subtomo_classify import subtomo_classify_job

    job = subtomo_classify_job(stack, model, out_dir, params, save=save, trust_source=trust_source, resume=resume)
    typer.echo(str(stoppable(job, "Classifying")))

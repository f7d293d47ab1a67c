"""``ais-app subtomo discover``: structures that a network was never shown."""

from __future__ import annotations

from typing import Annotated

import typer

from ais_app.cli.arguments import Classifier, GoOn, OutDir, Stack, TrustModel
from ais_app.cli.options import with_params
from ais_app.cli.training import stoppable
from ais_app.core.particles.discover import DiscoverParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(DiscoverParams)
def discover(
    stack: Stack,
    *,
    model: Classifier,
    out_dir: OutDir,
    params: DiscoverParams,
    averages: Annotated[
        int, typer.Option(help="Clusters to average, from the first rank on, with the poses of the stack.", min=0)
    ] = 12,
    trust_source: TrustModel = False,
    resume: GoOn = True,
) -> None:
    """Group subtomograms by what a network sees in them, and show first the groups that its classes do not explain.

    Writes DIR/report.html, clusters.csv, members.csv, averages of the first clusters, and what was grouped as .npy.
    """
    from ais_app.operations.subtomo_discover import subtomo_discover_job

    job = subtomo_discover_job(
        stack, model, out_dir, params, averages=averages, trust_source=trust_source, resume=resume
    )
    typer.echo(str(stoppable(job, "Discovering")))

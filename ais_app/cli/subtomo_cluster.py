"""``ais-app subtomo cluster``: groups of subtomograms without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import GoOn, OutDir, Stack
from ais_app.cli.options import with_params
from ais_app.cli.training import stoppable
from ais_app.core.particles.grouping import GroupingParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(GroupingParams)
def cluster(
    stack: Stack,
    *,
    out_dir: OutDir,
    params: GroupingParams,
    encoder: Annotated[
        Path | None, typer.Option(metavar="NAME.aismodel", help="Network to encode with, instead of training one.")
    ] = None,
    like: Annotated[
        Path | None, typer.Option(metavar="clusters.npz", help="Earlier groups whose numbers are kept.")
    ] = None,
    save: Annotated[bool, typer.Option("--save", help="Keep the groups in the stack as classes.")] = False,
    resume: GoOn = True,
) -> None:
    """Group subtomograms by what they look like: clusters.png shows each group's centre and average.

    Look at the picture, choose the groups that show one thing, and go on: subtomo teach makes a network of them that
    segments; with --save, subtomo average --of-class "cluster 1" averages one.
    """
    from ais_app.operations.subtomo_cluster import subtomo_cluster_job

    job = subtomo_cluster_job(stack, out_dir, params, encoder=encoder, like=like, save=save, resume=resume)
    typer.echo(str(stoppable(job, "Grouping")))

"""``ais-app subtomo teach``: a network that segments, from groups of subtomograms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import GoOn
from ais_app.cli.options import with_params
from ais_app.cli.training import stoppable
from ais_app.operations.subtomo_teach import TeachParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(TeachParams)
def teach(
    stack: Annotated[Path, typer.Argument(metavar="STACK.zarr", help="Stack that was grouped.")],
    *,
    groups: Annotated[Path, typer.Option(metavar="DIR", help="Folder that subtomo cluster wrote.")],
    choose: Annotated[str, typer.Option(metavar="N,N...", help="Groups that show the feature, with commas between.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="NAME.aismodel", help="Network to write.")],
    params: TeachParams,
    feature: Annotated[str, typer.Option(help="What the network finds.")] = "particle",
    encoder: Annotated[
        Path | None, typer.Option(metavar="NAME.aismodel", help="Network that encoded, where DIR holds none.")
    ] = None,
    resume: GoOn = True,
) -> None:
    """Train a network that segments from groups that you chose by looking at clusters.png: no voxel is painted."""
    from ais_app.core.errors import ParameterProblem
    from ais_app.operations.subtomo_teach import subtomo_teach_job

    try:
        chosen = [int(word) for word in choose.split(",") if word.strip()]
    except ValueError as error:
        raise ParameterProblem("choose", f"{choose!r} are no numbers", "give them like 1,3,4") from error
    job = subtomo_teach_job(stack, groups, chosen, out, params, feature=feature, encoder=encoder, resume=resume)
    typer.echo(stoppable(job, "Training"))

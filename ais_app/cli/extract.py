"""``ais-app extract``: training boxes out of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.options import with_params
from ais_app.cli.reporting import with_progress
from ais_app.operations.extract import ExtractParams, extract_job

app = typer.Typer(add_completion=False)


@app.command()
@with_params(ExtractParams)
def extract(
    project: Annotated[Path, typer.Argument(metavar="P.aisproj", help="Project that holds the annotations.")],
    feature: Annotated[str, typer.Option(help="Feature whose boxes are cut.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Training set to write, NAME.scnt.")],
    params: ExtractParams,
) -> None:
    """Cut boxes with their labels into a training set that Ais and `ais-app train --training-set` read.

    Boxes are those a person placed; where there are none, they are placed on the annotated slices.
    """
    typer.echo(with_progress(extract_job(project, feature, out, params), "Cutting boxes"))

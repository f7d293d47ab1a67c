"""``ais-app subtomo import``: subtomograms that RELION or Dynamo have cut."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import StackOut
from ais_app.cli.options import with_params
from ais_app.cli.reporting import with_progress
from ais_app.operations.subtomo_import import SubtomogramImportParams

app = typer.Typer(add_completion=False)


@app.command(name="import")
@with_params(SubtomogramImportParams)
def import_(
    listing: Annotated[Path, typer.Argument(help="STAR file with rlnImageName, or Dynamo table.")],
    *,
    out: StackOut,
    tilt: Annotated[
        str | None, typer.Option(metavar="MIN,MAX", help="Lowest and highest tilt; else what the list says. [°]")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="Folder that names are relative to, or Dynamo's data folder.")
    ] = None,
    params: SubtomogramImportParams,
) -> None:
    """Make a stack of the boxes that RELION or Dynamo have cut, with their poses, classes and wedges."""
    from ais_app.operations.subtomo_import import subtomo_import_job

    typer.echo(with_progress(subtomo_import_job(listing, out, params, tilt=tilt, root=root), "Importing"))

"""``ais-app models compare``: which architecture suits one's own data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import LearnFrom
from ais_app.cli.options import with_params
from ais_app.cli.reporting import with_progress
from ais_app.core.training.parameters import TrainParams

app = typer.Typer()


@app.command()
@with_params(TrainParams)
def compare(
    project: Annotated[Path, typer.Option(help="Project that holds the annotations.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the networks, the tables and the picture.")],
    architectures: Annotated[str, typer.Option(help="Names with commas between: unet_s,vggnet_m.")],
    params: TrainParams,
    features: Annotated[str, typer.Option(help="Names with commas between; all that are annotated by default.")] = "",
    tomogram: LearnFrom = None,
) -> None:
    """Train several architectures on your own features, all alike, and make a table and a picture of it.

    Networks that are in OUT already are used again, so an interrupted comparison goes on. --architecture has no effect.
    """
    from ais_app.operations.compare import compare_models_job
    from ais_app.operations.comparison import table

    names, wanted = ([word.strip() for word in text.split(",") if word.strip()] for text in (architectures, features))
    job = compare_models_job(project, out, names, wanted, params, tomograms=tomogram or ())
    done = with_progress(job, "comparing")
    typer.echo(table(done.rows))
    for path in (done.table, done.csv, done.json, done.picture):
        typer.echo(str(path))
    if all(row.error for row in done.rows):
        raise typer.Exit(1)

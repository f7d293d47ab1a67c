"""``ais-app subtomo export``: subtomograms for RELION and Dynamo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import OutDir, Stack
from ais_app.cli.options import with_params
from ais_app.cli.reporting import with_progress
from ais_app.core.particles.choice import ParticleChoice
from ais_app.operations.subtomo_export import SubtomogramExportParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(SubtomogramExportParams)
@with_params(ParticleChoice, "choice")
def export(
    stack: Stack,
    *,
    out_dir: OutDir,
    root: Annotated[
        Path | None, typer.Option(help="Folder of the RELION project, which names of files are relative to.")
    ] = None,
    choice: ParticleChoice,
    params: SubtomogramExportParams,
) -> None:
    """Write the subtomograms of a stack as files that RELION or Dynamo read, with their poses, classes and wedges."""
    from ais_app.operations.subtomo_export import subtomo_export_job

    typer.echo(with_progress(subtomo_export_job(stack, out_dir, params, root=root, choice=choice), "Exporting"))

"""``ais-app models import``: networks of other programs become model packages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Of Ais (.scnm, .scnmgroup), .onnx of ais-app, or BioImage (.zip).")],
    out: Annotated[Path, typer.Argument(help="Model package to write, NAME.aismodel; for a group a folder.")],
    member: Annotated[
        int | None, typer.Option(help="Take only this model of a group, counted from 1; OUT is then a file.", min=1)
    ] = None,
    trust_source: Annotated[
        bool, typer.Option("--trust-source", help="Run the architecture's program that an .onnx or .zip file brings.")
    ] = False,
) -> None:
    """Open a network of Ais without TensorFlow, an ONNX file of ais-app, or a package of the BioImage Model Zoo.

    Nothing that is in the file is run.

    Title, colour, voxel size, box size, threshold and part in the competition are carried over. A layer that cannot
    be is named. Of a group the interactions are written too: give them to segment with --interactions.
    """
    from ais_app.operations.exchange import import_exchanged, is_exchanged

    if is_exchanged(file):
        typer.echo(import_exchanged(file, out, trust_source=trust_source))
        return
    from ais_app.cli.reporting import with_progress
    from ais_app.operations.import_model import import_model_job

    found = with_progress(import_model_job(file, out, member=member), f"importing {file.name}")
    for path in (*found.models, *([found.interactions] if found.interactions is not None else [])):
        typer.echo(path)
    for note in found.notes:
        typer.echo(note)

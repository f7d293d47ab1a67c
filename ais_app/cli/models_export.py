"""``ais-app models export``: networks for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import ModelFile, TrustModel

app = typer.Typer()


@app.command()
def export(
    file: ModelFile,
    out: Annotated[Path, typer.Argument(help="NAME.onnx, or NAME.zip for the BioImage Model Zoo.")],
    check_with: Annotated[
        str, typer.Option(help="onnxruntime, openvino, or auto: the first of them that is installed.")
    ] = "auto",
    author: Annotated[str, typer.Option(help="Your name, for the BioImage Model Zoo.")] = "unknown",
    licence: Annotated[
        str, typer.Option(help="SPDX name of the terms, such as CC-BY-4.0, for the BioImage Model Zoo.")
    ] = "",
    description: Annotated[str, typer.Option(help="What it does, in a sentence.")] = "",
    trust_source: TrustModel = False,
) -> None:
    """Write a network as ONNX or for the BioImage Model Zoo, once it is seen to compute what PyTorch does."""
    from ais_app.core.exchange.bioimage import About
    from ais_app.operations.exchange import export_model

    about = About(author, licence, description)
    done = export_model(file, out, about, check_with=check_with, trust_source=trust_source)
    typer.echo(
        f"{done.path}: {done.checked_with} computes the same as PyTorch, to {done.difference:.1g} in probability"
    )

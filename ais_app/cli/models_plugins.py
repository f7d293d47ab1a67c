"""``ais-app models new, trust``: architectures of one's own, and programs that come with networks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the architecture: letters, digits and _.")],
    folder: Annotated[Path | None, typer.Option(help="Write it here instead of in your models folder.")] = None,
) -> None:
    """Write a file with an architecture of your own that trains as it stands, to be changed at will."""
    from ais_app.operations.architectures import new_architecture

    path = new_architecture(name, folder)
    typer.echo(f"{path}: change it, look at it with: ais-app models check {path}")
    if folder is None:
        typer.echo(f"train it with: ais-app train --architecture {name} ...")


@app.command()
def trust(
    file: Annotated[Path, typer.Argument(help="Model package that brings its own program, NAME.aismodel.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; the program was read before.")] = False,
) -> None:
    """Show the program that a model package brings, ask whether it may run, and remember a yes."""
    from ais_app.core.errors import ModelProblem
    from ais_app.core.model.package import load_source
    from ais_app.core.model.source import is_trusted
    from ais_app.core.model.source import trust as remember

    source = load_source(file)
    if not source:
        raise ModelProblem(file, "brings no program", "it can be used as it is")
    if is_trusted(source):
        typer.echo(f"{file}: its program was trusted before")
        return
    if not yes:
        typer.echo(source)
        typer.confirm("This program can do anything that you can do. Run it from now on?", abort=True)
    typer.echo(f"{file}: noted in {remember(source)}")

"""``ais-app gui``: open the window."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def gui(
    files: Annotated[list[Path] | None, typer.Argument(help="Tomograms, networks, sessions of Ais to open.")] = None,
    project: Annotated[Path | None, typer.Option(help="Project to open.")] = None,
) -> None:
    """Open the window, with these files where they are given."""
    from ais_app.views.display import check_display

    check_display()
    # nothing that is made while starting is garbage, and looking for some takes a tenth of the time; see `run_window`
    gc.disable()
    from ais_app.views.app import run_window

    raise typer.Exit(run_window(files or [], project))

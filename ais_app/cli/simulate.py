"""``ais-app simulate``: a tomogram with exact ground truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.options import with_params
from ais_app.core.simulate.parameters import SimulateParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(SimulateParams)
def simulate(
    out_dir: Annotated[Path, typer.Argument(help="Folder for the phantom; made where it is missing")],
    *,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same phantom")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print what was written, for programs")] = False,
    params: SimulateParams,
) -> None:
    """Make a tomogram with exact ground truth: membranes, filaments, complexes, gold, carbon."""
    from ais_app.cli.reporting import with_progress
    from ais_app.operations.simulate import simulate_job

    files = with_progress(simulate_job(out_dir, params, seed), "Simulate")
    if json:
        from json import dumps

        typer.echo(dumps(files.to_dict(), indent=2))
    else:
        placed = ", ".join(f"{count} {name}" for name, count in files.summary["placed"].items() if count)
        typer.echo(f"{files.tomogram}: {placed}")

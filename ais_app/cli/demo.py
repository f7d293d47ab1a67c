"""``ais-app demo``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import OutDir
from ais_app.cli.options import with_params
from ais_app.cli.reporting import with_progress
from ais_app.operations.demo import DemoParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(DemoParams)
def demo(
    params: DemoParams,
    out_dir: OutDir = Path("ais-app-demo"),
    open_it: Annotated[bool, typer.Option("--open", help="Open the result in the window at the end.")] = False,
) -> None:
    """Annotate, train, segment, pick and mesh on two small phantoms, and write a report with scores.

    Takes under four minutes on two cores.
    """
    from ais_app.operations.demo import demo_job
    from ais_app.operations.demo_report import NEXT

    typer.echo(f"Two phantoms, two networks, everything else; under four minutes. Results go to {out_dir}.")
    result = with_progress(demo_job(out_dir, params), "Demo")
    typer.echo(f"done in {sum(result.seconds.values()):.0f} s")
    for name, value in result.dice.items():
        typer.echo(f"  {name}: Dice {value:.3f} on the phantom that no network had seen")
    picks = result.picks
    typer.echo(f"  ribosome picks: F1 {picks.f1:.3f} ({picks.matched} of {picks.truth} found, {picks.found} picks)")
    typer.echo(f"Open {result.report}\nThe annotations are in {result.project}.\nNext, with your own data:")
    for line in NEXT:
        typer.echo(f"  {line}")
    typer.echo(f"To see the annotations and go on from there:\n  ais-app gui --project {result.project}")
    if open_it or _wanted():
        from ais_app.cli.gui import gui

        gui([], result.project)


def _wanted() -> bool:
    """Ask whether to open the result, where somebody sits at the terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return typer.confirm("Open it in the window now?", default=True)

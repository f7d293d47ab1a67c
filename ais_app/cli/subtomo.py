"""``ais-app subtomo``: work on subtomograms, one module a sub-command."""

from __future__ import annotations

import typer

from ais_app.cli.lazy import lazy_group

COMMANDS = {
    "extract": "Cut subtomograms at picks into one file",
    "export": "Write subtomograms as stacks that RELION and Dynamo read",
    "import": "Make a stack of the subtomograms of RELION or Dynamo",
    "align": "Find the orientation and place of a reference in each subtomogram",
    "average": "Align and average subtomograms, in two independent halves",
    "faml": "Align and sort into classes by maximum likelihood",
    "sort": "Sort aligned subtomograms into classes by their differences",
    "simulate": "Make subtomograms with known classes, orientations and masks",
    "train": "Train a network that classifies or encodes subtomograms",
    "classify": "Sort subtomograms into classes with a network",
    "cluster": "Group subtomograms without labels",
    "teach": "Train a network that segments from groups that a person chose",
    "discover": "Look for structures that a network was never shown",
    "adapt": "Adapt a network from simulated to experimental subtomograms",
    "segment": "Mark the particle in each subtomogram, and mask what is beside it",
}

app = typer.Typer(cls=lazy_group(COMMANDS, "subtomo_"), no_args_is_help=True, add_completion=False)


@app.callback()
def _main() -> None:
    """Extract, align, average, classify and cluster subtomograms."""

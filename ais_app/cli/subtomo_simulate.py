"""``ais-app subtomo simulate``: subtomograms whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.options import with_params
from ais_app.cli.reporting import with_progress
from ais_app.operations.subtomo_simulate import SubtomoSimulateParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(SubtomoSimulateParams)
def simulate(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="STACK.zarr", help="The stack; truth and maps beside it.")
    ],
    params: SubtomoSimulateParams,
    template: Annotated[
        list[str] | None,
        typer.Option(
            help="Complex by name, map, or atoms (.pdb .cif .npz); repeatable; ribosome and proteasome if none."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same cubes.")] = 0,
    known_poses: Annotated[bool, typer.Option("--known-poses", help="Save the true poses in the stack.")] = False,
) -> None:
    """Make subtomograms of known complexes, imaged over a tilt series, with noise and a missing wedge.

    Writes STACK.zarr with classes, STACK_truth.npz (classes, rotations, shifts, masks) and STACK_<complex>.mrc.
    """
    from ais_app.operations.subtomo_simulate import subtomo_simulate_job

    templates = template or ["ribosome", "proteasome"]
    job = subtomo_simulate_job(out, params, templates=templates, seed=seed, known_poses=known_poses)
    typer.echo(with_progress(job, "Simulating"))

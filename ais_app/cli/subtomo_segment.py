"""``ais-app subtomo segment``: which voxels of each subtomogram are the particle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import OutDir, Stack, TrustModel
from ais_app.cli.options import with_params
from ais_app.cli.reporting import with_progress
from ais_app.core.particles.particle_masks import ParticleMaskParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(ParticleMaskParams)
def segment(
    stack: Stack,
    *,
    model: Annotated[Path, typer.Option("--model", "-m", metavar="NAME.aismodel", help="Network of volumes.")],
    out_dir: OutDir,
    params: ParticleMaskParams,
    clean: Annotated[bool, typer.Option("--clean", help="Also write the stack without neighbours.")] = False,
    trust_source: TrustModel = False,
) -> None:
    """Mark the particle in the middle of each subtomogram: DIR/<stack>_masks.zarr.

    --clean also writes the subtomograms without their neighbours. Average those: neighbours at random places are noise
    that a sphere does not keep out.
    """
    from ais_app.operations.subtomo_segment import subtomo_segment_job

    job = subtomo_segment_job(stack, model, out_dir, params, clean=clean, trust_source=trust_source)
    typer.echo(str(with_progress(job, "Segmenting")))

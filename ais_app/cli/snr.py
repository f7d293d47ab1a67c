"""``ais-app snr``: how much of what is seen is signal."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ais_app.cli.arguments import JsonLines, TomogramVoxelSize
from ais_app.cli.options import with_params
from ais_app.cli.reporting import report_failures, with_progress
from ais_app.core.particles.snr import PairParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(PairParams)
def snr(
    inputs: Annotated[list[str], typer.Argument(help="Stacks of aligned subtomograms (.zarr), or tomograms.")],
    params: PairParams,
    half: Annotated[
        list[str] | None,
        typer.Option(help="The other half of a tomogram, of the other tilts or frames; repeatable, one for each."),
    ] = None,
    coordinates: Annotated[
        list[str] | None, typer.Option(help="Picks in the tomograms: only what is near them counts; repeatable.")
    ] = None,
    pick_radius: Annotated[float, typer.Option(help="What is near a pick. [Å]", min=1.0)] = 150.0,
    voxel_size: TomogramVoxelSize = None,
    as_json: JsonLines = False,
) -> None:
    """Estimate signal-to-noise ratios: of stacks from aligned pairs, of tomograms by halves or from the background."""
    from ais_app.operations.snr import snr_job

    job = snr_job(
        inputs, params, halves=half or [], coordinates=coordinates or [], radius=pick_radius, voxel_size=voxel_size
    )
    results = with_progress(job, "Measuring")
    for one in results:
        if as_json:
            typer.echo(json.dumps(one.to_dict(), ensure_ascii=False))
        elif one.pairs is not None:
            found = one.pairs
            typer.echo(
                f"{one.path.name}: {found.snr:.3g} ({found.low:.3g} to {found.high:.3g}), {len(found.pairs)} pairs"
            )
        elif one.volume is not None:
            way = "from its background" if one.half is None else f"by {one.half.name}; their mean has twice as much"
            remedy = "give the other --half, picks," if one.half is None else "give picks"
            doubt = "" if one.volume.certain else f", no more than chance: {remedy} or a larger volume"
            typer.echo(f"{one.path.name}: {one.volume.snr:.3g} ± {one.volume.error:.2g}, {way}{doubt}")
    report_failures(results)

"""``ais-app mapback``: an average at every pick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import ListFormat, ListOptions, OutDir, Rename, SkipExisting, Tomograms, TomogramVoxelSize
from ais_app.cli.options import with_params
from ais_app.cli.reporting import report, with_progress
from ais_app.core.scene.map_back import MapBackParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(MapBackParams)
def mapback(
    tomograms: Tomograms,
    out_dir: OutDir,
    average: Annotated[
        Path,
        typer.Option(help="The map; its central voxel is the centre of the particle. {class}: one for each class."),
    ],
    coordinates: Annotated[
        list[str], typer.Option(help="Particle list with orientations, or stack of subtomograms; repeatable.")
    ],
    params: MapBackParams,
    source: ListFormat = "auto",
    source_options: ListOptions = None,
    rename: Rename = None,
    voxel_size: TomogramVoxelSize = None,
    average_voxel_size: Annotated[
        float | None, typer.Option(help="Replaces what the average says. [Å]", min=0.01)
    ] = None,
    skip_existing: SkipExisting = False,
) -> None:
    """Put an average back at every pick with its orientation: DIR/<tomogram>__<average>.mrc.

    The result has the size and the frame of the tomogram and overlays it in any viewer.
    """
    from ais_app.cli.coordinates import format_values
    from ais_app.core.params_text import split_pair
    from ais_app.operations.mapback import mapback_job

    job = mapback_job(
        tomograms,
        out_dir,
        params,
        average=average,
        coordinates=coordinates,
        source=source,
        source_options=format_values([split_pair(pair) for pair in source_options or []], source),
        rename=rename or [],
        voxel_size=voxel_size,
        average_voxel_size=average_voxel_size,
        skip_existing=skip_existing,
    )
    report(with_progress(job, "Mapping back"))

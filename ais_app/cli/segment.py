"""``ais-app segment``: probabilities of features from tomograms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import OutDir, Tomograms, TrustModels, VoxelSize
from ais_app.cli.options import with_params
from ais_app.cli.reporting import report, with_progress

# the modules of the parameters are light: torch and the engines are imported when the job runs
from ais_app.core.prediction.parameters import OutputParams, PredictionParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(OutputParams, "output")
@with_params(PredictionParams)
def segment(
    tomograms: Tomograms,
    models: Annotated[
        list[Path], typer.Option("--model", "-m", help="Model packages: -m A.aismodel B.aismodel, or -m for each.")
    ],
    out_dir: OutDir,
    params: PredictionParams,
    output: OutputParams,
    interactions: Annotated[
        Path | None, typer.Option(help="Interaction graph (JSON); without it, the competition of the models' cards.")
    ] = None,
    voxel_size: VoxelSize = None,
    skip_existing: Annotated[
        bool | None,
        typer.Option(
            "--skip-existing/--overwrite",
            help="Leave out tomograms whose results are there, or make them again. Without either they fail.",
        ),
    ] = None,
    trust_source: TrustModels = False,
) -> None:
    """Segment tomograms with one or several models: DIR/<tomogram>__<feature>.mrc.

    Probabilities are stored as 0 to 127 unless --encoding says otherwise. Models of one feature are averaged.
    """
    from ais_app.operations.segment import segment_job

    # of "-m a.aismodel b.aismodel" the parser hands the second to the tomograms
    models = [*models, *(Path(name) for name in tomograms if name.endswith(".aismodel"))]
    tomograms = [name for name in tomograms if not name.endswith(".aismodel")]
    job = segment_job(
        tomograms,
        models,
        out_dir,
        params,
        output,
        interactions=interactions,
        voxel_size=voxel_size,
        skip_existing=skip_existing,
        trust_source=trust_source,
    )
    report(with_progress(job, "Segmenting"))

"""``ais-app match``: a template in tomograms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import (
    BeamAxis,
    Formats,
    OutDir,
    SkipExisting,
    Tilt,
    TiltAxis,
    TiltFile,
    Tomograms,
    TomogramVoxelSize,
)
from ais_app.cli.options import with_params
from ais_app.cli.reporting import report, with_progress
from ais_app.core.errors import ParameterProblem
from ais_app.core.matching.parameters import MatchParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(MatchParams)
def match(
    tomograms: Tomograms,
    template: Annotated[Path, typer.Argument(help="The map; its central voxel is the centre of the particle.")],
    out_dir: OutDir,
    params: MatchParams,
    tilt: Tilt = None,
    tilt_file: TiltFile = None,
    tilt_axis: TiltAxis = "y",
    beam_axis: BeamAxis = "z",
    template_dark: Annotated[
        bool, typer.Option("--template-dark", help="The template is dark, as --template-contrast dark.")
    ] = False,
    mask: Annotated[Path | None, typer.Option(help="Mask on the template's voxels; a sphere if not given.")] = None,
    formats: Formats = "star",
    keep_scores: Annotated[
        bool, typer.Option("--keep-scores", help="Also write scores, numbers of rotations, and the rotations.")
    ] = False,
    voxel_size: TomogramVoxelSize = None,
    template_voxel_size: Annotated[
        float | None, typer.Option(help="Replaces what the template says. [Å]", min=0.01)
    ] = None,
    skip_existing: SkipExisting = False,
) -> None:
    """Find a template in tomograms: DIR/<tomogram>_<template>_coords.star with orientations and scores.

    Correlates it in evenly sampled rotations, locally normalised and under the missing wedge. If it is interrupted,
    the same command goes on where it was.
    """
    from ais_app.operations.match import match_job

    if template_dark:
        if params.template_contrast == "bright":
            problem = "says bright, --template-dark says dark"
            raise ParameterProblem("--template-contrast", problem, "give one of them")
        params = replace(params, template_contrast="dark")
    job = match_job(
        tomograms,
        template,
        out_dir,
        params,
        tilt=tilt,
        tilt_file=tilt_file,
        tilt_axis=tilt_axis,
        beam_axis=beam_axis,
        mask=mask,
        formats=[name.strip() for name in formats.split(",")],
        keep_scores=keep_scores,
        voxel_size=voxel_size,
        template_voxel_size=template_voxel_size,
        skip_existing=skip_existing,
    )
    report(with_progress(job, "Matching"))

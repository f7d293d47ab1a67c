"""``ais-app preview``: pictures of tomograms with their segmentations."""

from __future__ import annotations

from typing import Annotated

import typer

from ais_app.cli.arguments import OutDir, SkipExisting, Tomograms
from ais_app.cli.options import with_params
from ais_app.cli.reporting import report, with_progress
from ais_app.core.errors import ParameterProblem
from ais_app.operations.preview import PreviewParams, preview_job

app = typer.Typer(add_completion=False)


@app.command()
@with_params(PreviewParams)
def preview(
    tomograms: Tomograms,
    out_dir: OutDir,
    params: PreviewParams,
    segmentations: Annotated[
        list[str] | None,
        typer.Option("--segmentations", "-s", help="Files, folders or globs; used where named TOMOGRAM__FEATURE."),
    ] = None,
    colours: Annotated[list[str] | None, typer.Option("--colour", help="Colour of a feature: membrane=#e69f00")] = None,
    skip_existing: SkipExisting = False,
) -> None:
    """Draw a slice of each tomogram with its segmentations over it: DIR/<tomogram>_preview.png."""
    chosen = dict(_pair(text) for text in colours or [])
    job = preview_job(
        tomograms,
        out_dir,
        params,
        segmentations=segmentations or [],
        colours=chosen or None,
        skip_existing=skip_existing,
    )
    report(with_progress(job, "Drawing"))


def _pair(text: str) -> tuple[str, str]:
    feature, sign, colour = text.rpartition("=")
    if not sign or not feature:
        raise ParameterProblem("colour", f"{text!r} is not FEATURE=#rrggbb", "write for example membrane=#e69f00")
    return feature, colour

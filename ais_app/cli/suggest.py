"""``ais-app suggest``: what to annotate next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ais_app.cli.arguments import JsonArray, TrustModels
from ais_app.cli.options import with_params
from ais_app.cli.reporting import with_progress
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.training.suggest_parameters import SuggestParams

if TYPE_CHECKING:
    from ais_app.core.training.suggest import Suggestion

app = typer.Typer(add_completion=False)


@app.command()
@with_params(PredictionParams, "prediction")
@with_params(SuggestParams)
def suggest(
    project: Annotated[Path, typer.Argument(metavar="P.aisproj", help="The project; it is only read.")],
    params: SuggestParams,
    prediction: PredictionParams,
    models: Annotated[
        list[Path] | None,
        typer.Option("--model", "-m", help="Model packages; the networks of the project where none is given."),
    ] = None,
    as_json: JsonArray = False,
    trust_source: TrustModels = False,
) -> None:
    """Suggest what to annotate next: what the networks are unsure of, of different kinds, over all tomograms.

    Slices that are annotated, and those next to them, are not suggested. A few slices of each tomogram are looked at;
    another --seed looks at others.
    """
    from ais_app.operations.suggest import suggest_job

    job = suggest_job(project, models or (), params, prediction, trust_source=trust_source)
    found = with_progress(job, "Looking")
    if as_json:
        typer.echo(json.dumps([suggestion.to_dict() for suggestion in found], indent=2, ensure_ascii=False))
        return
    for line in _lines(found):
        typer.echo(line)


def _lines(found: list[Suggestion]) -> list[str]:
    if not found:
        return ["nothing to suggest: every slice is annotated, or next to one that is"]
    rows = [("", "tomogram", "slice", "y, x", "size", "feature", "uncertainty", "novelty")]
    for number, one in enumerate(found, start=1):
        centre = "whole" if one.centre_yx is None else ", ".join(map(str, one.centre_yx))
        size = "" if one.size_yx is None else " x ".join(map(str, one.size_yx))
        numbers = f"{one.uncertainty:.3f}", f"{one.novelty:.3f}"
        rows.append((str(number), one.tomogram, str(one.z), centre, size, one.feature, *numbers))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]

"""A comparison of architectures as it is kept: rows, a table in Markdown, CSV and JSON, and a picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.files import replacing, write_json, write_text
from ais_app.core.pictures import grey, overlay
from ais_app.core.training.parameters import TrainParams

NAME = "comparison"


@dataclass(frozen=True)
class ComparedModel:
    """One architecture on one feature.

    Parameters
    ----------
    feature, architecture, title
        Which.
    parameters
        Numbers in the network.
    loss, dice, best_dice, average_precision
        On held-out boxes, which are the same for all; ``None`` where nothing is held out.
    held_out
        What was held out, in words.
    training_seconds, seconds_per_slice
        By the clock of this machine; the latter for one whole slice, its time without loading.
    model
        The network.
    error
        Why there is none; empty where there is.
    """

    feature: str
    architecture: str
    title: str
    parameters: int = 0
    loss: float | None = None
    dice: float | None = None
    best_dice: float | None = None
    average_precision: float | None = None
    held_out: str = ""
    training_seconds: float | None = None
    seconds_per_slice: float | None = None
    model: str = ""
    error: str = ""


@dataclass(frozen=True)
class Comparison:
    """What `compare_models` leaves.

    Parameters
    ----------
    rows
        Feature by feature, in the order asked for.
    table, csv, json, picture
        The same as Markdown, CSV and JSON, and one slice of each feature with what each network finds on it.
    """

    rows: list[ComparedModel]
    table: Path
    csv: Path
    json: Path
    picture: Path


@dataclass(frozen=True, eq=False)
class SeenSlice:
    """What a network finds on one slice.

    Parameters
    ----------
    grey, labels, probability
        (h, w): what is there, what a person has painted, and what the network says.
    where
        The slice, in words.
    """

    grey: np.ndarray
    labels: np.ndarray
    probability: np.ndarray
    where: str


COLUMNS = {
    "feature": "feature",
    "title": "architecture",
    "parameters": "parameters",
    "loss": "loss",
    "dice": "Dice",
    "average_precision": "AP",
    "training_seconds": "training, s",
    "seconds_per_slice": "s per slice",
}


def write_comparison(
    rows: list[ComparedModel], slices: list[SeenSlice | None], out: Path, params: TrainParams, project: str | Path
) -> Comparison:
    """Write the comparison as OUT/comparison.md, .csv, .json and .png.

    Parameters
    ----------
    rows
        Feature by feature.
    slices
        What each network finds, in the order of the rows; ``None`` where there is no network.
    out
        Folder.
    params
        How all were trained.
    project
        Where the annotations are.

    Raises
    ------
    FileProblem
        A file cannot be written.
    """
    stem = out / NAME
    held = sorted({f"{row.feature}: {row.held_out}" for row in rows if row.held_out})
    text = f"# Architectures compared\n\n{table(rows)}\nScores on held-out boxes. " + "; ".join(held) + "\n"
    errors = [f"- {row.feature}, {row.title}: {row.error}" for row in rows if row.error]
    text += "\nFailed:\n\n" + "\n".join(errors) + "\n" if errors else ""
    values = {"project": Path(project).name, "params": params.to_dict(), "rows": [asdict(row) for row in rows]}
    return Comparison(
        rows,
        write_text(stem.with_suffix(".md"), text),
        write_text(stem.with_suffix(".csv"), _csv(rows)),
        write_json(stem.with_suffix(".json"), values),
        _montage(list(zip(rows, slices, strict=True)), stem.with_suffix(".png")),
    )


def table(rows: Sequence[ComparedModel]) -> str:
    """Return the comparison as a Markdown table; the best score of each feature is bold."""
    lines = ["| " + " | ".join(COLUMNS.values()) + " |", "|---|---|" + "---:|" * (len(COLUMNS) - 2)]
    for row in rows:
        cells = [_cell(row, name, rows) for name in COLUMNS]
        lines.append("| " + " | ".join(cells) + " |" + (f" {row.error}" if row.error else ""))
    return "\n".join(lines) + "\n"


def _cell(row: ComparedModel, name: str, rows: Sequence[ComparedModel]) -> str:
    value = getattr(row, name)
    if isinstance(value, str):
        return value
    if value is None or row.error:
        return "–"
    text = f"{value:,}" if name == "parameters" else f"{value:.{1 if name == 'training_seconds' else 3}f}"
    better = {"loss": min, "dice": max, "average_precision": max}.get(name)
    if better is None:
        return text
    others = [getattr(other, name) for other in rows if other.feature == row.feature]
    return f"**{text}**" if value == better(other for other in others if other is not None) else text


def _csv(rows: Sequence[ComparedModel]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(ComparedModel.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return stream.getvalue()


def _montage(pictures: list[tuple[ComparedModel, SeenSlice | None]], path: Path) -> Path:
    """Draw a row for each feature: the slice with its labels, then with what each architecture finds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    features = list(dict.fromkeys(row.feature for row, _ in pictures))
    columns = 1 + len({row.architecture for row, _ in pictures})
    figure = Figure(figsize=(2.6 * columns, 2.9 * len(features)), layout="constrained")
    axes = figure.subplots(len(features), columns, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for line, feature in zip(axes, features, strict=True):
        own = [(row, picture) for row, picture in pictures if row.feature == feature]
        drawn = next((picture for _, picture in own if picture is not None), None)
        if drawn is not None:
            _draw(line[0], drawn.grey, (drawn.labels == 1).astype(np.float32), f"{feature}: labels\n{drawn.where}")
        for axis, (row, picture) in zip(line[1:], own, strict=True):
            title = f"{row.title}\nDice {row.dice:.3f}" if row.dice is not None else f"{row.title}\n"
            if picture is None:
                axis.set_title(f"{row.title}\nfailed", fontsize=9)
            else:
                _draw(axis, picture.grey, picture.probability, title)
    FigureCanvasAgg(figure)
    with replacing(path) as part:
        figure.savefig(part, dpi=120)
    return path


def _draw(axis: Any, plane: np.ndarray, layer: np.ndarray, title: str) -> None:
    axis.imshow(overlay(grey(plane), {"#E69F00": layer}), origin="lower", interpolation="nearest")
    axis.set_title(title, fontsize=9)

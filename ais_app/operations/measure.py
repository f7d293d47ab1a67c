"""Measure segmentations: files of probabilities in, one table out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ais_app.core import provenance
from ais_app.core.errors import ParameterProblem
from ais_app.core.files import write_json, write_text
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.picking.masking import grid_shift
from ais_app.core.probability import open_probabilities
from ais_app.core.surfaces.measure import Measurement, MeasureParams, Other, measure_volume
from ais_app.core.tomogram import Tomogram
from ais_app.operations.companions import companion, feature_of, tomogram_of
from ais_app.operations.per_file import FileResult, each_file, input_files


def measure_job(
    segmentations: Sequence[str | Path],
    out: str | Path,
    params: MeasureParams | None = None,
    *,
    distances: str | Path | None = None,
    voxel_size: float | None = None,
) -> Job[list[FileResult]]:
    """Measure the components of segmentations.

    Parameters
    ----------
    segmentations
        Files, folders or globs: probabilities as 0…1, 0…127 or 0…255, or masks.
    out
        ``table.csv``, with ``table_summary.csv`` (a row per segmentation) and ``table_distributions.csv`` (thickness,
        distances) beside it; or ``table.json``, which holds all three.
    params
        Lengths in Å; units stand in the names of the columns.
    distances
        Another segmentation of the same tomogram to measure distances to: a file, also with ``{tomogram}`` in its
        name, or the name of a feature.
    voxel_size
        Å; replaces what the files say.

    Returns
    -------
    list of FileResult
        One per segmentation; a failure is in its ``error``, and the table has the others.

    Raises
    ------
    ParameterProblem
        The output is neither .csv nor .json.
    FileProblem
        A folder or glob holds no volume, or the table cannot be written.
    """
    output, chosen = Path(out), params or MeasureParams()
    if output.suffix.lower() not in (".csv", ".json"):
        raise ParameterProblem(output, "is neither .csv nor .json", "choose one of them")
    paths = input_files(segmentations)
    tables: dict[str, list[pd.DataFrame]] = {"components": [], "summary": [], "distributions": []}
    inputs: list[Path] = []

    def work(path: Path) -> Job[str]:
        yield Progress(0, 1, "measuring")
        volume = _opened(path, voxel_size)
        other, used = None, [path]
        if distances is not None:
            used.append(companion(path, distances))
            second = _opened(used[1], voxel_size)
            other = Other(second.data, second.require_voxel_size_zyx(), grid_shift(second, volume))
        found = measure_volume(volume.data, volume.require_voxel_size_zyx(), chosen, other)
        for name, table in _rows(path, volume, found).items():
            tables[name].append(table)
        inputs.extend(used)
        total = found.components["volume_nm3"].sum()
        count = len(found.components)
        return f"{count:,} component{'s' * (count != 1)}, {total:.4g} nm³"

    results = yield from each_file(paths, lambda path: [], work)
    done = {name: pd.concat(parts, ignore_index=True) if parts else pd.DataFrame() for name, parts in tables.items()}
    outputs = _write(output, done) if inputs else []
    if outputs:
        measured = [str(result.path) for result in results if result.error is None]
        arguments: dict[str, Any] = {"segmentations": measured, "out": str(output), "params": chosen}
        arguments |= {"distances": distances, "voxel_size": voxel_size}
        notes = {"tables": [table.name for table in outputs]}  # one record for all: they are made together
        provenance.record("measure", output, arguments, list(dict.fromkeys(inputs)), notes).write(output)
    return [
        FileResult(result.path, () if result.error else tuple(outputs), result.error, result.message)
        for result in results
    ]


measure = direct(measure_job)


def _opened(path: Path, voxel_size: float | None) -> Tomogram:
    return open_probabilities(open_tomogram(path, voxel_size=voxel_size))


def _rows(path: Path, volume: Tomogram, found: Measurement) -> dict[str, pd.DataFrame]:
    """Return the rows that a segmentation adds to each table."""
    names = {"segmentation": path.name, "tomogram": tomogram_of(path), "feature": feature_of(path)}
    table = found.components
    volume_nm3 = float(np.prod(volume.shape) * np.prod(volume.require_voxel_size_zyx()) / 1000)
    summary = {
        **names,
        "components": len(table),
        "volume_nm3": table["volume_nm3"].sum(),
        "area_nm2": table["area_nm2"].sum(),
        "volume_fraction": table["volume_nm3"].sum() / volume_nm3,
        "mean_component_nm3": table["volume_nm3"].mean(),
        "median_component_nm3": table["volume_nm3"].median(),
    }
    for quantity, which in (("thickness", "median"), ("distance", "min")):
        column = f"{quantity}_{which}_A"
        if column in table:
            weights = table["area_A2"][table[column].notna()]
            values = table[column].dropna()
            least = values.min() if which == "min" else _weighted_median(values, weights)
            summary[column] = least
    bins = [part.assign(quantity=quantity) for quantity, part in found.distributions.items()]
    joined = pd.concat(bins, ignore_index=True) if bins else pd.DataFrame()
    return {
        "components": _named(table, names),
        "summary": pd.DataFrame([summary]),
        "distributions": _named(joined, names),
    }


def _weighted_median(values: pd.Series, weights: pd.Series) -> float:
    """Return the value that half of the weight lies below."""
    if values.empty:
        return float("nan")
    order = np.argsort(values.to_numpy())
    total = np.cumsum(weights.to_numpy()[order])
    return float(values.to_numpy()[order][np.searchsorted(total, total[-1] / 2)])


def _named(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    named = table.copy()
    for position, (column, value) in enumerate(names.items()):
        named.insert(position, column, [value] * len(table))
    return named


def _write(output: Path, tables: dict[str, pd.DataFrame]) -> list[Path]:
    if output.suffix.lower() == ".json":
        content = {name: _records(table) for name, table in tables.items()}
        return [write_json(output, {"format": "ais-app measurements", "format_version": 1, **content})]
    written = [write_text(output, _csv(tables["components"]))]
    for name in ("summary", "distributions"):
        if len(tables[name]):
            beside = output.with_name(f"{output.stem}_{name}{output.suffix}")
            written.append(write_text(beside, _csv(tables[name])))
    return written


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as JSON has them: no NaN, no infinity."""
    finite = table.replace([np.inf, -np.inf], np.nan).astype(object)
    rows: list[dict[str, Any]] = finite.where(finite.notna(), None).to_dict("records")
    return rows

"""The settings and versions that a queue's results were made with, as tables of a report."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ais_app.batch.records import FULFILLED, Item
from ais_app.core.errors import AisAppError
from ais_app.core.params import Params
from ais_app.core.provenance import fingerprint, read_provenance, versions
from ais_app.core.report import Report
from ais_app.operations.calling import operation, params_of


def add_settings(report: Report, items: Sequence[Item]) -> None:
    """Add a table of the settings of each kind of work, with the number of items where they differ."""
    report.heading("Settings")
    kinds: dict[str, list[Item]] = {}
    for item in items:
        title = item.title.replace(item.subject, "…") if item.subject else item.operation
        kinds.setdefault(title, []).append(item)
    for title, own in kinds.items():
        chosen = Counter(pair for item in own for pair in _values(item))
        rows = [
            [setting, value + ("" if count == len(own) else f" ({count} of {len(own)})")]
            for (setting, value), count in chosen.items()
        ]
        report.table([title, ""], rows, words=True)
    report.heading("Versions")
    report.table(["", ""], [list(pair) for pair in _versions(items).items()], words=True)


def _values(item: Item) -> list[tuple[str, str]]:
    """Return the settings of an item as text; what differs from tomogram to tomogram by its nature is left out."""
    known: Mapping[str, type[Params]] = {}
    try:
        known = params_of(operation(item.operation))
    except AisAppError:  # an operation of another version: shown as it was stored
        pass
    found: list[tuple[str, str]] = []
    for key, value in item.arguments.items():
        if key in ("tomograms", "segmentations", "out_dir", "out", "skip_existing"):
            continue
        if key in known and isinstance(value, Mapping):
            filled = known[key]().to_dict() | dict(value)
            units = {each.name: each.metadata.get("unit", "") for each in dataclasses.fields(known[key])}
            found += [(_label(name, units.get(name, "")), _text(each)) for name, each in filled.items()]
        elif key == "models":
            found += [(f"model {number}", _model(Path(path))) for number, path in enumerate(value, start=1)]
        else:
            found.append((_label(key), _text(value)))
    return found


def _label(name: str, unit: str = "") -> str:
    return name.replace("_", " ") + (f" [{unit}]" if unit else "")


def _model(path: Path) -> str:
    return f"{path.name} ({fingerprint(path)[:12]})" if path.exists() else f"{path.name} (missing)"


def _text(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_text(item)}" for key, item in value.items() if not key.startswith("format"))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _versions(items: Sequence[Item]) -> dict[str, str]:
    """Return what the results were made with; several where it changed on the way."""
    found: dict[str, list[str]] = {}
    for item in items:
        for output in item.outputs[:1] if item.state in FULFILLED else ():
            try:
                made = read_provenance(output).versions
            except AisAppError:  # moved or deleted since
                continue
            for name, version in made.items():
                if version not in found.setdefault(name, []):
                    found[name].append(version)
    return {name: ", ".join(all_) for name, all_ in found.items()} or versions()

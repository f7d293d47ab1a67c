"""Was this made already, and of what? Compares an item with what the provenance of its outputs says was done."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ais_app.batch.records import Item
from ais_app.core.errors import AisAppError, ParameterProblem
from ais_app.core.params import Params
from ais_app.core.provenance import Provenance, fingerprint, read_provenance
from ais_app.operations.calling import OUTPUT_ARGUMENTS, operation, params_of, recorded_arguments

_NOT_COMPARED = (*OUTPUT_ARGUMENTS, "skip_existing", "trust_source")


def already_made(item: Item) -> bool:
    """Say whether all outputs of an item are there, made by its operation, with its arguments, from the same inputs.

    Versions of the program are not compared. False for an item that does not say what it makes.
    """
    return bool(item.outputs) and all(output.exists() and _fits(output, item) for output in item.outputs)


def refuse_others(outputs: Sequence[str | Path], arguments: Mapping[str, Any]) -> None:
    """Raise where an output is there and was made from another tomogram: two of one name, exported into one folder.

    A tomogram that was moved or copied, as its fingerprint tells, is no other one. Outputs that do not say what they
    were made from are not looked at.

    Raises
    ------
    ParameterProblem
        Names the output, the other tomogram and what to do.
    """
    tomograms = arguments.get("tomograms", ())
    if len(tomograms) != 1:
        return
    for output in outputs:
        other = _other_source(Path(output), Path(tomograms[0]))
        if other is not None:
            raise ParameterProblem(output, f"was made from another tomogram, {other}", "export into another folder")


def _other_source(output: Path, tomogram: Path) -> Path | None:
    """Return the tomogram that an output was made from, where that is not this one."""
    if not output.exists():
        return None
    try:
        record = read_provenance(output)
        (name,) = record.arguments["tomograms"]
        source = (output.parent / name).resolve()
        same = source == tomogram.resolve() or record.inputs[name] == fingerprint(tomogram)
    except (AisAppError, LookupError, TypeError, ValueError):  # nobody knows what it was made from
        return None
    return None if same else source


def _fits(output: Path, item: Item) -> bool:
    try:
        record = read_provenance(output)
        folder = output.parent
        if record.operation != item.operation or not _inputs_unchanged(record, folder):
            return False
        wanted = _compared(item.operation, item.arguments)
        made = _compared(item.operation, recorded_arguments(record, folder))
    except AisAppError:  # no provenance, an input is gone, an argument is not known: it has to be made
        return False
    return wanted == made


def _inputs_unchanged(record: Provenance, folder: Path) -> bool:
    return all(fingerprint(folder / name) == known for name, known in record.inputs.items())


def _compared(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments in one form: defaults filled in, paths without links, JSON values."""
    function = operation(name)
    kinds = params_of(function)
    declared = inspect.signature(function).parameters.values()
    values = {field.name: field.default for field in declared if field.default is not field.empty} | dict(arguments)
    filled = {
        key: _filled(kinds[key], value) if key in kinds else value
        for key, value in values.items()
        if key not in _NOT_COMPARED
    }
    plain: dict[str, Any] = json.loads(json.dumps(_resolved(filled), default=str))
    return {key: value for key, value in plain.items() if value not in (None, [], {})}


def _filled(kind: type[Params], value: Any) -> dict[str, Any]:
    chosen = value if isinstance(value, Params) else kind.from_dict(value or {})
    return chosen.to_dict()


def _resolved(value: Any) -> Any:
    if isinstance(value, (str, Path)):
        return str(Path(value).resolve()) if Path(value).is_absolute() else str(value)
    if isinstance(value, Mapping):
        return {key: _resolved(item) for key, item in value.items()}
    return [_resolved(item) for item in value] if isinstance(value, (list, tuple)) else value

"""Make an output again from its provenance, and compare it with what is there."""

from __future__ import annotations

import importlib
import inspect
import shutil
import tempfile
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from filecmp import cmp
from pathlib import Path
from typing import Any

from ais_app.core.errors import FileProblem
from ais_app.core.files import replacing
from ais_app.core.params import Params
from ais_app.core.provenance import Provenance, fingerprint, read_provenance, sidecar, versions
from ais_app.core.provenance import record as make_record
from ais_app.operations.per_file import FileResult

OUTPUT_ARGUMENTS = ("out_dir", "out")


@dataclass(frozen=True)
class Replayed:
    """What became of a replay.

    Parameters
    ----------
    path
        The output that was made again.
    made
        Where the new one is; the same path where the old one was missing, ``None`` where it was only compared.
    identical
        Whether both hold the same bytes; ``None`` where there was nothing to compare with.
    changed_versions
        Library to (then, now) where they differ: the usual reason for a difference.
    """

    path: Path
    made: Path | None
    identical: bool | None
    changed_versions: dict[str, tuple[str, str]]


def replay(path: str | Path, out_dir: str | Path | None = None) -> Replayed:
    """Make an output again from the provenance beside it.

    Parameters
    ----------
    path
        The output or its ``.json`` sidecar.
    out_dir
        Where to write it. Without one an output that is missing is put back in its place, and one that is there is
        only compared.

    Raises
    ------
    FileProblem
        There is no provenance, an input is missing, or an input is not the file it was.
    """
    record = read_provenance(path)
    path = Path(path)
    output = path if sidecar(path).exists() else path.with_name(path.name.removesuffix(".json"))
    folder = output.parent
    _check_inputs(record, folder)
    arguments = {name: _restored(value, record.inputs, folder) for name, value in record.arguments.items()}
    with tempfile.TemporaryDirectory(prefix="ais-app-replay-") as scratch:
        made = _make(record.operation, arguments, output, Path(scratch))
        identical = _same(output, made) if output.exists() else None
        target = Path(out_dir) / output.name if out_dir is not None else None if output.exists() else output
        if target is not None:
            with replacing(target) as part:
                shutil.copytree(made, part) if made.is_dir() else shutil.copyfile(made, part)
            inputs = [folder / name for name in record.inputs]
            make_record(record.operation, target, arguments, inputs, record.notes).write(target)
    now = versions()
    changed = {k: (v, now.get(k, "none")) for k, v in record.versions.items() if now.get(k) != v}
    return Replayed(output, target, identical, changed)


def _check_inputs(record: Provenance, folder: Path) -> None:
    for name, known in record.inputs.items():
        file = folder / name
        if not file.exists():
            raise FileProblem(file, "is missing; the output was made from it", "put it back")
        if fingerprint(file) != known:
            raise FileProblem(file, "is not the file the output was made from", "put the original back")


def _make(name: str, arguments: Mapping[str, Any], output: Path, scratch: Path) -> Path:
    """Run the operation into `scratch` and return the file that stands for `output`."""
    operation = _operation(name)
    where = next(name for name in OUTPUT_ARGUMENTS if name in inspect.signature(operation).parameters)
    place = {where: scratch / output.name if where == "out" else scratch}
    results = operation(**_with_params(operation, {**arguments, **place}))
    for result in results if isinstance(results, Sequence) else ():
        if isinstance(result, FileResult) and result.error is not None:
            raise result.error
    made = scratch / output.name
    if not made.exists():
        raise FileProblem(output, f"was not made by {name} this time", "see the provenance beside it")
    return made


def _operation(name: str) -> Callable[..., Any]:
    """Return the operation of that name: function NAME of ``ais_app.operations.NAME``."""
    try:
        module = importlib.import_module(f"ais_app.operations.{name}") if name.isidentifier() else None
    except ModuleNotFoundError:
        module = None
    function = getattr(module, name, None)
    if function is None:
        raise FileProblem(name, "is not an operation of this version of ais-app", "update ais-app")
    return typing.cast("Callable[..., Any]", function)


def _restored(value: Any, inputs: Mapping[str, str], folder: Path) -> Any:
    """Turn the recorded names of inputs, which are relative to the output's folder, into paths."""
    if isinstance(value, str):
        return str(folder / value) if value in inputs else value
    if isinstance(value, list):
        return [_restored(item, inputs, folder) for item in value]
    if isinstance(value, dict):
        return {key: _restored(item, inputs, folder) for key, item in value.items()}
    return value


def _with_params(operation: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Make parameter sets of the arguments that the operation declares as such."""
    hints = typing.get_type_hints(operation)
    ready = {}
    for name, value in arguments.items():
        kinds = [hints[name], *typing.get_args(hints[name])] if name in hints else []
        kind = next((k for k in kinds if isinstance(k, type) and issubclass(k, Params)), None)
        ready[name] = kind.from_dict(value) if kind is not None and isinstance(value, dict) else value
    return ready


def _same(one: Path, other: Path) -> bool:
    if one.is_dir():
        return fingerprint(one) == fingerprint(other)
    return cmp(one, other, shallow=False)

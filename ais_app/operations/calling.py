"""Call an operation by its name, with JSON-able arguments: what replays and queues do.

    "segment", {"tomograms": [...], "params": {"tta": 4}, ...} ──► segment_job(..., params=PredictionParams(tta=4))

An operation is the function NAME of ``ais_app.operations.NAME``; its job is ``NAME_job`` of the same module.
"""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.jobs import Job
from ais_app.core.params import Params
from ais_app.core.provenance import Provenance

OUTPUT_ARGUMENTS = ("out_dir", "out")


def operation(name: str) -> Callable[..., Any]:
    """Return the operation of that name.

    Raises
    ------
    FileProblem
        There is none in this version.
    """
    return _function(name, name)


def operation_job(name: str, arguments: Mapping[str, Any]) -> Job[Any]:
    """Return the job of an operation, not yet begun.

    Parameters
    ----------
    name
        ``"segment"``, ``"pick"`` ...
    arguments
        As for the operation; parameter sets may be given as mappings.

    Raises
    ------
    FileProblem
        There is no such operation in this version.
    ParameterProblem
        It does not take such arguments, or a parameter is unknown or out of bounds.
    """
    check_call(name, arguments)
    function = _function(name, f"{name}_job")
    job: Job[Any] = function(**with_params(function, arguments))
    return job


def check_call(name: str, arguments: Mapping[str, Any]) -> None:
    """Raise what `operation_job` would raise, and do nothing."""
    function = _function(name, f"{name}_job")
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        raise ParameterProblem(name, f"cannot be called like this: {error}", f"see: ais-app {name} --help") from error
    with_params(function, arguments)


def paths_of(name: str) -> set[str]:
    """Return the arguments of an operation that may name files."""
    hints = typing.get_type_hints(operation(name))
    return {argument for argument, hint in hints.items() if argument != "return" and _has_path(hint)}


def _has_path(hint: Any) -> bool:
    return hint is Path or any(map(_has_path, typing.get_args(hint)))


def with_params(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments, with parameter sets made of the mappings that `function` declares as such."""
    kinds = params_of(function)
    return {
        name: kinds[name].from_dict(value) if name in kinds and isinstance(value, Mapping) else value
        for name, value in arguments.items()
    }


def params_of(function: Callable[..., Any]) -> dict[str, type[Params]]:
    """Return the arguments of an operation that are parameter sets, and their kinds."""
    found = {}
    for name, hint in typing.get_type_hints(function).items():
        kinds = [k for k in (hint, *typing.get_args(hint)) if isinstance(k, type) and issubclass(k, Params)]
        if kinds and name != "return":
            found[name] = kinds[0]
    return found


def recorded_arguments(record: Provenance, folder: Path) -> dict[str, Any]:
    """Return the arguments of a provenance, with the names of its inputs, relative to `folder`, made into paths.

    Also the Zarr folders of which only parts are inputs.
    """
    wholes = {name.rpartition("/")[0] for name in record.inputs}
    known = {*record.inputs, *(name for name in wholes if name.endswith(".zarr"))}
    return {name: _restored(value, known, folder) for name, value in record.arguments.items()}


def _function(operation: str, name: str) -> Callable[..., Any]:
    try:
        module = importlib.import_module(f"ais_app.operations.{operation}") if operation.isidentifier() else None
    except ModuleNotFoundError:
        module = None
    function = getattr(module, name, None)
    if function is None:
        raise FileProblem(operation, "is not an operation of this version of ais-app", "update ais-app")
    return typing.cast("Callable[..., Any]", function)


def _restored(value: Any, inputs: Collection[str], folder: Path) -> Any:
    if isinstance(value, str):
        return str(folder / value) if value in inputs else value
    if isinstance(value, list):
        return [_restored(item, inputs, folder) for item in value]
    if isinstance(value, dict):
        return {key: _restored(item, inputs, folder) for key, item in value.items()}
    return value

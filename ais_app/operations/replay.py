"""Make an output again from its provenance, and compare it with what is there."""

from __future__ import annotations

import inspect
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from filecmp import cmp
from pathlib import Path
from typing import Any

from ais_app.core.errors import FileProblem
from ais_app.core.files import replacing
from ais_app.core.provenance import Provenance, fingerprint, read_provenance, sidecar, versions
from ais_app.core.provenance import record as make_record
from ais_app.operations.calling import OUTPUT_ARGUMENTS, operation, recorded_arguments, with_params
from ais_app.operations.per_file import FileResult


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
    differing
        Of a folder, the files in it that are not the same.
    """

    path: Path
    made: Path | None
    identical: bool | None
    changed_versions: dict[str, tuple[str, str]]
    differing: tuple[str, ...] = ()


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
    arguments = recorded_arguments(record, folder)
    with tempfile.TemporaryDirectory(prefix="ais-app-replay-") as scratch:
        made = _make(record.operation, arguments, output, Path(scratch))
        identical = _same(output, made) if output.exists() else None
        differing = _differing(output, made) if identical is False else ()
        target = Path(out_dir) / output.name if out_dir is not None else None if output.exists() else output
        if target is not None:
            with replacing(target) as part:
                shutil.copytree(made, part) if made.is_dir() else shutil.copyfile(made, part)
            inputs = [folder / name for name in record.inputs]
            make_record(record.operation, target, arguments, inputs, record.notes).write(target)
    now = versions()
    changed = {k: (v, now.get(k, "none")) for k, v in record.versions.items() if now.get(k) != v}
    return Replayed(output, target, identical, changed, differing)


def _check_inputs(record: Provenance, folder: Path) -> None:
    for name, known in record.inputs.items():
        file = folder / name
        if not file.exists():
            raise FileProblem(file, "is missing; the output was made from it", "put it back")
        if fingerprint(file) != known:
            raise FileProblem(file, "is not the file the output was made from", "put the original back")


def _make(name: str, arguments: Mapping[str, Any], output: Path, scratch: Path) -> Path:
    """Run the operation into `scratch` and return the file that stands for `output`."""
    function = operation(name)
    where = next(name for name in OUTPUT_ARGUMENTS if name in inspect.signature(function).parameters)
    place = {where: scratch / output.name if where == "out" else scratch}
    results = function(**with_params(function, {**arguments, **place}))
    for result in results if isinstance(results, Sequence) else ():
        if isinstance(result, FileResult) and result.error is not None:
            raise result.error
    made = scratch / output.name
    if not made.exists():
        raise FileProblem(output, f"was not made by {name} this time", "see the provenance beside it")
    return made


def _same(one: Path, other: Path) -> bool:
    if one.is_dir():
        return fingerprint(one) == fingerprint(other)
    return cmp(one, other, shallow=False)


def _differing(one: Path, other: Path) -> tuple[str, ...]:
    """Return the files of two folders that are not the same in both."""
    if not (one.is_dir() and other.is_dir()):
        return ()
    names = {file.relative_to(folder).as_posix() for folder in (one, other) for file in folder.rglob("*")}
    pairs = {name: (one / name, other / name) for name in sorted(names)}
    return tuple(
        name
        for name, (first, second) in pairs.items()
        if not (first.is_dir() or second.is_dir())
        and not (first.exists() and second.exists() and cmp(first, second, shallow=False))
    )

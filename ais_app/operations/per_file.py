"""Operations over many files: do all of them, keep what failed, say what happened to each.

paths, folders, globs ──► input_files ──► each_file: one job a file ──► [FileResult, ...]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ais_app.core.errors import AisAppError, FileProblem, ParameterProblem
from ais_app.core.jobs import Job, Progress
from ais_app.core.tomogram import VOLUME_SUFFIXES


@dataclass(frozen=True)
class FileResult:
    """What became of one input file.

    Parameters
    ----------
    path
        The input.
    outputs
        Files that were written, or that were there already.
    error
        Why it failed; ``None`` when it did not.
    message
        A few words for a person: ``"612 particles"``.
    skipped
        The outputs were there already and were left as they are.
    """

    path: Path
    outputs: tuple[Path, ...] = ()
    error: AisAppError | None = None
    message: str = ""
    skipped: bool = False


def input_files(
    paths: Sequence[str | Path], suffixes: Sequence[str] = VOLUME_SUFFIXES, what: str = "volume"
) -> list[Path]:
    """Return the files that a person means by files, folders and globs, each once, in the order given.

    Parameters
    ----------
    paths
        A folder stands for the files in it that end in one of `suffixes` (an OME-Zarr folder is a file); a name
        with ``*``, ``?`` or ``[`` that is no file for what it matches.
    suffixes
        Lower-case, with dot; also found with .gz or .bz2 behind.
    what
        What such a file is called in messages.

    Raises
    ------
    FileProblem
        A folder or a glob holds no such file.
    ParameterProblem
        No path is given.
    """
    if not paths:
        raise ParameterProblem("input", "no file is given", "name files, folders or globs")
    found: list[Path] = []
    for path in map(Path, paths):
        is_pattern = any(sign in str(path) for sign in "*?[") and not path.exists()
        if not is_pattern and (path.is_file() or not path.is_dir() or _is_volume(path, suffixes)):
            found.append(path)  # a file that is missing is reported as such when its turn comes
            continue
        root = Path(path.anchor)
        listing = root.glob(str(path.relative_to(root))) if is_pattern else path.iterdir()
        inside = sorted(p for p in listing if _is_volume(p, suffixes) and not p.name.startswith("."))
        if not inside:
            raise FileProblem(path, f"holds no {what}" if path.is_dir() else f"matches no {what}", "check the name")
        found.extend(inside)
    return list(dict.fromkeys(found))


def _is_volume(path: Path, suffixes: Sequence[str]) -> bool:
    return path.name.lower().removesuffix(".gz").removesuffix(".bz2").endswith(tuple(suffixes))


def each_file(
    paths: Sequence[Path],
    targets: Callable[[Path], Sequence[Path]],
    work: Callable[[Path], Job[str]],
    *,
    skip_existing: bool = False,
) -> Job[list[FileResult]]:
    """Do the work on every file, also after one has failed.

    Parameters
    ----------
    paths
        Inputs.
    targets
        ``targets(path)``: the files that the work on `path` will write.
    work
        ``work(path)``: a job that writes them and returns a few words about it.
    skip_existing
        Leave a file out whose targets are all there; otherwise they are replaced.

    Yields
    ------
    Progress
        In files.

    Returns
    -------
    list of FileResult
        In the order of `paths`.

    Raises
    ------
    ParameterProblem
        Two inputs would write the same file.
    """
    planned = {path: tuple(Path(target) for target in targets(path)) for path in paths}
    _check_collisions(planned)
    results = []
    for number, (path, wanted) in enumerate(planned.items()):
        yield Progress(number, len(planned), path.name)
        if skip_existing and all(target.exists() for target in wanted):
            results.append(FileResult(path, wanted, message="was there already", skipped=True))
            continue
        try:
            message = yield from _within(work(path), number, len(planned), path.name)
            results.append(FileResult(path, wanted, message=message))
        except AisAppError as error:
            results.append(FileResult(path, error=error))
    yield Progress(len(planned), len(planned), "done")
    return results


def _within(job: Job[str], number: int, total: int, name: str) -> Job[str]:
    """Pass a file's own progress on, as a fraction of a file."""
    try:
        step = next(job)
        while True:
            part = min(1.0, step.done / step.total) if step.total else 0.0
            try:
                yield Progress(number + part, total, f"{name}: {step.message}" if step.message else name, step.values)
            except BaseException as stop:  # noqa: BLE001 - not handled here: handed on to the job that is running
                step = job.throw(stop)
            else:
                step = next(job)
    except StopIteration as finished:
        return str(finished.value)


def _check_collisions(planned: dict[Path, tuple[Path, ...]]) -> None:
    owner: dict[Path, Path] = {}
    for path, wanted in planned.items():
        for target in wanted:
            if target in owner:
                problem = f"{owner[target]} and {path} would both write it"
                raise ParameterProblem(target, problem, "give them different names or output folders")
            owner[target] = path

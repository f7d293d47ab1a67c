"""Particle lists from one program's format to another's: read, name, filter, join or split, write."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from glob import escape
from pathlib import Path
from typing import Any

from ais_app.core import provenance
from ais_app.core.coordinates import coordinate_format, write_particles
from ais_app.core.errors import AisAppError, DataWarning, ParameterProblem
from ais_app.core.files import check_not_input, check_suffix
from ais_app.core.formats.star.merging import merged
from ais_app.core.jobs import Job, direct
from ais_app.core.position_check import position_problems
from ais_app.core.tomogram import VOLUME_SUFFIXES
from ais_app.operations.particle_lists import Listing, how_many, read_job
from ais_app.operations.per_file import FileResult


def coordinates_job(
    inputs: Sequence[str | Path],
    out: str | Path,
    *,
    to: str = "star",
    source: str = "auto",
    voxel_size: float | None = None,
    shape: Sequence[int] | None = None,
    tomograms: Sequence[str | Path] = (),
    options: Mapping[str, Any] | None = None,
    source_options: Mapping[str, Any] | None = None,
    only: Sequence[str] = (),
    rename: Sequence[str] = (),
    split: bool = False,
) -> Job[list[FileResult]]:
    """Convert particle lists.

    Parameters
    ----------
    inputs
        Files, folders or globs.
    out
        A name with suffix: file for the particles of all inputs together, written if all could be read. Otherwise,
        or when such a folder is there: folder for one file for each input, or with `split` for each tomogram.
    to, source
        Format to write, and format to read; ``"auto"`` finds the latter from the content.
    voxel_size
        Å, of the tomogram that positions belong to; also replaces what plain lists say.
    shape
        Voxels of the tomogram, z y x.
    tomograms
        Volume files; their shapes (and voxel size, where the list has none) are used, found by name.
    options, source_options
        Options of the format to write and of that to read; `ais_app.core.coordinates` lists them.
    only
        Names of tomograms to keep, ``*`` and ``?`` allowed.
    rename
        ``"old:new"`` replacements in the names of tomograms, in this order.
    split
        Write one file for each tomogram.

    Returns
    -------
    list of FileResult
        One for each output, or each input that failed.

    Raises
    ------
    ParameterProblem
        Options that do not fit, an unknown format, or `out` is an input or has the suffix of a volume.
    FileProblem
        A folder or glob holds no coordinate file.
    """
    chosen = coordinate_format(to)
    chosen.params.from_dict(options or {})  # a wrong option is said before anything is done
    if _is_file(out, split) and Path(out).name.lower().endswith(VOLUME_SUFFIXES):
        check_suffix(out, (chosen.suffix,), f"a file of format {to}")
    reading: dict[str, Any] = {"source": source, "voxel_size": voxel_size, "shape": shape, "tomograms": tomograms}
    reading |= {"source_options": source_options, "only": only, "rename": rename}
    listings = yield from read_job(inputs, **reading)
    arguments = {**reading, "to": to, "options": dict(options or {})}
    results = [FileResult(listing.path, error=listing.error) for listing in listings if listing.error is not None]
    if results and _is_file(out, split):
        return results  # all together or nothing: a joined list that lacks a part would look whole
    for target, parts in _targets(listings, Path(out), to, split).items():
        try:
            results.append(_write(target, parts, arguments, tomograms))
        except AisAppError as error:
            results.append(FileResult(target, error=error))
    return results


coordinates = direct(coordinates_job)


def _is_file(out: str | Path, split: bool) -> bool:
    return bool(Path(out).suffix) and not Path(out).is_dir() and not split


def _targets(listings: Iterable[Listing], out: Path, to: str, split: bool) -> dict[Path, list[Listing]]:
    read = [listing for listing in listings if listing.particles is not None]
    if _is_file(out, split):
        return {out: read} if read else {}
    suffix = coordinate_format(to).suffix
    targets: dict[Path, list[Listing]] = {}
    for listing in read:
        assert listing.particles is not None  # those without were left out
        if not split:
            stem = listing.path.name.removesuffix(".gz")
            target = out / f"{Path(stem).stem}{suffix}"
            if target in targets:
                problem = f"{targets[target][0].path} and {listing.path} would both write it"
                raise ParameterProblem(target, problem, "join them with -o FILE")
            targets[target] = [listing]
            continue
        for name in listing.particles.names:
            own = replace(listing, particles=listing.particles[listing.particles.tomograms == name])
            targets.setdefault(out / f"{name or listing.path.stem}{suffix}", []).append(own)
    return targets


def _write(
    target: Path, parts: Sequence[Listing], arguments: dict[str, Any], tomograms: Sequence[str | Path]
) -> FileResult:
    check_not_input([target], [*(part.path for part in parts), *tomograms])
    particles = merged([part.particles for part in parts if part.particles is not None])
    for problem in position_problems(particles):
        warnings.warn(DataWarning(f"{target}: {problem}"), stacklevel=2)
    write_particles(target, particles, arguments["to"], **arguments["options"])
    paths = list(dict.fromkeys(part.path for part in parts))
    named = [value for given in ("options", "source_options") for value in (arguments[given] or {}).values()]
    files = [*paths, *tomograms, *(v for v in named if isinstance(v, str) and v and Path(v).is_file())]
    recorded = {"inputs": [str(path) for path in paths], "out": str(target), **arguments}
    if len(particles.names) == 1 and particles.names[0]:
        recorded["only"] = recorded["only"] or [escape(particles.names[0])]
    notes = {"particles": len(particles)}
    provenance.record("coordinates", target, recorded, files, notes).write(target)
    return FileResult(parts[0].path, (target,), message=how_many(particles))

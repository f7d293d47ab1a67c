"""Write a stack of subtomograms for RELION, for Dynamo, or as plain MRC files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.errors import FileProblem
from ais_app.core.files import check_not_input, replacing, write_text
from ais_app.core.formats.star.syntax import write_star
from ais_app.core.io import write_volume
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.params import Params, param
from ais_app.core.particles.choice import ParticleChoice, chosen_rows
from ais_app.core.particles.export import dynamo_table, relion_star, table_text, wedge_volume, write_em
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.tomogram import Tomogram
from ais_app.operations.subtomo_inputs import recorded_choice


@dataclass(frozen=True)
class SubtomogramExportParams(Params):
    """For which program subtomograms are written, and how."""

    format: str = param("relion", "Program that reads them", choices=("relion", "dynamo", "mrc"))
    dark: bool = param(False, "Dark particles: with references as dark as the tomograms")


def subtomo_export_job(
    stack: str | Path,
    out_dir: str | Path,
    params: SubtomogramExportParams | None = None,
    *,
    root: str | Path | None = None,
    choice: ParticleChoice | None = None,
) -> Job[Path]:
    """Write a stack for another program.

    Parameters
    ----------
    stack
        The folder.
    out_dir
        Where to: ``particles.star`` with folders ``subtomograms`` and ``wedges`` (RELION, MRC), or ``particles.tbl``
        and ``particles.doc`` with the folder ``data`` (Dynamo).
    params
        Program and contrast.
    root
        Folder of the RELION project, which the names in the STAR file are relative to; `out_dir` if not given.
    choice
        Which particles are written; all if not given. They are numbered anew.

    Returns
    -------
    Path
        The list of particles.

    Raises
    ------
    FileProblem
        The stack is damaged, or the folder cannot be written.
    ParameterProblem
        The tilt axis has no place in the table of Dynamo, or `out_dir` lies in the stack.
    """
    chosen, folder = params or SubtomogramExportParams(), Path(out_dir)
    check_not_input([folder / "particles.star"], [stack])  # a stack has a list of that name too
    opened = SubtomogramStack.open(stack)
    if choice:
        opened = opened.subset(chosen_rows(opened, choice))
    arguments: dict[str, Any] = {"stack": str(stack), "out_dir": str(out_dir), "params": chosen}
    arguments |= {"root": None if root is None else str(root), "choice": recorded_choice(opened, choice)}
    if chosen.format == "dynamo":
        return (yield from _dynamo(opened, folder, chosen, arguments))
    return (yield from _relion(opened, folder, chosen, arguments, Path(root) if root is not None else folder))


subtomo_export = direct(subtomo_export_job)


def _relion(
    stack: SubtomogramStack, folder: Path, params: SubtomogramExportParams, arguments: Mapping[str, Any], root: Path
) -> Job[Path]:
    images = [folder / "subtomograms" / f"particle_{row:06d}.mrc" for row in range(1, len(stack) + 1)]
    wedges = [folder / "wedges" / f"wedge_{number}.mrc" for number in range(1, len(stack.wedges) + 1)]
    listing = folder / "particles.star"
    star = relion_star(
        stack, [_named(image, root) for image in images], [_named(wedge, root) for wedge in wedges],
        optics=params.format == "relion",
    )  # fmt: skip
    record = _record(stack, listing, arguments)
    for path, wedge in zip(wedges, stack.wedges, strict=True):
        volume = wedge_volume(wedge, stack.edge)
        write_volume(path, volume, like=Tomogram(volume, (stack.voxel_size,) * 3))
    for row, path in enumerate(images):
        yield Progress(row, len(stack), path.name)
        cube = _cube(stack, row, params)
        write_volume(path, cube, like=Tomogram(cube, (stack.voxel_size,) * 3))
    with replacing(listing) as part:
        write_star(part, star)
    record.write(listing)
    return listing


def _dynamo(
    stack: SubtomogramStack, folder: Path, params: SubtomogramExportParams, arguments: Mapping[str, Any]
) -> Job[Path]:
    listing = folder / "particles.tbl"
    table, names = dynamo_table(stack)
    record = _record(stack, listing, arguments)
    data = folder / "data"
    for row in range(len(stack)):
        path = data / f"particle_{row + 1:06d}.em"
        yield Progress(row, len(stack), path.name)
        with replacing(path) as part:
            write_em(part, _cube(stack, row, params))
    write_text(folder / "particles.doc", "".join(f"{number} {name}\n" for number, name in enumerate(names, start=1)))
    write_text(listing, table_text(table))
    record.write(listing)
    return listing


def _cube(stack: SubtomogramStack, row: int, params: SubtomogramExportParams) -> np.ndarray:
    (cube,) = stack.read([row])
    return -cube if params.dark else cube


def _record(stack: SubtomogramStack, listing: Path, arguments: Mapping[str, Any]) -> provenance.Provenance:
    if stack.path is None:
        raise FileProblem(listing, "is of a stack in memory", "write the stack first")
    notes = {"particles": len(stack), "voxel_size": stack.voxel_size}
    return provenance.record("subtomo_export", listing, arguments, [stack.path], notes)


def _named(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path.resolve(), root.resolve())).as_posix()

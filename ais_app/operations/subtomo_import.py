"""Make a stack of the subtomograms of another program: RELION's STAR and images, Dynamo's table and data folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import geometry, provenance
from ais_app.core.coordinates import read_particles
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.files import check_not_input
from ais_app.core.formats.star.columns import COORDINATES, ORIGINS, ORIGINS_ANGST, SUBTOMOGRAM_ANGLES
from ais_app.core.formats.star.reading import particle_table
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.params import Params, param
from ais_app.core.particle_set import Particles
from ais_app.core.particles.cube_values import normalised
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import create_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.operations.wedge import wedge_for

_BATCH = 16


@dataclass(frozen=True)
class SubtomogramImportParams(Params):
    """What the files of another program do not say."""

    dark: bool = param(False, "Particles are dark in the files: turn them bright")
    normalise: bool = param(False, "Mean 0 and deviation 1 in each box")
    voxel_size: float | None = param(None, "Of the boxes, replaces what the files say", unit="Å", low=0.01, high=1e4)


@dataclass(frozen=True)
class _Found:
    """Boxes with what their list says; shifts in Å, x y z."""

    files: list[Path]
    particles: Particles
    shifts: np.ndarray
    wedges: list[Wedge]
    classes: np.ndarray | None


def subtomo_import_job(
    listing: str | Path,
    out: str | Path,
    params: SubtomogramImportParams | None = None,
    *,
    tilt: str | None = None,
    root: str | Path | None = None,
) -> Job[Path]:
    """Make a stack of subtomograms that another program has cut.

    Parameters
    ----------
    listing
        A STAR file with rlnImageName (a volume for each particle), or a Dynamo table (``.tbl``).
    out
        The stack, a folder whose name ends in ``.zarr``.
    params
        Contrast, grey values, voxel size.
    tilt
        Lowest and highest tilt, ``"-60,60"``; else RELION's rlnCtfImage and columns 13-15 of Dynamo say.
    root
        What the names in the STAR file are relative to, or the data folder of Dynamo; if not given the folder of the
        list, or ``data`` in it.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    FileProblem
        The list or a box cannot be read, or boxes are of several sizes.
    ParameterProblem
        The voxel size or the tilts are not known, boxes were cut turned, or the list lies in `out`.
    """
    chosen, listing, out = params or SubtomogramImportParams(), Path(listing), Path(out)
    if out.suffix != ".zarr":
        raise ParameterProblem("out", f"{out.name!r} does not end in .zarr", "a stack is a folder such as PICKS.zarr")
    check_not_input([out], [listing])
    yield Progress(0, 0, "reading the list")
    read = _dynamo if listing.suffix.lower() == ".tbl" else _relion
    found = read(listing, None if root is None else Path(root), tilt, chosen.voxel_size)
    if not len(found.particles):
        raise FileProblem(listing, "has no particles")
    first = open_tomogram(found.files[0], voxel_size=chosen.voxel_size)
    edge = first.shape[0]
    size = first.voxel_size if first.voxel_size_zyx is not None else found.particles.voxel_size
    if size is None:
        raise ParameterProblem(found.files[0], "the voxel size is not known", "give it with --voxel-size")
    arguments: dict[str, Any] = {"listing": str(listing), "out": str(out), "params": chosen, "tilt": tilt}
    arguments["root"] = None if root is None else str(root)
    record = provenance.record("subtomo_import", out, arguments, [listing], {"particles": len(found.particles)})
    scores = np.zeros(len(found.files)) if found.particles.scores is None else found.particles.scores
    rotations = found.particles.rotations
    turned = np.tile(np.eye(3), (len(found.files), 1, 1)) if rotations is None else rotations
    poses = Poses(turned, geometry.xyz(found.shifts) / size, np.asarray(scores, dtype=float))
    centres = found.particles.positions_zyx - geometry.xyz(found.shifts)
    particles = replace(found.particles, positions_zyx=centres)
    wedges = tuple(dict.fromkeys(found.wedges))
    wedge_of = np.array([wedges.index(wedge) for wedge in found.wedges])
    notes = {"contrast": "bright", "imported_from": listing.name}
    with create_stack(
        out, edge, particles, wedges, wedge_of, size, poses=poses, classes=found.classes, notes=notes
    ) as writer:
        for start in range(0, len(found.files), _BATCH):
            files = found.files[start : start + _BATCH]
            yield Progress(start, len(found.files), files[0].name)
            cubes = np.stack([_cube(path, edge, chosen) for path in files])
            writer.write(np.arange(start, start + len(files)), cubes)
    record.write(out)
    return out


subtomo_import = direct(subtomo_import_job)


def _cube(path: Path, edge: int, params: SubtomogramImportParams) -> np.ndarray:
    volume = open_tomogram(path)
    if volume.shape != (edge,) * 3:
        shape = " × ".join(map(str, volume.shape))
        raise FileProblem(path, f"has {shape} voxels, the first box {edge} along each axis", "boxes must be alike")
    cube = np.asarray(volume.read(), dtype=np.float32) * (-1 if params.dark else 1)
    if missing := cube.size - int(np.count_nonzero(np.isfinite(cube))):
        problem = f"{missing:,} of its voxels are no numbers (NaN or infinite)"
        raise FileProblem(path, problem, "leave it out of the list, or cut it again")
    return normalised(cube) if params.normalise else cube


def _relion(listing: Path, root: Path | None, tilt: str | None, voxel_size: float | None) -> _Found:
    source = particle_table(listing, (*COORDINATES, "rlnImageName"))
    if source.has(SUBTOMOGRAM_ANGLES) and np.abs(source.numbers(SUBTOMOGRAM_ANGLES)).max() > 1e-3:
        raise ParameterProblem(listing, "its boxes were cut turned", "cut them again: ais-app subtomo extract")
    try:
        particles = read_particles(listing)
    except ParameterProblem:
        if voxel_size is None:
            raise
        particles = read_particles(listing, voxel_size=voxel_size)
    folder = root if root is not None else listing.parent
    names = source.table["rlnImageName"].astype(str).tolist()
    shifts = np.zeros((len(names), 3))
    if source.has(ORIGINS_ANGST):
        shifts = -source.numbers(ORIGINS_ANGST)
    elif source.has(ORIGINS):
        shifts = -source.numbers(ORIGINS) * (particles.voxel_size or 0.0)
    classes = None
    if "rlnClassNumber" in source.table.columns:
        classes = source.numbers(["rlnClassNumber"])[:, 0].astype(np.int64) - 1
    masks = source.table["rlnCtfImage"].astype(str).tolist() if "rlnCtfImage" in source.table.columns else None
    return _Found(
        [folder / name for name in names], particles, shifts, _wedges(listing, folder, masks, tilt, len(names)), classes
    )


def _wedges(listing: Path, folder: Path, masks: Sequence[str] | None, tilt: str | None, count: int) -> list[Wedge]:
    if tilt is not None:
        return [wedge_for("", tilt)] * count
    if masks is None:
        raise ParameterProblem(listing, "it names no wedges (rlnCtfImage)", "give the tilts: --tilt -60,60")
    known = {name: _wedge_of(folder / name) for name in dict.fromkeys(masks)}
    return [known[name] for name in masks]


def _wedge_of(path: Path) -> Wedge:
    values = open_tomogram(path).read()
    return Wedge(-90, 90) if np.ptp(values) == 0 else wedge_for("", tilt_file=path)


def _dynamo(listing: Path, root: Path | None, tilt: str | None, voxel_size: float | None) -> _Found:
    particles = read_particles(listing, "dynamo", **({} if voxel_size is None else {"voxel_size": voxel_size}))
    table = particles.table
    shifts = np.loadtxt(listing, usecols=(3, 4, 5), ndmin=2) * (particles.voxel_size or 0.0)
    folder = root if root is not None else listing.parent / "data"
    if not folder.is_dir():
        raise FileProblem(folder, "no such folder", "name the data folder with --root")
    there = {
        int(match[1]): path for path in folder.iterdir() if (match := re.match(r"particle_(\d+)\.(em|mrc)$", path.name))
    }
    tags = table["dynamo_tag"].astype(int).tolist()
    missing = [tag for tag in tags if tag not in there]
    if missing:
        raise FileProblem(folder, f"has no particle_{missing[0]:06d}.em, nor .mrc ({len(missing):,} are missing)")
    if tilt is not None:
        wedges = [wedge_for("", tilt)] * len(tags)
    else:
        limits = table[["dynamo_ftype", "dynamo_ymintilt", "dynamo_ymaxtilt"]].to_numpy(dtype=float)
        wedges = [Wedge(low, high) if kind else Wedge(-90, 90) for kind, low, high in limits.tolist()]
    classes = table["dynamo_class"].to_numpy(dtype=np.int64) - 1
    own = replace(particles, table=table[[name for name in table.columns if not name.startswith("dynamo_")]])
    return _Found([there[tag] for tag in tags], own, shifts, wedges, classes if (classes >= 0).any() else None)

"""Find a template in tomograms: volumes and a density map in, files of coordinates with angles and scores out."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.coordinates import coordinate_format, write_particles
from ais_app.core.files import write_text
from ais_app.core.geometry import matrices_to_relion
from ais_app.core.io import create_volume, open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.matching.match import Matches
from ais_app.core.matching.match import match_job as matched
from ais_app.core.matching.parameters import MatchParams
from ais_app.core.matching.steps import slabs
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram, tomogram_name
from ais_app.core.volume.resample import binned
from ais_app.operations.density_maps import read_density
from ais_app.operations.per_file import FileResult, each_file, input_files
from ais_app.operations.pick import coordinate_path
from ais_app.operations.wedge import wedge_for_job


def match_job(
    tomograms: Sequence[str | Path],
    template: str | Path,
    out_dir: str | Path,
    params: MatchParams | None = None,
    *,
    tilt: str | None = None,
    tilt_file: str | Path | None = None,
    tilt_axis: str = "y",
    beam_axis: str = "z",
    mask: str | Path | None = None,
    formats: Sequence[str] = ("star",),
    keep_scores: bool = False,
    voxel_size: float | None = None,
    template_voxel_size: float | None = None,
    skip_existing: bool = False,
) -> Job[list[FileResult]]:
    """Find a template in tomograms.

    A search that was stopped, or whose process was killed, goes on where it was when it is started again: finished
    tiles lie in ``.<tomogram>_<template>_match`` in the output folder until it is done.

    Parameters
    ----------
    tomograms
        Files, folders or globs.
    template
        Density map of cubic voxels; voxel ``n // 2`` of each axis is the centre of the particle.
    out_dir
        Folder of the results, ``<tomogram>_<template>_coords.star`` and so on; made where it is missing.
    params
        How to search and what to keep; lengths in Å.
    tilt
        Lowest and highest tilt, ``"-60,60"``; ``"-90,90"`` if nothing is missing. Estimated from each tomogram if
        neither this nor `tilt_file` is given.
    tilt_file
        Angles of the tilt series (.tlt, .rawtlt, .mdoc ...), also with ``{tomogram}`` in its name.
    tilt_axis, beam_axis
        Of `tilt` and of files of tilts: x, y or z.
    mask
        On the voxels of the template, 0 ... 1; turned with it. A sphere if not given.
    formats
        Names of coordinate formats, see `ais_app.coordinate_formats`.
    keep_scores
        Also write the scores, the numbers of the rotations and the list of rotations:
        ``<tomogram>_<template>_scores.mrc``, ``…_angles.mrc`` and ``…_rotations.csv``.
    voxel_size, template_voxel_size
        Å; replace what the files of the tomograms, and of the template, say.
    skip_existing
        Leave tomograms out whose results are there.

    Returns
    -------
    list of FileResult
        One per tomogram; a failure is in its ``error``. Nothing found is no failure: the file has no particles.

    Raises
    ------
    ParameterProblem
        A format is not known, or the voxels of the template are no cubes or of no known size.
    FileProblem
        The template or the mask cannot be read, or a folder or glob holds no volume.
    """
    for name in formats:
        coordinate_format(name)  # an unknown one is said before anything is done
    density, size = read_density(template, template_voxel_size, option="--template-voxel-size")
    own_mask = None if mask is None else open_tomogram(mask).read()
    arguments: dict[str, Any] = {"template": str(template), "params": params or MatchParams(), "tilt": tilt}
    arguments |= {"tilt_file": None if tilt_file is None else str(tilt_file), "tilt_axis": tilt_axis}
    arguments |= {"beam_axis": beam_axis, "mask": None if mask is None else str(mask), "formats": list(formats)}
    arguments |= {"keep_scores": keep_scores, "voxel_size": voxel_size, "template_voxel_size": template_voxel_size}

    def stem(path: Path) -> str:
        return f"{tomogram_name(path)}_{tomogram_name(template)}"

    def targets(path: Path) -> list[Path]:
        return [
            *(coordinate_path(stem(path), out_dir, name) for name in formats),
            *(_score_files(Path(out_dir), stem(path)) if keep_scores else ()),
        ]

    def work(path: Path) -> Job[str]:
        tomogram = open_tomogram(path, voxel_size=voxel_size)
        tilts = None if tilt_file is None else Path(str(tilt_file).replace("{tomogram}", tomogram.name))
        wedge = yield from wedge_for_job(tomogram, tilt, tilts, tilt_axis=tilt_axis, beam_axis=beam_axis)
        inputs = [path, Path(template), *(Path(file) for file in (mask, tilts) if file is not None)]
        folder = Path(out_dir) / f".{stem(path)}_match"
        known = {"files": [provenance.fingerprint(file) for file in inputs[:2]], "wedge": wedge.to_dict()}
        search = matched(tomogram, density, size, wedge, params, mask=own_mask, folder=folder, identity=known)
        found = yield from search
        recorded = {"tomograms": [str(path)], "out_dir": str(out_dir), **arguments}
        yield from _write_job(found, tomogram, targets(path), recorded, inputs, wedge)
        message = _in_words(found)
        del found  # its volumes are files of the folder
        shutil.rmtree(folder, ignore_errors=True)
        return message

    return (yield from each_file(input_files(tomograms), targets, work, skip_existing=skip_existing))


match = direct(match_job)


def _score_files(out_dir: Path, stem: str) -> tuple[Path, Path, Path]:
    return out_dir / f"{stem}_scores.mrc", out_dir / f"{stem}_angles.mrc", out_dir / f"{stem}_rotations.csv"


def _write_job(
    found: Matches,
    tomogram: Tomogram,
    outputs: Sequence[Path],
    arguments: dict[str, Any],
    inputs: Sequence[Path],
    wedge: Wedge,
) -> Job[None]:
    notes: dict[str, Any] = {"particles": len(found.particles), "threshold": found.threshold}
    notes |= {"inverted": found.inverted, "outliers": found.outliers}
    notes |= {"rotations": len(found.scores.rotations), "wedge": wedge.to_dict()}
    formats = arguments["formats"]
    for output, name in zip(outputs, formats, strict=False):
        write_particles(output, found.particles, name)
    if arguments["keep_scores"]:
        scores, angles, rotations = outputs[len(formats) :]
        grid = binned(tomogram, arguments["params"].binning)
        for output, volume in ((scores, found.scores.score), (angles, found.scores.angle)):
            label = provenance.record("match", output, arguments, inputs, notes).label
            with create_volume(output, grid.shape, np.float32, like=grid, label=label) as writer:
                for part in slabs(grid.shape[0], grid.shape[1] * grid.shape[2]):
                    writer.write(part.start, np.asarray(volume[part], dtype=np.float32))
                    yield Progress(part.stop, grid.shape[0], f"writing {output.name}")
        rows = [
            f"{i},{a:.4f},{b:.4f},{c:.4f}" for i, (a, b, c) in enumerate(matrices_to_relion(found.scores.rotations))
        ]
        write_text(rotations, "\n".join(["angle,rlnAngleRot,rlnAngleTilt,rlnAnglePsi", *rows]) + "\n")
    for output in outputs:
        provenance.record("match", output, arguments, inputs, notes).write(output)


def _in_words(found: Matches) -> str:
    count = len(found.particles)
    if not count:
        highest = float(found.scores.score.max())
        return f"0 particles: no score reaches the threshold {found.threshold:.3f}; the highest is {highest:.3f}"
    scores = found.particles.scores
    assert scores is not None
    words = [f"{count:,} particle{'s' * (count != 1)}, scores {scores.max():.3f} to {scores.min():.3f}"]
    if found.inverted:
        words.append("template inverted")
    if found.outliers:
        words.append(f"{found.outliers} left out as too strong in contrast")
    return "; ".join(words)

"""Subtomograms for other programs: the STAR files and wedge volumes of RELION, the tables of Dynamo.

    RELION   one .mrc a particle, bright; rlnCtfImage names a volume of what the tilt series measured, with frequency 0
             in the central voxel; rlnOrigin...Angst leads from where the particle lies to the centre of its box
    Dynamo   particle_000001.em ... numbered by the column tag; dx, dy, dz lead from the centre of the box to where the
             particle lies; columns 13-15 hold the tilts

Boxes of both have their centre at voxel n // 2, counted from 0, as here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ais_app.core import geometry
from ais_app.core.errors import ParameterProblem
from ais_app.core.formats.star.columns import ANGLES, COORDINATES, ORIGINS_ANGST, SCORE
from ais_app.core.formats.star.syntax import StarFile, fixed
from ais_app.core.particles.wedge import Wedge

if TYPE_CHECKING:
    from ais_app.core.particles.stack import SubtomogramStack

_DYNAMO_COLUMNS = 42
_DYNAMO_VALUES_OF = {
    "tag": 1, "aligned": 2, "averaged": 3, "dx": 4, "dy": 5, "dz": 6, "tdrot": 7, "tilt": 8, "narot": 9, "cc": 10,
    "ftype": 13, "ymintilt": 14, "ymaxtilt": 15, "tomo": 20, "class": 22, "x": 24, "y": 25, "z": 26, "dshift": 27,
    "apix": 36,
}  # fmt: skip


def relion_star(
    stack: SubtomogramStack, images: Sequence[str], wedges: Sequence[str], *, optics: bool = True
) -> StarFile:
    """Return the STAR file of a stack, as RELION 3.1 and 4 read it.

    Parameters
    ----------
    stack
        Whose particles, poses and classes are written.
    images
        The file of each cube, as RELION is to find it.
    wedges
        The file of each of the stack's wedges.
    optics
        With a block of optics groups, one a wedge; without, one plain block with rlnPixelSize.
    """
    particles, poses = stack.particles, stack.poses
    pixel = particles.voxel_size or stack.voxel_size
    index = geometry.angstrom_to_index(geometry.xyz(particles.positions_zyx), pixel)
    columns: dict[str, np.ndarray] = {"rlnTomoName": particles.tomograms, "rlnMicrographName": particles.tomograms}
    columns |= dict(zip(COORDINATES, fixed(index).T, strict=True))
    columns |= dict(zip(ANGLES, fixed(geometry.matrices_to_relion(poses.rotations)).T, strict=True))
    origins = -geometry.xyz(poses.shifts_zyx) * stack.voxel_size
    columns |= dict(zip(ORIGINS_ANGST, fixed(origins + 0.0).T, strict=True))
    columns |= {"rlnImageName": np.array(images, dtype=object), SCORE: poses.scores}
    columns["rlnCtfImage"] = np.array(wedges, dtype=object)[stack.wedge_of]
    if stack.classes is not None:
        columns["rlnClassNumber"] = stack.classes + 1
    if optics:
        columns["rlnOpticsGroup"] = stack.wedge_of + 1
    else:
        columns["rlnPixelSize"] = np.full(len(stack), pixel)
    left_out = {"rlnPixelSize", "rlnOpticsGroup", *columns}
    columns |= {str(name): particles.table[name].to_numpy() for name in particles.table if name not in left_out}
    table = pd.DataFrame(columns)
    if not optics:
        return StarFile({"particles": table}, {})
    groups = np.arange(1, len(stack.wedges) + 1)
    known = pd.DataFrame(
        {
            "rlnOpticsGroup": groups,
            "rlnOpticsGroupName": [f"opticsGroup{group}" for group in groups],
            "rlnVoltage": 300.0,
            "rlnSphericalAberration": 2.7,
            "rlnAmplitudeContrast": 0.07,
            "rlnMicrographPixelSize": pixel,
            "rlnImagePixelSize": stack.voxel_size,
            "rlnImageSize": stack.edge,
            "rlnImageDimensionality": 3,
        }
    )
    return StarFile({"optics": known, "particles": table}, {})


def dynamo_table(stack: SubtomogramStack) -> tuple[np.ndarray, list[str]]:
    """Return the table of a stack, (n, 42), and the names of the tomograms that its column 20 numbers from 1.

    Raises
    ------
    ParameterProblem
        A tilt axis is not y: the table has no room for it.
    """
    for wedge in stack.wedges:
        if (wedge.tilt_axis, wedge.beam_axis) != ("y", "z"):
            problem = (
                f"Dynamo's tables hold tilts about y, here the axis is {wedge.tilt_axis}, the beam {wedge.beam_axis}"
            )
            raise ParameterProblem("wedge", problem, "turn the tomograms before they are cut")
    particles, poses, count = stack.particles, stack.poses, len(stack)
    names = particles.names
    # voxels of the cubes, counted from 1: one size for positions, shifts and boxes
    where = geometry.angstrom_to_index(geometry.xyz(particles.positions_zyx), stack.voxel_size, 1)
    shifts, angles = geometry.xyz(poses.shifts_zyx), geometry.matrices_to_dynamo(poses.rotations)
    tilts = np.array([(wedge.tilt_min, wedge.tilt_max) for wedge in stack.wedges])[stack.wedge_of]
    values: dict[str, np.ndarray | float] = {"tag": np.arange(1, count + 1), "aligned": 1, "averaged": 1}
    values |= dict(zip(("dx", "dy", "dz"), shifts.T, strict=True))
    values |= dict(zip(("tdrot", "tilt", "narot"), angles.T, strict=True))
    values |= dict(zip(("x", "y", "z"), where.T, strict=True))
    values |= {"cc": poses.scores, "dshift": np.linalg.norm(shifts, axis=1), "apix": stack.voxel_size}
    values["ftype"] = np.array([0 if wedge.is_full else 1 for wedge in stack.wedges])[stack.wedge_of]
    values |= {"ymintilt": tilts[:, 0], "ymaxtilt": tilts[:, 1]}
    values["tomo"] = np.array([names.index(name) + 1 for name in particles.tomograms])
    values["class"] = 0 if stack.classes is None else stack.classes + 1
    table = np.zeros((count, _DYNAMO_COLUMNS))
    for name, column in _DYNAMO_VALUES_OF.items():
        table[:, column - 1] = values[name]
    return table, names


def table_text(table: np.ndarray) -> str:
    """Return a table of numbers as text, a row a line."""
    return "".join(
        " ".join(f"{value:.6g}" if value == round(value) else f"{value:.6f}" for value in row) + "\n" for row in table
    )


def wedge_volume(wedge: Wedge, edge: int) -> np.ndarray:
    """Return what a tilt series measured, (e, e, e) float32 0 or 1, with frequency 0 in voxel ``e // 2``."""
    half = wedge.mask(edge).numpy()
    whole = np.empty((edge,) * 3, dtype=np.float32)
    columns = half.shape[-1]
    whole[..., :columns] = half
    # a real cube has the same at k and -k
    back = -np.arange(edge) % edge
    rest = np.arange(columns, edge)
    whole[..., rest] = half[np.ix_(back, back, edge - rest)]
    return np.fft.fftshift(whole)


def write_em(path: Path, cube: np.ndarray) -> None:
    """Write an EM file: 512 bytes that say the machine, the type and the size, then the voxels."""
    header = bytearray(512)
    header[0], header[3] = 6, 5  # little-endian, float32
    header[4:16] = np.array(cube.shape[::-1], dtype="<i4").tobytes()
    path.write_bytes(bytes(header) + np.ascontiguousarray(cube, dtype="<f4").tobytes())

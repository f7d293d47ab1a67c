"""Rotations: even samples of all of them, of those near one, and the symmetries of particles.

All are (n, 3, 3) float64, active, right-handed, on x y z columns, from the reference into the tomogram. A symmetry
is C1, C2, C3 ... (about z) or D2, D3 ... (about z, and half a turn about x): turning the reference by one of its
rotations first changes nothing.
"""

from __future__ import annotations

import math
import re

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.geometry import rotation_about


def all_rotations(step: float, symmetry: str = "C1") -> np.ndarray:
    """Return rotations that cover all others evenly, none farther than about `step` from its neighbours.

    Directions are those of HEALPix (Górski et al., 2005, The Astrophysical Journal 622, 759), each turned about itself
    in even steps: 30 degrees give 576 rotations, 20 degrees 1,944, 15 degrees 4,608.

    Parameters
    ----------
    step
        Degrees.
    symmetry
        Rotations that look the same are left out.

    Raises
    ------
    ParameterProblem
        The step is not between 1 and 180 degrees, or the symmetry is not known.
    """
    import healpix

    if not 1 <= step <= 180:
        raise ParameterProblem("angular step", f"{step:g} degrees", "choose between 1 and 180")
    kind, fold = _symmetry(symmetry)
    sides = max(1, math.ceil(math.sqrt(math.pi / 3) / math.radians(step)))
    theta, phi = healpix.pix2ang(sides, np.arange(12 * sides**2))
    if kind == "D":
        phi, theta = phi[theta <= math.pi / 2 + 1e-9], theta[theta <= math.pi / 2 + 1e-9]
    turns = np.arange(max(1, math.ceil(360 / fold / step - 1e-9)))
    psi = turns * (360 / fold / len(turns))
    towards = rotation_about("z", np.degrees(phi)) @ rotation_about("y", np.degrees(theta))
    return np.asarray((towards[:, None] @ rotation_about("z", psi)[None]).reshape(-1, 3, 3))


def rotations_near(step: float, within: float) -> np.ndarray:
    """Return rotations by at most `within` degrees, `step` apart, none first: a lattice of rotation vectors."""
    from scipy.spatial.transform import Rotation

    if not 0 < step <= 180 or within < 0:
        raise ParameterProblem("angular step", f"{step:g} degrees within {within:g}", "give positive angles")
    count = int(within / step + 1e-9)
    along = np.arange(-count, count + 1) * step
    vectors = np.stack(np.meshgrid(along, along, along, indexing="ij"), axis=-1).reshape(-1, 3)
    angles = np.linalg.norm(vectors, axis=1)
    vectors = vectors[np.argsort(angles, kind="stable")][: int((angles <= within + 1e-9).sum())]
    return np.asarray(Rotation.from_rotvec(vectors, degrees=True).as_matrix())


def random_rotations(count: int, random: np.random.Generator) -> np.ndarray:
    """Return rotations drawn uniformly."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_quat(random.normal(size=(count, 4))).as_matrix()).reshape(-1, 3, 3)


def symmetry_rotations(symmetry: str) -> np.ndarray:
    """Return the rotations of a symmetry, none first.

    Raises
    ------
    ParameterProblem
        It is not one of C1, C2 ... or D2, D3 ...
    """
    kind, fold = _symmetry(symmetry)
    about_z = rotation_about("z", np.arange(fold) * 360 / fold)
    return about_z if kind == "C" else np.concatenate([about_z, about_z @ rotation_about("x", 180.0)])


def angles_between(first: np.ndarray, second: np.ndarray, symmetry: str = "C1") -> np.ndarray:
    """Return the angles, degrees, by which rotations (..., 3, 3) differ, for particles of a symmetry."""
    turns = np.asarray(first)[..., None, :, :] @ symmetry_rotations(symmetry)
    difference = np.swapaxes(turns, -1, -2) @ np.asarray(second)[..., None, :, :]
    # an angle from its cosine alone would be no better than a hundredth of a degree
    cosine = (np.trace(difference, axis1=-2, axis2=-1) - 1) / 2
    skew = difference - np.swapaxes(difference, -1, -2)
    sine = np.sqrt(skew[..., 2, 1] ** 2 + skew[..., 0, 2] ** 2 + skew[..., 1, 0] ** 2) / 2
    return np.asarray(np.degrees(np.arctan2(sine, cosine)).min(axis=-1))


def _symmetry(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"([CD])([1-9]\d?)", text.strip().upper())
    if not found or (found[1] == "D" and int(found[2]) < 2):
        raise ParameterProblem("symmetry", f"{text!r} is not known", "give C1, C2, C3 ... or D2, D3 ...")
    return found[1], int(found[2])

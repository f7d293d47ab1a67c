"""The one authority on axes, units, centres and Euler angles.

Inside the program: positions are Å, z y x, 0 at the centre of voxel (0, 0, 0); rotations are 3 × 3 matrices R,
active and right-handed, that act on x y z column vectors and turn the reference into the particle. Every other
convention is converted here and nowhere else.

Euler conventions, with active rotations Rx, Ry, Rz about fixed axes (docs/geometry.md has the sources)::

    RELION, Warp    rot, tilt, psi      R = [Rz(rot) Ry(tilt) Rz(psi)]^T
    Dynamo          tdrot, tilt, narot  R = [Rz(narot) Rx(tilt) Rz(tdrot)]^T
    TOM/AV3 motl,
    STOPGAP         phi, psi, theta     R = Rz(psi) Rx(theta) Rz(phi)
    IMOD slicer     x, y, z             R = [Rx(x) Ry(y) Rz(z)]^T
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from ais_app.core.errors import ParameterProblem

Shape = tuple[int, int, int]
Centre = Literal["relion-picker", "half", "half-integer"]
BinningRule = Literal["scale", "average"]

# what RELION 5 means by "the centre", in voxels of the unbinned tomogram (docs/geometry.md tells the dispute)
CENTRES: tuple[Centre, ...] = ("relion-picker", "half", "half-integer")
BINNING_RULES: tuple[BinningRule, ...] = ("scale", "average")

# IMOD counts x and y from the corner of the first voxel and z from the centre of the first slice
IMOD_CORNER_XYZ = np.array([0.5, 0.5, 0.0])

# below this sine of the tilt the two other angles turn about one axis and only their sum is defined
_GIMBAL = 1e-7


def xyz(positions_zyx: np.ndarray) -> np.ndarray:
    """Return (..., 3) x y z from z y x; the same function leads back."""
    return np.asarray(positions_zyx)[..., ::-1]


def index_to_angstrom(index: np.ndarray, voxel_size: float | np.ndarray, first_index: float = 0) -> np.ndarray:
    """Return Å from voxel indices, (n, 3), whose first voxel has its centre at `first_index`.

    `voxel_size` is Å, one number or one for each row, (n,).
    """
    return (np.asarray(index, dtype=float) - first_index) * _per_row(voxel_size)


def angstrom_to_index(positions: np.ndarray, voxel_size: float | np.ndarray, first_index: float = 0) -> np.ndarray:
    """Return voxel indices, (n, 3) float, from Å: the inverse of `index_to_angstrom`."""
    return np.asarray(positions, dtype=float) / _per_row(voxel_size) + first_index


def _per_row(voxel_size: float | np.ndarray) -> np.ndarray:
    size = np.asarray(voxel_size, dtype=float)
    return size[:, None] if size.ndim else size


def centre_index(shape: Shape, rule: Centre) -> np.ndarray:
    """Return the voxel index that a program calls the centre of a volume.

    Parameters
    ----------
    shape
        Voxels, in any order of axes.
    rule
        ``"relion-picker"``: size / 2 - 1, as RELION 5's own picker, pytom-match-pick and cylindra;
        ``"half"``: size / 2, as RELION 5's C++ reader, copick and ArtiaX;
        ``"half-integer"``: size / 2 rounded down, as RELION 5's projection matrices.

    Returns
    -------
    ndarray
        (3,) float64, in the order of `shape`.
    """
    size = np.asarray(shape, dtype=float)
    if rule == "relion-picker":
        return size / 2 - 1
    if rule == "half":
        return size / 2
    if rule == "half-integer":
        return np.floor(size / 2)
    raise ParameterProblem("centre", f"{rule!r} is not one of {', '.join(CENTRES)}")


def unbinning_shift(voxel_size: float | np.ndarray, pixel_size: float | np.ndarray, rule: BinningRule) -> np.ndarray:
    """Return what to add to positions in a binned tomogram, Å, to get positions in the unbinned one.

    Parameters
    ----------
    voxel_size, pixel_size
        Å, of the binned and of the unbinned tomogram; numbers or arrays of one shape, which the result has.
    rule
        ``"scale"``: both grids have the centre of their first voxel in the same place, as RELION, Warp and
        Fourier cropping make them: no shift. ``"average"``: blocks of b voxels were averaged (IMOD's binvol),
        so the centre of the first binned voxel lies (b - 1) / 2 unbinned voxels further.
    """
    if rule not in BINNING_RULES:
        raise ParameterProblem("binning rule", f"{rule!r} is not one of {', '.join(BINNING_RULES)}")
    difference = np.asarray(voxel_size, dtype=float) - np.asarray(pixel_size, dtype=float)
    return difference / 2 if rule == "average" else np.zeros_like(difference)


def rotation_about(axis: Literal["x", "y", "z"], degrees: np.ndarray | float) -> np.ndarray:
    """Return active right-handed rotations, (..., 3, 3), about a fixed axis."""
    angle = np.deg2rad(np.asarray(degrees, dtype=float))
    cos, sin = np.cos(angle), np.sin(angle)
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrices = np.broadcast_to(np.eye(3), (*angle.shape, 3, 3)).copy()
    matrices[..., first, first] = matrices[..., second, second] = cos
    matrices[..., second, first], matrices[..., first, second] = sin, -sin
    return matrices


def relion_to_matrices(rot_tilt_psi: np.ndarray) -> np.ndarray:
    """Return rotations, (n, 3, 3), from RELION's and Warp's rot, tilt, psi, (n, 3) degrees."""
    rot, tilt, psi = np.asarray(rot_tilt_psi, dtype=float).T
    return transpose(rotation_about("z", rot) @ rotation_about("y", tilt) @ rotation_about("z", psi))


def matrices_to_relion(rotations: np.ndarray) -> np.ndarray:
    """Return rot, tilt, psi, (n, 3) degrees; tilt 0 ... 180; psi is 0 where tilt is 0 or 180."""
    m = transpose(rotations)
    tilt = np.hypot(m[..., 0, 2], m[..., 1, 2])
    locked = tilt < _GIMBAL
    rot = np.where(locked, np.arctan2(-m[..., 0, 1], m[..., 1, 1]), np.arctan2(m[..., 1, 2], m[..., 0, 2]))
    psi = np.where(locked, 0.0, np.arctan2(m[..., 2, 1], -m[..., 2, 0]))
    return np.rad2deg(np.stack([rot, np.arctan2(tilt, m[..., 2, 2]), psi], axis=-1))


def motl_to_matrices(phi_psi_theta: np.ndarray) -> np.ndarray:
    """Return rotations, (n, 3, 3), from the phi, psi, theta of TOM/AV3 and STOPGAP lists, (n, 3) degrees."""
    phi, psi, theta = np.asarray(phi_psi_theta, dtype=float).T
    return rotation_about("z", psi) @ rotation_about("x", theta) @ rotation_about("z", phi)


def matrices_to_motl(rotations: np.ndarray) -> np.ndarray:
    """Return phi, psi, theta, (n, 3) degrees; theta 0 ... 180; phi is 0 where theta is 0 or 180."""
    m = np.asarray(rotations, dtype=float)
    theta = np.hypot(m[..., 0, 2], m[..., 1, 2])
    locked = theta < _GIMBAL
    psi = np.where(locked, np.arctan2(m[..., 1, 0], m[..., 0, 0]), np.arctan2(m[..., 0, 2], -m[..., 1, 2]))
    phi = np.where(locked, 0.0, np.arctan2(m[..., 2, 0], m[..., 2, 1]))
    return np.rad2deg(np.stack([phi, psi, np.arctan2(theta, m[..., 2, 2])], axis=-1))


def dynamo_to_matrices(tdrot_tilt_narot: np.ndarray) -> np.ndarray:
    """Return rotations, (n, 3, 3), from Dynamo's tdrot, tilt, narot, (n, 3) degrees."""
    tdrot, tilt, narot = np.asarray(tdrot_tilt_narot, dtype=float).T
    return motl_to_matrices(-np.stack([narot, tdrot, tilt], axis=-1))


def matrices_to_dynamo(rotations: np.ndarray) -> np.ndarray:
    """Return tdrot, tilt, narot, (n, 3) degrees; tilt 0 ... 180; tdrot is 0 where tilt is 0 or 180."""
    # R^T = Rz(narot) Rx(tilt) Rz(tdrot) has the form of a motl with phi = tdrot, psi = narot, theta = tilt
    tdrot, narot, tilt = matrices_to_motl(transpose(rotations)).T
    return np.stack([tdrot, tilt, narot], axis=-1)


def imod_to_matrices(x_y_z: np.ndarray) -> np.ndarray:
    """Return rotations, (n, 3, 3), from the angles x, y, z of IMOD's slicer, (n, 3) degrees."""
    x, y, z = np.asarray(x_y_z, dtype=float).T
    return transpose(rotation_about("x", x) @ rotation_about("y", y) @ rotation_about("z", z))


def matrices_to_imod(rotations: np.ndarray) -> np.ndarray:
    """Return x, y, z, (n, 3) degrees; y -90 ... 90; x is 0 where y is -90 or 90."""
    m = transpose(rotations)
    cosine = np.hypot(m[..., 1, 2], m[..., 2, 2])
    locked = cosine < _GIMBAL
    x = np.where(locked, 0.0, np.arctan2(-m[..., 1, 2], m[..., 2, 2]))
    z = np.where(locked, np.arctan2(m[..., 1, 0], m[..., 1, 1]), np.arctan2(-m[..., 0, 1], m[..., 0, 0]))
    return np.rad2deg(np.stack([x, np.arctan2(m[..., 0, 2], cosine), z], axis=-1))


def transpose(rotations: np.ndarray) -> np.ndarray:
    """Return the transposed (for rotations: inverse) matrices, (..., 3, 3)."""
    return np.swapaxes(np.asarray(rotations, dtype=float), -1, -2)


def are_rotations(matrices: np.ndarray, tolerance: float = 1e-3) -> np.ndarray:
    """Return a mask, (n,), of the matrices that are proper rotations: orthonormal and not mirrored."""
    matrices = np.asarray(matrices, dtype=float)
    with np.errstate(invalid="ignore"):
        orthonormal = np.abs(matrices @ transpose(matrices) - np.eye(3)).max(axis=(-1, -2)) <= tolerance
        return np.asarray(orthonormal & (np.linalg.det(matrices) > 0))


def turn(rotations: np.ndarray, vectors_xyz: np.ndarray) -> np.ndarray:
    """Return each vector, (n, 3) x y z, turned by its rotation, (n, 3, 3)."""
    return np.einsum("nij,nj->ni", rotations, vectors_xyz)

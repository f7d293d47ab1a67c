"""Which way a particle points: the axes of its shape, or the normal of the membrane nearest to it.

Rotations are active and act on x y z columns: they turn the **z axis of the reference** into the chosen axis. What
turns around that axis is not known from one direction; it is the smallest rotation that brings z there.
"""

from __future__ import annotations

import numpy as np


def principal_rotations(moments_zyx: np.ndarray, axis: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the rotations that put z on the long or the short axis of each shape.

    Parameters
    ----------
    moments_zyx
        (n, 3, 3) covariance of the positions of a shape's voxels, Å², z y x.
    axis
        ``"long-axis"`` or ``"short-axis"``. The x axis goes to the next longest, or shortest, one.

    Returns
    -------
    rotations
        (n, 3, 3) of x y z columns. An axis has no sign: both z and x are taken towards +z (towards +y, then +x,
        where they lie in the plane).
    ratios
        (n,) length of the chosen axis against the next one, the smaller over the larger: 1 means that the shape
        is round there and the axis arbitrary.
    """
    lengths, axes = np.linalg.eigh(moments_zyx)  # ascending; columns are the axes
    order = [2, 1] if axis == "long-axis" else [0, 1]
    chosen, following = (upward(axes[:, ::-1, column]) for column in order)  # rows reversed: z y x to x y z
    rotations = np.stack([following, np.cross(chosen, following), chosen], axis=-1)
    small, large = np.sort(np.sqrt(np.maximum(lengths[:, order], 0)), axis=1).T
    return rotations, np.divide(small, large, out=np.ones_like(small), where=large > 0)


def rotations_to(directions_xyz: np.ndarray) -> np.ndarray:
    """Return the smallest rotations that turn z to each direction, (n, 3) x y z, as (n, 3, 3)."""
    directions = directions_xyz / np.linalg.norm(directions_xyz, axis=1, keepdims=True)
    x, y, z = directions.T
    # Rodrigues' formula for the axis z × d = (-y, x, 0) and the angle acos(z)
    with np.errstate(divide="ignore", invalid="ignore"):
        k = 1 / (1 + z)
        rows = [[1 - k * x * x, -k * x * y, x], [-k * x * y, 1 - k * y * y, y], [-x, -y, z]]
    rotations = np.moveaxis(np.array(rows), -1, 0)
    rotations[z < -1 + 1e-9] = np.diag([1.0, -1.0, -1.0])  # straight down: half a turn about x
    return rotations


def upward(axes_xyz: np.ndarray) -> np.ndarray:
    """Return each axis, (n, 3) x y z, with the sign that has its last component that is not 0 positive."""
    z_first = axes_xyz[:, ::-1]
    significant = np.abs(z_first) > 1e-9
    first = np.argmax(significant, axis=1)
    signs = np.sign(np.take_along_axis(z_first, first[:, None], axis=1))
    return axes_xyz * np.where(signs == 0, 1, signs)

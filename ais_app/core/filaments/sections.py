"""Cross-sections of a volume perpendicular to a curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.filaments.curve import Curve
from ais_app.core.tomogram import ZYX, LazyArray


def moving_frames(tangents_zyx: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two unit vectors per tangent that span the cross-section and turn about the curve as little as they can.

    Parameters
    ----------
    tangents_zyx
        (n, 3) unit tangents, z y x, in order along the curve.

    Returns
    -------
    across, up
        (n, 3) each, z y x. With x y z columns, across, up and tangent are a right-handed system. At the first
        tangent `up` points to +z as much as it can (to +y where the curve starts along z).

    Notes
    -----
    Each frame is the one before, turned by the smallest rotation that takes tangent to tangent: the discrete
    rotation-minimising frame, Wang et al., ACM Trans. Graph. 27 (2008). Here for all tangents at once: from any
    frames, by the angles that are missing between neighbours, summed along the curve.
    """
    tangents = tangents_zyx[:, ::-1]
    # any vector across each tangent: the axis it is least along
    ups = np.eye(3)[np.argmin(np.abs(tangents), axis=1)]
    ups[0] = (0.0, 1.0, 0.0) if abs(tangents[0, 2]) > 0.999 else (0.0, 0.0, 1.0)
    ups -= tangents * np.sum(ups * tangents, axis=1, keepdims=True)
    ups /= np.linalg.norm(ups, axis=1, keepdims=True)
    carried = _carried(ups[:-1], tangents[:-1], tangents[1:])
    sine = np.sum(tangents[1:] * np.cross(ups[1:], carried), axis=1)
    missing = np.arctan2(sine, np.sum(ups[1:] * carried, axis=1))
    angle = np.concatenate([[0.0], np.cumsum(missing)])[:, None]
    ups = ups * np.cos(angle) + np.cross(tangents, ups) * np.sin(angle)
    return np.cross(ups, tangents)[:, ::-1], ups[:, ::-1]


def _carried(vectors: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Turn vectors across the unit vectors `before` by the smallest rotation onto `after`, (n, 3) x y z each."""
    axis, cosine = np.cross(before, after), np.sum(before * after, axis=1, keepdims=True)
    along = np.sum(axis * vectors, axis=1, keepdims=True)
    # Rodrigues' formula; the length of the axis is the sine
    return vectors * cosine + np.cross(axis, vectors) + axis * along / np.maximum(1e-12, 1 + cosine)


@dataclass(frozen=True)
class Window:
    """A part of a volume, in memory, at its place.

    Parameters
    ----------
    values
        (z, y, x) float32.
    voxel_size_zyx
        Å.
    origin_zyx
        (3,) Å, position of the centre of its first voxel.
    """

    values: np.ndarray
    voxel_size_zyx: ZYX
    origin_zyx: np.ndarray

    def sample(self, points_zyx: np.ndarray) -> np.ndarray:
        """Interpolate linearly at points (..., 3) in Å; NaN outside."""
        from scipy.ndimage import map_coordinates

        indices = np.moveaxis((points_zyx - self.origin_zyx) / np.asarray(self.voxel_size_zyx), -1, 0)
        return map_coordinates(self.values, indices, output=np.float32, order=1, mode="constant", cval=np.nan)


def window_around(
    volume: LazyArray, voxel_size_zyx: ZYX, points_zyx: np.ndarray, reach: float, holes: float = 0.0
) -> Window:
    """Read the part of a volume within `reach` Å of the box of some points, (n, 3) Å.

    Voxels that are no finite number become `holes`; those that are NaN then count as outside the volume.
    """
    size = np.asarray(voxel_size_zyx, dtype=float)
    low = np.clip(np.floor((points_zyx.min(axis=0) - reach) / size).astype(int), 0, np.array(volume.shape) - 1)
    high = np.clip(np.ceil((points_zyx.max(axis=0) + reach) / size).astype(int) + 1, low + 1, volume.shape)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    part = np.asarray(volume[z, y, x], dtype=np.float32)
    return Window(np.where(np.isfinite(part), part, np.float32(holes)), voxel_size_zyx, low * size)


def cross_sections(
    curve: Curve, arc: np.ndarray, offsets: np.ndarray, window: Window
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sample a volume in planes perpendicular to a curve.

    Parameters
    ----------
    curve
        Å.
    arc
        (n,) arc lengths of the planes, Å.
    offsets
        (..., 2) points of the plane: how far across and up from the curve, Å.
    window
        What is sampled.

    Returns
    -------
    values, across, up
        (n, ...) float32, NaN outside the volume, and the (n, 3) unit vectors of the planes, z y x.
    """
    across, up = moving_frames(curve.tangents(arc))
    shape = (len(arc),) + (1,) * (offsets.ndim - 1) + (3,)
    points = curve.points(arc).reshape(shape)
    points = points + offsets[..., :1] * across.reshape(shape) + offsets[..., 1:] * up.reshape(shape)
    return window.sample(points), across, up


def disc(radius: float, step: float) -> np.ndarray:
    """Return the points (k, 2) of a square grid of spacing `step` within `radius` of 0, Å."""
    count = int(np.floor(radius / step))
    line = np.arange(-count, count + 1) * step
    grid = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    return grid[np.hypot(*grid.T) <= radius]

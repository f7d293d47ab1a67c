"""What the mouse does to a camera, as pure functions: turn, move, come closer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ais_app.core.scene.camera import Camera

DEGREES_A_PIXEL = 0.4
STEP = 1.15
CLOSEST, FARTHEST = 5.0, 1e6  # Å that the shorter side of the picture shows


def turned(camera: Camera, dx: float, dy: float) -> Camera:
    """Turn by a drag of so many pixels to the right and down: the scene follows the pointer."""
    azimuth = (camera.azimuth - DEGREES_A_PIXEL * dx + 180) % 360 - 180
    return replace(camera, azimuth=azimuth, elevation=min(max(camera.elevation + DEGREES_A_PIXEL * dy, -90), 90))


def moved(camera: Camera, dx: float, dy: float, size: tuple[int, int]) -> Camera:
    """Move the scene with the pointer by so many pixels in a picture of a size in pixels."""
    scale = camera.extent / min(size)
    x, y, z = np.array(camera.centre_xyz) - scale * dx * camera.right_xyz + scale * dy * camera.up_xyz
    return replace(camera, centre_xyz=(float(x), float(y), float(z)))


def closer(camera: Camera, steps: float) -> Camera:
    """Come closer by steps of 15 %, or go away."""
    return replace(camera, extent=min(max(camera.extent / STEP**steps, CLOSEST), FARTHEST))


def to_pixel(camera: Camera, positions_xyz: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return where positions, (n, 3) Å, are in a picture: (n, 2) pixels from the left and the top."""
    width, height = size
    away = np.asarray(positions_xyz, dtype=float) - np.array(camera.centre_xyz)
    scale = np.full(len(away), min(size) / camera.extent)
    if camera.field_of_view > 0:
        distance = camera.distance
        scale *= distance / np.maximum(distance - away @ camera.toward_eye_xyz, 1e-3)
    return np.column_stack(
        [width / 2 + scale * (away @ camera.right_xyz), height / 2 - scale * (away @ camera.up_xyz)]
    )  # fmt: skip

"""Where the scene is seen from: a turntable, z up, as in vispy, with the matrices that other programs want."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.params import Params, param

XYZ = tuple[float, float, float]


@dataclass(frozen=True)
class Camera(Params):
    """A camera that looks at a point.

    At azimuth 0 and elevation 90° it looks down the z axis, x to the right and y up, as on a slice.
    """

    centre_xyz: XYZ = param((0.0, 0.0, 0.0), "What is in the middle of the picture", unit="Å")
    extent: float = param(1000.0, "What the shorter side of the picture shows at the centre", unit="Å", low=1e-3)
    azimuth: float = param(0.0, "Turned about the z axis", unit="°", low=-36000, high=36000)
    elevation: float = param(90.0, "Seen from above", unit="°", low=-90, high=90)
    field_of_view: float = param(
        0.0, "Angle that the shorter side covers; 0 is a parallel view", unit="°", high=150, low=0
    )

    @property
    def toward_eye_xyz(self) -> np.ndarray:
        """(3,) unit vector from the centre to the eye."""
        azimuth, elevation = np.deg2rad([self.azimuth, self.elevation])
        across = np.cos(elevation)
        return np.array([np.sin(azimuth) * across, -np.cos(azimuth) * across, np.sin(elevation)])

    @property
    def right_xyz(self) -> np.ndarray:
        """(3,) unit vector to the right of the picture."""
        azimuth = np.deg2rad(self.azimuth)
        return np.array([np.cos(azimuth), np.sin(azimuth), 0.0])

    @property
    def up_xyz(self) -> np.ndarray:
        """(3,) unit vector to the top of the picture."""
        return np.cross(self.toward_eye_xyz, self.right_xyz)

    @property
    def distance(self) -> float:
        """Å from the eye to the centre; for a parallel view that of an eye with a field of view of 30°."""
        angle = np.deg2rad(self.field_of_view or 30.0)
        return float(self.extent / 2 / np.tan(angle / 2))

    @property
    def eye_xyz(self) -> np.ndarray:
        """(3,) Å, where the eye is."""
        return np.array(self.centre_xyz) + self.distance * self.toward_eye_xyz

    def pose(self) -> np.ndarray:
        """Return (3, 4): the axes to the right, to the top and toward the eye, and the eye, as columns x y z."""
        return np.column_stack([self.right_xyz, self.up_xyz, self.toward_eye_xyz, self.eye_xyz])

    def ray(self, x: float, y: float, width: float, height: float) -> tuple[np.ndarray, np.ndarray]:
        """Return origin and direction, (3,) each, of the ray through a pixel.

        Parameters
        ----------
        x, y
            Pixels from the left and from the top.
        width, height
            Pixels, of the whole picture.
        """
        scale = self.extent / min(width, height)  # Å a pixel at the centre
        aside = scale * (x - width / 2) * self.right_xyz + scale * (height / 2 - y) * self.up_xyz
        target = np.array(self.centre_xyz) + aside
        if self.field_of_view > 0:
            return self.eye_xyz, target - self.eye_xyz
        # far enough behind everything that could be in the scene
        return target + 1e3 * self.extent * self.toward_eye_xyz, -self.toward_eye_xyz


def around(low_xyz: np.ndarray, high_xyz: np.ndarray, camera: Camera | None = None) -> Camera:
    """Return a camera, looking as `camera` does, that has all of a box, (3,) and (3,) Å, in the picture."""
    before = camera or Camera()
    low, high = np.asarray(low_xyz, dtype=float), np.asarray(high_xyz, dtype=float)
    x, y, z = (float(value) for value in (low + high) / 2)
    corners = np.array(np.meshgrid(*zip(low - (x, y, z), high - (x, y, z), strict=True))).reshape(3, -1).T
    half = np.abs(corners @ np.column_stack([before.right_xyz, before.up_xyz])).max(initial=0.5)
    if before.field_of_view > 0:  # what is nearer looks larger
        half += np.abs(corners @ before.toward_eye_xyz).max() * np.tan(np.deg2rad(before.field_of_view / 2))
    values = {**before.to_dict(), "centre_xyz": (x, y, z), "extent": max(1e-3, 2.1 * float(half))}
    return Camera.from_dict(values)

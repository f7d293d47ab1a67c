"""Where a pane looks: centre and zoom in voxels, as pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace

ZOOM_STEP = 1.15
CLOSEST, FARTHEST = 64.0, 1 / 64  # screen pixels per voxel
EDGE = 0.15  # share of a pane: nearer to an edge of it a place is hard to see together with what is around it


@dataclass(frozen=True)
class Camera:
    """A view of a plane.

    Parameters
    ----------
    across, up
        Voxel position in the middle of the pane, along its horizontal and its vertical axis.
    scale
        Screen pixels per voxel, where voxels are as long as along x.
    flipped
        The vertical axis grows downwards.
    aspect
        Length of a voxel across and up; that along x is 1.
    """

    across: float = 0.0
    up: float = 0.0
    scale: float = 1.0
    flipped: bool = False
    aspect: tuple[float, float] = (1.0, 1.0)

    @property
    def scales(self) -> tuple[float, float]:
        """Screen pixels per voxel across and up."""
        return self.scale * self.aspect[0], self.scale * self.aspect[1]

    def fitted(self, width: float, height: float, pane: tuple[int, int]) -> Camera:
        """Return the camera that shows `width` × `height` voxels in a pane of so many pixels."""
        wide, high = max(width, 1) * self.aspect[0], max(height, 1) * self.aspect[1]
        scale = min(max(pane[0], 1) / wide, max(pane[1], 1) / high)
        return replace(self, across=(width - 1) / 2, up=(height - 1) / 2, scale=_within(scale))

    def zoomed(self, factor: float, at: tuple[float, float]) -> Camera:
        """Return the camera closer by `factor`; the voxel position `at` (across, up) stays where it is on screen."""
        scale = _within(self.scale * factor)
        real = scale / self.scale
        across = at[0] + (self.across - at[0]) / real
        up = at[1] + (self.up - at[1]) / real
        return replace(self, across=across, up=up, scale=scale)

    def moved(self, dx: float, dy: float) -> Camera:
        """Return the camera after the image was dragged by screen pixels (right, down)."""
        sign = -1 if self.flipped else 1
        across, up = self.scales
        return replace(self, across=self.across - dx / across, up=self.up + sign * dy / up)

    def showing(self, across: float, up: float, size: tuple[float, float], pane: tuple[int, int]) -> Camera:
        """Return the camera with a voxel position in the middle, this one where the position is in view already.

        Near an edge it is not in view, unless the plane of `size` voxels (across, up) goes no farther there.
        """
        corners = (-0.5, -0.5), (size[0] - 0.5, size[1] - 0.5)
        at, *ends = (self.to_pixel(*place, pane) for place in ((across, up), *corners))
        for place, one, other, length in zip(at, *ends, pane, strict=True):
            low, high = sorted((one, other))
            first = EDGE * length if low < -1 else -1
            last = (1 - EDGE) * length if high > length + 1 else length + 1
            if not first <= place <= last:
                return replace(self, across=across, up=up)
        return self

    def to_voxel(self, x: float, y: float, pane: tuple[int, int]) -> tuple[float, float]:
        """Return the voxel position (across, up) under a pixel (from the top left) of a pane."""
        sign = 1 if self.flipped else -1
        wide, high = self.scales
        return self.across + (x - pane[0] / 2) / wide, self.up + sign * (y - pane[1] / 2) / high

    def to_pixel(self, across: float, up: float, pane: tuple[int, int]) -> tuple[float, float]:
        """Return the pixel of a voxel position: the inverse of `to_voxel`."""
        sign = 1 if self.flipped else -1
        wide, high = self.scales
        return pane[0] / 2 + (across - self.across) * wide, pane[1] / 2 + sign * (up - self.up) * high


def _within(scale: float) -> float:
    return min(max(scale, FARTHEST), CLOSEST)

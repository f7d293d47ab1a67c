"""The tomogram itself in space: one of its slices, or all of it as a volume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from vispy.scene.node import Node
from vispy.scene.visuals import Image, Volume
from vispy.visuals.transforms import MatrixTransform, STTransform

from ais_app.core.display.contrast import ContrastLimits, auto_contrast, sample_of
from ais_app.core.display.view_slice import SliceRequest, read_slice
from ais_app.core.scene.scene import ClipPlane, Scene, SceneSlice, SceneVolume
from ais_app.core.surfaces.mesh import binned
from ais_app.core.tomogram import ZYX, Tomogram
from ais_app.views.render.shading import OVER

MOST_VOXELS = 4_000_000  # of a volume; larger ones are averaged first
STEP = 2.0  # voxels between two samples of a ray


@dataclass(frozen=True, eq=False)
class SliceImage:
    """A slice that was read, and the grey values that are black and white."""

    plane: np.ndarray
    limits: ContrastLimits
    axis: str
    index: int


@dataclass(frozen=True, eq=False)
class VolumeImage:
    """A volume that was averaged, with its frame."""

    data: np.ndarray
    voxel_size_zyx: ZYX
    first_zyx: ZYX
    limits: ContrastLimits


def slice_work(tomogram: Tomogram, wanted: SceneSlice) -> Callable[..., SliceImage]:
    """Return the work that reads a slice."""

    def work(*_: object) -> SliceImage:
        plane = read_slice(tomogram, SliceRequest(wanted.axis, wanted.index))
        found = auto_contrast(sample_of(tomogram))
        low = found.low if wanted.low is None else wanted.low
        high = found.high if wanted.high is None else wanted.high
        return SliceImage(plane, ContrastLimits(low, high), wanted.axis, wanted.index)

    return work


def volume_work(tomogram: Tomogram, first_zyx: ZYX) -> Callable[..., VolumeImage]:
    """Return the work that averages a tomogram for display."""

    def work(*_: object) -> VolumeImage:
        factor = 1
        while np.prod([-(-n // factor) for n in tomogram.shape]) > MOST_VOXELS:
            factor += 1
        data, size, first = binned(tomogram.data, tomogram.require_voxel_size_zyx(), first_zyx, factor)
        values = np.ascontiguousarray(data[...], dtype=np.float32)
        return VolumeImage(values, size, first, auto_contrast(values, 0.002))

    return work


class SliceLayer:
    """A slice of the tomogram at its place.

    Attributes
    ----------
    shown
        What is drawn; ``None`` before anything was read.
    """

    def __init__(self, parent: Node) -> None:
        self.shown: SliceImage | None = None
        self._image = Image(np.zeros((2, 2), np.float32), parent=parent, cmap="grays", interpolation="linear")
        self._image.visible = False
        self._image.order = 1

    def set_image(self, image: SliceImage, scene: Scene) -> None:
        """Show a slice that was read."""
        self.shown = image
        self._image.set_data(image.plane)
        self._image.clim = (image.limits.low, image.limits.high)
        self._image.transform = _placed(image.axis, image.index, scene)

    def set_style(self, style: SceneSlice | None) -> None:
        """Take on whether it is seen, and how much it covers."""
        self._image.visible = style is not None and style.visible and self.shown is not None
        if style is not None:
            clear = style.opacity < 1
            self._image.opacity = style.opacity
            self._image.order = 11 if clear else 1
            self._image.set_gl_state(depth_test=True, depth_mask=not clear, cull_face=False, blend=clear,
                                     blend_func=OVER, blend_equation="func_add")  # fmt: skip


class VolumeLayer:
    """All of the tomogram, looked through."""

    def __init__(self, parent: Node) -> None:
        self._parent = parent
        self._visual: Any = None
        self._is_of_now = False  # what is in the visual is the tomogram in view

    @property
    def is_shown(self) -> bool:
        """Whether it can be seen."""
        return self._visual is not None and bool(self._visual.visible)

    def set_image(self, image: VolumeImage) -> None:
        """Show a volume that was averaged."""
        self._is_of_now = True
        limits = (image.limits.low, image.limits.high)
        if self._visual is None:
            self._visual = Volume(
                image.data,
                clim=limits,
                method="mip",
                relative_step_size=STEP,
                clipping_planes_coord_system="scene",
                parent=self._parent,
            )
            self._visual.order = 20
            self._visual.set_gl_state(depth_test=False, depth_mask=False, cull_face=False, blend=True,
                                      blend_func=OVER, blend_equation="func_add")  # fmt: skip
        else:
            self._visual.set_data(image.data, clim=limits)
        (sz, sy, sx), (z, y, x) = image.voxel_size_zyx, image.first_zyx
        self._visual.transform = STTransform(scale=(sx, sy, sz), translate=(x, y, z))

    def set_style(self, style: SceneVolume | None, plane: ClipPlane | None) -> None:
        """Take on whether it is seen, how rays add it up, and where it is cut."""
        if self._visual is None:
            return
        self._visual.visible = style is not None and style.visible and self._is_of_now
        if style is None:
            return
        self._visual.method = style.style
        self._visual.cmap = _colour_map(style.colours, style.opacity)
        low, high = self._visual.clim
        if style.low is not None and style.high is not None and (low, high) != (style.low, style.high):
            self._visual.clim = (style.low, style.high)
        planes = None if plane is None else np.array([[plane.point_xyz, plane.normal_xyz]], dtype=float)
        self._visual.clipping_planes = planes

    def forget(self) -> None:
        """Show nothing: another tomogram is in view."""
        self._is_of_now = False
        if self._visual is not None:
            self._visual.visible = False


def _placed(axis: str, index: int, scene: Scene) -> MatrixTransform:
    """Return where the pixels of a slice lie: its columns and rows along two axes of the scene."""
    size = np.array(scene.voxel_size_zyx or (1.0, 1.0, 1.0))
    first = np.array(scene.first_voxel_zyx)
    along = "zyx".index(axis)
    rows, columns = (number for number in range(3) if number != along)
    corner = first.copy()
    corner[along] += index * size[along]
    corner[rows] -= size[rows] / 2
    corner[columns] -= size[columns] / 2
    matrix = np.eye(4)
    matrix[0, :3] = (size[columns] * np.eye(3)[columns])[::-1]
    matrix[1, :3] = (size[rows] * np.eye(3)[rows])[::-1]
    matrix[2, :3] = np.eye(3)[along][::-1]
    matrix[3, :3] = corner[::-1]
    return MatrixTransform(matrix)


def _colour_map(name: str, opacity: float) -> Any:
    """Return black to white, or white to black, whose bright end covers and whose dark end does not."""
    from vispy.color import Colormap

    ends = [(0.0, 0.0, 0.0, 0.0), (1.0, 1.0, 1.0, opacity)]
    return Colormap(ends[::-1] if name == "gray_r" else ends)

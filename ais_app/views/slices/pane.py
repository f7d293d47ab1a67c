"""One pane of the slice view: a plane of the tomogram, what lies over it, and the pointer.

Mouse events are taken from Qt itself: vispy drops moves that follow each other within 10 ms, and a brush needs all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from PyQt6.QtCore import QPointF, pyqtSignal
from PyQt6.QtWidgets import QVBoxLayout, QWidget
from vispy import scene

from ais_app.core.tomogram import ZYX
from ais_app.state.resolve import ACROSS_UP, Limits, PaneView
from ais_app.views.slices.camera import ZOOM_STEP, Camera
from ais_app.views.slices.gestures import Gestures
from ais_app.views.slices.layers import Layers
from ais_app.views.slices.message import PaneMessage, WaitingNote
from ais_app.views.slices.pointer import Tool
from ais_app.views.slices.predictions import Prediction
from ais_app.views.slices.quads import GreyQuad
from ais_app.views.theme import current_theme

NAMES = {"z": "XY", "y": "XZ", "x": "YZ"}
SMALLEST = 90  # px


class SlicePane(QWidget):
    """A canvas that shows one plane.

    Parameters
    ----------
    axis
        The axis its plane is perpendicular to.

    Attributes
    ----------
    scene
        The parent of every visual; positions are voxels (across, up), a voxel's centre at its integer index.
    tool
        What hears the left and right button; ``None`` for none.
    labels, predictions, boxes, picks, cross, crop
        What lies over the image.
    ring, draft
        For tools: the ring of the brush (see `show_cursor`), and lines that are not in the project yet.
    message
        What stands there in place of an image.
    shown_index
        The slice that is on screen; ``None`` before there is one.
    """

    pointed = pyqtSignal(object)  # ZYX under the pointer, or None when it has left
    wheeled = pyqtSignal(int, object)  # steps, Qt modifiers; Ctrl has zoomed already
    moved_camera = pyqtSignal()
    pressed = pyqtSignal(object)  # PointerEvent, before the tool hears it
    crossed = pyqtSignal(object)  # ZYX: Ctrl and the left button ask to move the cross there

    def __init__(self, axis: str) -> None:
        super().__init__()
        self.axis = axis
        self.setAccessibleName(f"{NAMES[axis]} slice")
        self.setObjectName(f"pane_{axis}")
        self.setMinimumSize(SMALLEST, SMALLEST)
        self.canvas = scene.SceneCanvas(keys=None, show=False, bgcolor=current_theme().canvas)
        self._box = self.canvas.central_widget.add_view()
        self._box.camera = scene.PanZoomCamera(interactive=False)  # `look` sees to the aspect
        self.scene = self._box.scene
        self.camera = Camera()
        self.tool: Tool | None = None
        self.index = 0
        self.shown_index: int | None = None
        self.view = PaneView(axis)
        self.image: np.ndarray | None = None
        self._limits: Limits | None = None
        self._linear = False
        self._fitted = True
        self._cameras: dict[int, tuple[Camera, bool]] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.native)
        self._grey = GreyQuad(parent=self.scene)
        self._grey.order = 0
        self._layers = layers = Layers(self.scene, self.canvas.scene, axis)
        self.labels, self.predictions, self.boxes, self.picks = (
            layers.labels, layers.predictions, layers.boxes, layers.picks
        )  # fmt: skip
        self.cross, self.crop, self.draft, self.ring = layers.cross, layers.crop, layers.draft, layers.ring
        self.scale_bar, self.axes_marker = layers.scale_bar, layers.axes_marker
        self.message = PaneMessage(self)
        self._note = WaitingNote(self)
        self._gestures = Gestures(self)

    @property
    def native(self) -> QWidget:
        """The Qt widget that is drawn on."""
        widget: QWidget = self.canvas.native
        return widget

    @property
    def pane_size(self) -> tuple[int, int]:
        """Width and height, in logical pixels."""
        return max(self.native.width(), 1), max(self.native.height(), 1)

    # what is shown

    def present(self, view: PaneView, image: np.ndarray, labels: Mapping[int, np.ndarray], limits: Limits) -> None:
        """Show what was resolved; what is as before is not touched.

        Parameters
        ----------
        view
            What to show.
        image
            The plane it asks for, (up, across) float32.
        labels
            Feature to plane, (up, across) uint8, for every feature of ``view.labels``.
        limits
            Grey values shown as black and white.
        """
        assert view.request is not None  # without a request there is no image
        before, self.view = self.view, view
        self._change_tomogram(before, view)
        if image is not self.image:
            self._grey.set_plane(image)
            self.image = image
        shown = (limits[1], limits[0]) if view.invert else limits
        if shown != self._limits:
            self._grey.set_limits(*shown)
            self._limits = shown
        if view.linear != self._linear:
            self._grey.interpolate(view.linear)
            self._linear = view.linear
        if self.tool is not None and self.shown_index not in (None, view.request.index):
            self.tool.cancel()
        self.index = self.shown_index = view.request.index
        self._layers.show(view, view.request.index, labels)
        self._grey.visible = True
        self.message.hide()
        self._refresh_marks()
        self.canvas.update()

    def present_nothing(self) -> None:
        """Show an empty pane."""
        self._keep_camera()
        self.view, self.image, self.shown_index = PaneView(self.axis), None, None
        self._grey.visible = False
        self._layers.clear()
        self.message.hide()
        self.wait_for(None)
        self._refresh_marks()
        self.canvas.update()

    def wait_for(self, index: int | None) -> None:
        """Say that slice `index` is being read; ``None``: no longer."""
        self._note.say("" if index is None else f"Reading {self.axis} = {index} …")

    @property
    def waiting(self) -> str:
        """What the pane says while it waits for a slice; empty when it does not."""
        return self._note.text() if self._note.isVisibleTo(self) else ""

    def show_crop_handles(self, wanted: bool) -> None:
        """Show the handles of the crop region."""
        if wanted != self._layers.crop_handles:
            self._layers.crop_handles = wanted
            self._refresh_marks()
            self.canvas.update()

    def _change_tomogram(self, before: PaneView, view: PaneView) -> None:
        is_same = before.tomogram == view.tomogram and before.size == view.size
        if not is_same:
            self._keep_camera(before)
        if (self.camera.flipped, self.camera.aspect) != (view.flipped, view.aspect):
            self.camera = replace(self.camera, flipped=view.flipped, aspect=view.aspect)
            if is_same:
                self.resized()
        if is_same:
            return
        assert view.tomogram is not None  # it has an image
        kept = self._cameras.get(view.tomogram)
        if kept is None or kept[1] or before.size != view.size and before.tomogram == view.tomogram:
            self.fit()
        else:
            self._fitted = False
            self.look(replace(kept[0], flipped=view.flipped, aspect=view.aspect))

    def _keep_camera(self, view: PaneView | None = None) -> None:
        tomogram = (view or self.view).tomogram
        if tomogram is not None:
            self._cameras[tomogram] = (self.camera, self._fitted)

    def forget_cameras(self) -> None:
        """Forget where a person looked in each tomogram: another project is open, with other tomograms."""
        self._cameras.clear()

    def _refresh_marks(self) -> None:
        ratio, has_image = self.native.devicePixelRatioF(), self.shown_index is not None
        self._layers.show_marks(self.view, self.camera, self.pane_size, ratio, has_image)

    # where it looks

    def fit(self) -> None:
        """Show the whole plane."""
        self._fitted = True
        self.look(self.camera.fitted(*self.view.size, self.pane_size))

    @property
    def is_fitted(self) -> bool:
        """Whether the whole plane is shown, and will be when the pane changes its size."""
        return self._fitted

    def resized(self) -> None:
        """Look again after the pane has changed its size."""
        if self._fitted:
            self.fit()
        else:
            self.look(self.camera)

    def look(self, camera: Camera) -> None:
        """Look at another place; that the pane has another size now is no news to the others."""
        has_moved, self.camera = camera != self.camera, camera
        width, height = self.pane_size
        w, h = width / camera.scales[0], height / camera.scales[1]
        self._box.camera.flip = (False, camera.flipped, False)
        self._box.camera.rect = (camera.across - w / 2, camera.up - h / 2, w, h)
        self._refresh_marks()
        if has_moved:
            self.moved_camera.emit()
        self.canvas.update()

    def move_image(self, dx: float, dy: float) -> None:
        """Drag the image by screen pixels."""
        self._fitted = False
        self.look(self.camera.moved(dx, dy))

    def zoom(self, steps: float, at: QPointF | None = None) -> None:
        """Zoom in by steps of 15 %, at a point of the pane or at its middle."""
        width, height = self.pane_size
        point = at if at is not None else QPointF(width / 2, height / 2)
        where = self.camera.to_voxel(point.x(), point.y(), self.pane_size)
        self._fitted = False
        self.look(self.camera.zoomed(ZOOM_STEP**steps, where))

    def follow(self, camera: Camera) -> None:
        """Look where another pane looks; one that does so already stays fitted to its size."""
        if camera != self.camera:
            self._fitted = False
            self.look(camera)

    def reveal(self, position_zyx: ZYX) -> None:
        """Bring a place to the middle, if it is out of view or near an edge; the zoom stays."""
        self.follow(self.camera.showing(*self.on_plane(position_zyx), self.view.size, self.pane_size))

    def to_voxel(self, point: QPointF) -> ZYX:
        """Return the voxel indices under a point of the pane."""
        across, up = self.camera.to_voxel(point.x(), point.y(), self.pane_size)
        at = dict(zip(ACROSS_UP[self.axis], (across, up), strict=True))
        at[self.axis] = float(self.index)
        return at["z"], at["y"], at["x"]

    def to_point(self, position_zyx: ZYX) -> QPointF:
        """Return the point of the pane where a voxel is: the inverse of `to_voxel`."""
        return QPointF(*self.camera.to_pixel(*self.on_plane(position_zyx), self.pane_size))

    def on_plane(self, position_zyx: ZYX) -> tuple[float, float]:
        """Return a position as (across, up), which is what `scene` and `draft` take."""
        at = dict(zip("zyx", position_zyx, strict=True))
        across, up = ACROSS_UP[self.axis]
        return at[across], at[up]

    def show_predictions(self, index: int, predictions: Sequence[Prediction]) -> None:
        """Show predictions over slice `index`, as soon as and as long as that slice is shown."""
        self.predictions.set(index, predictions)
        self.canvas.update()

    def clear_predictions(self) -> None:
        """Show no predictions."""
        self.predictions.clear()
        self.canvas.update()

    def show_cursor(self, position_zyx: ZYX, radius_voxels: float, colour: str = "#ffffff") -> None:
        """Show the ring of a brush around a position; its radius is in voxels of mean size."""
        across, up, _ = self.view.mean_voxel
        wide, high = self.camera.scales
        radii = radius_voxels * across, radius_voxels * up
        self.ring.show(self.on_plane(position_zyx), radii, colour, (1 / wide, 1 / high))
        self.canvas.update()

    def hide_cursor(self) -> None:
        """Take the ring of the brush away."""
        self.ring.hide()
        self.canvas.update()

    def hold_space(self, held: bool) -> None:
        """While space is held the left button pans."""
        self._gestures.hold_space(held)

    def apply_theme(self) -> None:
        """Take on the colour behind the data."""
        self.canvas.bgcolor = current_theme().canvas

    def picture(self) -> np.ndarray:
        """Return what the pane shows, (h, w, 4) uint8."""
        picture: np.ndarray = self.canvas.render()
        return picture

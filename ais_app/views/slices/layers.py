"""Everything that a pane draws over its image, from the lowest to the highest."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from vispy.scene.node import Node

from ais_app.state.resolve import ACROSS_UP, PaneView
from ais_app.views.slices.camera import Camera
from ais_app.views.slices.labels import LabelLayer
from ais_app.views.slices.lines import BrushCursor, Draft
from ais_app.views.slices.marks import AxesMarker, ScaleBar
from ais_app.views.slices.objects import BoxLayer, CropLayer, CrossLayer, PickLayer
from ais_app.views.slices.predictions import PredictionLayer


class Layers:
    """The layers of one pane.

    Parameters
    ----------
    scene
        Parent of what moves with the image; positions are voxels (across, up).
    screen
        Parent of what stays where it is on the screen; positions are pixels.
    axis
        The axis the pane's plane is perpendicular to.
    """

    def __init__(self, scene: Node, screen: Node, axis: str) -> None:
        self._axis = axis
        self.predictions = PredictionLayer(scene, axis, 10)
        self.labels = LabelLayer(scene, axis, 20)
        self.boxes = BoxLayer(scene, 30)
        self.picks = PickLayer(scene, axis, 40)
        self.crop = CropLayer(scene, 50)
        self.cross = CrossLayer(scene, 60)
        self.draft = Draft(scene, 70)
        self.ring = BrushCursor(scene, 80)
        self.scale_bar = ScaleBar(screen, 90)
        self.axes_marker = AxesMarker(screen, axis, 91)
        self.crop_handles = False

    def show(self, view: PaneView, index: int, labels: Mapping[int, np.ndarray]) -> None:
        """Show what was resolved for slice `index`; `labels` are feature to plane, (up, across) uint8."""
        self.labels.show(view.labels, labels)
        self.boxes.show(view.boxes)
        self.picks.show(view.picks, index, view.mean_voxel)
        self.cross.show(view.cross)
        self.predictions.follow(index, view.predictions)

    def clear(self) -> None:
        """Show nothing."""
        self.labels.show((), {})
        self.boxes.show(())
        self.picks.show((), 0)
        self.cross.show(None)
        self.predictions.follow(None, False)

    def show_marks(self, view: PaneView, camera: Camera, pane: tuple[int, int], ratio: float, has_image: bool) -> None:
        """Show what depends on zoom and size of the pane (px, of so many device pixels each)."""
        self.crop.show(view.crop if has_image else None, camera.scale, self.crop_handles)
        if has_image and view.scale_bar:
            sizes = view.voxel_size_zyx
            size = None if sizes is None else sizes["zyx".index(ACROSS_UP[self._axis][0])]
            self.scale_bar.show(size, camera.scale, pane, ratio)
        else:
            self.scale_bar.hide()
        if has_image and view.axes_marker:
            self.axes_marker.show(view.flipped, pane, ratio)
        else:
            self.axes_marker.hide()

"""The canvas of the scene, which can also be drawn larger or smaller than it is on screen."""

from __future__ import annotations

from vispy import scene


class ScalingCanvas(scene.SceneCanvas):  # type: ignore[misc]
    """A canvas whose ``render(region, size)`` fills a picture of any size.

    vispy maps the region to as many pixels as it has itself, whatever the size of the picture, so that a larger one is
    filled in its lower left corner only.
    """

    def _update_transforms(self) -> None:
        super()._update_transforms()
        if not self._fb_stack:
            return
        buffer, origin, region = self._fb_stack[-1]
        height, width = buffer.color_buffer.shape[:2]
        scale = self.pixel_scale
        rectangle = tuple(scale * value for value in (*origin, *region))
        viewport = self._vp_stack[-1] if self._vp_stack else None
        self.transforms.configure(viewport=viewport, fbo_size=(width, height), fbo_rect=rectangle)

"""Surfaces on the graphics card: indexed triangles with their own normals, lit from the eye.

vispy's mesh repeats every vertex for each triangle and computes normals on the main thread; at a million triangles
that halts the window for a second. Here both come ready from the job that made the surface, a large surface is sent
in pieces, and dust is hidden by drawing fewer triangles from the start of the same buffer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from vispy.color import Color
from vispy.gloo import IndexBuffer, VertexBuffer, set_depth_mask
from vispy.scene.visuals import create_visual_node
from vispy.visuals import Visual

from ais_app.core.scene.scene import ClipPlane, Lights

# the alpha of what is drawn adds up, so that a picture without a background can be laid over anything
OVER = ("src_alpha", "one_minus_src_alpha", "one", "one_minus_src_alpha")

_VERTEX = """
varying vec3 v_normal;
varying vec3 v_position;
void main() {
    v_normal = $normal;
    v_position = $position;
    gl_Position = $transform(vec4($position, 1.0));
}
"""
_FRAGMENT = """
varying vec3 v_normal;
varying vec3 v_position;
void main() {
    if (dot($clip.xyz, v_position) < $clip.w) discard;
    vec3 normal = normalize(v_normal);
    float facing = abs(dot(normal, $to_eye));
    // a rim of constant width on the screen: where the normal turns away within so many pixels
    float slope = max(fwidth(facing), 1e-4);
    float rim = $outline > 0.0 ? clamp(facing / slope - $outline, 0.0, 1.0) : 1.0;
    rim = max(rim, smoothstep(0.05, 0.3, facing));  // normals of rough surfaces vary everywhere
    float gloss = pow(facing, 40.0) * $lights.z;
    vec3 lit = $colour.rgb * ($lights.x + $lights.y * facing) + vec3(gloss);
    gl_FragColor = vec4(lit * mix(0.12, 1.0, rim), $colour.a);
}
"""
_EVERYTHING = (0.0, 0.0, 0.0, -1.0)  # a clipping plane that hides nothing


class PartOfIndices(IndexBuffer):
    """Triangles of which only the first `shown` numbers are drawn; ``None``: all."""

    shown: int | None = None

    @property
    def size(self) -> int:
        """How many numbers are drawn."""
        full = int(super().size)
        return full if self.shown is None else min(self.shown, full)


class MeshBuffers:
    """Vertices, normals and triangles, empty at first, to be filled piece by piece.

    Parameters
    ----------
    vertices_xyz, normals_xyz
        (n, 3) float32.
    faces
        (m, 3) int32.
    """

    PIECE = 4 * 2**20  # bytes that are sent at once

    def __init__(self, vertices_xyz: np.ndarray, normals_xyz: np.ndarray, faces: np.ndarray) -> None:
        self.count = faces.size
        self.vertices = _room(VertexBuffer(vertices_xyz[:1].copy()), vertices_xyz)
        self.normals = _room(VertexBuffer(normals_xyz[:1].copy()), normals_xyz)
        numbers = np.ascontiguousarray(faces).reshape(-1).view(np.uint32)
        self.indices = _room(PartOfIndices(numbers[:1].copy()), numbers)
        self._waiting = [
            (buffer, array[start : start + rows], start)
            for buffer, array in ((self.vertices, vertices_xyz), (self.normals, normals_xyz), (self.indices, numbers))
            for rows in [max(1, self.PIECE // max(1, array[:1].nbytes))]
            for start in range(0, len(array), rows)
        ]

    @property
    def ready(self) -> bool:
        """Whether everything was sent."""
        return not self._waiting

    def send(self, canvas: Any) -> bool:
        """Send one more piece; return whether that was the last."""
        if self._waiting:
            buffer, piece, start = self._waiting.pop(0)
            buffer.set_subdata(piece, offset=start, copy=False)
            canvas.set_current()
            canvas.context.glir.associate(buffer.glir)
            canvas.context.flush_commands()
        return self.ready


def _room(buffer: Any, array: np.ndarray) -> Any:
    """Give a buffer that knows its type from a first element the size of a whole array."""
    buffer.resize_bytes(array.nbytes)
    return buffer


class LitVisual(Visual):  # type: ignore[misc]
    """Draws the first triangles of `MeshBuffers`."""

    def __init__(self) -> None:
        super().__init__(vcode=_VERTEX, fcode=_FRAGMENT)
        self._draw_mode = "triangles"
        self._opacity, self._clipped = 1.0, False
        self._filled = False
        self.set_colour("#c0c0c0", 1.0)
        self.set_lights(Lights())
        self.set_eye(np.array([0.0, 0.0, 1.0]))
        self.set_clip(None)
        self.freeze()

    def set_buffers(self, buffers: MeshBuffers | None, indices: int) -> None:
        """Draw the first `indices` numbers (three a triangle) of these buffers; ``None``: nothing."""
        self._filled = buffers is not None and indices > 0
        if buffers is not None and self._filled:
            self.shared_program.vert["position"] = buffers.vertices
            self.shared_program.vert["normal"] = buffers.normals
            buffers.indices.shown = indices
            self._index_buffer = buffers.indices
        self.update()

    def set_colour(self, colour: str, opacity: float) -> None:
        """Set the colour; what is not opaque hides nothing behind it and shows its front side alone."""
        self._opacity = opacity
        self.shared_program.frag["colour"] = (*Color(colour).rgb, opacity)
        self._set_state()

    def set_lights(self, lights: Lights) -> None:
        """Set how it is lit."""
        self.shared_program.frag["lights"] = (lights.ambient, lights.diffuse, lights.specular)
        self.shared_program.frag["outline"] = float(lights.outline)
        self.update()

    def set_eye(self, toward_eye_xyz: np.ndarray) -> None:
        """Set where the eye, and the light, is: (3,) unit vector."""
        self.shared_program.frag["to_eye"] = tuple(float(value) for value in toward_eye_xyz)
        self.update()

    def set_clip(self, plane: ClipPlane | None) -> None:
        """Hide what lies behind a plane."""
        self._clipped = plane is not None
        values = _EVERYTHING
        if plane is not None:
            x, y, z = plane.normal_xyz
            values = (x, y, z, float(np.dot(plane.normal_xyz, plane.point_xyz)))
        self.shared_program.frag["clip"] = values
        self._set_state()

    def _set_state(self) -> None:
        if self._opacity >= 1:
            self.set_gl_state(depth_test=True, depth_mask=True, cull_face=False, blend=False)
        else:
            # the sides of triangles that face away would shine through; where it is cut open they are seen
            cull = False if self._clipped else "back"
            self.set_gl_state(
                depth_test=True, depth_mask=False, cull_face=cull, blend=True, blend_func=OVER,
                blend_equation="func_add",
            )  # fmt: skip
        self.update()

    def _prepare_transforms(self, view: Any) -> None:
        view.view_program.vert["transform"] = view.transforms.get_transform()

    def _prepare_draw(self, view: Any = None) -> bool:
        return self._filled

    def _compute_bounds(self, axis: int, view: Any) -> None:
        return None


Lit = create_visual_node(LitVisual)


def depth_can_be_cleared(*_: object) -> None:
    """Undo what clear surfaces leave behind: OpenGL clears depth only while it may be written."""
    set_depth_mask(True)


def straight(image: np.ndarray) -> np.ndarray:
    """Return an image whose colours were multiplied with alpha as one whose colours were not."""
    alpha = image[..., 3:].astype(np.float32)
    colours = np.where(alpha > 0, image[..., :3] * 255.0 / np.maximum(alpha, 1), 0)
    return np.concatenate([np.minimum(np.rint(colours), 255).astype(np.uint8), image[..., 3:]], axis=-1)

"""Planes on the graphics card: one rectangle, one texture, and a few numbers that change without a new upload.

vispy's Image uploads a whole texture for each change of its data and bakes colours into it. Here contrast, colour,
opacity and threshold are uniforms, and a part of the texture can be replaced alone, which is what a stroke needs.
Labels and probabilities look as `ais_app.core.display.colours` draws them, but for lines and stripes, which are as
wide on the screen at every zoom.

Every quad covers ``(width, height)`` voxels of the scene; a voxel's centre is at its integer index.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from vispy import gloo
from vispy.color import Color
from vispy.scene.node import Node
from vispy.scene.visuals import create_visual_node
from vispy.visuals import Visual

_CORNERS = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=np.float32)

_VERTEX = """
attribute vec2 a_corner;
uniform vec2 u_size;
uniform vec4 u_part;        // left, low, right, high: what is drawn of the plane, as shares of it
varying vec2 v_at;
void main() {
    v_at = mix(u_part.xy, u_part.zw, a_corner);
    gl_Position = $transform(vec4(v_at * u_size - 0.5, 0.0, 1.0));
}
"""

_GREY = """
uniform sampler2D u_texture;
uniform vec2 u_limits;      // grey values that are black and white
uniform vec4 u_missing;     // what voxels that are no number look like
varying vec2 v_at;
void main() {
    float value = texture2D(u_texture, v_at).r;
    if (value != value) { gl_FragColor = u_missing; return; }
    float grey = clamp((value - u_limits.x) / (u_limits.y - u_limits.x), 0.0, 1.0);
    gl_FragColor = vec4(grey, grey, grey, 1.0);
}
"""

_LABELS = """
uniform sampler2D u_texture;   // 0 background, 1 feature, 2 ignore; bytes
uniform vec2 u_size;
uniform vec3 u_colour;
uniform float u_fill;          // opacity of the inside
uniform float u_line;          // opacity of the outline
varying vec2 v_at;
float label(vec2 at) { return floor(texture2D(u_texture, clamp(at, 0.0, 1.0)).r * 255.0 + 0.5); }
void main() {
    float here = label(v_at);
    if (here < 0.5) discard;
    // an outline of one screen pixel: is there another label half a pixel away?
    vec2 step = 0.75 * vec2(length(vec2(dFdx(v_at.x), dFdy(v_at.x))), length(vec2(dFdx(v_at.y), dFdy(v_at.y))));
    step = min(step, 1.0 / u_size);
    bool edge = label(v_at + vec2(step.x, 0.0)) != here || label(v_at - vec2(step.x, 0.0)) != here
             || label(v_at + vec2(0.0, step.y)) != here || label(v_at - vec2(0.0, step.y)) != here;
    float alpha = edge ? u_line : u_fill;
    if (here > 1.5 && !edge) {   // ignore: stripes of 2 screen pixels
        alpha = mod(gl_FragCoord.x + gl_FragCoord.y, 8.0) < 2.0 ? u_line : 0.0;
    }
    if (alpha <= 0.0) discard;
    gl_FragColor = vec4(u_colour, alpha);
}
"""

_PROBABILITY = """
uniform sampler2D u_texture;
uniform vec3 u_colour;
uniform float u_threshold;
uniform float u_opacity;
uniform float u_mode;          // 0 fades in, 1 contour, 2 heat
varying vec2 v_at;
vec3 heat(float t) {           // from dark through the colour to nearly white
    return t < 0.5 ? mix(0.25 * u_colour, u_colour, 2.0 * t) : mix(u_colour, vec3(1.0), 0.8 * (2.0 * t - 1.0));
}
void main() {
    float p = texture2D(u_texture, v_at).r;
    if (u_mode > 0.5 && u_mode < 1.5) {
        float width = max(fwidth(p), 1e-6);
        float near = 1.0 - clamp(abs(p - u_threshold) / width - 0.5, 0.0, 1.0);
        if (near <= 0.0 || p <= 0.0) discard;
        gl_FragColor = vec4(u_colour, near * u_opacity);
        return;
    }
    float above = (p - u_threshold) / max(1.0 - u_threshold, 1e-3);
    if (!(above > 0.0)) discard;
    above = min(above, 1.0);
    bool hot = u_mode > 1.5;
    gl_FragColor = vec4(hot ? heat(above) : u_colour, u_opacity * (hot ? min(1.0, 5.0 * above) : above));
}
"""

_COLOUR = """
uniform sampler2D u_texture;
uniform float u_opacity;
varying vec2 v_at;
void main() {
    vec4 colour = texture2D(u_texture, v_at);
    gl_FragColor = vec4(colour.rgb, colour.a * u_opacity);
}
"""


class QuadVisual(Visual):
    """A textured rectangle; the subclasses differ in their fragment shader.

    Parameters
    ----------
    fragment
        GLSL that reads ``u_texture`` at ``v_at``.
    form
        OpenGL's name for the texture's content: ``"r32f"``, ``"r8"``, ``"rgba8"``.
    uniforms
        Values at first.
    """

    def __init__(self, fragment: str, form: str, **uniforms: Any) -> None:
        Visual.__init__(self, vcode=_VERTEX, fcode=fragment)
        self._form = form
        self._texture: gloo.Texture2D | None = None
        self._size = (1, 1)
        self._draw_mode = "triangle_strip"
        self.shared_program["a_corner"] = gloo.VertexBuffer(_CORNERS)
        self.shared_program["u_size"] = (1.0, 1.0)
        self.shared_program["u_part"] = (0.0, 0.0, 1.0, 1.0)
        for name, value in uniforms.items():
            self.shared_program[name] = value
        self._interpolation = "nearest"
        self.set_gl_state("translucent", depth_test=False, cull_face=False)
        self.freeze()

    def set_plane(self, plane: np.ndarray) -> None:
        """Show another plane, (h, w) or (h, w, 4), row 0 at 0; uploaded when it is drawn next."""
        plane = np.ascontiguousarray(plane)
        height, width = plane.shape[:2]
        if self._texture is None:
            self._texture = gloo.Texture2D(
                plane, internalformat=self._form, interpolation=self._interpolation, wrapping="clamp_to_edge"
            )
            self.shared_program["u_texture"] = self._texture
        else:  # the same texture at every size: one that is replaced is never freed
            self._texture.set_data(plane)
        if self._size != (width, height):
            self.shared_program["u_size"] = (float(width), float(height))
            self._size = (width, height)
            self._bounds_changed()
        self.update()

    def set_part(self, part: np.ndarray, row: int, column: int) -> None:
        """Replace the texture's voxels from `row`, `column` on; the rest is not uploaded again."""
        assert self._texture is not None, "a plane comes before its parts"
        self._texture.set_data(np.ascontiguousarray(part), offset=(row, column), copy=True)
        self.update()

    def draw_only(self, rows: slice, columns: slice) -> None:
        """Draw only these voxels: there is nothing to be seen of the others."""
        width, height = self._size
        part = (columns.start / width, rows.start / height, columns.stop / width, rows.stop / height)
        self.shared_program["u_part"] = part
        self.update()

    def set_number(self, name: str, value: Any) -> None:
        """Change a uniform."""
        self.shared_program[name] = value
        self.update()

    def interpolate(self, linear: bool) -> None:
        """Interpolate between voxels, or show each as a square."""
        self._interpolation = "linear" if linear else "nearest"
        if self._texture is not None:
            self._texture.interpolation = self._interpolation
        self.update()

    def _prepare_transforms(self, view: Any) -> None:
        view.view_program.vert["transform"] = view.transforms.get_transform()

    def _prepare_draw(self, view: Any) -> bool:
        return self._texture is not None

    def _compute_bounds(self, axis: int, view: Any) -> tuple[float, float]:
        return (-0.5, self._size[axis] - 0.5) if axis < 2 else (0.0, 0.0)


class GreyVisual(QuadVisual):
    """The image: float32 grey values."""

    def __init__(self) -> None:
        super().__init__(_GREY, "r32f", u_limits=(0.0, 1.0), u_missing=(0.0, 0.0, 0.0, 0.0))

    def set_limits(self, black: float, white: float) -> None:
        """Set the grey values shown as black and white; black may be the larger."""
        self.set_number("u_limits", (float(black), float(white)))


class LabelVisual(QuadVisual):
    """The labels of one feature: uint8 of 0, 1, 2."""

    def __init__(self) -> None:
        super().__init__(_LABELS, "r8", u_colour=(1.0, 1.0, 1.0), u_fill=0.5, u_line=1.0)

    def set_style(self, colour: str, opacity: float, outline: bool) -> None:
        """Set the colour (``#rrggbb``) and how opaque inside and outline are."""
        self.shared_program["u_colour"] = Color(colour).rgb
        self.shared_program["u_fill"] = 0.0 if outline else float(opacity)
        self.shared_program["u_line"] = min(1.0, 2.0 * float(opacity))
        self.update()


class ProbabilityVisual(QuadVisual):
    """What a network predicts: float32 of 0 to 1."""

    def __init__(self) -> None:
        super().__init__(
            _PROBABILITY, "r32f", u_colour=(1.0, 1.0, 1.0), u_threshold=0.5, u_opacity=1.0, u_mode=0.0
        )  # fmt: skip


class ColourVisual(QuadVisual):
    """A picture: uint8 red, green, blue, opacity."""

    def __init__(self) -> None:
        super().__init__(_COLOUR, "rgba8", u_opacity=1.0)


GreyQuad: type[Node] = create_visual_node(GreyVisual)
LabelQuad: type[Node] = create_visual_node(LabelVisual)
ProbabilityQuad: type[Node] = create_visual_node(ProbabilityVisual)
ColourQuad: type[Node] = create_visual_node(ColourVisual)

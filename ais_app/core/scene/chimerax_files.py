"""What a ChimeraX script opens beside volumes: picks as markers (.cmm), as arrows and the bounding box (.bild)."""

from __future__ import annotations

from itertools import product
from xml.sax.saxutils import quoteattr

import numpy as np

from ais_app.core.scene.instances import Instances
from ais_app.core.surfaces.mesh import rgb_of


def marker_set(name: str, picks: Instances, diameter: float, colour: str) -> str:
    """Return a marker set, XML: a ball for each pick, numbered from 1; `diameter` is Å."""
    red, green, blue = (f"{value / 255:.4g}" for value in rgb_of(colour))
    look = f'r="{red}" g="{green}" b="{blue}" radius="{diameter / 2:.6g}"'
    lines = [f"<marker_set name={quoteattr(name)}>"]
    for number, (x, y, z) in enumerate(picks.positions_xyz.tolist(), 1):
        lines.append(f'<marker id="{number}" x="{x:.3f}" y="{y:.3f}" z="{z:.3f}" {look}/>')
    return "\n".join([*lines, "</marker_set>", ""])


def arrows(picks: Instances, length: float, colour: str, opacity: float = 1.0) -> str:
    """Return BILD objects: an arrow along the z axis of each pick; `length` is Å."""
    tips = picks.positions_xyz + np.float32(length) * picks.rotations[:, :, 2]
    lines = [_colour(colour), f".transparency {1 - opacity:.4g}"]
    for tail, tip in zip(picks.positions_xyz.tolist(), tips.tolist(), strict=True):
        ends = " ".join(f"{value:.3f}" for value in (*tail, *tip))
        lines.append(f".arrow {ends} {length / 15:.4g} {length / 6:.4g} 0.6")
    return "\n".join([*lines, ""])


def box(low_xyz: np.ndarray, high_xyz: np.ndarray, colour: str) -> str:
    """Return BILD objects: the twelve edges of a box, from corner to corner, Å."""
    corners = np.stack([low_xyz, high_xyz])
    thickness = float(np.linalg.norm(high_xyz - low_xyz)) / 2000
    lines = [_colour(colour)]
    for axis, first, second in product(range(3), (0, 1), (0, 1)):
        ends = np.empty((2, 3))
        ends[:, axis] = corners[:, axis]
        ends[:, (axis + 1) % 3], ends[:, (axis + 2) % 3] = (
            corners[first, (axis + 1) % 3],
            corners[second, (axis + 2) % 3],
        )
        lines.append(f".cylinder {' '.join(f'{value:.3f}' for value in ends.ravel())} {thickness:.4g}")
    return "\n".join([*lines, ""])


def _colour(colour: str) -> str:
    return ".color " + " ".join(f"{value / 255:.4g}" for value in rgb_of(colour))

"""The meshes of picks: balls, arrows or a map at each, made off the main thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.io import open_tomogram
from ais_app.core.scene.scene import ScenePicks
from ais_app.core.tomogram import ZYX

if TYPE_CHECKING:  # both take what is compiled, or pandas, along: too long for the start of the window
    from ais_app.core.particle_set import Particles
    from ais_app.core.scene.glyphs import Glyph
    from ais_app.core.scene.instances import Merged

RESTING, MOVING = 400_000, 20_000  # triangles of one set


@dataclass(frozen=True, eq=False)
class ShownPicks:
    """Picks in the scene.

    Parameters
    ----------
    ids
        In the project; empty for those that follow sliders.
    particles
        Where they are.
    colours
        Of each, by its class; empty for that of the set, ``None`` where all have it.
    """

    ids: np.ndarray
    particles: Particles
    colours: tuple[str, ...] | None = None

    def by_colour(self, name: str) -> Iterator[tuple[str, Particles, str]]:
        """Give the picks of each colour: a name for them, where they are, the colour; those of the set's own first."""
        if self.colours is None:
            yield name, self.particles, ""
            return
        colours = np.array(self.colours, dtype=object)
        yield name, self.particles[colours == ""], ""
        for colour in sorted(set(self.colours) - {""}):
            yield f"{name}\x00{colour}", self.particles[colours == colour], colour


def pick_work(
    particles: Particles, style: ScenePicks, first_voxel_zyx: ZYX, larger: float = 1.0
) -> Callable[[], tuple[Merged, Merged]]:
    """Return the work that makes the meshes of picks, for a scene at rest and one that moves.

    Parameters
    ----------
    particles
        Of the tomogram.
    style
        How they are drawn.
    first_voxel_zyx
        Å; where the centre of the tomogram's first voxel lies.
    larger
        A factor, for picks that are to stand out.
    """

    def work() -> tuple[Merged, Merged]:
        from ais_app.core.scene.instances import instances

        glyph, placed = _glyph(style, larger), instances(particles, first_voxel_zyx)
        return placed.merged(glyph, RESTING), placed.merged(glyph, MOVING)

    return work


def _glyph(style: ScenePicks, larger: float) -> Glyph:
    from ais_app.core.scene.glyphs import arrow, ball

    if style.style == "balls":
        return ball(larger * style.size)
    if style.style == "arrows":
        return arrow(style.size, larger * style.size / 3)
    if not style.template:
        raise ParameterProblem("map", "none is chosen", f"choose the map that is drawn at picks {style.name}")
    return _map(style.template, Path(style.template).stat().st_mtime, style.template_level)


@lru_cache(maxsize=4)
def _map(path: str, changed: float, level: float) -> Glyph:
    """Make the surface of a map once for each content of its file."""
    from ais_app.core.scene.glyphs import map_surface

    template = open_tomogram(path)
    size = template.require_voxel_size_zyx("write it into the file: ais-app convert --voxel-size")
    return map_surface(template.read(), size, level)

"""A stack of small cubes, of blocks and of bars in turn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ais_app.core.particle_set import Particles
from ais_app.core.particles.stack import write_stack
from ais_app.core.particles.wedge import Wedge

EDGE, COUNT = 8, 40


def write_two_shapes(path: Path) -> Path:
    """Write the stack, with its classes."""
    random = np.random.default_rng(0)
    labels = np.arange(COUNT) % 2
    cubes = random.normal(0, 0.4, (COUNT, EDGE, EDGE, EDGE)).astype(np.float32)
    cubes[labels == 1, 2:6, 2:6, 2:6] += 2
    cubes[labels == 0, 3:5, :, 3:5] += 2
    names = np.full(COUNT, "TS_1", object)
    particles = Particles(random.uniform(0, 900, (COUNT, 3)), tomograms=names, voxel_size=10.0)
    write_stack(path, cubes, particles, [Wedge(-60, 60)], np.zeros(COUNT, int), 10.0, labels)
    return path

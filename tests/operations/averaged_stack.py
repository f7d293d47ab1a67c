"""A small stack whose truth is known, for tests of averages and classes."""

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ais_app.core.particle_set import Particles
from ais_app.core.particles.fourier import from_fourier, soft_sphere, to_fourier
from ais_app.core.particles.halves_params import AverageParams
from ais_app.core.particles.stack import write_stack
from ais_app.core.particles.wedge import Wedge

EDGE, SIZE = 14, 12.0
PLACES = np.array([[0, 0, 0], [3.5, 0, 1], [-1, 3.5, 0], [0, -1.5, 3.5]])
FAST = AverageParams(iterations=2, angular_step=45.0, global_iterations=1)


def cube(places):
    along = np.arange(EDGE) - EDGE // 2
    z, y, x = np.meshgrid(along, along, along, indexing="ij")
    return sum(np.exp(-((x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2) / 4.5) for a, b, c in places).astype(np.float32)


TRUTH = cube(PLACES)


def eight_particles(folder):
    """Write a stack of eight particles and return it: those with odd numbers with a bump more, their poses known."""
    random = np.random.default_rng(2)
    rotations = Rotation.random(8, rng=random).as_matrix()
    kinds = [PLACES, np.concatenate([PLACES, [[-3.0, -3.0, -1.0]]])]
    clean = torch.from_numpy(np.stack([cube(kinds[i % 2] @ r.T) for i, r in enumerate(rotations)]))
    noisy = clean + 0.05 * torch.from_numpy(random.normal(size=clean.shape).astype(np.float32))
    cubes = from_fourier(to_fourier(noisy) * Wedge().mask(EDGE), EDGE).numpy()
    positions = random.uniform(200, 800, (8, 3))
    names = np.array(["TS_01", "TS_02"] * 4, dtype=object)
    particles = Particles(positions, rotations=rotations, tomograms=names, voxel_size=SIZE)
    path = folder / "particles.zarr"
    write_stack(path, cubes, particles, [Wedge()], np.zeros(8, int), SIZE)
    return path


def agreement(first, second):
    inside = soft_sphere(EDGE) > 0.5
    return float(np.corrcoef(first[inside], second[inside])[0, 1])

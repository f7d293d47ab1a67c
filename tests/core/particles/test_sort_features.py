"""What is compared when cubes are sorted: what was measured of each, in the frame of their average."""

import numpy as np
import torch
from subtomogram_phantoms import blobs, simple_subtomograms

from ais_app.core.jobs import run
from ais_app.core.particles.fourier import radii
from ais_app.core.particles.orientations import random_rotations
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.sort_features import FeatureParams, features_job
from ais_app.core.particles.wedge import Wedge


def test_frequencies_that_were_not_measured_weigh_nothing():
    edge, shells, wedges = 20, 5, [Wedge(-60, 40), Wedge(-30, 30, "x")]
    wedge_of, random = np.arange(6) % 2, np.random.default_rng(0)
    poses = Poses.of(random_rotations(6, random))
    cubes = simple_subtomograms(blobs(1, edge), poses, [wedges[i] for i in wedge_of], 1.0, random, edge)
    rows, weights = run(features_job(cubes, poses, wedges, wedge_of, FeatureParams(shells=shells, em=True)))
    small = 2 * shells + 2
    kept = (radii(small) > 0) & (radii(small) <= shells)
    for number in range(6):
        seen = wedges[wedge_of[number]].mask(small, torch.from_numpy(poses.rotations[number : number + 1]))[0][kept]
        expected = np.repeat(seen.numpy(), 2)  # real and imaginary part
        np.testing.assert_allclose(weights[number], expected, atol=1e-5)
        assert 0.2 < expected.mean() < 0.9 and not rows[number][expected == 0].any()

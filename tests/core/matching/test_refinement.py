"""Finer rotations: scores stay correlation coefficients, places lie between voxels."""

import numpy as np
import pytest
from matching_phantoms import FULL, SIZE, around, coefficient
from subtomogram_phantoms import phantom

from ais_app.core.jobs import run
from ais_app.core.matching.parameters import MatchParams
from ais_app.core.matching.refinement import Found, refine_job
from ais_app.core.matching.template import prepare
from ais_app.core.particles.orientations import angles_between, rotations_near


def test_a_refined_score_is_a_correlation_coefficient(rng):
    """Also where the tomogram is far stronger than elsewhere; the place is that voxel, or beside it."""
    density = phantom(3, 24).astype(np.float32)
    volume = rng.normal(size=(40, 44, 90)).astype(np.float32) * density.std()
    for x, scale in ((22, 1.0), (66, 8.0)):
        around(volume, (20, 22, x), 24)[...] *= scale
        around(volume, (20, 22, x), 24)[...] += scale * density
    template = prepare(density, SIZE, SIZE, FULL, MatchParams(mask_radius=100))
    off = rotations_near(10.0, 10.0)[[3, 6]]
    found = Found(np.array([[20.0, 22, 22], [20, 22, 66]]), off, np.zeros(2))
    refined = run(refine_job(volume, float(volume.mean()), float(volume.std()), template, found, 20.0))
    assert (refined.scores <= 1.001).all() and (refined.scores > 0.5).all()
    assert angles_between(refined.rotations, np.tile(np.eye(3), (2, 1, 1))).max() < 5
    for place, rotation, score in zip(refined.positions_zyx, refined.rotations, refined.scores, strict=True):
        kernel = template.kernels(rotation[None])[0].numpy()
        reference = np.divide(kernel, template.mask, out=np.zeros_like(kernel), where=template.mask > 0)
        window = around(volume, np.round(place).astype(int), template.support)
        assert score == pytest.approx(coefficient(window, reference, template.mask), abs=1e-3)


def test_a_place_lies_between_voxels():
    shift = np.array([0.3, -0.4, 0.2])
    volume = np.zeros((40, 42, 44), dtype=np.float32)
    around(volume, (20, 21, 22), 24)[...] += phantom(3, 24, shift_zyx=shift).astype(np.float32)
    template = prepare(phantom(3, 24), SIZE, SIZE, FULL, MatchParams(mask_radius=100))
    found = Found(np.array([[20.0, 21.0, 22.0]]), np.eye(3)[None], np.zeros(1))
    refined = run(refine_job(volume, 0.0, float(volume.std()), template, found, 15.0))
    np.testing.assert_allclose(refined.positions_zyx[0], [20, 21, 22] + shift, atol=0.15)

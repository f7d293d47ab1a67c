"""Correlations of a tile: all ways of computing them, also with a mask that is turned."""

from functools import partial

import numpy as np
import pytest
import torch
from matching_phantoms import SIZE, around, coefficient, lump

from ais_app.core.jobs import run
from ais_app.core.matching.correlation import Correlator, local_weights, place
from ais_app.core.matching.maxima import Maxima
from ais_app.core.matching.parameters import MatchParams
from ais_app.core.matching.search import search_job
from ais_app.core.matching.steps import Workers
from ais_app.core.matching.template import prepare
from ais_app.core.particles.orientations import random_rotations
from ais_app.core.particles.wedge import Wedge


def test_all_ways_of_computing_agree(rng):
    """Slab by slab and whole transforms, one thread and several."""
    block = rng.normal(size=(20, 24, 26)).astype(np.float32)
    template = prepare(lump(), SIZE, SIZE, Wedge(), MatchParams())
    core = (slice(0, 20), slice(0, 24), slice(0, 26))
    tile = np.zeros((40, 42, 48), dtype=np.float32)
    place(tile, block, core, core, template.support)
    tile = torch.from_numpy(tile)
    kernels = template.kernels(random_rotations(3, rng))
    results = []
    for threads, whole in ((1, False), (3, False), (1, True)):
        torch.set_num_threads(threads)
        with Workers() as workers:
            weights = run(local_weights(tile, (20, 24, 26), template.mask, workers))
            correlator = run(Correlator.of(tile, (20, 24, 26), workers, whole=whole))
            maxima = Maxima((20, 24, 26), weights, True, torch.device("cpu"))
            for number, kernel in enumerate(kernels):
                maxima.add(number, run(correlator.each(kernel, None, partial(maxima.update, number))))
        torch.set_num_threads(1)
        results.append((*(f(dark) for dark in (False, True) for f in (maxima.score, maxima.angle)), maxima.power))
    one, three, whole = results
    for a, b, c in zip(one[:4], three[:4], whole[:4], strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, c, atol=1e-5)
    assert one[4] == three[4] == pytest.approx(whole[4], rel=1e-4)


def test_a_mask_that_is_turned_with_the_map(rng):
    """A mask that is a sphere gives what the sphere gives; any other what the sums give."""
    volume = rng.normal(size=(30, 30, 30)).astype(np.float32)
    params = MatchParams(mask_radius=50)
    rotations = random_rotations(4, rng)
    sphere = prepare(lump(), SIZE, SIZE, Wedge(), params)
    own = np.zeros((12, 12, 12), dtype=np.float32)
    own[2:9, 3:9, 2:8] = 1
    masked = prepare(lump(), SIZE, SIZE, Wedge(), params, own)
    found = run(search_job(volume, 0.0, 1.0, masked, rotations)).bright
    assert found.score.max() <= 1.001
    at, n = (14, 15, 16), masked.support
    kernels, masks = masked.kernels_and_masks(rotations)
    values = []
    for kernel, mask in zip(kernels.numpy(), masks.numpy(), strict=True):
        reference = np.divide(kernel, mask, out=np.zeros_like(kernel), where=mask > 0)
        values.append(coefficient(around(volume, at, n), reference, mask))
    assert found.score[at] == pytest.approx(max(values), abs=1e-3)
    assert found.angle[at] == np.argmax(values)
    assert sphere.support == 11

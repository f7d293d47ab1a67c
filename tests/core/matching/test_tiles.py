"""Tiles and the sizes of transforms."""

import numpy as np
import pytest

from ais_app.core.matching.template import fast_size
from ais_app.core.matching.tiles import tiling


@pytest.mark.parametrize("least", [1, 11, 97, 250, 331])
def test_fast_sizes(least):
    size = fast_size(least, even=True)
    assert size % 2 == 0
    assert least <= size <= 1.15 * least + 2


@pytest.mark.parametrize("shape", [(30, 200, 180), (7, 9, 11), (100, 100, 100)])
@pytest.mark.parametrize("most", [2**15, 2**18, 2**30])
def test_tiles_cover_everything_once(shape, most):
    plan = tiling(shape, 7, most)
    covered = np.zeros(shape, dtype=int)
    for core in plan.cores:
        covered[core] += 1
        assert all(p.stop - p.start + (3 if p.stop - p.start == n else 6) <= size
                   for p, n, size in zip(core, shape, plan.padded, strict=True))  # fmt: skip
    assert (covered == 1).all()
    assert np.prod(plan.padded) <= most

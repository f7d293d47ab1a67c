"""Cubes that are binned as they are cut: which boxes fit, and where the neighbours are in them."""

import numpy as np
import pytest
from subtomogram_phantoms import Blobs

from ais_app.core.particles.cube_values import sphere
from ais_app.core.particles.extract import SubtomogramParams, cut, place

SHAPE, SIZE = (40, 60, 60), 10.0


@pytest.mark.parametrize(
    ("edge", "least", "kept"),
    [("drop", 1.0, [8, 32]), ("pad", 0.75, [4, 7, 8, 32, 33, 36]), ("pad", 0.5, [0, 3, 4, 7, 8, 32, 33, 36, 37])],
)
def test_a_box_is_as_many_voxels_as_it_bins(edge, least, kept):
    """Of 8 voxels of twice the size: 16, from 8 before the central one to 7 after it."""
    params = SubtomogramParams(box=8, bin=2, edge=edge, least_inside=least)
    heights = np.array([0, 3, 4, 7, 8, 32, 33, 36, 37])
    found = place(np.array([[z, 30, 30] for z in heights]) * SIZE, SHAPE, (SIZE,) * 3, params)
    assert heights[found.rows].tolist() == kept
    assert found.at_edge == len(heights) - len(kept) and found.outside == 0


@pytest.mark.parametrize("placing", ["nearest", "exact"])
@pytest.mark.parametrize("bin_", [1, 2])
def test_neighbours_are_masked_out_where_they_are(bin_, placing):
    edge = 48
    own, other = np.zeros(3), np.array([0.0, 6.0, 0.0]) * bin_  # x y z from the middle
    width = np.array([1.2 * bin_])
    alone = Blobs(own[None], width).cube(edge * bin_)
    data = alone + Blobs(other[None], width).cube(edge * bin_)
    middle = np.full(3, edge * bin_ // 2)
    params = SubtomogramParams(
        box=20, bin=bin_, placing=placing, neighbours="mask", diameter=60.0 * bin_, dark=False, normalise="none"
    )
    picks = np.stack([middle + own, middle + other[::-1]]) * SIZE
    places = place(picks, data.shape, (SIZE,) * 3, params)
    cubes = {int(row): cube for rows, some in cut(data, places, params, cube_voxel_size=SIZE * bin_)
             for row, cube in zip(rows, some, strict=True)}  # fmt: skip
    masked = cubes[0]
    theirs = sphere(20, 2.0, (10, 16, 10)) < 0
    mine = sphere(20, 2.0) < 0
    assert np.ptp(masked[theirs]) < 1e-4 and masked[theirs].max() < 0.1
    assert masked[mine].max() > 0.9
    # and the other way round
    assert cubes[1][sphere(20, 2.0, (10, 4, 10)) < 0].max() < 0.1 and cubes[1][mine].max() > 0.9

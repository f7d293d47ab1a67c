"""Blobs with exact positions and volumes, at two voxel sizes, also anisotropic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.errors import ParameterProblem
from ais_app.core.pickers import pickers
from ais_app.core.pickers.blobs import BlobParams, pick_blobs
from ais_app.core.picking.spacing import spaced

ANISOTROPIC = (10.0, 8.0, 9.0)
SIZES = [(10.0, 10.0, 10.0), (6.8, 6.8, 6.8), ANISOTROPIC]


def spheres(shape, size, centres, radius, values=None):
    """Return a prediction with balls at `centres`, Å z y x, of `radius` Å."""
    volume = np.zeros(shape, dtype=np.float32)
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    values = np.full(len(centres), 0.9) if values is None else values
    for centre, value in zip(centres, values, strict=True):
        away = sum((axis * s - c) ** 2 for axis, s, c in zip(grid, size, centre, strict=True))
        volume[away <= radius**2] = value
    return volume


def ellipsoid(shape, size, centre, axes, turn):
    """Return the mask of an ellipsoid with half axes `axes` Å, whose axes are the columns of `turn` (z y x)."""
    points = np.stack(np.meshgrid(*[np.arange(n) * s for n, s in zip(shape, size, strict=True)], indexing="ij"), -1)
    return (((points - centre) @ turn / axes) ** 2).sum(axis=-1) <= 1


def any_turn(rng):
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return turn * np.sign(np.linalg.det(turn))


def test_registered():
    assert pickers()["blobs"].params is BlobParams


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("position", ["centroid", "deepest"])
def test_centre_and_volume_of_spheres(size, position):
    shape, radius = (40, 50, 60), 55.0
    centres = np.array([[120, 130, 140], [200.5, 281.3, 402.7], [130, 300, 150]]) * np.mean(size) / 10
    picked = pick_blobs(spheres(shape, size, centres, radius), size, BlobParams(position=position))
    assert len(picked) == 3
    away = np.linalg.norm(picked.positions_zyx[:, None] - centres, axis=2)
    assert away.min(axis=0).max() < (0.2 if position == "centroid" else 1.0) * max(size)
    np.testing.assert_allclose(picked.table["aisVolumeA3"], 4 / 3 * np.pi * radius**3, rtol=0.07)
    np.testing.assert_allclose(picked.table["aisDepthA"], radius, atol=1.5 * max(size))
    assert picked.voxel_size == pytest.approx(np.prod(size) ** (1 / 3))


def test_weight_is_the_sum_of_the_prediction_and_orders_the_picks():
    volume = spheres((30, 30, 60), (10, 10, 10), [[150, 150, 100], [150, 150, 400]], 60, values=[0.6, 0.9])
    picked = pick_blobs(volume, (10.0, 10.0, 10.0), BlobParams())
    np.testing.assert_allclose(picked.scores, [volume[:, :, 30:].sum(), volume[:, :, :30].sum()], rtol=1e-6)


def test_centroid_is_weighted_with_the_prediction():
    volume = np.zeros((9, 9, 9), dtype=np.float32)
    volume[4, 4, 3:6] = [0.6, 0.6, 0.9]
    picked = pick_blobs(volume, (5.0, 5.0, 5.0), BlobParams())
    expected = 5 * np.array([4, 4, (3 * 0.6 + 4 * 0.6 + 5 * 0.9) / 2.1])
    np.testing.assert_allclose(picked.positions_zyx[0], expected, rtol=1e-6)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("radius_voxels", [4, 6, 9])
@pytest.mark.parametrize("apart", [1.5, 1.8])
def test_touching_spheres_are_split(size, radius_voxels, apart):
    rng = np.random.default_rng(radius_voxels)
    radius = radius_voxels * max(size)
    for _ in range(3):
        way = rng.normal(size=3)
        way *= apart * radius / 2 / np.linalg.norm(way)
        shape = np.ceil(4.5 * radius / np.array(size)).astype(int)
        middle = shape * size / 2 + rng.uniform(0, 1, 3)
        picked = pick_blobs(spheres(shape, size, [middle - way, middle + way], radius), size, BlobParams())
        assert len(picked) == 2
        whole = pick_blobs(
            spheres(shape, size, [middle - way, middle + way], radius), size, BlobParams(one_per_component=True)
        )
        assert len(whole) == 1
        np.testing.assert_allclose(whole.positions_zyx[0], middle, atol=0.3 * max(size))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from(SIZES))
def test_an_ellipsoid_is_one(seed, size):
    rng = np.random.default_rng(seed)
    axes = rng.uniform(3, 11, 3) * max(size)
    mask = ellipsoid((34, 34, 34), size, np.array([17, 17, 17]) * size, axes, any_turn(rng))
    assert len(pick_blobs(mask.astype(np.float32), size, BlobParams())) == 1


@settings(max_examples=15, deadline=None)
@given(
    low=st.tuples(*[st.integers(2, 8)] * 3), extent=st.tuples(*[st.integers(1, 12)] * 3), size=st.sampled_from(SIZES)
)
def test_a_plateau_is_one(low, extent, size):
    volume = np.zeros((22, 22, 22), dtype=np.float32)
    volume[tuple(slice(a, a + n) for a, n in zip(low, extent, strict=True))] = 1
    picked = pick_blobs(volume, size, BlobParams())
    assert len(picked) == 1
    np.testing.assert_allclose(picked.positions_zyx[0], (np.array(low) + (np.array(extent) - 1) / 2) * size)


@pytest.mark.parametrize("size", SIZES)
def test_minimum_volume_in_cubic_angstrom(size):
    volume = np.zeros((10, 10, 30), dtype=np.float32)
    volume[2:4, 2:4, 2:5] = 1  # 12 voxels
    volume[2:4, 2:4, 12:15] = 1
    volume[4, 2, 12] = 1  # 13
    for voxels, count in [(12, 2), (12.5, 1), (13, 1), (13.5, 0)]:
        assert len(pick_blobs(volume, size, BlobParams(min_volume=voxels * np.prod(size)))) == count


def test_minimum_volume_counts_lobes_not_components():
    size = (10.0, 10.0, 10.0)
    volume = spheres((40, 40, 60), size, [[200, 200, 200]], 100) + spheres((40, 40, 60), size, [[200, 200, 330]], 50)
    assert len(pick_blobs(volume.clip(0, 1), size, BlobParams())) == 2
    assert len(pick_blobs(volume.clip(0, 1), size, BlobParams(min_volume=1e6))) == 1


def test_spacing_is_a_ball_and_the_lower_weight_goes():
    centres = [[100, 100, 100], [100, 200, 200], [100, 100, 240]]
    volume = spheres((20, 40, 40), (10, 10, 10), centres, 30, values=[0.7, 0.9, 0.8])

    # 1 and 2 are 141 Å apart on the diagonal, 2 and 3 108 Å, 1 and 3 140 Å
    def kept(spacing):
        positions = pick_blobs(volume, (10.0, 10.0, 10.0), BlobParams(min_spacing=spacing)).positions_zyx
        return [int(np.argmin(np.linalg.norm(np.array(centres) - p, axis=1))) + 1 for p in positions]

    assert kept(0) == [2, 3, 1]
    assert kept(107) == [2, 3, 1]
    assert kept(120) == [2, 1]
    assert kept(142) == [2]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), spacing=st.floats(0.5, 60))
def test_spaced_is_maximal_and_clear(seed, spacing):
    points = np.random.default_rng(seed).uniform(0, 100, (40, 3))
    chosen = spaced(points, spacing)
    away = np.linalg.norm(points[:, None] - points[chosen], axis=2)
    assert (away[chosen] + 1e9 * np.eye(len(chosen)) >= spacing * (1 - 1e-9)).all()
    for index in set(range(40)) - set(chosen):  # each that went has a heavier one close by
        assert (away[index][chosen < index] < spacing).any()


def test_a_chain_keeps_its_ends():
    assert spaced(np.array([[0, 0, 0], [0, 0, 8], [0, 0, 16.0]]), 10).tolist() == [0, 2]
    assert spaced(np.array([[0, 0, 0], [0, 0, 10.0]]), 10).tolist() == [0, 1]


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_lost_at_the_border_until_a_margin_is_asked_for(size):
    shape = (20, 24, 28)
    corners = [[0, 0, 0], np.multiply(np.array(shape) - 1, size), [0, 12 * size[1], 14 * size[2]]]
    volume = spheres(shape, size, corners, 30)
    assert len(pick_blobs(volume, size, BlobParams())) == 3
    assert len(pick_blobs(volume, size, BlobParams(border_margin=60))) == 0


def test_border_margin_is_measured_from_the_face():
    volume = np.zeros((21, 21, 21), dtype=np.float32)
    volume[10, 10, 3] = 1  # its centre lies 3.5 voxels from the face
    for size in (10.0, 4.0):
        for margin, count in [(3.4, 1), (3.5, 1), (3.6, 0)]:
            params = BlobParams(border_margin=margin * size)
            assert len(pick_blobs(volume, (size,) * 3, params)) == count


def test_maximum_count_keeps_the_heaviest():
    volume = np.zeros((5, 5, 30), dtype=np.float32)
    for index, value in enumerate([0.6, 0.9, 0.7, 0.8]):
        volume[2, 2, 5 * index + 2] = value
    picked = pick_blobs(volume, (1.0, 1.0, 1.0), BlobParams(max_count=2))
    assert picked.positions_zyx[:, 2].tolist() == [7, 17]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_binning_keeps_the_positions(size, factor):
    shape = (47, 50, 61)  # no multiple of the factors
    centres = np.array([[150, 150, 150], [220.0, 290.0, 455.0]]) * np.mean(size) / 10
    volume = spheres(shape, size, centres, 80 * np.mean(size) / 10, [0.8, 1.0])
    picked = pick_blobs(volume, size, BlobParams(binning=factor))
    away = np.linalg.norm(picked.positions_zyx[:, None] - centres, axis=2).min(axis=0)
    assert len(picked) == 2
    assert away.max() < 0.1 * factor * max(size)
    assert picked.voxel_size == pytest.approx(np.prod(size) ** (1 / 3))


def test_binning_of_a_cube_is_exact():
    volume = np.zeros((16, 16, 16), dtype=np.float32)
    volume[4:8, 8:12, 0:4] = 1
    for factor in (1, 2, 4):
        picked = pick_blobs(volume, (2.0, 3.0, 4.0), BlobParams(binning=factor))
        np.testing.assert_allclose(picked.positions_zyx, [[2 * 5.5, 3 * 9.5, 4 * 1.5]])
        np.testing.assert_allclose(picked.table["aisVolumeA3"], 64 * 24)


def test_binning_loses_nothing_at_the_far_border():
    volume = np.zeros((9, 9, 9), dtype=np.float32)
    volume[8, 8, 8] = 1
    assert len(pick_blobs(volume, (1.0, 1.0, 1.0), BlobParams(binning=2))) == 1


def test_keep_is_asked_before_the_spacing():
    volume = np.zeros((3, 3, 20), dtype=np.float32)
    volume[1, 1, 5], volume[1, 1, 8] = 0.9, 0.8
    params = BlobParams(min_spacing=5, max_count=1)
    picked = pick_blobs(volume, (1.0, 1.0, 1.0), params, keep=lambda positions: positions[:, 2] > 6)
    assert picked.positions_zyx.tolist() == [[1, 1, 8]]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from(SIZES), kind=st.sampled_from(["long-axis", "short-axis"]))
def test_axes_of_an_ellipsoid(seed, size, kind):
    rng = np.random.default_rng(seed)
    turn = any_turn(rng)
    axes = np.array([12.0, 7.0, 4.0]) * max(size)
    mask = ellipsoid((32, 36, 36), size, np.array([16, 18, 18]) * size, axes, turn)
    picked = pick_blobs(mask.astype(np.float32), size, BlobParams(orientation=kind))
    wanted = turn[::-1, 0 if kind == "long-axis" else 2]  # x y z
    rotation = picked.rotations[0]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert abs(rotation[:, 2] @ wanted) > np.cos(np.radians(3))
    assert rotation[2, 2] >= 0
    assert picked.table["aisAxisRatio"][0] == pytest.approx(7 / 12 if kind == "long-axis" else 4 / 7, abs=0.06)


def test_no_orientation_means_no_rotations():
    assert pick_blobs(np.ones((3, 3, 3), np.float32), (1.0, 1.0, 1.0), BlobParams()).rotations is None


@pytest.mark.parametrize("value", [0.0, 0.4, np.nan])
def test_nothing_found_is_an_empty_set(value):
    for orientation in ("none", "short-axis"):
        params = BlobParams(orientation=orientation, min_spacing=10, border_margin=10)
        picked = pick_blobs(np.full((4, 5, 6), value, np.float32), (1.0, 1.0, 1.0), params)
        assert len(picked) == 0
        assert list(picked.table.columns)[:2] == ["aisVolumeA3", "aisDepthA"]


def test_a_full_volume_is_one_blob():
    picked = pick_blobs(np.ones((4, 5, 6), np.float32), (1.0, 1.0, 1.0), BlobParams())
    np.testing.assert_allclose(picked.positions_zyx, [[1.5, 2, 2.5]])


def test_the_same_every_time():
    volume = np.random.default_rng(3).random((40, 40, 40)).astype(np.float32)
    first, second = (pick_blobs(volume, (2.0, 2.0, 2.0), BlobParams(threshold=0.8)) for _ in range(2))
    np.testing.assert_array_equal(first.positions_zyx, second.positions_zyx)
    assert len(first) > 10


def test_two_axes_are_refused():
    with pytest.raises(ParameterProblem, match="2 axes"):
        pick_blobs(np.ones((4, 5), np.float32), (1.0, 1.0, 1.0), BlobParams())


@pytest.mark.parametrize(
    "wrong", [{"threshold": 1.5}, {"threshold": 0.0}, {"min_volume": -1}, {"binning": 0}, {"neck": np.nan}]
)
def test_parameters_out_of_bounds(wrong):
    with pytest.raises(ParameterProblem, match="out of bounds"):
        BlobParams(**wrong)

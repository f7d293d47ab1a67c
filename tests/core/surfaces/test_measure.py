"""Measurements of bodies whose measures are known."""

import numpy as np
import pytest

from ais_app.core.surfaces.measure import MeasureParams, Other, measure_volume

SIZES = [(10.0, 10.0, 10.0), (6.8, 6.8, 6.8), (12.0, 8.0, 10.0)]


def away_from(shape, size, centre):
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    return np.sqrt(sum((axis * s - c) ** 2 for axis, s, c in zip(grid, size, centre, strict=True)))


def edge(inward, size, soft):
    """Return a prediction from the distance into the body, Å: a ramp over two voxels, or a step."""
    return (np.clip(inward / (2 * max(size)) + 0.5, 0, 1) if soft else inward >= 0).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
def test_volume_area_position_and_extents_of_balls(size):
    shape = (40, 50, 90)
    unit = max(size)
    radii = np.array([8, 11]) * unit
    centres = np.array([[12 * unit, 12 * unit, 14 * unit], [13.3 * unit, 14.2 * unit, 45.7 * unit]])
    volume = sum(edge(r - away_from(shape, size, c), size, True) for r, c in zip(radii, centres, strict=True))
    table = measure_volume(volume, size, MeasureParams()).components.sort_values("volume_A3")
    assert len(table) == 2
    np.testing.assert_allclose(table["volume_A3"], 4 / 3 * np.pi * radii**3, rtol=0.03)
    np.testing.assert_allclose(table["volume_nm3"], table["volume_A3"] / 1000)
    np.testing.assert_allclose(table["area_A2"], 4 * np.pi * radii**2, rtol=0.02)
    np.testing.assert_allclose(table["area_nm2"], table["area_A2"] / 100)
    np.testing.assert_allclose(table[[f"centroid_{a}_A" for a in "xyz"]], centres[:, ::-1], atol=0.1 * unit)
    np.testing.assert_allclose(table["extent_x_A"], 2 * radii, atol=1.5 * unit)
    np.testing.assert_allclose(table["extent_z_A"], 2 * radii, atol=1.5 * unit)
    np.testing.assert_allclose(table["equivalent_diameter_A"], 2 * radii, rtol=0.01)
    np.testing.assert_allclose(table["sphericity"], 1, atol=0.03)
    assert sorted(table["component"]) == [1, 2]


@pytest.mark.parametrize("size", SIZES)
def test_area_of_binary_masks(size):
    unit = max(size)
    for radius in (5 * unit, 9.3 * unit):
        ball = edge(radius - away_from((30, 34, 32), size, np.array([14.6, 16.2, 15.9]) * size), size, False)
        area = measure_volume(ball, size, MeasureParams()).components["area_A2"][0]
        assert area == pytest.approx(4 * np.pi * radius**2, rel=0.02)


@pytest.mark.parametrize("size", SIZES)
def test_area_of_a_sheet_leaves_the_cuts_of_the_volume_out(size):
    volume = np.zeros((20, 30, 40), dtype=np.float32)
    volume[8:11] = 1
    area = measure_volume(volume, size, MeasureParams()).components["area_A2"][0]
    assert area == pytest.approx(2 * 29 * 39 * size[1] * size[2], rel=1e-4)


def test_extents_of_a_box_are_exact():
    volume = np.zeros((12, 12, 12), dtype=np.float32)
    volume[2:5, 3:9, 1:11] = 1
    row = measure_volume(volume, (2.0, 3.0, 4.0), MeasureParams()).components.iloc[0]
    assert [row[f"extent_{a}_A"] for a in "xyz"] == [40, 18, 6]
    assert [row[f"centroid_{a}_A"] for a in "xyz"] == [22, 16.5, 6]
    assert row["volume_A3"] == 3 * 6 * 10 * 24


def test_what_the_border_cuts_is_marked():
    volume = np.zeros((9, 9, 20), dtype=np.float32)
    volume[3:6, 3:6, 3:6] = 1
    volume[3:6, 6:9, 10:13] = 1
    table = measure_volume(volume, (5.0,) * 3, MeasureParams()).components
    assert table["at_border"].tolist() == [0, 1]
    assert table["sphericity"].isna().tolist() == [False, True]
    assert measure_volume(np.ones_like(volume), (5.0,) * 3, MeasureParams()).components["area_A2"].tolist() == [0]


def test_dust_is_left_out():
    volume = np.zeros((6, 6, 20), dtype=np.float32)
    volume[2, 2, 2] = 1
    volume[2:4, 2:4, 8:12] = 1
    params = MeasureParams(min_volume=10, thickness=True)
    found = measure_volume(volume, (1.0, 1.0, 1.0), params, Other(volume * 0, (1.0, 1.0, 1.0)))
    assert found.components["voxels"].tolist() == [16]
    assert np.isinf(found.components["distance_min_A"]).all()
    assert found.distributions["thickness"]["fraction"].sum() == pytest.approx(1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("soft", [True, False])
@pytest.mark.parametrize("wanted", [40.0, 65.0])
def test_thickness_of_a_shell(size, soft, wanted):
    shape = (48, 62, 52)
    away = away_from(shape, size, np.array(shape) * size / 2 + 1.3)
    volume = edge(wanted / 2 - abs(away - 15 * max(size)), size, soft)
    row = measure_volume(volume, size, MeasureParams(thickness=True)).components.iloc[0]
    tolerance = 0.02 if soft else 0.12
    assert row["thickness_median_A"] == pytest.approx(wanted, abs=tolerance * max(size))
    assert row["thickness_mean_A"] == pytest.approx(wanted, abs=tolerance * max(size))
    assert row["thickness_std_A"] < (0.05 if soft else 0.5) * max(size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("normal", [(1, 0, 0), (0, 0, 1), (1, 1, 0), (3, 4, 5)])
@pytest.mark.parametrize("soft", [True, False])
def test_thickness_of_a_sheet_that_the_volume_cuts(size, normal, soft):
    shape, wanted = (36, 40, 38), 5 * max(size)
    way = np.array(normal) / np.linalg.norm(normal)
    points = np.stack(np.meshgrid(*[np.arange(n) * s for n, s in zip(shape, size, strict=True)], indexing="ij"), -1)
    height = (points - (np.array(shape) // 2 + 0.2) * size) @ way
    found = measure_volume(edge(wanted / 2 - abs(height), size, soft), size, MeasureParams(thickness=True))
    row = found.components.iloc[0]
    along = size[int(np.argmax(np.abs(way)))]
    assert row["thickness_median_A"] == pytest.approx(wanted, abs=0.02 * along if soft else 1.0 * along)
    bins = found.distributions["thickness"]
    assert (bins["fraction"] * (bins["low_A"] + bins["high_A"]) / 2).sum() == pytest.approx(wanted, abs=1.2 * along)


def test_a_slab_of_whole_voxels_is_exact():
    for voxels in (1, 2, 3, 4, 7):
        volume = np.zeros((20, 12, 12), dtype=np.float32)
        volume[5 : 5 + voxels] = 1
        row = measure_volume(volume, (3.0, 2.0, 2.0), MeasureParams(thickness=True)).components.iloc[0]
        assert row["thickness_median_A"] == pytest.approx(3 * voxels, abs=0.02)
        assert row["thickness_min_A"] == pytest.approx(3 * voxels, abs=0.02)


def test_what_is_no_sheet_has_no_thickness():
    volume = edge(150 - away_from((40, 40, 40), (10,) * 3, (200, 200, 200)), (10,), True)
    row = measure_volume(volume, (10.0,) * 3, MeasureParams(thickness=True, max_thickness=200)).components.iloc[0]
    assert np.isnan(row["thickness_median_A"])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("gap", [0.5, 2.0, 8.0])
def test_distance_between_two_balls(size, gap):
    shape, unit = (40, 44, 90), max(size)
    low, high = np.array([14, 15, 12]) * unit, np.array([14, 15, 30 + gap]) * unit
    one = edge(8 * unit - away_from(shape, size, low), size, True)
    two = edge(10 * unit - away_from(shape, size, high), size, True)
    found = measure_volume(one, size, MeasureParams(bin_width=unit), Other(two, size))
    row = found.components.iloc[0]
    assert row["distance_min_A"] == pytest.approx(gap * unit, abs=0.3 * unit)
    assert row["distance_max_A"] == pytest.approx((16 + gap) * unit, abs=0.5 * unit)
    bins = found.distributions["distance"]
    assert bins["fraction"].sum() == pytest.approx(1)
    assert bins["area_nm2"].sum() == pytest.approx(4 * np.pi * (8 * unit) ** 2 / 100, rel=0.03)


def test_distance_is_zero_inside():
    volume = np.zeros((16, 16, 16), dtype=np.float32)
    volume[5:10, 5:10, 5:10] = 1
    around = np.zeros_like(volume)
    around[2:13, 2:13, 2:13] = 1
    row = measure_volume(volume, (4.0,) * 3, MeasureParams(), Other(around, (4.0,) * 3)).components.iloc[0]
    assert row["distance_max_A"] == 0
    back = measure_volume(around, (4.0,) * 3, MeasureParams(), Other(volume, (4.0,) * 3)).components.iloc[0]
    assert back["distance_min_A"] == pytest.approx(12, abs=0.5)


def test_distance_to_a_binned_segmentation():
    size = 5.0
    volume, other = np.zeros((24, 24, 48), np.float32), np.zeros((24, 24, 48), np.float32)
    volume[8:16, 8:16, 4:10] = 1
    other[8:16, 8:16, 20:32] = 1
    binned = other.reshape(12, 2, 12, 2, 24, 2).mean(axis=(1, 3, 5))
    shift = np.full(3, (size - 2 * size) / 2)
    plain = measure_volume(volume, (size,) * 3, MeasureParams(), Other(other, (size,) * 3)).components.iloc[0]
    coarse = measure_volume(
        volume, (size,) * 3, MeasureParams(), Other(binned, (2 * size,) * 3, shift)
    ).components.iloc[0]
    assert plain["distance_min_A"] == pytest.approx(50, abs=0.1)
    assert coarse["distance_min_A"] == pytest.approx(50, abs=0.5 * size)


@pytest.mark.parametrize("thickness", [True, False])
def test_nothing_there_is_an_empty_table(thickness):
    empty = np.zeros((5, 5, 5), np.float32)
    found = measure_volume(empty, (1.0,) * 3, MeasureParams(thickness=thickness), Other(empty, (1.0,) * 3))
    assert len(found.components) == 0
    assert "volume_nm3" in found.components
    assert found.distributions["distance"]["area_nm2"].sum() == 0

import numpy as np
import pytest

from ais_app.core.picking.membrane_normals import MembraneParams, membrane_normals

SIZES = [(10.0, 10.0, 10.0), (12.0, 9.0, 10.0)]
DEGREES_8 = np.cos(np.radians(8))


def shell(shape, size, centre, radius, thickness=45.0):
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    away = np.sqrt(sum((axis * s - c) ** 2 for axis, s, c in zip(grid, size, centre, strict=True)))
    return abs(away - radius) <= thickness / 2


def around(centre, radius, count=40):
    ways = np.random.default_rng(0).normal(size=(count, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    return centre + radius * ways, ways


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("off", [60.0, 5.0, -70.0])
def test_normals_of_a_vesicle_point_outward_from_both_sides(size, off):
    shape, radius = (64, 72, 64), 230.0
    centre = np.array(shape) * size / 2 + 1.7
    membrane = shell(shape, size, centre, radius).astype(np.float32)
    positions, ways = around(centre, radius + off)
    found = membrane_normals(membrane, size, positions, MembraneParams())
    assert ((found.directions_zyx * ways).sum(axis=1) > DEGREES_8).all()
    assert found.closed.all()
    if abs(off) > 30:
        np.testing.assert_allclose(found.distances, off - np.sign(off) * 22.5, atol=max(size))


def test_inside_of_an_outer_membrane_is_outside_of_the_inner_one():
    size, shape = (10.0, 10.0, 10.0), (80, 80, 80)
    centre = np.array([395.0, 400, 405])
    both = shell(shape, size, centre, 350) | shell(shape, size, centre, 180)
    for radius, sign in [(210.0, 1), (150.0, -1), (310.0, -1)]:  # off the inner, within it, off the outer one
        positions, ways = around(centre, radius, 20)
        found = membrane_normals(both.astype(np.float32), size, positions, MembraneParams(normal_radius=80))
        assert ((found.directions_zyx * ways).sum(axis=1) > np.cos(np.radians(12))).all()
        assert (np.sign(found.distances) == sign).all()


@pytest.mark.parametrize("size", SIZES)
def test_normals_of_an_open_sheet_point_to_the_particle(size):
    membrane = np.zeros((40, 40, 40), dtype=np.float32)
    membrane[18:22] = 1
    positions = np.array([[10, 20, 20], [30, 20, 20]]) * size
    found = membrane_normals(membrane, size, positions, MembraneParams())
    np.testing.assert_allclose(found.directions_zyx, [[-1, 0, 0], [1, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(found.distances, [8 * size[0], 9 * size[0]])
    assert not found.closed.any()


def test_small_gaps_are_no_inside():
    membrane = np.zeros((40, 40, 40), dtype=np.float32)
    membrane[18:23] = 1
    membrane[20, 18:22, 18:22] = 0  # a hole in the sheet
    found = membrane_normals(membrane, (10.0,) * 3, np.array([[300.0, 200, 200]]), MembraneParams())
    assert not found.closed[0]
    assert found.directions_zyx[0, 0] > 0.99


def test_far_from_any_membrane_there_is_none():
    membrane = np.zeros((40, 40, 40), dtype=np.float32)
    membrane[:2] = 1
    positions = np.array([[350.0, 200, 200]])
    for params, there in [
        (MembraneParams(membrane_distance=200), False),
        (MembraneParams(membrane_distance=400), True),
    ]:
        found = membrane_normals(membrane, (10.0,) * 3, positions, params)
        assert np.isfinite(found.directions_zyx).all() == there
        assert np.isfinite(found.distances).all() == there
    assert len(membrane_normals(membrane, (10.0,) * 3, np.empty((0, 3)), MembraneParams()).distances) == 0

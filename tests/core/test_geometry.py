"""Axes, units, centres and Euler angles, against published numbers and against themselves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ais_app.core import geometry
from ais_app.core.errors import ParameterProblem

CHECKS = json.loads((Path(__file__).parents[1] / "data/coordinates/euler_conventions.json").read_text())["checks"]
CONVENTIONS = {
    "relion": (geometry.relion_to_matrices, geometry.matrices_to_relion),
    "motl": (geometry.motl_to_matrices, geometry.matrices_to_motl),
    "dynamo": (geometry.dynamo_to_matrices, geometry.matrices_to_dynamo),
    "imod": (geometry.imod_to_matrices, geometry.matrices_to_imod),
}
angles = st.floats(-360, 360, allow_nan=False)


def test_published_relion_and_dynamo_angles_are_one_rotation():
    pair = CHECKS[0]
    expected = np.array(pair["R_transposed"]).T
    assert np.allclose(geometry.relion_to_matrices([pair["relion"]]), expected, atol=1e-8)
    assert np.allclose(geometry.dynamo_to_matrices([pair["dynamo"]]), expected, atol=1e-8)


def test_published_dynamo_angles():
    expected = np.array(CHECKS[1]["R_transposed"]).T
    assert np.allclose(geometry.dynamo_to_matrices([CHECKS[1]["dynamo"]]), expected, atol=1e-4)


def test_conventions_as_scipy_spells_them():
    a, b, c = 21.0, 137.0, -64.0
    relion = Rotation.from_euler("ZYZ", (a, b, c), degrees=True).inv().as_matrix()
    motl = Rotation.from_euler("zxz", (a, c, b), degrees=True).as_matrix()  # phi, theta, psi
    assert np.allclose(geometry.relion_to_matrices([(a, b, c)]), relion)
    assert np.allclose(geometry.motl_to_matrices([(a, b, c)]), motl)
    # the table of conventions: Dynamo is a motl with phi = -narot, psi = -tdrot, theta = -tilt
    assert np.allclose(geometry.dynamo_to_matrices([(a, b, c)]), geometry.motl_to_matrices([(-c, -a, -b)]))


@pytest.mark.parametrize("name", CONVENTIONS)
@given(st.tuples(angles, angles, angles))
def test_angles_give_their_rotation_back(name, triple):
    to_matrices, to_angles = CONVENTIONS[name]
    rotation = to_matrices([triple])
    # where two axes all but coincide the sign of a sine below 1e-7 is lost
    assert np.allclose(to_matrices(to_angles(rotation)), rotation, atol=2.1e-7)


@pytest.mark.parametrize("name", CONVENTIONS)
@pytest.mark.parametrize("middle", [0.0, 90.0, -90.0, 180.0, 1e-5, 180 - 1e-5, 90 - 1e-5, 1e-9])
@pytest.mark.parametrize("first, last", [(0.0, 0.0), (30.0, 45.0), (-170.0, 95.0)])
def test_gimbal_lock(name, middle, first, last):
    to_matrices, to_angles = CONVENTIONS[name]
    # the angle that can lock stands second in RELION, Dynamo and IMOD, third in motl
    triple = (first, last, middle) if name == "motl" else (first, middle, last)
    rotation = to_matrices([triple])
    found = to_angles(rotation)
    assert np.isfinite(found).all()
    assert np.allclose(to_matrices(found), rotation, atol=1e-7)


def test_no_particles_have_no_angles():
    for to_matrices, to_angles in CONVENTIONS.values():
        assert to_matrices(np.empty((0, 3))).shape == (0, 3, 3)
        assert to_angles(np.empty((0, 3, 3))).shape == (0, 3)


def test_mirrors_scalings_and_nan_are_no_rotations():
    matrices = np.stack([np.eye(3), np.diag([1, 1, -1]), 2 * np.eye(3), np.full((3, 3), np.nan)])
    assert geometry.are_rotations(matrices).tolist() == [True, False, False, False]


@pytest.mark.parametrize("size, picker, half, integer", [(8, 3.0, 4.0, 4.0), (9, 3.5, 4.5, 4.0)])
def test_disputed_centres(size, picker, half, integer):
    shape = (size, size, size)
    found = [geometry.centre_index(shape, rule)[0] for rule in ("relion-picker", "half", "half-integer")]
    assert found == [picker, half, integer]


def test_an_unknown_centre_is_refused():
    with pytest.raises(ParameterProblem, match="relion-picker, half, half-integer"):
        geometry.centre_index((8, 8, 8), "middle")  # type: ignore[arg-type]
    with pytest.raises(ParameterProblem, match="scale, average"):
        geometry.unbinning_shift(10, 5, "mean")  # type: ignore[arg-type]


@pytest.mark.parametrize("binning", [2, 3, 4])
def test_averaged_blocks_are_half_a_block_off(binning):
    unbinned = np.zeros(24)
    unbinned[3 * binning : 4 * binning] = 1  # exactly the binned voxel 3
    centre = np.flatnonzero(unbinned).mean()
    pixel = 2.5
    shift = geometry.unbinning_shift(binning * pixel, pixel, "average")
    assert (3 * binning * pixel + shift) / pixel == pytest.approx(centre)
    assert geometry.unbinning_shift(binning * pixel, pixel, "scale") == 0


@given(st.lists(st.tuples(angles, angles, angles), min_size=1, max_size=5), st.sampled_from([0, 1]))
def test_indices_and_angstroms(points, first_index):
    index = np.array(points)
    for size in (1.96, 13.48):
        positions = geometry.index_to_angstrom(index, size, first_index)
        assert np.allclose(geometry.angstrom_to_index(positions, size, first_index), index)
    assert np.allclose(geometry.xyz(geometry.xyz(index)), index)
    assert geometry.index_to_angstrom([[first_index] * 3], 10.0, first_index).tolist() == [[0, 0, 0]]

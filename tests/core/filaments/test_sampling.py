"""Samples along curves: spacing, ends, directions, twist, columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ais_app.core.errors import ParameterProblem
from ais_app.core.filaments import Filament, FilamentParams, sample_filaments
from ais_app.core.filaments.sampling import rotations_along, sample_positions
from ais_app.core.filaments.spline import fit_curve
from ais_app.core.geometry import matrices_to_relion
from ais_app.core.pickers import pickers

SHAPE, SIZE = (100, 100, 100), (10.0, 10.0, 10.0)


def helix(turns=1.5, count=400):
    angle = np.linspace(0, turns * 2 * np.pi, count)
    return np.stack([200 + 30 * angle, 500 + 250 * np.cos(angle), 500 + 250 * np.sin(angle)], 1)


def filament(points, ends=("free", "free"), closed=False):
    return Filament(fit_curve(points, 0.1, closed=closed), 35.0, ends, 0.9)


@given(
    start=st.tuples(*[st.floats(0, 900)] * 3), stop=st.tuples(*[st.floats(0, 900)] * 3), spacing=st.floats(5.0, 200.0)
)
def test_spacing_is_exact_and_the_rest_is_split(start, stop, spacing):
    length = float(np.linalg.norm(np.subtract(start, stop)))
    if length < 1:
        return
    arc = sample_positions(fit_curve(np.array([start, stop]), 0.0), spacing)
    assert np.diff(arc) == pytest.approx(spacing, rel=1e-6)
    assert arc[0] == pytest.approx(length - arc[-1], abs=1e-3)
    assert arc[0] < spacing / 2 + 1e-3


def test_samples_can_be_put_on_both_ends():
    curve = fit_curve(np.array([[0.0, 0, 0], [0, 0, 1000]]), 0.0)
    arc = sample_positions(curve, 300.0, fit_ends=True)
    assert arc == pytest.approx([0, 1000 / 3, 2000 / 3, 1000])


def test_closed_curve_is_sampled_evenly_all_round():
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = fit_curve(np.stack([0 * angle, 300 * np.cos(angle), 300 * np.sin(angle)], 1), 0.1, closed=True)
    arc = sample_positions(ring, 100.0)
    assert len(arc) == 19
    steps = np.linalg.norm(np.diff(np.append(ring.points(arc), ring.points(arc[:1]), axis=0), axis=0), axis=1)
    assert steps == pytest.approx(steps.mean(), rel=1e-2)


def test_samples_lie_on_the_curve_at_their_arc_length():
    points = helix()
    sampled = sample_filaments([filament(points)], SHAPE, SIZE, FilamentParams(spacing=50))
    steps = np.linalg.norm(np.diff(sampled.positions_zyx, axis=0), axis=1)
    assert np.all(steps <= 50.001)
    assert np.all(steps > 49.5)  # the chord is shorter than the arc
    assert np.diff(sampled.table["rlnHelicalTrackLengthAngst"]) == pytest.approx(50, rel=1e-6)
    assert np.median(sampled.table["aisRadiusOfCurvature"]) == pytest.approx((250**2 + 30**2) / 250, rel=0.02)
    assert sampled.table["aisFilamentConnectivity"].tolist() == [1] + [0] * (len(sampled) - 2) + [1]


def test_reference_z_turns_to_the_tangent_and_neighbours_agree():
    curve = filament(helix()).curve
    arc = sample_positions(curve, 40.0)
    rotations = rotations_along(curve, arc)
    assert np.allclose(rotations @ rotations.transpose(0, 2, 1), np.eye(3), atol=1e-9)
    assert np.allclose(np.linalg.det(rotations), 1)
    assert np.allclose(rotations[:, ::-1, 2], curve.tangents(arc), atol=1e-9)
    ways = np.diff(curve.points(arc), axis=0)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    assert (np.sum(ways * rotations[:-1, ::-1, 2], axis=1) > 0.98).all()


def test_frame_does_not_turn_about_a_plane_curve_and_not_with_the_spacing():
    angle = np.linspace(0, np.pi, 300)
    curve = fit_curve(np.stack([0 * angle, 300 * np.cos(angle), 300 * np.sin(angle)], 1), 0.1)
    coarse, fine = rotations_along(curve, np.array([0.0, 600.0])), rotations_along(curve, np.linspace(0, 600, 61))
    assert np.allclose(coarse[1], fine[-1], atol=1e-6)
    assert np.allclose(coarse[:, :, 1], [0, 0, 1], atol=1e-6)  # up stays up in the plane of the curve


@pytest.mark.parametrize("twist", [-27.7, 166.0])
def test_twist_turns_each_sample_about_the_tangent(twist):
    curve = fit_curve(np.array([[0.0, 0, 0], [100, 300, 900]]), 0.0)
    arc = sample_positions(curve, 100.0)
    turned = rotations_along(curve, arc, twist)
    change = turned[:-1].transpose(0, 2, 1) @ turned[1:]
    cos, sin = np.cos(np.radians(twist)), np.sin(np.radians(twist))
    assert np.allclose(change, [[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], atol=1e-9)
    rot = matrices_to_relion(turned)[:, 0]
    assert np.mod(np.diff(rot), 360) == pytest.approx(np.full(len(rot) - 1, -twist % 360))


def test_priors_are_the_angles_of_the_rotations():
    sampled = sample_filaments([filament(helix())], SHAPE, SIZE, FilamentParams(spacing=50))
    angles = matrices_to_relion(sampled.rotations)
    assert sampled.table["rlnAngleTiltPrior"].to_numpy() == pytest.approx(angles[:, 1])
    assert sampled.table["rlnAnglePsiPrior"].to_numpy() == pytest.approx(angles[:, 2])


def test_filaments_are_numbered_and_their_junctions_marked():
    lines = [np.array([[500.0, 100, y], [500, 900, y]]) for y in (200.0, 600.0)]
    sampled = sample_filaments(
        [filament(lines[0]), filament(lines[1], ("junction", "free"))], SHAPE, SIZE, FilamentParams(spacing=100)
    )
    assert sampled.table["rlnHelicalTubeID"].tolist() == [1] * 9 + [2] * 9
    assert sampled.table["aisFilamentConnectivity"].tolist() == [1] + [0] * 7 + [1, 2] + [0] * 7 + [1]
    assert sampled.scores == pytest.approx(0.9)


def test_border_margin_leaves_samples_out_and_keeps_their_numbers():
    inside = sample_filaments(
        [filament(np.array([[500.0, 0, 500], [500, 990, 500]]))], SHAPE, SIZE, FilamentParams(border_margin=200.0)
    )
    assert inside.positions_zyx[:, 1].min() >= 195
    assert inside.positions_zyx[:, 1].max() <= 795
    assert inside.table["rlnHelicalTrackLengthAngst"].iloc[0] > 150


def test_nothing_found_is_an_empty_set():
    sampled = pickers()["filaments"].pick(np.zeros((8, 8, 8), dtype=np.float32), SIZE, FilamentParams())
    assert len(sampled) == 0
    assert sampled.rotations is not None
    assert sampled.shape_zyx == (8, 8, 8)


@pytest.mark.parametrize("name", ["spacing", "threshold", "tolerance", "min_length"])
def test_impossible_values_are_refused(name):
    for value in (-1.0, float("nan")):
        with pytest.raises(ParameterProblem, match=name):
            FilamentParams(**{name: value})


def test_a_point_is_no_curve():
    with pytest.raises(ParameterProblem, match="1 distinct"):
        fit_curve(np.array([[1.0, 2, 3], [1, 2, 3]]), 1.0)

"""Blobs found by a difference of Gaussians: against truth, tile by tile, at two voxel sizes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.pickers.dog import DogParams, pick_dog, pick_dog_job
from ais_app.core.picking.blob_response import Blobs, response_planes
from ais_app.core.picking.thresholds import automatic_threshold, paper_threshold

from .scattered import f1, scattered


def whole_response(volume, blobs, side=None):
    out = np.full(volume.shape, np.nan, np.float32)
    for plane in response_planes(volume, blobs, side):
        tile = plane.values[plane.core]
        y, x = (corner + core.start for corner, core in zip(plane.corner_yx, plane.core, strict=True))
        out[plane.z, y : y + tile.shape[0], x : x + tile.shape[1]] = tile
    return out


def balls(centres, radius, size, shape=(48, 50, 60), value=-1.0):
    """Dark balls at `centres`, Å z y x, with soft edges."""
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    volume = np.zeros(shape, np.float32)
    for centre in centres:
        away = np.sqrt(sum((axis * s - c) ** 2 for axis, s, c in zip(grid, size, centre, strict=True)))
        volume += value * np.clip((radius - away) / min(size) + 0.5, 0, 1).astype(np.float32)
    return volume


@pytest.fixture(scope="module")
def tomograms():
    return {snr: scattered(7, snr) for snr in (0.1, 0.02)}


def test_the_response_to_a_point_is_the_difference_of_two_gaussians():
    sigma, ratio, middle = 2.5, 1.1, 20
    volume = np.zeros((41, 41, 41), np.float32)
    volume[middle, middle, middle] = -1
    found = whole_response(volume, Blobs((sigma,) * 3, ratio, True))
    away = sum((axis - middle) ** 2 for axis in np.ogrid[:41, :41, :41])

    def gaussian(s):
        return np.exp(-away / (2 * s * s)) / (2 * np.pi * s * s) ** 1.5

    truth = gaussian(sigma) - gaussian(sigma * ratio)
    assert np.abs(found - truth).max() < 1e-4 * truth.max()


@settings(max_examples=4, deadline=None)
@given(side=st.integers(13, 40), missing=st.sampled_from([0.0, 0.02]), seed=st.integers(0, 99))
def test_tiles_leave_no_trace(side, missing, seed):
    rng = np.random.default_rng(seed)
    volume = rng.normal(40, 3, (11, 41, 37)).astype(np.float32)
    volume[rng.random(volume.shape) < missing] = np.nan
    blobs = Blobs((1.5, 2.0, 1.7), 1.2, True)
    whole, tiled = whole_response(volume, blobs, 99), whole_response(volume, blobs, side)
    np.testing.assert_allclose(tiled, whole, atol=1e-4 * np.nanmax(whole))
    np.testing.assert_array_equal(np.isnan(whole), np.isnan(volume))
    params = DogParams(sigma=15, threshold="none")
    one, other = (pick_dog(volume, (10.0, 7.5, 8.8), params, side=s) for s in (99, side))
    np.testing.assert_allclose(one.positions_zyx, other.positions_zyx, atol=1e-3)
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-4)


def test_particles_are_found_in_noise(tomograms):
    """T7: 60 particles of three kinds in 64 x 160 x 160 voxels, sigma of 5 voxels, 10 apart, the 60 strongest."""
    least = {0.1: 0.88, 0.02: 0.85}
    for snr, one in tomograms.items():
        params = DogParams(sigma=50, min_distance=100, number=60)
        found = pick_dog(one.volume, (10.0,) * 3, params)
        assert f1(found.positions_zyx / 10, one.centres, 6) >= least[snr]
        assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("threshold", ["mixture", "otsu"])
def test_the_number_of_particles_is_found_by_itself(tomograms, threshold):
    found = pick_dog(tomograms[0.1].volume, (10.0,) * 3, DogParams(sigma=50, min_distance=100, threshold=threshold))
    assert 54 <= len(found) <= 66
    assert f1(found.positions_zyx / 10, tomograms[0.1].centres, 6) > 0.9


def test_the_threshold_of_the_paper_keeps_all_particles_and_more(tomograms):
    params = {t: DogParams(sigma=50, min_distance=100, threshold="level", level=t) for t in (0, 3, 10, 20)}
    counts = [len(pick_dog(tomograms[0.1].volume, (10.0,) * 3, p)) for p in params.values()]
    assert counts == sorted(counts, reverse=True)
    assert counts[1] > 60
    assert counts[-1] == 1
    assert paper_threshold(np.array([2.0, 12.0]), 3) == 3.5


@pytest.mark.parametrize("size", [(8.0,) * 3, (13.68,) * 3, (10.0, 8.0, 9.0)])
def test_positions_lie_between_voxels_and_are_in_angstroms(size):
    centres = np.array([[20.3, 17.6, 15.2], [24.1, 32.8, 44.9]]) * size
    found = pick_dog(balls(centres, 45, size), size, DogParams(diameter=90, threshold="none", number=2))
    order = np.argsort(found.positions_zyx[:, 2])
    np.testing.assert_allclose(found.positions_zyx[order], centres, atol=0.15 * min(size))
    assert found.shape_zyx == (48, 50, 60)


def test_a_ball_answers_most_to_its_own_diameter():
    volume = balls([(240, 250, 300)], 80, (10.0,) * 3)
    scores = {}
    for diameter in (80, 120, 160, 220, 300):
        (score,) = pick_dog(volume, (10.0,) * 3, DogParams(diameter=diameter, number=1, roundness=0)).scores
        scores[diameter] = score
    assert max(scores, key=scores.get) == 160


@pytest.mark.parametrize("size", [(10.0,) * 3, (10.0, 8.0, 9.0)])
def test_sheets_and_rods_are_not_round(size):
    z, y, x = (axis * s for axis, s in zip(np.ogrid[:48, :50, :60], size, strict=True))
    volume = balls([(240, 100, 120)], 60, size)
    volume -= 3 * (np.abs(0.8 * (y - 300) + 0.6 * (z - 240)) < 60)  # a sheet
    volume = volume - 3 * ((z - 240) ** 2 + (x - 420) ** 2 < 45**2)
    params = {share: DogParams(diameter=120, number=4, roundness=share) for share in (0, 0.15)}
    places = {share: pick_dog(volume, size, chosen).positions_zyx for share, chosen in params.items()}
    assert np.linalg.norm(places[0] - (240, 100, 120), axis=1).min() > 100  # sheet and rod are stronger
    assert np.linalg.norm(places[0.15] - (240, 100, 120), axis=1).min() < 10


def test_a_little_gold_does_not_hide_the_particles(tomograms):
    one = tomograms[0.1]
    volume = one.volume - 40 * one.volume.std() * balls(
        [(300, 900, 700), (320, 500, 1200)], 40, (10.0,) * 3, one.volume.shape, 1
    )
    found = pick_dog(volume, (10.0,) * 3, DogParams(sigma=50, min_distance=100))
    assert f1(found.positions_zyx / 10, one.centres, 6) > 0.85


def test_dark_and_bright_are_told_apart():
    dark, bright = [(200, 150, 150)], [(250, 350, 450)]
    volume = balls(dark, 60, (10.0,) * 3) + balls(bright, 60, (10.0,) * 3, value=1.0)
    for wanted, where in ((True, dark), (False, bright)):
        found = pick_dog(volume, (10.0,) * 3, DogParams(diameter=120, number=1, dark=wanted))
        np.testing.assert_allclose(found.positions_zyx, where, atol=2)


def test_close_maxima_and_those_at_a_border_go():
    centres = np.array([[200, 200, 200], [200, 200, 290], [200, 350, 30]], float)
    volume = balls(centres[:1], 40, (10.0,) * 3, value=-2) + balls(centres[1:], 40, (10.0,) * 3)
    all_of_them = pick_dog(volume, (10.0,) * 3, DogParams(diameter=80, number=3))
    assert len(all_of_them) == 3
    np.testing.assert_allclose(all_of_them.positions_zyx[0], centres[0], atol=3)
    apart = pick_dog(volume, (10.0,) * 3, DogParams(diameter=80, number=3, min_distance=120)).positions_zyx
    assert len(apart) == 2
    assert np.linalg.norm(apart[0] - apart[1]) > 120
    inside = pick_dog(volume, (10.0,) * 3, DogParams(diameter=80, number=2, border_margin=60)).positions_zyx
    assert (inside[:, 2] > 55).all()


def test_a_question_decides_which_candidates_go_on(tomograms):
    found = pick_dog(
        tomograms[0.1].volume, (10.0,) * 3, DogParams(sigma=50, number=20), lambda positions: positions[:, 2] > 800
    )
    assert len(found) == 20
    assert (found.positions_zyx[:, 2] > 800).all()


@pytest.mark.parametrize("value", [0.0, 7.3, np.nan])
def test_nothing_is_found_where_nothing_is(value):
    volume = np.full((20, 24, 28), value, np.float32)
    assert len(pick_dog(volume, (10.0,) * 3, DogParams(diameter=60, threshold="none"))) == 0


def test_missing_voxels_hide_nothing_beside_them():
    centres = [(200, 200, 200)]
    volume = balls(centres, 50, (10.0,) * 3)
    volume[:, :, :10] = np.nan
    volume[20, 20, 24] = np.inf
    found = pick_dog(volume, (10.0,) * 3, DogParams(diameter=100, number=1))
    np.testing.assert_allclose(found.positions_zyx, centres, atol=6)


def test_whole_numbers_and_large_offsets_do_as_well():
    volume = 20_000 + 500 * balls([(200, 250, 300)], 60, (10.0,) * 3)
    (position,) = pick_dog(volume.astype(np.int16), (10.0,) * 3, DogParams(diameter=120, number=1)).positions_zyx
    np.testing.assert_allclose(position, (200, 250, 300), atol=1)


def test_what_cannot_be_is_refused():
    volume = np.zeros((8, 9, 10), np.float32)
    with pytest.raises(ParameterProblem, match="bin the tomogram first"):
        pick_dog(volume, (1.0,) * 3, DogParams(diameter=900))
    with pytest.raises(ParameterProblem, match="finer than the voxels"):
        pick_dog(volume, (100.0,) * 3, DogParams(diameter=50))
    with pytest.raises(ParameterProblem, match="shape"):
        pick_dog(volume[0], (10.0,) * 3, DogParams())
    with pytest.raises(ParameterProblem, match="ratio"):
        DogParams(ratio=1.0)
    with pytest.raises(ParameterProblem, match="threshold"):
        DogParams(threshold="guess")


def test_it_stops_at_any_plane():
    job = pick_dog_job(np.zeros((30, 40, 40), np.float32), (10.0,) * 3, DogParams(diameter=60))
    steps = []
    with pytest.raises(JobCancelled):
        run(job, steps.append, lambda: len(steps) == 5)
    assert steps[-1].total == 30


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), share=st.floats(0.1, 0.9), apart=st.floats(5, 20))
def test_thresholds_divide_two_groups(seed, share, apart):
    rng = np.random.default_rng(seed)
    many = int(200 * share)
    values = np.abs(np.concatenate([rng.normal(10, 1, 200 - many), rng.normal(10 + apart, 1, many)]))
    for way in ("otsu", "mixture"):
        assert 10 < automatic_threshold(values, way) < 10 + apart + 1


def test_a_few_beads_of_gold_are_not_all_there_is():
    # maxima of a cell: particles of many sizes without a gap to the noise, and four of gold
    values = np.concatenate([np.linspace(0.002, 0.012, 90), np.linspace(0.012, 0.039, 50), [0.12, 0.12, 0.23, 0.28]])
    for way in ("otsu", "mixture"):
        assert 20 < (values >= automatic_threshold(values, way)).sum() < 80


@pytest.mark.parametrize("values", [[], [1.0], [2.0] * 30])
def test_too_few_or_equal_values_are_all_kept(values):
    assert automatic_threshold(np.array(values), "mixture") == -np.inf


def test_where_no_distance_is_given_it_is_twice_sigma(rng):
    volume = rng.normal(size=(30, 40, 40)).astype(np.float32)
    own, given, any_ = (
        pick_dog(volume, (10.0,) * 3, DogParams(sigma=20, threshold="none", min_distance=d)).positions_zyx
        for d in (None, 40, 0)
    )
    np.testing.assert_array_equal(own, given)
    assert pdist(own).min() >= 40 > pdist(any_).min()
    assert DogParams(sigma=30).distance() == 60


@pytest.mark.parametrize("voxel", [7, 40])
def test_faces_are_half_a_voxel_beyond_the_outer_voxels(voxel):
    """75 Å from a face of 48 voxels of 10 Å, at voxel 7 or 40: 40.5 and 7.5 voxels from either."""
    volume = balls([(voxel * 10, 250, 300)], 40, (10.0,) * 3)
    for margin, count in ((74.0, 1), (76.0, 0)):
        found = pick_dog(volume, (10.0,) * 3, DogParams(diameter=80, number=1, border_margin=margin))
        assert len(found) == count

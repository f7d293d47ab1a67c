"""What stands out: against truth, at two voxel sizes, with averaging, missing voxels and nothing to find."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.pickers.saliency import SaliencyParams, pick_saliency, pick_saliency_job, saliency_job

from .scattered import f1, scattered


@pytest.fixture(scope="module")
def tomogram():
    return scattered(7, 0.1)


@pytest.fixture(scope="module")
def small():
    return scattered(5, 0.2, shape=(32, 64, 64), count=6)


def test_particles_stand_out(tomogram):
    """T8 on the tomogram of T7: a supervoxel is a particle's when more than half of it is."""
    params = SaliencyParams(diameter=173, number=60)
    found = run(saliency_job(tomogram.volume, (10.0,) * 3, params))
    truth = found.pieces.mean((tomogram.signal > 0.25).astype(np.float32)) > 0.5
    assert roc_auc_score(truth, found.saliency) >= 0.75
    assert 0.02 < truth.mean() < 0.2
    assert found.pieces.labels.shape == tomogram.volume.shape
    assert found.pieces.sizes.sum() == tomogram.volume.size


@pytest.mark.parametrize("size", [8.0, 13.68])
def test_positions_are_in_angstroms(small, size):
    found = pick_saliency(small.volume, (size,) * 3, SaliencyParams(diameter=17.3 * size, number=6))
    assert f1(found.positions_zyx / size, small.centres, 5) > 0.8
    assert (np.diff(found.scores) <= 0).all()
    assert found.shape_zyx == small.volume.shape


def test_averaged_voxels_give_the_same_places(small):
    fine = np.repeat(np.repeat(np.repeat(small.volume, 2, 0), 2, 1), 2, 2)
    params = SaliencyParams(diameter=173, number=6)
    assert params.bins((5.0,) * 3) == 2
    coarse = pick_saliency(small.volume, (10.0,) * 3, params)
    found = pick_saliency(fine, (5.0,) * 3, params)
    np.testing.assert_allclose(found.positions_zyx - 2.5, coarse.positions_zyx, atol=0.1)


def test_bright_particles_are_found_where_asked_for(small):
    params = SaliencyParams(diameter=173, number=6, dark=False)
    found = pick_saliency(-small.volume, (10.0,) * 3, params)
    assert f1(found.positions_zyx / 10, small.centres, 5) > 0.8
    wrong = pick_saliency(small.volume, (10.0,) * 3, params)
    assert f1(wrong.positions_zyx / 10, small.centres, 5) < 0.5


@pytest.mark.parametrize("threshold", ["gap", "otsu", "mixture", "middle"])
def test_thresholds_leave_some_out(small, threshold):
    counts = [
        len(pick_saliency(small.volume, (10.0,) * 3, SaliencyParams(diameter=173, threshold=way)))
        for way in (threshold, "none")
    ]
    assert 2 <= counts[0] < counts[1]


def test_missing_voxels_do_not_stand_out(small):
    volume = small.volume.copy()
    volume[:, :, :20] = np.nan
    found = pick_saliency(volume, (10.0,) * 3, SaliencyParams(diameter=173, number=3))
    assert np.isfinite(found.positions_zyx).all()
    seen = small.centres[small.centres[:, 2] > 26]
    away = np.linalg.norm(found.positions_zyx[:, None] / 10 - seen, axis=2).min(axis=0)
    assert (away < 6).sum() >= min(2, len(seen))


@pytest.mark.parametrize("value", [0.0, 5.0, np.nan])
def test_nothing_stands_out_where_nothing_is(value):
    volume = np.full((20, 30, 30), value, np.float32)
    assert len(pick_saliency(volume, (10.0,) * 3, SaliencyParams(diameter=120))) == 0


def test_questions_and_borders_leave_out_candidates(small):
    params = SaliencyParams(diameter=173, threshold="none", border_margin=100)
    found = pick_saliency(small.volume, (10.0,) * 3, params, lambda positions: positions[:, 1] > 300)
    assert len(found)
    assert (found.positions_zyx[:, 1] > 300).all()
    assert (found.positions_zyx > 90).all()


def test_what_cannot_be_is_refused():
    volume = np.zeros((8, 9, 10), np.float32)
    with pytest.raises(ParameterProblem, match="supervoxel"):
        pick_saliency(volume, (50.0,) * 3, SaliencyParams(diameter=100))
    with pytest.raises(ParameterProblem, match="shape"):
        pick_saliency(volume[0], (10.0,) * 3, SaliencyParams())
    with pytest.raises(ParameterProblem, match="scales"):
        SaliencyParams(scales=(0.0,))


def test_it_stops_between_steps(small):
    steps = []
    with pytest.raises(JobCancelled):
        run(
            pick_saliency_job(small.volume, (10.0,) * 3, SaliencyParams(diameter=173)),
            steps.append,
            lambda: len(steps) == 3,
        )


def test_a_particle_lies_at_the_mean_of_its_pieces_weighted_by_saliency_and_size(small):
    params = SaliencyParams(diameter=173, number=1)
    (place,) = pick_saliency(small.volume, (10.0,) * 3, params).positions_zyx
    found = run(saliency_job(small.volume, (10.0,) * 3, params))
    assert found.binning == 1
    near = np.linalg.norm(found.pieces.centroids_zyx - found.pieces.centroids_zyx[found.saliency.argmax()], axis=1)
    near = (near <= 8.65) & (found.saliency > 0)
    assert near.sum() > 3
    weights = (found.saliency * found.pieces.sizes)[near]
    wanted = (found.pieces.centroids_zyx[near] * weights[:, None]).sum(axis=0) / weights.sum()
    np.testing.assert_allclose(place, 10 * wanted, atol=1e-6)

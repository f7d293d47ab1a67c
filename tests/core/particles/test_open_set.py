import numpy as np
import pytest

from ais_app.core.errors import ModelProblem, ParameterProblem
from ais_app.core.jobs import run
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.core.particles.classify import answers_job, logits
from ais_app.core.particles.discover import DiscoverParams, cluster_count, discover, held_out_found
from ais_app.core.particles.open_set import AXES, OpenSet, fit_open_set, known_classes, verify

WIDTH = 20


def clouds(each: int, classes: int, seed: int, spread: float = 1.0, apart: float = 6.0):
    """Return features in clouds about points far from each other, and whose they are; long along one direction."""
    random = np.random.default_rng(seed)
    middles = np.random.default_rng(99).normal(size=(10, WIDTH)) * apart / np.sqrt(WIDTH)
    labels = np.repeat(np.arange(classes), each)
    stretched = random.normal(size=(len(labels), WIDTH)) * spread * np.where(np.arange(WIDTH) == 0, 2, 0.3)
    return (middles[labels] + stretched).astype(np.float32), labels


@pytest.fixture(scope="module")
def known() -> OpenSet:
    """Three classes of four."""
    return fit_open_set(*clouds(80, 3, 0), *clouds(40, 3, 1), 3)


def test_what_is_known_is_near_and_what_is_not_is_far(known):
    values, labels = clouds(50, 4, 2)
    distance, nearest = known.distance(values)
    unknown = known.unknown(values)
    assert (nearest[labels < 3] == labels[labels < 3]).mean() > 0.95
    assert unknown[labels == 3].mean() > 0.95 and unknown[labels < 3].mean() < 0.12
    assert np.median(distance[labels < 3]) == pytest.approx(0.8, abs=0.4)


def test_as_many_held_out_cubes_are_accepted_as_asked_for(known):
    values, _ = clouds(40, 3, 1)
    for share in (0.5, 0.9, 1.0):
        assert 1 - known.unknown(values, share).mean() == pytest.approx(share, abs=0.02)
    with pytest.raises(ParameterProblem, match="not a share"):
        known.threshold(0)


def test_the_distance_is_that_of_mahalanobis():
    random = np.random.default_rng(0)
    values, labels = random.normal(size=(400, 3)) @ np.diag([3, 1, 0.5]), np.repeat([0, 1], 200)
    found = fit_open_set(values, labels, values, labels, 2)
    centred = values - np.stack([values[labels == k].mean(0) for k in (0, 1)])[labels]
    shape = np.cov(centred.T, bias=True)
    inverse = np.linalg.inv(shape + 0.1 * np.trace(shape) / 3 * np.eye(3))
    apart = values[:, None] - found.centres
    wanted = np.sqrt(np.einsum("nki,ij,nkj->nk", apart, inverse, apart).min(1) / 3)
    assert np.allclose(found.distance(values)[0], wanted, rtol=1e-9)


def test_directions_without_an_axis_of_their_own_share_one_variance():
    random = np.random.default_rng(0)
    width = AXES + 40
    spread = np.where(np.arange(width) < AXES, 3, 0.5)
    values, labels = random.normal(size=(600, width)) * spread, np.repeat([0, 1], 300)
    found = fit_open_set(values, labels, values, labels, 2)
    assert len(found.axes) == AXES
    # all variances are found again: the shared one from what the axes leave
    centred = values - found.centres[labels]
    total, least = np.square(centred).sum() / 600, 0.1 * np.square(centred).sum() / 600 / width
    assert found.rest - least == pytest.approx((total - (found.variances - least).sum()) / 40)
    # a step along an axis and one across all of them, each in units of its own deviation
    steps = np.zeros((2, width))
    steps[0] = 30 * found.axes[0]
    left = np.linalg.svd(found.axes)[2][-1]
    steps[1] = 30 * left
    wanted = 30 / np.sqrt(np.array([found.variances[0], found.rest]) * width)
    assert np.allclose(found.distance(found.centres[0] + steps)[0], wanted, rtol=1e-6)


def test_survives_the_card(known):
    again = OpenSet.from_dict(known.to_dict())
    values, _ = clouds(20, 4, 3)
    assert np.allclose(again.distance(values)[0], known.distance(values)[0], rtol=1e-3)
    missing = fit_open_set(*clouds(20, 2, 0), *clouds(20, 2, 1), 3)
    assert np.isnan(missing.centres[2]).all()
    assert set(OpenSet.from_dict(missing.to_dict()).distance(values)[1].tolist()) <= {0, 1}
    for broken in ({}, {**known.to_dict(), "axes": [[1.0]]}, {**known.to_dict(), "distances": []}):
        with pytest.raises(ModelProblem, match="damaged"):
            OpenSet.from_dict(broken)


def test_needs_cubes_with_a_class_on_both_sides():
    values, labels = clouds(5, 3, 0)
    for wrong in ((values, labels * 0 - 1, values, labels), (values, labels, values, labels * 0 - 1)):
        with pytest.raises(ParameterProblem, match="some held out"):
            fit_open_set(*wrong, 3)
    model = new_model(ModelCard("classifier3d", {"classes": 3}))
    with pytest.raises(ModelProblem, match="to the end with something held out"):
        known_classes(model)


def test_one_cube_of_a_class_is_enough():
    found = fit_open_set(np.ones((1, 4)), np.zeros(1, int), np.ones((1, 4)), np.zeros(1, int), 1)
    assert found.unknown(np.array([[1.0, 1, 1, 1], [5, 1, 1, 1]])).tolist() == [False, True]


def test_verification():
    values, labels = clouds(20, 3, 4, spread=0.3)
    near = verify(values, labels)
    assert near.auc > 0.99 and near.equal_error < 0.03 and near.accepted > 0.8
    assert near.pairs == (3 * 20 * 19 // 2, 3 * 20 * 20)
    noise = verify(np.random.default_rng(0).normal(size=(60, 8)), labels)
    assert 0.4 < noise.auc < 0.6 and 0.4 < noise.equal_error < 0.6
    with pytest.raises(ParameterProblem, match="pairs of one class and of two"):
        verify(values[:20], labels[:20])


def test_new_clusters_come_first(known):
    values, labels = clouds(60, 4, 5)
    found = discover(values, values, known, DiscoverParams(clusters=8), labels)
    first = found.clusters[0]
    assert first.new and first.unknown > 0.9 and first.enriched == 3 and first.counts[3] == first.size
    assert first.enrichment == pytest.approx(4) and [one.rank for one in found.clusters] == list(range(1, 9))
    new = [one.number for one in found.clusters if one.new]
    assert (labels[np.isin(found.assignment, new)] == 3).mean() > 0.9
    assert sum(one.size for one in found.clusters) == len(values)
    assert all((found.assignment == one.number).sum() == one.size for one in found.clusters)
    again = discover(values, values, known, DiscoverParams(clusters=8))
    assert np.array_equal(again.assignment, found.assignment) and again.clusters[0].enriched == -1
    assert held_out_found([found, found], labels, [3, 0]) == 1
    assert held_out_found([discover(values, values, known, DiscoverParams(clusters=2))], labels, [0]) == 0


def test_more_clusters_than_particles(known):
    values, _ = clouds(1, 3, 0)
    assert cluster_count(values, 100) == 2 and cluster_count(np.repeat(values, 50, 0), 100) == 3
    assert len(discover(values, values, known).clusters) == 2
    with pytest.raises(ParameterProblem, match="make no clusters"):
        discover(values[:1], values[:1], known)
    with pytest.raises(ParameterProblem, match="finite numbers"):
        discover(values, values[:, :4], known)
    with pytest.raises(ParameterProblem, match="finite numbers"):
        discover(values, values * np.nan, known)
    with pytest.raises(ParameterProblem, match="one for each"):
        discover(values, values, known, labels=np.zeros(2, int))


def test_answers_in_batches_are_those_of_all_at_once():
    import torch

    torch.manual_seed(0)
    model = new_model(ModelCard("classifier3d", {"classes": 3}, box_size=8))
    cubes = np.random.default_rng(0).normal(size=(7, 10, 10, 10)).astype(np.float32)
    given = run(answers_job(model, cubes, with_features=True, batch=3))
    inner = cubes[:, 1:9, 1:9, 1:9]
    assert np.allclose(given.logits, logits(model, inner), atol=1e-5)
    assert np.allclose(given.probability.sum(1), 1, atol=1e-6) and given.features.shape == (7, 128)
    with pytest.raises(ModelProblem, match="at least 8 voxels"):
        run(answers_job(model, cubes[:, :6, :6, :6], with_features=False))

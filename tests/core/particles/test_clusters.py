import numpy as np
import pytest

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import run
from ais_app.core.model.card import ModelCard
from ais_app.core.particles.clusters import cluster_codes, decoded_masks, weak_data
from ais_app.core.training.parameters import TrainParams
from ais_app.core.training.trainer import train_job


def codes(seed: int = 0):
    """Return 60 codes about three centres, the largest group about the first."""
    random = np.random.default_rng(seed)
    which = np.repeat([0, 1, 2], [30, 20, 10])
    return (10 * np.eye(3, 5)[which] + random.normal(0, 0.5, (60, 5))).astype(np.float32), which


def balls(count: int = 24, edge: int = 8):
    """Return cubes, every second with a dark ball, and the balls."""
    random = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.arange(edge) - edge // 2] * 3, indexing="ij"))
    centres = random.uniform(-1, 1, (count, 3, 1, 1, 1))
    truth = ((grid - centres) ** 2).sum(1) < 2.5**2
    truth[1::2] = False
    return random.normal(0, 0.3, truth.shape) - 2 * truth, truth.astype(np.uint8)


def test_groups_codes_and_puts_the_largest_first():
    values, which = codes()
    found = cluster_codes(values, 3, seed=1)
    assert np.array_equal(found.assignment, which)
    assert found.sizes.tolist() == [30, 20, 10]
    assert np.allclose(found.centres, 10 * np.eye(3, 5), atol=0.5)
    others, theirs = codes(seed=5)
    assert np.array_equal(found.assign(others), theirs)
    assert np.array_equal(cluster_codes(values, 3, seed=1).assignment, found.assignment)


def test_masks_are_the_denser_half():
    cubes, truth = balls()
    for dark, values in ((True, -1.0 * truth), (False, 7.0 * truth)):
        assert np.array_equal(decoded_masks(values, dark=dark), truth)
    assert not decoded_masks(np.zeros((2, 4, 4, 4))).any()


def test_a_network_learns_to_segment_from_groups():
    cubes, truth = balls()
    clusters = cluster_codes(np.tile([[0.0], [1.0]], (12, 1)), 2)
    feature = int(clusters.assignment[0])
    settings = TrainParams(architecture="edss3d", box_size=8, depth=8, epochs=8, draws=2, shift=0, scale=0)
    data = weak_data(cubes, truth, clusters, [feature], settings, voxel_size=10.0)
    assert len(data.training) == 20 and len(data.held_out) == 4 and data.record["cubes"]["background"] == 12
    result = run(train_job(data, settings, ModelCard("edss3d")))
    assert result.history[-1]["best_dice"] > 0.8


def test_cubes_of_other_clusters_are_background_whatever_their_mask():
    cubes, truth = balls()
    clusters = cluster_codes(np.tile([[0.0], [1.0]], (12, 1)), 2)
    ones = np.ones_like(truth)
    data = weak_data(cubes, ones, clusters, [int(clusters.assignment[0])], TrainParams(validation="none"))
    assert data.held_out is None
    assert np.array_equal(data.training.labels.all((1, 2, 3)), data.training.positive)
    assert data.training.positive.sum() == 12


def test_what_does_not_fit_is_named():
    cubes, truth = balls()
    clusters = cluster_codes(np.arange(24.0)[:, None], 2)
    with pytest.raises(ParameterProblem, match="60 codes, 60 of them different, do not make 61 clusters"):
        cluster_codes(codes()[0], 61)
    with pytest.raises(ParameterProblem, match="none with a cube in it"):
        weak_data(cubes, truth, clusters, [], TrainParams())
    with pytest.raises(ParameterProblem, match="and their clusters"):
        weak_data(cubes, truth[:3], clusters, [0], TrainParams())
    with pytest.raises(ParameterProblem, match="not between 0 and 1"):
        decoded_masks(cubes, level=1.0)

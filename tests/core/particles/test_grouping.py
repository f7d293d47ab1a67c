"""Subtomograms in groups without labels (T18, T20)."""

import numpy as np
import pytest

from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.particles.clusters import (
    Clusters,
    cluster_codes,
    load_clusters,
    matched,
    save_clusters,
    suggested_count,
)
from ais_app.core.particles.grouping import GroupingParams, group, group_job
from ais_app.core.particles.wedge import Wedge

EDGE = 16


@pytest.fixture(scope="module")
def shapes():
    """Balls, rods along z and plates, with noise: cubes and which they are."""
    random = np.random.default_rng(0)
    along = np.arange(EDGE) - EDGE // 2
    z, y, x = np.meshgrid(along, along, along, indexing="ij")
    masks = [x**2 + y**2 + z**2 < 20, (x**2 + y**2 < 5) & (abs(z) < 7), (abs(z) < 2) & (x**2 + y**2 < 45)]
    labels = random.permutation(np.repeat([0, 1, 2], 16))
    cubes = np.array([masks[label] for label in labels], np.float32)
    return cubes + random.normal(0, 0.5, cubes.shape).astype(np.float32), labels


def purity(assignment, labels):
    return sum(np.bincount(labels[assignment == k]).max() for k in np.unique(assignment)) / len(labels)


def test_components_group_shapes_and_find_their_number(shapes):
    cubes, labels = shapes
    found = group(cubes, GroupingParams(by="components", map="components", code=8))
    assert len(found.centres) == 3
    assert purity(found.clusters.assignment, labels) == 1
    assert found.map.shape == (48, 2)
    assert found.centres.shape == (3, EDGE, EDGE, EDGE)
    for k in range(3):  # a centre looks like its group
        mean = cubes[found.clusters.assignment == k].mean(0)
        assert np.corrcoef(found.centres[k].ravel(), mean.ravel())[0, 1] > 0.7


def test_an_autoencoder_groups_shapes(shapes):
    cubes, labels = shapes
    params = GroupingParams(clusters=6, epochs=12, code=16, device="cpu", seed=1)
    found = group(cubes, params)
    assert found.encoder is not None
    assert purity(found.clusters.assignment, labels) > 0.9
    history = found.encoder.card.training
    assert history["epochs"] == 12
    # the network, once trained, serves other cubes
    again = group(cubes[:20], GroupingParams(clusters=3, map="components"), encoder=found.encoder)
    np.testing.assert_allclose(again.codes, found.codes[:20], rtol=1e-3, atol=1e-4)


def test_large_cubes_are_binned(shapes):
    cubes, _ = shapes
    found = group(cubes, GroupingParams(by="components", edge=8, clusters=3, map="components"))
    assert found.centres.shape == (3, 8, 8, 8)


def test_own_axes_warn_of_the_wedge(shapes):
    cubes, _ = shapes
    params = GroupingParams(by="components", clusters=2, own_axes=True, map="components")
    with pytest.warns(DataWarning, match="wedge"):
        group(cubes, params, wedges=[Wedge()])


def test_too_few_subtomograms(shapes):
    cubes, _ = shapes
    with pytest.raises(ParameterProblem, match="do not make"):
        group(cubes[:2])
    with pytest.raises(ParameterProblem, match="do not make"):
        group(cubes[:5], GroupingParams(clusters=6))
    with pytest.raises(ParameterProblem, match="different"):
        group(np.ones((5, 8, 8, 8), np.float32), GroupingParams(by="components"))


def test_a_stopped_grouping_gives_nothing(shapes):
    cubes, _ = shapes
    steps = iter(range(10**6))
    with pytest.raises(JobCancelled):
        run(group_job(cubes, GroupingParams(epochs=500)), stop=lambda: next(steps) > 5)


def test_clusters_keep_their_numbers_in_another_run():
    random = np.random.default_rng(2)
    centres = random.normal(size=(5, 8)) * 10
    codes = (centres[random.integers(0, 5, 200)] + random.normal(size=(200, 8))).astype(np.float32)
    assert suggested_count(codes) == 5
    first = cluster_codes(codes, 5, seed=0)
    shuffled = Clusters(np.array([3, 0, 4, 1, 2])[first.assignment], first.centres[[1, 3, 4, 0, 2]])
    again = matched(shuffled, first)
    np.testing.assert_array_equal(again.assignment, first.assignment)
    np.testing.assert_array_equal(again.centres, first.centres)
    np.testing.assert_array_equal(again.assign(codes), first.assignment)
    more = matched(cluster_codes(codes, 7, seed=0), first)
    assert sorted(np.unique(more.assignment)) == list(range(7))
    with pytest.raises(ParameterProblem, match="same cubes"):
        matched(cluster_codes(codes[:50], 3), first)


def test_clusters_on_disk(tmp_path):
    clusters = cluster_codes(np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32), 3)
    loaded = load_clusters(save_clusters(tmp_path / "clusters.npz", clusters))
    np.testing.assert_array_equal(loaded.assignment, clusters.assignment)
    np.testing.assert_array_equal(loaded.centres, clusters.centres)
    (tmp_path / "bad.npz").write_bytes(b"no")
    for name in ("bad.npz", "none.npz"):
        with pytest.raises(FileProblem, match="clusters"):
            load_clusters(tmp_path / name)

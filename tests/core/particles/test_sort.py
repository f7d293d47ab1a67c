"""Sorting by differences: two particles that differ by one bump, and why wedges must be minded (T13)."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from sklearn.metrics import adjusted_rand_score
from subtomogram_phantoms import Blobs, blobs, simple_subtomograms

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.particles.fourier import radii, resized, to_fourier
from ais_app.core.particles.orientations import angles_between, random_rotations, rotations_near
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.sort import SortParams, sort, sort_job
from ais_app.core.particles.sort_expected import Expected
from ais_app.core.particles.sort_features import (
    FeatureParams,
    coordinates_job,
    grouped,
    weighted_coordinates,
)
from ais_app.core.particles.wedge import Wedge


def made(count, edge, snr, seed=1, bump=2.0):
    """Two particles, one with a bump more, aligned: cubes, poses, truth."""
    random = np.random.default_rng(seed)
    one = blobs(seed, edge)
    direction = random.normal(size=3)
    place = 0.28 * edge * direction / np.linalg.norm(direction)
    other = Blobs(np.concatenate([one.places, place[None]]), np.append(one.widths, bump))
    truth, poses = np.arange(count) % 2, Poses.of(random_rotations(count, random))
    cubes = np.empty((count, edge, edge, edge), np.float32)
    for number, particle in enumerate((one, other)):
        rows = truth == number
        cubes[rows] = simple_subtomograms(particle, poses[rows], Wedge(), snr, random, edge)
    return cubes, poses, truth


def test_classes_are_found_with_regard_to_wedges_and_not_without():
    # T13: 80 aligned, two near-identical phantoms, SNR 0.1
    cubes, poses, truth = made(80, 32, 0.1)
    wedge_of = np.zeros(80, int)

    def agreement(**options):
        asked = FeatureParams(shells=8, **options)
        found = run(coordinates_job(cubes, poses, [Wedge()], wedge_of, asked))
        return adjusted_rand_score(truth, grouped(found, 2))

    assert agreement() >= 0.9
    assert agreement(features="imputed") >= 0.9
    assert agreement(em=True) >= 0.9
    assert agreement(features="plain") <= 0.1


def test_sorting_and_alignment_in_turn():
    cubes, poses, truth = made(24, 20, 0.7, bump=2.6)
    near = Poses.of(rotations_near(4.0, 4.0)[1 + np.arange(24) % 6] @ poses.rotations)
    steps = []
    asked = SortParams(within=10.0, rounds=2, angular_step=36.0)
    found = run(sort_job(cubes, near, [Wedge()], np.zeros(24, int), asked, voxel_size=10.0), steps.append)
    assert adjusted_rand_score(truth, found.classes) >= 0.85
    assert len(found.averages) == 2 and found.averages[0].fsc.fsc[3] > 0.8
    assert np.bincount(found.classes)[0] >= np.bincount(found.classes)[1]
    assert [one.values["round"] for one in steps if one.values] == [1, 2] == [one["round"] for one in found.history]
    with pytest.raises(JobCancelled):
        run(sort_job(cubes, near, [Wedge()], np.zeros(24, int), asked, voxel_size=10.0), stop=lambda: True)


def test_a_kind_that_the_average_misaligned_finds_its_poses():
    # an average of two kinds takes the shape of one, and may turn the other wherever it is a little like it
    random = np.random.default_rng(6)
    truth, poses = np.arange(20) % 2, Poses.of(random_rotations(20, random))
    cubes = np.empty((20, 20, 20, 20), np.float32)
    for number in range(2):
        rows = truth == number
        cubes[rows] = simple_subtomograms(blobs(20 + number, 20), poses[rows], Wedge(), 0.7, random, 20)
    known = np.array(poses.rotations)
    known[[1, 7, 13]] = random_rotations(3, random)
    asked = SortParams(rounds=3, angular_step=36.0)
    found = sort(cubes, Poses.of(known), [Wedge()], np.zeros(20, int), asked, voxel_size=10.0)
    assert adjusted_rand_score(truth, found.classes) >= 0.9
    between = np.swapaxes(poses.rotations[1::2], 1, 2) @ found.poses.rotations[1::2]
    common = Rotation.from_matrix(between).mean().as_matrix()
    assert (angles_between(between, common) < 15).all()


def test_what_a_small_turn_or_shift_explains_is_no_difference():
    particle = blobs(3, 20)
    turns = [particle.cube(20, rotation) for rotation in rotations_near(2.0, 2.0)[1:4]]
    moves = [1.3 * particle.cube(20, None, 0.2 * one) for one in np.eye(3)]
    low = lambda cubes: resized(to_fourier(torch.from_numpy(np.stack(cubes))), 20, 16) * (radii(16) > 0)  # noqa: E731
    mean, others = low([particle.cube(20)])[0], low(turns + moves)
    left = Expected.of(mean, 16).compared(others, torch.ones(6, 16, 16, 9), "difference")
    contrast = torch.tensor([1, 1, 1, 1.3, 1.3, 1.3])[:, None, None, None]
    power = [one.abs().square().sum(dim=(1, 2, 3)) for one in (left, others - contrast * mean)]
    assert (power[0] < 0.05 * power[1]).all()
    # what is no turn is left: a bump elsewhere
    bump = low([particle.cube(20) + blobs(4, 20, count=1, widths=(1.5, 1.6)).cube(20, None, np.array([4.0, 3, -3]))])
    kept = Expected.of(mean, 16).compared(bump, torch.ones(1, 16, 16, 9), "difference")
    assert kept.abs().square().sum() > 0.5 * (bump - mean).abs().square().sum()


@pytest.mark.parametrize("method", ["kmeans", "ward"])
def test_groups_are_numbered_by_size_and_do_not_depend_on_chance(method):
    random = np.random.default_rng(3)
    rows = np.concatenate([random.normal(size=(10, 3)), random.normal(size=(25, 3)) + 20])
    found = grouped(rows, 2, method)
    assert found[:10].tolist() == [1] * 10 and found[10:].tolist() == [0] * 25
    assert np.array_equal(found, grouped(rows, 2, method))
    assert grouped(rows, 1, method).max() == 0


def test_weighted_coordinates_are_those_of_the_whole_where_nothing_is_missing():
    random = np.random.default_rng(4)
    truth, directions = random.normal(size=(60, 2)) * (5, 2), np.linalg.qr(random.normal(size=(40, 2)))[0].T
    rows = truth @ directions + 0.05 * random.normal(size=(60, 40))
    rows -= rows.mean(axis=0)
    known = (random.uniform(size=rows.shape) < 0.7).astype(float)
    plain = np.linalg.svd(rows, full_matrices=False)
    expected = plain[0][:, :2] * plain[1][:2]
    for weights, tolerance in ((np.ones_like(rows), 0.01), (known, 0.15)):
        got = weighted_coordinates(rows, weights, 2)
        signs = np.sign((got * expected).sum(axis=0))
        assert np.abs(got * signs - expected).max() < tolerance * np.abs(expected).max()


def test_as_many_classes_as_particles_and_no_more():
    cubes, poses, _ = made(3, 16, 1.0)
    every = sort(cubes, poses, [Wedge()], np.zeros(3, int), SortParams(classes=3, rounds=1), voxel_size=10.0)
    assert sorted(every.classes.tolist()) == [0, 1, 2]
    assert sort(cubes[:1], poses[:1], [Wedge()], np.zeros(1, int), SortParams(classes=1)).classes.tolist() == [0]
    with pytest.raises(ParameterProblem, match="4 of 3 particles"):
        sort(cubes, poses, [Wedge()], np.zeros(3, int), SortParams(classes=4))


@pytest.mark.parametrize("wrong", ["low_pass", "mask", "nan", "none"])
def test_bad_input_is_refused(wrong):
    cubes, poses, _ = made(4, 16, 1.0)
    wedge_of, params, mask = np.zeros(4, int), {}, None
    if wrong == "low_pass":
        params["low_pass"] = 500.0
    elif wrong == "mask":
        mask = np.zeros((16, 16, 16))
    elif wrong == "nan":
        cubes[3] = np.nan
    else:
        cubes, poses, wedge_of = cubes[:0], poses[:0], wedge_of[:0]
    with pytest.raises(ParameterProblem):
        sort(cubes, poses, [Wedge(-90, 90)], wedge_of, SortParams(**params), voxel_size=10.0, mask=mask)

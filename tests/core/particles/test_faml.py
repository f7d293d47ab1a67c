"""FAML: classes and poses by maximum likelihood (T14; at its full size: benchmarks/averaging.py)."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from sklearn.metrics import adjusted_rand_score
from subtomogram_phantoms import blobs, simple_subtomograms

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.particles.faml import FamlParams, faml, faml_job
from ais_app.core.particles.faml_expectation import Expectation
from ais_app.core.particles.faml_maximisation import maximised
from ais_app.core.particles.faml_model import Candidates, Data, Model
from ais_app.core.particles.fourier import to_fourier
from ais_app.core.particles.orientations import all_rotations, angles_between, random_rotations
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.wedge import Wedge

EDGE = 20
FAST = {"angular_step": 30.0, "iterations": 6, "candidates": 4}


def made(count, snr, seed=1, radius=0.3, edge=EDGE):
    """Two particles in turn: cubes, poses, truth."""
    random = np.random.default_rng(seed)
    truth = np.arange(count) % 2
    poses = Poses.of(random_rotations(count, random), random.uniform(-1.5, 1.5, (count, 3)))
    cubes = np.empty((count, edge, edge, edge), np.float32)
    for number in range(2):
        rows = truth == number
        cubes[rows] = simple_subtomograms(
            blobs(10 + number, edge, radius=radius), poses[rows], Wedge(), snr, random, edge
        )
    return cubes, poses, truth


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_classes_are_told_apart_and_aligned(seed):
    """T14, with 30 instead of 40 particles and 6 instead of 8 iterations; seeds 4 to 8 are told apart too."""
    cubes, poses, truth = made(30, 0.1, seed, edge=32)
    steps = []
    found = run(faml_job(cubes, [Wedge()], np.zeros(30, int), FamlParams(**FAST), voxel_size=10.0), steps.append)
    assert adjusted_rand_score(truth, found.classes) >= 0.9
    assert found.alpha.sum() == pytest.approx(1) and found.sigma2 > 0 and found.xi > 0
    assert np.allclose(found.probability.sum(axis=1), 1)
    # one rotation leads from the true poses of a class to those found
    for number in range(2):
        rows = truth == number
        between = np.swapaxes(poses.rotations[rows], 1, 2) @ found.poses.rotations[rows]
        common = Rotation.from_matrix(between).mean().as_matrix()
        assert np.median(angles_between(between, common)) < 10
    assert len(found.history) == 6 == sum(bool(step.values) for step in steps)
    assert found.history[-1]["sigma2"] < found.history[0]["sigma2"]
    assert all(part.fsc.fsc[2] > 0.8 for part in found.averages)


def test_a_class_that_has_died_out_is_empty():
    cubes, _, _ = made(6, 0.5)
    asked, kept = FamlParams(**(FAST | {"iterations": 2})), []
    run(faml_job(cubes, [Wedge()], np.zeros(6, int), asked, keep=kept.append))
    # as after the first iteration, but one class as good as without cubes
    dying = replace(kept[0], model=kept[0].model | {"alpha": np.array([1 - 1e-200, 1e-200])})
    found = faml(cubes, [Wedge()], np.zeros(6, int), asked, state=dying)
    assert found.alpha.tolist() == [1, 0] and (found.classes == 0).all() and not found.probability[:, 1].any()
    full, empty = found.averages
    assert full.fsc is not None and np.ptp(full.average) > 0
    assert empty.fsc is None and not any(part.any() for part in empty[:3])


def test_in_nothing_but_noise_all_numbers_stay_finite():
    cubes, _, _ = made(6, 0.01)
    found = faml(cubes, [Wedge()], np.zeros(6, int), FamlParams(**(FAST | {"iterations": 2, "hold_together": True})))
    for values in (found.probability, found.alpha, found.poses.rotations, found.poses.shifts_zyx, found.poses.scores):
        assert np.isfinite(values).all()
    assert found.alpha.sum() == pytest.approx(1) and found.sigma2 > 0
    assert all(np.isfinite(part.average).all() for part in found.averages)
    assert all(np.isfinite(list(one.values())).all() for one in found.history)


@pytest.fixture
def problem():
    """Three cubes, and a model that is near."""
    cubes, poses, truth = made(3, 1.0, radius=0.18)
    values = torch.from_numpy(cubes)
    data = Data.of(
        to_fourier(values / values.flatten(1).std(dim=1)[:, None, None, None]), EDGE, (Wedge(),), np.zeros(3, int), 5
    )
    classes = to_fourier(
        torch.from_numpy(np.stack([blobs(10 + number, EDGE, radius=0.18).cube(EDGE) for number in range(2)]))
    )
    model = Data.of(classes, EDGE, (Wedge(-90, 90),), np.zeros(2, int), 5).transforms
    return data, Model(model, np.array([0.6, 0.4]), 30.0, 4.0), poses, truth


def test_probabilities_are_those_of_the_formula(problem):
    data, model, _, _ = problem
    found = Expectation(data, data, model, all_rotations(40.0), 3, 4.0).of(np.arange(3))
    assert np.allclose(found.probability.sum(axis=(1, 2)), 1)
    # slowly, in the whole of Fourier space, from the residual and the shift
    shift2 = (found.shifts**2).sum(axis=-1)
    expected = np.log(model.alpha)[None, :, None] - found.residual / model.sigma2 - shift2 / (2 * model.xi**2)
    seen = np.isfinite(found.log_probability)
    assert np.allclose(found.log_probability[seen], expected[seen])
    highest = np.where(seen, expected, -np.inf).max(axis=(1, 2), keepdims=True)
    weights = np.exp(expected - highest) * seen
    assert np.allclose(found.probability, weights / weights.sum(axis=(1, 2), keepdims=True))
    # tiny likelihoods are no zeros over zeros
    unlikely = Candidates(
        *(getattr(found, name) for name in ("rotations", "shifts")),
        found.log_probability - 1e5,
        found.residual,
        found.correlation,
    )
    assert np.allclose(unlikely.probability, found.probability)


def test_the_residual_is_the_distance_to_the_turned_class(problem):
    data, model, _, _ = problem
    found = Expectation(data, data, model, all_rotations(40.0), 2, 4.0).of(np.arange(3))
    band = data.bands[0]
    random = np.random.default_rng(0)
    for _ in range(4):
        cube, number, which = random.integers(3), random.integers(2), random.integers(2)
        # the particle itself, turned without interpolation, on the grid of the data, cut with the ball of the classes
        rotation, shift = found.rotations[cube, number, which], found.shifts[cube, number, which]
        away = np.linalg.norm(np.moveaxis(np.indices((EDGE,) * 3), 0, -1) - EDGE // 2 - shift, axis=-1) / EDGE
        ball = 0.5 + 0.5 * np.cos(np.pi * np.clip((away - 0.2) / 0.25, 0, 1)).astype(np.float32)
        turned = blobs(10 + number, EDGE, radius=0.18).cube(EDGE, rotation, shift) * ball
        low = Data.of(
            to_fourier(torch.from_numpy(turned))[None], EDGE, (Wedge(-90, 90),), np.zeros(1, int), 5
        ).transforms
        distance = float((band.of(low[0]) - band.of(data.transforms[cube])).abs().square().sum())
        assert found.residual[cube, number, which] == pytest.approx(distance, rel=0.1)


def test_parameters_are_those_of_the_formula(problem):
    data, model, _, _ = problem
    found = Expectation(data, data, model, all_rotations(40.0), 3, 4.0).of(np.arange(3))
    p = found.probability
    new = maximised(data, found, model)
    assert np.allclose(new.alpha, p.sum(axis=(0, 2)) / 3) and new.alpha.sum() == pytest.approx(1)
    assert new.xi == pytest.approx(np.sqrt((p * (found.shifts**2).sum(axis=-1)).sum() / 9))
    whole, seen = 257, len(data.bands[0].index)  # pairs of frequencies within 5 waves of a cube
    assert new.sigma2 == pytest.approx(((p * found.residual).sum() / 3 + (whole - seen) * model.sigma2) / whole)
    # at most a share of the cubes has seen each frequency; the rest is expected to be as before
    together = maximised(data, found, model, smoothing=1e6)
    gap = lambda one: float((one.classes[0] - one.classes[1]).abs().square().sum())  # noqa: E731
    assert gap(together) < 1e-3 * gap(new)


def test_two_wedges_and_known_poses():
    cubes, poses, truth = made(8, 1.0)
    wedges = [Wedge(), Wedge(-90, 90)]
    found = faml(cubes, wedges, np.arange(8) // 4 % 2, FamlParams(**(FAST | {"iterations": 2})), start=poses)
    assert len(found.classes) == 8 and np.isfinite(found.probability).all()


@pytest.mark.parametrize("wrong", ["classes", "nan", "flat", "none", "low_pass", "voxel_size"])
def test_bad_input_is_refused(wrong):
    cubes, _, _ = made(3, 1.0)
    wedge_of, params, voxel_size = np.zeros(3, int), dict(FAST), 10.0
    if wrong == "classes":
        params["classes"] = 4
    elif wrong == "nan":
        cubes[0, 1, 1, 1] = np.nan
    elif wrong == "flat":
        cubes[2] = 1
    elif wrong == "none":
        cubes, wedge_of = cubes[:0], wedge_of[:0]
    elif wrong == "low_pass":
        params["low_pass"] = 1000.0
    else:
        voxel_size = 0.0
    with pytest.raises(ParameterProblem):
        faml(cubes, [Wedge()], wedge_of, FamlParams(**params), voxel_size=voxel_size)


def test_a_job_stops():
    cubes, _, _ = made(3, 1.0)
    with pytest.raises(JobCancelled):
        run(faml_job(cubes, [Wedge()], np.zeros(3, int)), stop=lambda: True)

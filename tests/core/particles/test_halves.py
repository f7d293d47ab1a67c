"""Iterative averages in two halves: as good as with the true poses, honest halves, stopped and resumed."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from subtomogram_phantoms import blobs, simple_subtomograms

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.particles.align import AlignParams, align
from ais_app.core.particles.average import average_now
from ais_app.core.particles.fourier import soft_sphere, to_fourier
from ais_app.core.particles.halves import AverageParams, refine_halves, refine_halves_job
from ais_app.core.particles.orientations import angles_between, random_rotations, rotations_near
from ais_app.core.particles.poses import Poses, turned
from ais_app.core.particles.shells import correlation_by_shell
from ais_app.core.particles.wedge import Wedge

EDGE = 20
FAST = AverageParams(iterations=2, angular_step=40.0, global_iterations=1)


def made(count, snr, seed=1, symmetry="C1"):
    random = np.random.default_rng(seed)
    particle = blobs(seed, EDGE, symmetry=symmetry, count=12 if symmetry == "C1" else 4)
    poses = Poses.of(random_rotations(count, random), random.uniform(-1.5, 1.5, (count, 3)))
    return simple_subtomograms(particle, poses, Wedge(), snr, random, EDGE), poses, particle.cube(EDGE)


def onto(truth, average):
    """The average, turned and moved onto the truth."""
    asked = AlignParams(angular_step=20.0, candidates=4)
    back = align(truth, average[None], [Wedge(-90, 90)], np.zeros(1, int), asked).poses.inverse()
    turn, move = (torch.from_numpy(np.ascontiguousarray(part)) for part in (back.rotations, back.shifts_zyx))
    return turned(torch.from_numpy(average), turn, move, fine=True)[0].numpy()


def agreement(first, second):
    inside = soft_sphere(len(first)) > 0.5
    return float(np.corrcoef(first[inside], second[inside])[0, 1])


def last_shell(first, second):
    mask = soft_sphere(EDGE)
    curve = correlation_by_shell(*(to_fourier(torch.from_numpy(one * mask)) for one in (first, second)), EDGE)
    below = np.flatnonzero(curve[1:] < 0.5)
    return int(below[0]) if len(below) else EDGE // 2


def test_from_random_orientations_it_gets_as_good_as_with_the_true_ones():
    # T12 of the specification at a smaller size: the signal of 40 of 32³ at SNR 0.1 is that of 20 of 20³ at 0.8, for
    # it grows with voxels and cubes (full size: benchmarks/averaging.py)
    cubes, poses, truth = made(20, 0.8, seed=2)
    wedge_of = np.zeros(20, int)
    steps = []
    params = AverageParams(iterations=4, angular_step=36.0, global_iterations=3)
    found = run(refine_halves_job(cubes, [Wedge()], wedge_of, params, voxel_size=10.0), steps.append)
    oracle = average_now(cubes, poses, [Wedge()], wedge_of, fine=True).average
    mine = onto(truth, found.averages.average)
    assert agreement(mine, truth) >= 0.92
    assert abs(last_shell(mine, truth) - last_shell(oracle, truth)) <= 1
    # one rotation leads from the true poses to those found
    between = np.swapaxes(poses.rotations, 1, 2) @ found.poses.rotations
    common = Rotation.from_matrix(between).mean().as_matrix()
    assert np.median(angles_between(between, common)) < 6
    shown = [step.values for step in steps if step.values]
    assert [one["iteration"] for one in shown] == list(range(1, len(shown) + 1)) == [1, 2, 3, 4][: len(shown)]
    assert shown[-1]["resolution"] < shown[0]["resolution"] and shown[-1]["turned"] < 10
    assert found.history == tuple(shown)


def test_nothing_of_one_half_gets_into_the_other():
    cubes, _, _ = made(6, 1.0)
    wedge_of = np.zeros(6, int)
    params = AverageParams(iterations=1, angular_step=40.0)
    found = refine_halves(cubes, [Wedge()], wedge_of, params, voxel_size=10.0)
    other = found.half_of == 1
    cubes[other] = np.random.default_rng(5).normal(size=cubes[other].shape)
    again = refine_halves(cubes, [Wedge()], wedge_of, params, voxel_size=10.0)
    assert np.array_equal(again.averages.half1, found.averages.half1)
    assert np.array_equal(again.poses.rotations[~other], found.poses.rotations[~other])
    assert agreement(again.averages.half2, found.averages.half2) < 0.8
    # as it would if both were aligned to one average
    together = AverageParams(**{**params.to_dict(), "independent": False})
    mixed = refine_halves(cubes, [Wedge()], wedge_of, together, voxel_size=10.0)
    assert not np.array_equal(mixed.averages.half1, found.averages.half1)


def test_known_poses_and_a_reference_are_refined():
    cubes, poses, truth = made(8, 1.0)
    wedge_of = np.zeros(8, int)
    near = Poses.of(rotations_near(8.0, 8.0)[1:2] @ poses.rotations, poses.shifts_zyx)
    params = AverageParams(iterations=2, global_iterations=0, within=15.0, first_low_pass=40.0)
    refined = refine_halves(cubes, [Wedge()], wedge_of, params, voxel_size=10.0, start=near)
    assert agreement(onto(truth, refined.averages.average), truth) > 0.95
    params = AverageParams(iterations=1, angular_step=40.0, first_low_pass=40.0)
    given = refine_halves(cubes, [Wedge()], wedge_of, params, voxel_size=10.0, reference=truth)
    assert np.median(angles_between(given.poses.rotations, poses.rotations)) < 5
    assert agreement(given.averages.average, truth) > 0.95  # in the frame of the reference


def test_symmetry_is_kept():
    cubes, _, truth = made(8, 0.5, symmetry="C3")
    params = AverageParams(iterations=1, angular_step=40.0, symmetry="C3")
    found = refine_halves(cubes, [Wedge()], np.zeros(8, int), params, voxel_size=10.0, reference=truth)
    third = torch.from_numpy(np.array([[[-0.5, -(0.75**0.5), 0], [0.75**0.5, -0.5, 0], [0, 0, 1]]]))
    average = found.averages.average
    assert agreement(turned(torch.from_numpy(average), third, fine=True)[0].numpy(), average) > 0.99
    assert agreement(average, truth) > 0.95


def test_stopped_and_resumed_it_gives_the_same():
    cubes, _, _ = made(4, 1.0)
    wedge_of = np.zeros(4, int)
    states = []
    keep = lambda state, averages: states.append(state)  # noqa: E731
    whole = run(refine_halves_job(cubes, [Wedge()], wedge_of, FAST, voxel_size=10.0, keep=keep))
    kept = states[0]
    resumed = run(refine_halves_job(cubes, [Wedge()], wedge_of, FAST, voxel_size=10.0, state=kept))
    assert np.array_equal(resumed.averages.average, whole.averages.average)
    assert resumed.history == whole.history
    with pytest.raises(JobCancelled):
        run(refine_halves_job(cubes, [Wedge()], wedge_of, FAST, voxel_size=10.0), stop=lambda: True)


def test_one_particle_two_particles_and_nothing_missing():
    cubes, _, truth = made(2, np.inf)
    asked = AverageParams(iterations=1, angular_step=40.0)
    one = refine_halves(cubes[:1], [Wedge()], np.zeros(1, int), asked, voxel_size=10.0, reference=truth)
    assert one.averages.fsc is None and agreement(one.averages.average, truth) > 0.8
    alone = refine_halves(cubes[:1], [Wedge()], np.zeros(1, int), asked, voxel_size=10.0)  # aligned to itself
    assert np.isfinite(alone.averages.average).all() and alone.poses.scores[0] > 0.5
    two = refine_halves(cubes, [Wedge(-90, 90)], np.zeros(2, int), asked, voxel_size=10.0)
    assert two.averages.fsc is not None and len(two.poses) == 2


@pytest.mark.parametrize(
    "wrong", ["low_pass", "first_low_pass", "mask", "mask_radius", "reference", "nan", "voxel_size"]
)
def test_bad_input_is_refused(wrong):
    cubes, _, truth = made(2, 1.0)
    params, options = {"iterations": 1}, {"voxel_size": 10.0}
    if wrong in ("low_pass", "first_low_pass"):
        params[wrong] = 1000.0
    elif wrong == "mask":
        options["mask"] = np.zeros((EDGE,) * 3)
    elif wrong == "mask_radius":
        params[wrong] = 5.0
    elif wrong == "reference":
        options["reference"] = truth[:-1]
    elif wrong == "nan":
        cubes[1, 3, 3, 3] = np.nan
    else:
        options["voxel_size"] = 0.0
    with pytest.raises(ParameterProblem):
        refine_halves(cubes, [Wedge()], np.zeros(2, int), AverageParams(**params), **options)


def test_an_average_of_nothing_is_not_called_a_reference():
    cubes = np.zeros((4, 12, 12, 12), np.float32)
    with pytest.raises(ParameterProblem, match="^average: is the same everywhere within the mask"):
        refine_halves(cubes, [Wedge()], np.zeros(4, int), AverageParams(iterations=1))
    for values, said in (((0, 1.5), "its values are 0 to 1.5"), ((-0.5, 1), "its values are -0.5 to 1")):
        mask = np.full((12,) * 3, float(values[0]))
        mask[6] = values[1]
        with pytest.raises(ParameterProblem, match=f"^mask: {said}; give 0 outside the particle and 1 inside"):
            refine_halves(cubes, [Wedge()], np.zeros(4, int), mask=mask)

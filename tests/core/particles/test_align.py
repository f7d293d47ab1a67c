"""Alignment: the poses of a known particle in simulated subtomograms, found again."""

import numpy as np
import pytest
import torch
from subtomogram_phantoms import blobs, phantom, simple_subtomograms

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.particles.align import Aligner, AlignParams, align, align_job
from ais_app.core.particles.correlation import Reference
from ais_app.core.particles.exhaustive import exhaustive
from ais_app.core.particles.orientations import angles_between, random_rotations
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.wedge import Wedge

EDGE = 40
WEDGE = Wedge(-60, 60)
QUICK = AlignParams(angular_step=40)


def simulated(seed, count, snr, edge=EDGE, wedge=WEDGE, reach=4.0, symmetry="C1", gaussians=12):
    """The cube of a particle, subtomograms of it and their true poses."""
    random = np.random.default_rng(seed)
    particle = blobs(seed, edge, count=gaussians, symmetry=symmetry)
    poses = Poses.of(random_rotations(count, random), random.uniform(-reach, reach, (count, 3)))
    return particle.cube(edge), simple_subtomograms(particle, poses, wedge, snr, random, edge), poses


def errors(found, true, symmetry="C1"):
    return (
        angles_between(found.rotations, true.rotations, symmetry),
        np.linalg.norm(found.shifts_zyx - true.shifts_zyx, axis=1),
    )


def one_wedge(cubes):
    return [WEDGE], np.zeros(len(cubes), dtype=int)


# T10 asks for 15 degrees after the coarse search; unrefined, its grid of 15 degrees comes as near
@pytest.mark.parametrize("seed", [3, 101])
@pytest.mark.parametrize(("mode", "snr"), [("grid", 0.1), ("grid", 0.01), ("harmonics", 0.1)])
def test_coarse_search_is_right(mode, snr, seed):
    reference, cubes, true = simulated(seed, 10, snr)
    params = AlignParams(mode=mode, refine=False, angular_step=15)
    angle, shift = errors(align(reference, cubes, *one_wedge(cubes), params).poses, true)
    assert (angle <= 15).mean() >= 0.9
    assert np.median(shift) < 1.5


@pytest.mark.parametrize(("snr", "most", "farthest"), [(np.inf, 0.08, 0.006), (0.1, 1.5, 0.15), (0.01, 4.0, 0.4)])
def test_refined_poses_are_true(snr, most, farthest):
    # T11, and that all of them are found from a grid of 30 degrees
    reference, cubes, true = simulated(4, 12, snr)
    found = align(reference, cubes, *one_wedge(cubes)).poses
    angle, shift = errors(found, true)
    assert np.median(angle) <= most
    assert np.median(shift) <= farthest
    assert (angle < 15).all()
    np.testing.assert_allclose(np.linalg.det(found.rotations), 1, atol=1e-9)
    assert found.scores.max() <= 1 + 1e-5


def test_as_the_slow_search_finds_it():
    edge = 20
    reference, cubes, true = simulated(5, 2, 0.5, edge, reach=2)
    slow = [exhaustive(Reference(reference), cube, WEDGE, step=40, finest=2.5, farthest=5) for cube in cubes]
    fast = align(reference, cubes, *one_wedge(cubes), AlignParams(shift=5)).poses
    for number, one in enumerate(slow):
        assert angles_between(one.rotations, true.rotations[number : number + 1])[0] < 5
        assert angles_between(one.rotations, fast.rotations[number : number + 1])[0] < 4
        assert np.linalg.norm(one.shifts_zyx[0] - fast.shifts_zyx[number]) < 0.5
        # the score means the same, and refinement finds no lower one
        assert one.scores[0] - 0.02 < fast.scores[number] < one.scores[0] + 0.05


@pytest.mark.parametrize("mode", ["grid", "harmonics"])
def test_two_subtomograms_are_compared_where_both_were_measured(mode):
    # the reference is a subtomogram itself, so part of its Fourier space is missing
    edge = 32
    random = np.random.default_rng(8)
    particle = blobs(8, edge)
    poses = Poses.of(random_rotations(8, random), random.uniform(-2, 2, (8, 3)))
    cubes = simple_subtomograms(particle, poses, WEDGE, 20, random, edge)
    first = simple_subtomograms(particle, Poses.unturned(1), WEDGE, 20, random, edge)[0]
    reference = Reference(first, WEDGE.mask(edge).numpy())
    found = align(reference, cubes, *one_wedge(cubes), AlignParams(mode=mode, angular_step=20)).poses
    angle, _ = errors(found, poses)
    assert np.median(angle) < 1
    assert found.scores.min() > 0.9
    slow = exhaustive(reference, cubes[0], WEDGE, rotations=poses.rotations[:1])
    assert slow.scores[0] == pytest.approx(found.scores[0], abs=0.06)


@pytest.mark.parametrize("symmetry", ["C3", "D7"])
def test_symmetric_particles(symmetry):
    reference, cubes, true = simulated(6, 8, 0.1, symmetry=symmetry, gaussians=5)
    found = align(reference, cubes, *one_wedge(cubes), AlignParams(symmetry=symmetry)).poses
    angle, shift = errors(found, true, symmetry)
    assert (angle < 5).all()
    assert np.median(angle) < 1.5
    assert np.median(shift) < 0.2


def test_only_near_the_present_pose():
    reference, cubes, true = simulated(7, 6, 0.1)
    random = np.random.default_rng(0)
    from scipy.spatial.transform import Rotation

    off = Rotation.from_rotvec(random.normal(size=(6, 3)) * 6, degrees=True).as_matrix()
    start = Poses.of(off @ true.rotations, true.shifts_zyx + random.uniform(-1, 1, (6, 3)))
    params = AlignParams(angular_step=8, within=16, shift=3)
    angle, shift = errors(align(reference, cubes, *one_wedge(cubes), params, start).poses, true)
    assert np.median(angle) < 1.5
    assert np.median(shift) < 0.2
    # from elsewhere it is not found: the search stays near
    far = Poses.of(start.rotations @ np.diag([1.0, -1, -1]), true.shifts_zyx)
    found = align(reference, cubes, *one_wedge(cubes), params, far).poses
    assert angles_between(found.rotations, far.rotations).max() < 60


def test_the_right_one_of_two_references():
    edge = 32
    random = np.random.default_rng(9)
    poses = Poses.of(random_rotations(10, random), random.uniform(-2, 2, (10, 3)))
    particles = [blobs(20, edge), blobs(21, edge)]
    cubes = np.concatenate(
        [
            simple_subtomograms(particle, poses[part], WEDGE, 0.1, random, edge)
            for particle, part in zip(particles, (slice(0, 5), slice(5, 10)), strict=True)
        ]
    )
    found = align([particle.cube(edge) for particle in particles], cubes, *one_wedge(cubes))
    assert found.chosen.tolist() == [0] * 5 + [1] * 5
    assert found.scores.shape == (10, 2)
    angle, _ = errors(found.poses, poses)
    assert (angle < 5).all()


def test_each_subtomogram_has_its_own_wedge():
    wedges = [Wedge(-60, 60), Wedge(-50, 40, tilt_axis="x"), Wedge(-90, 90)]
    wedge_of = np.array([0, 1, 2, 1, 0, 2])
    reference, cubes, true = simulated(10, 6, 0.2, edge=32, wedge=[wedges[i] for i in wedge_of], reach=2)
    angle, _ = errors(align(reference, cubes, wedges, wedge_of).poses, true)
    assert (angle < 4).all()


def test_scarcely_anything_measured():
    # a single projection: the pose is known but for what it does not show; nothing breaks
    reference, cubes, _ = simulated(11, 2, 5, edge=24, wedge=Wedge(-1, 1), reach=1)
    found = align(reference, cubes, [Wedge(-1, 1)], np.zeros(2, dtype=int), AlignParams(shift=2)).poses
    assert np.isfinite(found.rotations).all()
    assert (found.scores > 0.7).all()


def test_candidates_are_in_order_and_apart():
    reference, cubes, true = simulated(12, 3, 0.1, edge=32, reach=2)
    aligner = Aligner(reference, [WEDGE], AlignParams(candidates=4))
    (found,) = aligner.candidates(cubes, np.zeros(3, dtype=int))
    assert found.rotations.shape == (3, 4, 3, 3)
    assert (np.diff(found.scores, axis=1) <= 0).all()
    assert angles_between(found.rotations[:, 0], true.rotations).max() < 5


def test_low_pass_and_largest_shift():
    reference, cubes, true = simulated(13, 4, 0.1, reach=3)
    params = AlignParams(low_pass=8, shift=6)
    angle, _ = errors(align(reference, cubes, *one_wedge(cubes), params).poses, true)
    assert np.median(angle) < 2
    near = align(reference, cubes, *one_wedge(cubes), AlignParams(low_pass=8, shift=1)).poses
    assert np.linalg.norm(near.shifts_zyx, axis=1).max() < 4


def test_the_same_in_any_batches_and_on_any_number_of_threads():
    reference, cubes, _ = simulated(14, 4, 0.1, edge=24, reach=2)
    together = align(reference, cubes, *one_wedge(cubes), QUICK).poses
    aligner = Aligner(reference, [WEDGE], QUICK)
    one_by_one = [aligner.align(cubes[i : i + 1], np.zeros(1, dtype=int)).poses for i in range(4)]
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    on_two = align(reference, cubes, *one_wedge(cubes), QUICK).poses
    torch.set_num_threads(before)
    for other in (Poses(*(np.concatenate([getattr(p, f) for p in one_by_one]) for f in vars(together))), on_two):
        assert angles_between(other.rotations, together.rotations).max() < 0.05
        np.testing.assert_allclose(other.shifts_zyx, together.shifts_zyx, atol=0.01)


def test_cancelled_between_batches():
    reference, cubes, _ = simulated(15, 1, 1, edge=24, reach=1)
    job = align_job(reference, np.repeat(cubes, 20, axis=0), [WEDGE], np.zeros(20, dtype=int), QUICK)
    seen = []
    with pytest.raises(JobCancelled):
        run(job, seen.append, lambda: len(seen) == 1)
    assert len(seen) == 1


def test_an_empty_cube_scores_nothing():
    reference, cubes, _ = simulated(16, 2, 1, edge=24, reach=1)
    cubes[1] = 0
    found = align(reference, cubes, *one_wedge(cubes)).poses
    assert found.scores[0] > 0.5
    assert found.scores[1] == 0
    assert np.isfinite(found.rotations).all()


def test_arrays_that_may_only_be_read():
    """As those of a file are, which is mapped."""
    reference, cubes, _ = simulated(16, 2, 1, edge=24, reach=1)
    wanted = align(reference, cubes, *one_wedge(cubes), QUICK).poses.scores
    for array in (reference, cubes):
        array.flags.writeable = False
    np.testing.assert_array_equal(align(reference, cubes, *one_wedge(cubes), QUICK).poses.scores, wanted)


def broken(kind):
    reference = phantom(1, 16)
    cubes = np.repeat(reference[None], 2, axis=0)
    options = {"references": reference, "cubes": cubes, "wedges": [WEDGE], "wedge_of": np.zeros(2, dtype=int)}
    holed = cubes.copy()
    holed[1, 0, 0, 0] = np.nan
    return (
        options
        | {
            "NaN": {"cubes": holed},
            "other size": {"cubes": cubes[:, 2:, 2:, 2:]},
            "NaN in the reference": {"references": holed[1]},
            "flat reference": {"references": np.ones((16, 16, 16), dtype=np.float32)},
            "no cube": {"references": reference[1:]},
            "two sizes": {"references": [reference, phantom(1, 18)]},
            "no reference": {"references": []},
            "none": {"cubes": cubes[:0], "wedge_of": np.zeros(0, dtype=int)},
            "no such wedge": {"wedge_of": np.array([0, 1])},
            "too few poses": {"start": Poses.unturned(1)},
            "near nothing": {"params": AlignParams(within=10)},
            "mask of another size": {"references": lambda: Reference(reference, np.ones((4, 4, 3)))},
        }[kind]
    )


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("NaN", "no numbers"),
        ("other size", "shape"),
        ("NaN in the reference", "no numbers"),
        ("flat reference", "the same everywhere"),
        ("no cube", "cube"),
        ("two sizes", "edges differ"),
        ("no reference", "none"),
        ("none", "none"),
        ("no such wedge", "wedge"),
        ("too few poses", "poses"),
        ("near nothing", "within"),
        ("mask of another size", "mask"),
    ],
)
def test_what_cannot_be_aligned(kind, word):
    options = broken(kind)
    with pytest.raises(ParameterProblem, match=word):
        if callable(options["references"]):
            options["references"] = options["references"]()
        align(**options)


@pytest.mark.parametrize("options", [{"symmetry": "X"}, {"mode": "guess"}, {"angular_step": 0}, {"candidates": 0}])
def test_parameters_that_make_no_sense(options):
    with pytest.raises(ParameterProblem):
        AlignParams(**options)

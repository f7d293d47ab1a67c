"""Wedge-weighted averages: against truth, against a slow reference, and what odd input gives."""

import numpy as np
import pytest
import torch
from subtomogram_phantoms import blobs, simple_subtomograms

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import run
from ais_app.core.particles.average import average_now, split_halves
from ais_app.core.particles.average_sums import reference_masks, sums_job
from ais_app.core.particles.fourier import soft_sphere, to_fourier
from ais_app.core.particles.fsc import snr_of_fsc
from ais_app.core.particles.orientations import random_rotations, symmetry_rotations
from ais_app.core.particles.poses import Poses, turned
from ais_app.core.particles.symmetrise import symmetrised
from ais_app.core.particles.wedge import Wedge

EDGE = 24
WEDGE = Wedge()


def made(count, snr=np.inf, seed=1, wedge=WEDGE, shift=1.5, symmetry="C1"):
    """Subtomograms of one particle, their true poses, and the particle."""
    random = np.random.default_rng(seed)
    particle = blobs(seed, EDGE, symmetry=symmetry, count=12 if symmetry == "C1" else 4)
    poses = Poses.of(random_rotations(count, random), random.uniform(-shift, shift, (count, 3)))
    wedges = [wedge] if isinstance(wedge, Wedge) else list(wedge)
    wedge_of = np.arange(count) % len(wedges)
    cubes = simple_subtomograms(particle, poses, [wedges[i] for i in wedge_of], snr, random, EDGE)
    return cubes, poses, wedges, wedge_of, particle.cube(EDGE)


def agreement(first, second):
    """Correlation of two maps within a sphere."""
    inside = soft_sphere(len(first)) > 0.5
    return float(np.corrcoef(first[inside], second[inside])[0, 1])


@pytest.mark.parametrize("wedge", [WEDGE, Wedge(-40, 55), [Wedge(), Wedge(-50, 50, "x")]])
def test_the_wedges_of_many_fill_up(wedge):
    cubes, poses, wedges, wedge_of, truth = made(30, wedge=wedge)
    one = average_now(cubes[:1], poses[:1], wedges, wedge_of[:1])
    many = average_now(cubes, poses, wedges, wedge_of, fine=True)
    assert agreement(one.average, truth) < 0.93
    assert agreement(many.average, truth) > 0.98
    # grey values are kept, not only shapes: the slope against truth is 1
    inside = soft_sphere(EDGE) > 0.5
    slope = np.polyfit(truth[inside], many.average[inside], 1)[0]
    assert 0.85 < slope < 1.1


def test_what_is_added_up_is_what_the_formula_says():
    cubes, poses, wedges, wedge_of, _ = made(5, 0.5)
    got = run(sums_job(cubes, poses, wedges, wedge_of, device="cpu"))[0]
    transform, weight = 0, 0
    for number in range(5):
        back = poses[number : number + 1].inverse()
        flat = torch.from_numpy(cubes[number] - cubes[number].mean())
        turn, move = torch.from_numpy(back.rotations.copy()), torch.from_numpy(back.shifts_zyx.copy())
        seen = wedges[0].mask(EDGE, torch.from_numpy(poses.rotations[[number]]))[0]
        seen_without_zero = seen.clone()
        seen_without_zero[0, 0, 0] = 0
        transform = transform + to_fourier(turned(flat, turn, move))[0] * seen_without_zero
        weight = weight + seen
    assert torch.allclose(got.weight, weight) and got.count == 5
    assert torch.allclose(got.transform, transform, atol=1e-3 * float(transform.abs().max()))
    spectrum = got.spectrum()
    assert torch.equal(spectrum == 0, (weight < 1) | (transform == 0))
    seen = weight >= 1
    assert torch.allclose(spectrum[seen], (transform / weight)[seen], atol=1e-3 * float(spectrum.abs().max()))


def test_halves_are_independent_and_make_the_whole():
    cubes, poses, wedges, wedge_of, truth = made(40, 0.5)
    found = average_now(cubes, poses, wedges, wedge_of, voxel_size=8.0, seed=3)
    half_of = split_halves(40, 3)
    assert half_of.sum() == 20 and not np.array_equal(half_of, split_halves(40, 4))
    alone = average_now(cubes[half_of == 0], poses[half_of == 0], wedges, wedge_of[half_of == 0])
    assert np.allclose(alone.average, found.half1, atol=1e-4)
    assert found.fsc.edge == EDGE and found.fsc.fsc[3] > 0.9
    assert 16 < found.fsc.resolution() < 60
    assert agreement(found.average, truth) > max(agreement(found.half1, truth), agreement(found.half2, truth))


def test_weights_count_particles_more_or_not_at_all():
    cubes, poses, wedges, wedge_of, _ = made(8)
    some = average_now(cubes, poses, wedges, wedge_of, weights=np.array([1, 1, 1, 1, 0, 0, 0, 0]))
    assert np.allclose(some.average, average_now(cubes[:4], poses[:4], wedges, wedge_of[:4]).average, atol=1e-4)
    twice = average_now(cubes[[0, 0, 1]], poses[[0, 0, 1]], wedges, wedge_of[[0, 0, 1]])
    weighted = average_now(cubes[:2], poses[:2], wedges, wedge_of[:2], weights=[2, 1])
    assert np.allclose(twice.average, weighted.average, atol=1e-4)


@pytest.mark.parametrize("symmetry", ["C3", "D2"])
def test_symmetry_adds_what_equal_parts_have_measured(symmetry):
    cubes, poses, wedges, wedge_of, truth = made(6, 0.05, symmetry=symmetry)
    plain = average_now(cubes, poses, wedges, wedge_of, fine=True)
    better = average_now(cubes, poses, wedges, wedge_of, symmetry=symmetry, fine=True)
    assert agreement(better.average, truth) > agreement(plain.average, truth) + 0.03
    assert agreement(symmetrised(better.average, symmetry), better.average) > 0.99
    # the same as if each particle stood there in every equal orientation
    turns = symmetry_rotations(symmetry)
    equal = Poses.of(
        np.concatenate([poses.rotations @ turn for turn in turns]), np.tile(poses.shifts_zyx, (len(turns), 1))
    )
    rows = np.tile(np.arange(6), len(turns))
    slow = average_now(cubes[rows], equal, wedges, wedge_of[rows], fine=True)
    assert agreement(slow.average, better.average) > 0.96
    assert abs(agreement(slow.average, truth) - agreement(better.average, truth)) < 0.03


def test_a_wiener_average_has_less_of_what_is_noise():
    cubes, poses, wedges, wedge_of, truth = made(20, 0.02)
    halves = run(sums_job(cubes, poses, wedges, wedge_of, groups=split_halves(20), device="cpu"))
    found = average_now(cubes, poses, wedges, wedge_of)
    whole = halves[0] + halves[1]
    assert np.allclose(whole.average(), found.average, atol=1e-5)
    filtered = whole.average(snr_of_fsc(found.fsc.fsc))
    assert agreement(filtered, truth) > agreement(found.average, truth) + 0.05


def test_with_nothing_missing_it_is_a_plain_mean():
    cubes, poses, wedges, wedge_of, _ = made(4, wedge=Wedge(-90, 90), shift=0)
    unturned = Poses.unturned(4)
    assert wedges[0].is_full and reference_masks(wedges, wedge_of, poses.rotations, EDGE).min() == 1
    found = average_now(cubes, unturned, wedges, wedge_of).average
    expected = (cubes - cubes.mean(axis=(1, 2, 3), keepdims=True)).mean(axis=0)
    assert np.allclose(found, expected, atol=1e-4)


def test_the_same_for_any_number_of_threads():
    cubes, poses, wedges, wedge_of, _ = made(7, 0.5)
    one = average_now(cubes, poses, wedges, wedge_of, device="cpu").average
    torch.set_num_threads(2)
    two = average_now(cubes, poses, wedges, wedge_of, device="cpu").average
    torch.set_num_threads(1)
    assert np.array_equal(one, two)


def test_one_particle_is_its_own_average():
    cubes, poses, wedges, wedge_of, _ = made(1)
    found = average_now(cubes, poses, wedges, wedge_of)
    assert found.fsc is None and not found.half2.any() and np.allclose(found.half1, found.average)


@pytest.mark.parametrize("wrong", ["none", "nan", "poses", "wedge_of", "flat", "oblong"])
def test_bad_input_is_refused(wrong):
    cubes, poses, wedges, wedge_of, _ = made(3)
    if wrong == "none":
        cubes, poses, wedge_of = cubes[:0], poses[:0], wedge_of[:0]
    elif wrong == "nan":
        cubes = cubes.copy()
        cubes[2, 4, 5, 6] = np.nan
    elif wrong == "poses":
        poses = poses[:2]
    elif wrong == "wedge_of":
        wedge_of = wedge_of + 1
    elif wrong == "flat":
        cubes = cubes[0]
    else:
        cubes = cubes[:, :, :, :-1]
    with pytest.raises(ParameterProblem) as caught:
        average_now(cubes, poses, wedges, wedge_of)
    if wrong == "nan":
        assert "cube 2" in str(caught.value)

"""Fourier shell correlation: known answers, the mask, and the relations to signal and noise."""

import csv

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ais_app.core.errors import ParameterProblem
from ais_app.core.particles import fsc
from ais_app.core.particles.fourier import from_fourier, radii, soft_sphere, to_fourier
from ais_app.core.particles.shells import snr_by_shell


def noise(edge, seed):
    return np.random.default_rng(seed).standard_normal((edge,) * 3).astype(np.float32)


def low_passed(cube, shell):
    edge = len(cube)
    kept = to_fourier(torch.from_numpy(cube)) * (radii(edge).round() < shell)
    return from_fourier(kept, edge).numpy()


@pytest.mark.parametrize("edge", [24, 25])
def test_a_map_agrees_with_itself(edge):
    cube = noise(edge, 1)
    found = fsc.fourier_shell_correlation(cube, cube, 5.0)
    np.testing.assert_allclose(found.fsc, 1, atol=1e-9)
    assert len(found.fsc) == edge // 2 + 1
    assert found.resolution() == found.resolution(0.5) == 10.0


def test_noise_does_not_agree():
    found = fsc.fourier_shell_correlation(noise(48, 1), noise(48, 2), 5.0)
    assert np.abs(found.fsc[4:]).max() < 0.3


@pytest.mark.parametrize("voxel_size", [5.0, 9.2])
@pytest.mark.parametrize("shell", [6, 11])
def test_known_low_pass_is_found(shell, voxel_size):
    edge = 40
    signal = low_passed(noise(edge, 3), shell)
    first, second = (signal + 0.05 * signal.std() * noise(edge, seed) for seed in (4, 5))
    found = fsc.fourier_shell_correlation(first, second, voxel_size)
    assert edge * voxel_size / found.resolution(0.5) == pytest.approx(shell, abs=1)
    assert edge * voxel_size / found.resolution(0.143) == pytest.approx(shell, abs=1)


def test_crossing_lies_on_the_line_between_shells():
    curve = np.array([1, 1, 0.9, 0.6, 0.2, 0.0])
    assert fsc.resolution_of(curve, 10, 4.0, 0.5) == pytest.approx(40 / 3.25)
    assert fsc.resolution_of(curve, 10, 4.0, 0.143) == pytest.approx(40 / (4 + 0.057 / 0.2))
    assert fsc.resolution_of(np.array([1, 0.1, 0, 0, 0, 0]), 10, 4.0) == float("inf")


def test_halves_tell_signal_and_noise():
    """T15: 2 FSC / (1 - FSC) is the ratio in the average of the halves."""
    edge, snr = 48, 0.7
    signal = noise(edge, 6)
    halves = [signal * snr**0.5 + noise(edge, seed) for seed in (7, 8)]
    found = fsc.fourier_shell_correlation(*halves, 5.0).fsc[8:]
    assert np.median(fsc.snr_of_fsc(found)) == pytest.approx(2 * snr, rel=0.05)
    assert np.median(fsc.snr_of_fsc(found, of_whole=False)) == pytest.approx(snr, rel=0.05)


def test_members_tell_the_same():
    edge, snr, members = 32, 0.2, 40
    signal = noise(edge, 1) * snr**0.5
    transforms = torch.stack([to_fourier(torch.from_numpy(signal + noise(edge, 10 + i))) for i in range(members)])
    count = torch.full(transforms.shape[1:], float(members))
    found = snr_by_shell(transforms.sum(0), (transforms.abs() ** 2).sum(0), count, edge)
    assert np.median(found[6:]) == pytest.approx(members * snr, rel=0.1)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=8))
def test_relations_are_inverse(ratios):
    there = fsc.fsc_of_snr(np.array(ratios))
    np.testing.assert_allclose(fsc.snr_of_fsc(there), ratios, rtol=1e-5, atol=1e-9)


def test_what_the_mask_makes_is_taken_away():
    """A tight mask correlates noise; the corrected curve does not."""
    edge = 40
    ball = soft_sphere(edge, 9, 2)
    signal = low_passed(noise(edge, 1) * soft_sphere(edge, 12), 8)
    first, second = (signal + 0.3 * signal.std() * noise(edge, seed) for seed in (2, 3))
    found = fsc.fourier_shell_correlation(first, second, 5.0, ball, seed=4)
    beyond = slice(12, 20)
    assert found.corrected is not None and found.fsc_masked is not None and found.fsc_random is not None
    assert abs(found.corrected[beyond].mean()) < 0.1
    assert found.best is found.corrected
    np.testing.assert_array_equal(found.corrected[:4], found.fsc_masked[:4])
    assert edge * 5.0 / found.resolution(0.5) == pytest.approx(8, abs=1.5)


def test_the_same_seed_gives_the_same_curve():
    cubes = [noise(20, seed) for seed in (1, 2)]
    first, second = (fsc.fourier_shell_correlation(*cubes, 5.0, soft_sphere(20), seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.corrected, second.corrected)


def test_table(tmp_path):
    found = fsc.fourier_shell_correlation(noise(16, 1), noise(16, 1), 8.0, soft_sphere(16))
    with found.write_csv(tmp_path / "fsc.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    names = ["shell", "frequency", "resolution", "fsc", "fsc_masked", "fsc_random", "corrected"]
    assert list(rows[0]) == names
    assert len(rows) == 9
    assert float(rows[4]["resolution"]) == pytest.approx(32) and float(rows[8]["frequency"]) == pytest.approx(1 / 16)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a, b: (a, b[:-1]), "cubes"),
        (lambda a, b: (a[:3, :3, :3], b[:3, :3, :3]), "voxels"),
        (lambda a, b: (a, np.full_like(b, 2)), "same"),
        (lambda a, b: (np.where(a > 2, np.nan, a), b), "no number"),
    ],
)
def test_maps_that_cannot_be_compared(change, words):
    with pytest.raises(ParameterProblem, match=words):
        fsc.fourier_shell_correlation(*change(noise(16, 1), noise(16, 2)), 5.0)


@pytest.mark.parametrize("mask", [np.zeros((16,) * 3), np.ones((15,) * 3), np.full((16,) * 3, np.nan)])
def test_masks_that_are_none(mask):
    with pytest.raises(ParameterProblem):
        fsc.fourier_shell_correlation(noise(16, 1), noise(16, 2), 5.0, mask)


def test_numbers_out_of_bounds():
    with pytest.raises(ParameterProblem):
        fsc.fourier_shell_correlation(noise(16, 1), noise(16, 2), 0.0)
    with pytest.raises(ParameterProblem):
        fsc.resolution_of(np.ones(9), 16, 5.0, 1.5)

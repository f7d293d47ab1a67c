import numpy as np
import pytest

from ais_app.core.errors import ParameterProblem
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.subtomograms import NOTHING, simulate_subtomograms
from ais_app.core.simulate.templates import load_template, template_of

MICROSCOPE = SimulateParams(voxel_size=20.0, tilt_step=6.0, dose=0.0, defocus=0.0)
EDGE = 18


@pytest.fixture(scope="module")
def templates():
    return [load_template(name) for name in ("ribosome", "clpp")]


@pytest.fixture(scope="module")
def made(templates):
    return simulate_subtomograms(templates, MICROSCOPE, EDGE, 40, seed=3)


def test_as_many_of_each_class_and_of_none(made):
    assert made.classes == ("ribosome", "clpp", NOTHING) and made.voxel_size == 20
    assert len(made) == 120 and np.bincount(made.labels).tolist() == [40, 40, 40]
    assert made.signal.shape == made.noise.shape == made.masks.shape == (120, EDGE, EDGE, EDGE)
    assert made.rotations.shape == (120, 3, 3) and np.allclose(np.linalg.det(made.rotations), 1)


def test_the_mask_is_where_the_particle_is(made, templates):
    for label, template in enumerate(templates):
        volume = made.masks[made.labels == label].sum((1, 2, 3)) * 20.0**3
        assert np.allclose(volume, template.volume, rtol=0.15)
    of_none = made.labels == 2
    assert not made.masks[of_none].any()
    inside = (made.signal * made.masks)[~of_none].sum((1, 2, 3)) / made.masks[~of_none].sum((1, 2, 3))
    assert (inside < -made.signal[~of_none].std((1, 2, 3))).all(), "structures are dark"


@pytest.mark.parametrize("snr", [1000.0, 0.5, 0.01])
def test_signal_to_noise_is_that_of_every_box(made, snr: float):
    cubes, there = made.at(snr), made.labels != 2
    noise = (cubes - made.signal)[there]
    assert np.allclose(made.signal[there].var((1, 2, 3)) / noise.var((1, 2, 3)), snr, rtol=1e-2)
    assert np.allclose(cubes[~there], (made.signal + made.noise)[~there])


def test_boxes_without_a_particle_hold_little_but_noise(made):
    power = made.signal.var((1, 2, 3))
    assert power[made.labels == 2].max() < 0.2 * np.median(power[made.labels != 2])


def test_a_small_complex_has_the_contrast_of_a_large_one(made):
    deviation = [np.median(made.signal[made.labels == label].std((1, 2, 3))) for label in (0, 1)]
    assert 0.6 < deviation[0] / deviation[1] < 1.6


def test_same_seed_same_cubes(made, templates):
    one, two, other = (simulate_subtomograms(templates[1:], MICROSCOPE, EDGE, 4, seed) for seed in (5, 5, 6))
    assert np.array_equal(one.at(0.1), two.at(0.1)) and np.array_equal(one.labels, two.labels)
    assert not np.array_equal(one.signal, other.signal)


def test_rotations_are_those_of_the_particles():
    """A rod along z of the template comes to lie along the third column of its rotation."""
    rod = np.zeros((24, 24, 24), np.float32)
    rod[4:21, 11:14, 11:14] = 10
    full = SimulateParams(voxel_size=10.0, tilt=90.0, tilt_step=5.0, dose=0.0, defocus=0.0)
    found = simulate_subtomograms([template_of(rod, 10.0, "rod")], full, 24, 6, seed=0, shift=0)
    for mask, rotation in zip(found.masks[found.labels == 0], found.rotations[found.labels == 0], strict=True):
        points = np.argwhere(mask)[:, ::-1].astype(float)
        axis = np.linalg.svd(points - points.mean(0), full_matrices=False)[2][0]
        assert abs(axis @ rotation[:, 2]) > 0.99


def test_what_does_not_fit_is_named(templates):
    for arguments in [([], MICROSCOPE, EDGE, 4, 0), (templates, MICROSCOPE, 4, 4, 0), (templates, MICROSCOPE, 8, 0, 0)]:
        with pytest.raises(ParameterProblem, match="need a template"):
            simulate_subtomograms(*arguments)


def test_a_particle_lies_where_its_shift_says():
    ball = (((np.indices((25, 25, 25)) - 12) ** 2).sum(0) <= 30).astype(np.float32)
    found = simulate_subtomograms([template_of(ball, 20.0, "ball")], MICROSCOPE, EDGE, 6, seed=1, shift=0.2)
    there = found.labels == 0
    assert np.abs(found.shifts_zyx[there]).max() > 2
    for mask, shift in zip(found.masks[there], found.shifts_zyx[there], strict=True):
        np.testing.assert_allclose(np.argwhere(mask).mean(axis=0), EDGE // 2 + shift, atol=0.2)

"""Signal-to-noise ratios of a tomogram from two halves of it."""

import numpy as np
import pytest

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import run
from ais_app.core.particles.half_snr import half_snr_job
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.phantom import make_phantom

CONTENTS = {"cell": {}, "ribosomes": {"complexes": ("ribosome",), "carbon": False, "n_beads": 0}}


@pytest.fixture(scope="module", params=CONTENTS)
def made(request):
    """Signal, and two volumes of noise that differ in nothing but chance."""
    phantoms = [
        make_phantom(
            SimulateParams(shape=(64, 128, 128), snr=1.0, keep_noise_free=True, **CONTENTS[request.param]), seed=seed
        )
        for seed in (5, 6)
    ]
    noises = [(one.tomogram_data - one.noise_free) for one in phantoms]
    return phantoms[0].noise_free, [noise / noise.std() for noise in noises]


def halves(made, snr):
    signal, noises = made
    return [signal + np.float32(signal.std() / snr**0.5) * noise for noise in noises]


@pytest.mark.parametrize("snr", [0.01, 0.03, 0.1, 0.3, 1.0])
def test_over_two_orders_of_magnitude(made, snr):
    found = run(half_snr_job([tuple(halves(made, snr))]))
    assert snr / 1.25 < found.snr < 1.25 * snr
    assert found.certain and found.noise == pytest.approx(1 / (1 + found.snr))


def test_the_error_is_that_of_many_repetitions():
    random = np.random.default_rng(0)
    signal = random.standard_normal((64, 64, 64)).astype(np.float32)
    found = [
        run(half_snr_job([tuple(signal + 2 * random.standard_normal(signal.shape, np.float32) for _ in range(2))]))
        for _ in range(20)
    ]
    ratios = np.array([one.snr for one in found])
    assert ratios.mean() == pytest.approx(0.25, rel=0.02)
    assert np.mean([one.error for one in found]) == pytest.approx(ratios.std(), rel=0.5)


def test_grey_values_of_the_halves_may_differ(made):
    one, other = halves(made, 0.1)
    apart = run(half_snr_job([(one, 3 - 20 * other)]))
    assert apart.snr < 0  # the other way round: bright there, dark here
    assert run(half_snr_job([(one, 3 + 20 * other)])).snr == pytest.approx(run(half_snr_job([(one, other)])).snr)


def test_near_picks_there_is_more():
    random = np.random.default_rng(0)
    one, other = (random.standard_normal((64, 96, 96)).astype(np.float32) for _ in range(2))
    near = np.zeros(one.shape, bool)
    near[10:50, 20:80, 30:80] = True
    shared = random.standard_normal(one.shape).astype(np.float32) * near
    found = run(half_snr_job([(one + shared, other + shared)], [near]))
    assert found.snr == pytest.approx(1, rel=0.05)
    assert run(half_snr_job([(one + shared, other + shared)])).snr < 0.5


def test_noise_alone_is_said_to_be_that():
    random = np.random.default_rng(0)
    found = run(half_snr_job([tuple(random.standard_normal((64, 64, 64)).astype(np.float32) for _ in range(2))]))
    assert abs(found.snr) < 0.01 and not found.certain


def test_what_cannot_be_compared():
    random = np.random.default_rng(0)
    one, other = (random.standard_normal((64, 64, 64)).astype(np.float32) for _ in range(2))
    with pytest.raises(ParameterProblem, match="same volume"):
        run(half_snr_job([(one, one.copy())]))
    with pytest.raises(ParameterProblem, match="one size"):
        run(half_snr_job([(one, other[:32])]))
    with pytest.raises(ParameterProblem, match="cells"):
        run(half_snr_job([(one[:20, :40, :40], other[:20, :40, :40])]))
    with pytest.raises(ParameterProblem, match="cells"):
        run(half_snr_job([(np.zeros_like(one), other)]))
    with pytest.raises(ParameterProblem, match="0 cells"):
        run(half_snr_job([(one, other)], [np.zeros(one.shape, bool)]))


def test_padding_that_both_halves_have_is_no_signal(made):
    """Zeros beside grey values around 20 are alike in both halves."""
    one, other = (20 + half for half in halves(made, 0.1))
    padded = [np.pad(half, ((0, 0), (0, 0), (0, 64))) for half in (one, other)]
    assert run(half_snr_job([tuple(padded)])).snr == pytest.approx(run(half_snr_job([(one, other)])).snr, rel=0.05)

"""T2: signal-to-noise ratios from aligned pairs, and from a volume's own background."""

import functools

import numpy as np
import pytest
import torch
from subtomogram_phantoms import blobs, simple_subtomograms

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import run
from ais_app.core.particles.fourier import from_fourier, multiplicity, radii, soft_sphere, to_fourier
from ais_app.core.particles.orientations import random_rotations
from ais_app.core.particles.poses import Poses, turned
from ais_app.core.particles.snr import PairParams, pair_snr_job
from ais_app.core.particles.volume_snr import volume_snr_job
from ais_app.core.particles.wedge import Wedge
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.phantom import make_phantom
from ais_app.core.volume.unknown import without_constant

EDGE = 32
WEDGE = Wedge(-60, 60)


def cubes(poses, snr, seed=0, wedge=WEDGE, edge=EDGE):
    return simple_subtomograms(blobs(1, edge), poses, wedge, snr, np.random.default_rng(seed), edge=edge)


def inside(cube):
    """Power within the sphere and the band that the estimate uses."""
    edge = len(cube)
    weights = multiplicity(edge) * (radii(edge) <= edge / 3) * (radii(edge) > 0)
    ball = torch.from_numpy(soft_sphere(edge, edge / 2 - 1))
    return float((weights * to_fourier(torch.from_numpy(cube - cube.mean()) * ball).abs() ** 2).sum())


def truth(clean, noisy):
    return np.mean([inside(c) for c in clean]) / np.mean([inside(n - c) for c, n in zip(clean, noisy, strict=True)])


def estimate(data, poses, wedge=WEDGE, **params):
    return run(pair_snr_job(data, poses, [wedge], np.zeros(len(data), int), params=PairParams(**params)))


def with_ratio(poses, ratio, wedge, seed):
    """Subtomograms whose signal has `ratio` times the power of their noise within sphere and band."""
    clean, noisy = cubes(poses, np.inf, wedge=wedge, edge=40), cubes(poses, 1.0, seed, wedge, edge=40)
    data = clean + (noisy - clean) * np.float32((truth(clean, noisy) / ratio) ** 0.5)
    assert truth(clean, data) == pytest.approx(ratio, rel=1e-3)
    return data


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("ratio", "within"), [(0.5, 0.02), (0.1, 0.03), (0.01, 0.15)])
def test_pairs_of_one_orientation(ratio, within, seed):
    """Asked: 5, 5 and 25 %."""
    poses, full = Poses.unturned(40), Wedge(-90, 90)
    found = estimate(with_ratio(poses, ratio, full, seed), poses, full, pairs=100)
    assert found.snr == pytest.approx(ratio, rel=within)
    assert found.low <= found.snr <= found.high and len(found.pairs) == 100


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("ratio", "within"), [(1.3, 0.1), (0.26, 0.06), (0.026, 0.2)])
def test_pairs_of_any_orientation_need_the_overlap_of_the_wedges(ratio, within, seed):
    """The ratios of boxes with SNR 0.5, 0.1 and 0.01 of a compact particle. Asked: 20 % of the first two."""
    random = np.random.default_rng(seed + 3)
    poses = Poses.of(random_rotations(40, random), random.uniform(-2, 2, (40, 3)))
    noisy = with_ratio(poses, ratio, WEDGE, seed)
    found = estimate(noisy, poses, pairs=100)
    assert found.snr == pytest.approx(ratio, rel=within)
    back = poses.inverse()
    plain = turned(
        torch.from_numpy(noisy), torch.from_numpy(back.rotations), torch.from_numpy(back.shifts_zyx), fine=True
    )
    ball = soft_sphere(40, 19).ravel() > 0
    flat = plain.reshape(len(plain), -1).numpy()[:, ball]
    naive = np.mean([np.corrcoef(flat[a], flat[b])[0, 1] for a, b in found.pairs])
    assert naive / (1 - naive) < 0.8 * ratio


def test_the_error_is_that_of_the_mean():
    """In twenty draws of noise the ratio spreads as far as each says that it may be off."""
    poses, full, ratio = Poses.unturned(20), Wedge(-90, 90), 0.3
    make = functools.partial(cubes, poses, wedge=full, edge=20)
    clean, found = make(np.inf), []
    for seed in range(20):
        noise = make(1.0, seed) - clean
        scale = np.float32((truth(clean, clean + noise) / ratio) ** 0.5)
        found.append(estimate(clean + noise * scale, poses, full, pairs=10))
    spread = np.std([one.snr for one in found], ddof=1)
    assert np.mean([(one.high - one.low) / 2 for one in found]) == pytest.approx(spread, rel=0.4)
    assert 8 <= sum(one.low <= ratio <= one.high for one in found) <= 18


def test_classes_are_kept_apart():
    poses = Poses.unturned(8)
    data = np.concatenate([cubes(poses, 1.0)[:4], -cubes(poses, 1.0, 1)[4:]])
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    found = run(pair_snr_job(data, poses, [WEDGE], np.zeros(8, int), labels, PairParams(pairs=12)))
    assert (labels[found.pairs[:, 0]] == labels[found.pairs[:, 1]]).all() and found.snr > 0.5
    mixed = estimate(data, poses, pairs=28)
    assert mixed.snr < found.snr / 2


def test_the_same_seed_draws_the_same_pairs():
    poses = Poses.unturned(6)
    data = cubes(poses, 0.5)
    first, second = (estimate(data, poses, pairs=5, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.correlations, second.correlations)


def test_one_particle_makes_no_pair():
    poses = Poses.unturned(1)
    with pytest.raises(ParameterProblem, match="no two"):
        estimate(cubes(poses, 0.5), poses)


@pytest.fixture(scope="module")
def phantom():
    params = SimulateParams(shape=(64, 128, 128), snr=1.0, keep_noise_free=True, complexes=("ribosome",))
    return make_phantom(params, seed=5)


@pytest.mark.parametrize("snr", [0.1, 0.3, 1.0])
def test_a_volume_alone(phantom, snr):
    signal = phantom.noise_free
    noise = (phantom.tomogram_data - signal) * np.float32(1 / snr**0.5)
    found = run(volume_snr_job([signal + noise]))
    true = signal.var() / noise.var()
    assert true / 1.5 < found.snr < true * 1.5
    assert found.certain and 0 < found.noise < 1


def test_noise_alone_is_said_to_be_that():
    white = torch.from_numpy(np.random.default_rng(0).standard_normal((72, 72, 72)).astype(np.float32))
    low = from_fourier(to_fourier(white) * (radii(72) < 25), 72).numpy()
    found = run(volume_snr_job([low]))
    assert abs(found.snr) < 0.03 and not found.certain


def test_near_picks_there_is_more():
    random = np.random.default_rng(0)
    volume = random.standard_normal((60, 96, 96)).astype(np.float32)
    near = np.zeros(volume.shape, bool)
    for z, y, x in ((30, 30, 30), (30, 60, 66), (30, 30, 70)):
        region = tuple(slice(c - 9, c + 9) for c in (z, y, x))
        near[region] = True
        volume[region] += random.standard_normal((18, 18, 18)) * np.float32(0.5**0.5)
    found = run(volume_snr_job([volume], [near]))
    assert found.snr == pytest.approx(0.5, rel=0.5)
    assert found.snr > 3 * abs(run(volume_snr_job([volume])).snr)


@pytest.mark.parametrize("volume", [np.zeros((64, 64, 64), np.float32), np.ones((8, 64, 64), np.float32)])
def test_volumes_that_say_nothing(volume):
    with pytest.raises(ParameterProblem):
        run(volume_snr_job([volume]))


def test_picks_everywhere_leave_no_background():
    volume = np.random.default_rng(0).standard_normal((64, 64, 64)).astype(np.float32)
    for near in (np.ones(volume.shape, bool), np.zeros(volume.shape, bool)):
        with pytest.raises(ParameterProblem, match="near"):
            run(volume_snr_job([volume], [near]))


@pytest.mark.parametrize("content", [{}, {"complexes": ("ribosome",), "carbon": False, "n_beads": 0}])
def test_noise_of_a_full_volume_is_measured_where_it_is_empty(content):
    """Bands cut sharply ring; cubes chosen by what is measured are quiet by chance."""
    made = make_phantom(SimulateParams(shape=(64, 128, 128), snr=1.0, keep_noise_free=True, **content), seed=12)
    noise = made.tomogram_data - made.noise_free
    for snr in (0.1, 0.3, 1.0):
        scaled = noise * np.float32((made.noise_free.var() / (snr * noise.var())) ** 0.5)
        found = run(volume_snr_job([made.noise_free + scaled]))
        assert 0.7 < found.snr / snr < 1.3 and found.certain


def test_blocks_are_judged_together():
    """Where one block is full and the other empty, the noise is that of the empty one."""
    random = np.random.default_rng(0)
    full, empty = (random.standard_normal((48, 96, 96)).astype(np.float32) for _ in range(2))
    full += random.standard_normal(full.shape).astype(np.float32)
    assert run(volume_snr_job([full, empty])).snr == pytest.approx(0.5, abs=0.03)
    assert abs(run(volume_snr_job([full])).snr) < 0.03


@pytest.mark.parametrize("value", [0.0, 7.0])
@pytest.mark.parametrize("wide", [3, 14, 64])
def test_padding_of_one_value_is_no_background(phantom, value, wide):
    """Frames that are thinner than a cube, as those that fill a third, would be the emptiest places."""
    noise = (phantom.tomogram_data - phantom.noise_free) * np.float32(1 / 0.3**0.5)
    volume = 7 + phantom.noise_free + noise
    padded = np.pad(volume, ((0, 0), (0, 0), (0, wide)), constant_values=value)
    found, cropped = (run(volume_snr_job([one])) for one in (padded, volume))
    assert found.snr == pytest.approx(cropped.snr, rel=0.25, abs=3 * cropped.error)


def test_few_grey_values_are_no_padding():
    """Whole numbers that repeat are noise; a box of one value, a thin frame, and what is not known are left out."""
    random = np.random.default_rng(0)
    block = np.round(random.standard_normal((24, 40, 40))).astype(np.float32)
    kept, known = without_constant(block)
    assert kept is block and known is None
    block[:, :3], block[2:8, 20:26, 20:26] = 9, 5
    kept, known = without_constant(block)
    expected = np.ones(block.shape, bool)
    expected[:, :3], expected[2:8, 20:26, 20:26] = False, False
    np.testing.assert_array_equal(known, expected)
    np.testing.assert_array_equal(kept[expected], block[expected])
    assert kept[~expected] == pytest.approx(block[expected].mean())
    assert without_constant(kept, known) == (kept, known)

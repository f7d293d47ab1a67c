"""T26: what is projected and reconstructed is the specimen, where the tilts have seen it."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ais_app.core.jobs import run
from ais_app.core.particles.fourier import multiplicity, radii, soft_sphere, to_fourier
from ais_app.core.particles.wedge import Wedge
from ais_app.core.simulate.optics import detector_response, ramp, wavelength
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.projection import back_project, detector_width, project

sys.path.insert(0, str(Path(__file__).parents[1] / "particles"))
from subtomogram_phantoms import blobs

EDGE = 40


def reconstructed(volume, tilts, back=None):
    """Project at tilts, weight by the ramp, smear back at the same tilts or others."""
    width = detector_width(volume.shape)
    images = project(np.ascontiguousarray(volume.transpose(0, 2, 1)), np.radians(tilts), width)
    spectrum = np.fft.rfft(images, 4 * width, axis=1) * ramp(4 * width, 0.5)[None, :, None]
    # twice as fine across the tilt axis, as the reconstruction of phantoms
    fine = np.fft.irfft(spectrum, 8 * width, axis=1)[:, : 2 * width] * 2
    filtered = np.ascontiguousarray(fine, dtype=np.float32)
    out = back_project(filtered, np.radians(tilts if back is None else back), 2, EDGE, EDGE)
    return np.ascontiguousarray(out.transpose(0, 2, 1))


def agreement(first, second, mask=None):
    """Correlation of transforms over the inscribed sphere, without frequency 0."""
    weights = multiplicity(EDGE) * (radii(EDGE) > 0) * (radii(EDGE) <= EDGE // 2)
    weights = weights if mask is None else weights * mask
    one, two = (to_fourier(torch.from_numpy(cube)) for cube in (first, second))
    both = (weights * (one * two.conj()).real).sum()
    return float(both / ((weights * one.abs() ** 2).sum() * (weights * two.abs() ** 2).sum()).sqrt())


def power(cube, band):
    """Power below a frequency, waves per cube, without frequency 0."""
    edge = len(cube)
    weights = multiplicity(edge) * (radii(edge) > 0) * (radii(edge) <= band)
    return float((weights * to_fourier(torch.from_numpy(cube - cube.mean())).abs() ** 2).sum())


@pytest.fixture(scope="module")
def specimen():
    return blobs(3, EDGE).cube(EDGE)


def test_all_tilts_give_the_specimen_back(specimen):
    assert agreement(specimen, reconstructed(specimen, np.arange(-89.0, 91.0, 1.5))) > 0.98


def test_what_the_tilts_have_seen_is_right(specimen):
    made = reconstructed(specimen, np.arange(-60.0, 61.0, 1.0))
    assert agreement(specimen, made, Wedge(-60, 60).mask(EDGE)) > 0.94


def test_negated_tilts_do_not_fit(specimen):
    tilts = np.arange(-60.0, 61.0, 2.0)
    assert agreement(specimen, reconstructed(specimen, tilts, -tilts)) < 0.6


def test_wavelength_and_detector():
    assert wavelength(300) == pytest.approx(0.019687, abs=1e-5)
    params = SimulateParams(voxel_size=9.2)
    assert detector_response(np.array([1 / (2 * 9.2)]), params)[0] == pytest.approx(0.6366, abs=1e-4)


def test_the_ratio_that_is_asked_for_is_that_which_pairs_measure():
    """Within 10 %: each box twice with noise of its own, compared in place over the whole box."""
    from ais_app.core.particles.poses import Poses
    from ais_app.core.particles.snr import PairParams, pair_snr_job
    from ais_app.core.simulate.subtomograms import simulate_subtomograms
    from ais_app.core.simulate.templates import load_template

    params = SimulateParams(voxel_size=20.0, tilt_step=6.0, dose=0.0, defocus=0.0)
    made = simulate_subtomograms([load_template("ribosome")], params, 20, 40, seed=1, shift=0, empty=False)
    noisy, snr = made.at(0.2), 0.2
    noise = noisy - made.signal
    pairs = np.stack([noisy, made.signal + np.roll(noise, 1, axis=0)], axis=1).reshape(-1, 20, 20, 20)
    measured = []
    for first, second in zip(pairs[::2], pairs[1::2], strict=True):
        measured.append(np.corrcoef(first.ravel(), second.ravel())[0, 1])
    mean = float(np.mean(measured))
    assert mean / (1 - mean) == pytest.approx(snr, rel=0.1)
    # the same two recordings through the estimator, in whose sphere and band there is more signal to less noise
    labels = np.repeat(np.arange(len(made)), 2)
    poses = Poses.unturned(len(pairs))
    found = run(pair_snr_job(pairs, poses, [Wedge(-90, 90)], np.zeros(len(pairs), int), labels, PairParams(pairs=40)))
    ball = soft_sphere(20, 9)
    signal, own = (sum(power(cube * ball, 20 / 3) for cube in cubes) for cubes in (made.signal, noise))
    assert signal / own > 5 * snr
    assert found.snr == pytest.approx(signal / own, rel=0.1)

"""The missing wedge of a tomogram does not depend on its voxels, nor on how its spectrum falls."""

import numpy as np
import pytest
import torch

from ais_app.core.jobs import run
from ais_app.core.particles.fourier import from_fourier, radii, to_fourier
from ais_app.core.particles.wedge import Wedge
from ais_app.core.particles.wedge_estimate import estimate_wedge, estimate_wedge_job
from ais_app.core.tomogram import Tomogram


def specimen(edge, wedge, seed=0):
    """The transform of noise as a wedge shows it."""
    noise = torch.from_numpy(np.random.default_rng(seed).normal(size=(edge,) * 3).astype(np.float32))
    return to_fourier(noise) * wedge.mask(edge)


def test_a_job_knows_the_voxels_of_its_tomogram():
    """Half as fine along the beam: angles are those of the specimen, not of the grid."""
    cube = from_fourier(specimen(64, Wedge(-50, 50)), 64).numpy()
    transform = np.fft.fftshift(np.fft.fftn(cube), axes=0)[16:48]
    coarse = np.fft.ifftn(np.fft.ifftshift(transform, axes=0)).real.astype(np.float32)
    found, wrong = (run(estimate_wedge_job(Tomogram(coarse, size))) for size in ((20.0, 10.0, 10.0), (10.0,) * 3))
    assert found is not None and found.wedge.tilt_max == pytest.approx(50, abs=3)
    assert wrong is not None and wrong.wedge.tilt_max > 60


@pytest.mark.parametrize("fall", [0.2, 0.4])
def test_a_spectrum_that_falls_hides_no_wedge(fall):
    wedge = Wedge(-60, 45)
    spectrum = specimen(40, wedge)
    steps = torch.exp(-fall * radii(40).round().clamp(max=20))
    plain, falling = (estimate_wedge(from_fourier(each, 40).numpy()) for each in (spectrum, spectrum * steps))
    for found in (plain, falling):
        assert found is not None and found.certainty == "clear"
        assert abs(found.wedge.tilt_min + 60) <= 2 and abs(found.wedge.tilt_max - 45) <= 2
    assert falling.correlation == pytest.approx(plain.correlation, abs=0.05)

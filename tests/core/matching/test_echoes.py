"""Peaks that a particle makes around itself are no particles."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from ais_app.core.jobs import run
from ais_app.core.matching.echoes import echoes, self_correlation_job
from ais_app.core.matching.match import match
from ais_app.core.matching.parameters import MatchParams
from ais_app.core.matching.peaks import Peaks
from ais_app.core.matching.template import prepare
from ais_app.core.particles.orientations import all_rotations
from ais_app.core.particles.wedge import Wedge
from ais_app.core.simulate.parameters import SimulateParams
from ais_app.core.simulate.phantom import make_phantom
from ais_app.core.simulate.templates import load_template
from ais_app.core.tomogram import Tomogram

SIZE = 27.2  # Å
WEDGE = Wedge(-60, 60)


@pytest.fixture(scope="module")
def ribosome():
    return load_template("ribosome")


@pytest.fixture(scope="module")
def template(ribosome):
    return prepare(ribosome.density, ribosome.voxel_size, SIZE, WEDGE, MatchParams())


def peaks(*placed):
    """Peaks along x: (place, score), the highest first."""
    places, scores = zip(*placed, strict=True)
    return Peaks(np.array([[0, 0, x] for x in places], float), np.array(scores), np.zeros(len(scores), int))


def test_the_profile_is_that_of_correlations_written_out(template):
    profile = run(self_correlation_job(template))
    assert (
        profile[0] == pytest.approx(1)
        and (np.diff(profile) <= 0).all()
        and len(profile) == int(2 * template.radius) + 1
    )
    rotations = all_rotations(60.0)
    image, kernels = template.images(rotations[:1])[0].numpy(), template.kernels(rotations).numpy()
    itself = (kernels[0] * image).sum()
    edge = image.shape[0]
    for away in (2, 5, 8):
        moved = np.zeros_like(image)
        moved[:, :, away:] = image[:, :, : edge - away]
        assert (kernels * moved).sum((1, 2, 3)).max() / itself <= profile[away] + 1e-5
    assert profile[2] > 0.4 and profile[-1] < 0.3


def test_the_lower_peak_goes_where_the_higher_explains_it():
    profile = np.array([1, 0.8, 0.6, 0.4, 0.2, 0.0])
    found = peaks((10, 0.5), (50, 0.4), (13, 0.21), (47, 0.1), (30, 0.09))
    # 3 voxels from the first 0.4 · 0.5 is explained, and 2 · 0.6 · 0.02 is noise
    assert echoes(found, profile, 0.02).tolist() == [False, False, True, True, False]
    assert echoes(found, profile, 0.0).tolist() == [False, False, False, True, False]


def test_equals_side_by_side_stay_and_what_goes_explains_nothing():
    profile = np.array([1, 0.9, 0.8, 0.7, 0.6, 0.5])
    assert not echoes(peaks((0, 0.4), (3, 0.4), (6, 0.4)), profile, 0.03).any()
    # the one in the middle is an echo of the first, and so no reason to drop the last
    assert echoes(peaks((0, 0.4), (4, 0.25), (7, 0.24)), profile, 0.0).tolist() == [False, False, False]
    assert echoes(peaks((0, 0.4), (4, 0.23), (8, 0.13)), profile, 0.0).tolist() == [False, True, False]
    assert not echoes(peaks((0, 0.4)), profile, 0.03).any()


def test_a_tomogram_with_few_particles(ribosome):
    """25 more peaks, on the flanks of these, exceed what noise alone would reach."""
    nothing = dict.fromkeys(("n_beads", "n_actin", "n_sheets", "n_vesicles", "n_double_membranes", "n_microtubules"), 0)
    params = SimulateParams(
        shape=(64, 160, 160), voxel_size=13.6, snr=0.3, carbon=False, complexes=("ribosome=25",), **nothing
    )
    made = make_phantom(params, seed=1)
    tomogram = Tomogram(made.tomogram_data, (13.6,) * 3)
    found = match(tomogram, ribosome.density, ribosome.voxel_size, WEDGE, MatchParams(angular_step=30)).particles
    away, nearest = cKDTree(made.particles["ribosome"].positions_zyx).query(found.positions_zyx)
    assert len(found) == 25 and sorted(nearest) == list(range(25)) and away.max() < 30

"""From a tomogram and a map to particles: signs, voxel sizes, bands, bad input."""

import numpy as np
import pytest
import torch
from matching_phantoms import FULL, SIZE, around, lump, particles_in
from subtomogram_phantoms import phantom

from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.matching.match import match, match_job
from ais_app.core.matching.parameters import MatchParams
from ais_app.core.matching.template import prepare
from ais_app.core.particles.orientations import all_rotations, angles_between, random_rotations
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram


def test_a_search_can_be_stopped(rng):
    volume = rng.normal(size=(30, 40, 40)).astype(np.float32)
    tomogram = Tomogram(volume, (SIZE,) * 3)
    with pytest.raises(JobCancelled):
        seen = []
        run(match_job(tomogram, lump(), SIZE, FULL), lambda step: seen.append(step), lambda: len(seen) > 6)
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize(("sign", "contrast", "dark"), [(1, "auto", True), (-1, "auto", True), (-1, "bright", True),
                                                        (1, "dark", False)])  # fmt: skip
def test_particles_with_orientations(sign, contrast, dark, rng):
    """The sign is found or given; positions in Å, rotations, scores; finer rotations than those of the search."""
    density = phantom(5, 20).astype(np.float32)
    places, rotations = np.array([(16, 20, 21), (18, 44, 24)]), random_rotations(2, rng)
    volume = particles_in((36, 64, 44), [density], places, rotations, [0, 0])
    template = -density if contrast == "dark" else density
    volume = (volume if contrast != "dark" else -volume * -1) * (sign if contrast != "dark" else 1)
    volume += rng.normal(size=volume.shape).astype(np.float32) * volume.std() * 1.5
    tomogram = Tomogram(volume, (SIZE,) * 3)
    params = MatchParams(angular_step=45, number=2, template_contrast=contrast, dark=dark)
    found = match(tomogram, template, SIZE, FULL, params)
    order = np.argsort(found.particles.positions_zyx[:, 1])
    np.testing.assert_allclose(found.particles.positions_zyx[order], places * SIZE, atol=0.6 * SIZE)
    assert angles_between(found.particles.rotations[order], rotations).max() < 8
    assert found.inverted == (sign < 0 or contrast == "dark")
    assert (np.diff(found.particles.scores) <= 0).all()


def test_other_voxel_sizes(rng):
    """A map on finer voxels that do not divide the tomogram's, and a tomogram that is binned."""
    fine = phantom(6, 40).astype(np.float32)
    rotation = all_rotations(90)[7]
    at = np.array((41, 45, 49))
    volume = np.zeros((84, 90, 96), dtype=np.float32)
    around(volume, at, 40)[...] = phantom(6, 40, rotation=rotation)
    volume += rng.normal(size=volume.shape).astype(np.float32) * 0.3 * fine.std()
    tomogram = Tomogram(volume, (6.0,) * 3)
    params = MatchParams(angular_step=90, binning=2, number=1, template_contrast="bright", dark=False)
    found = match(tomogram, fine, 6.0, FULL, params)
    np.testing.assert_allclose(found.particles.positions_zyx[0], at * 6.0, atol=3.0)
    assert angles_between(found.particles.rotations[0], rotation) < 5
    assert found.scores.score.shape == (42, 45, 48)


def test_an_array_with_a_voxel_size_is_a_tomogram(rng):
    volume = rng.normal(size=(24, 30, 30)).astype(np.float32)
    params = MatchParams(angular_step=120, mask_radius=50, number=2, refine=False)
    sizes = (SIZE,) * 3
    array, opened, other = (
        match(given, lump(), SIZE, FULL, params, voxel_size_zyx=size).particles
        for given, size in ((volume, sizes), (Tomogram(volume, sizes), None), (Tomogram(volume, (7.0,) * 3), sizes))
    )
    np.testing.assert_array_equal(array.positions_zyx, opened.positions_zyx)
    np.testing.assert_array_equal(array.positions_zyx, other.positions_zyx)
    assert array.voxel_size == SIZE
    for given in (volume, Tomogram(volume)):
        with pytest.raises(ParameterProblem, match="voxel size is not known; give it as voxel_size_zyx"):
            match(given, lump(), SIZE, FULL, params)
    with pytest.raises(ParameterProblem, match=r"has the shape \(24, 30\); give a volume"):
        match(volume[:, 0], lump(), SIZE, FULL, params, voxel_size_zyx=sizes)


def test_bad_input(rng):
    volume = rng.normal(size=(24, 30, 30)).astype(np.float32)
    tomogram = Tomogram(volume, (SIZE,) * 3)
    few = MatchParams(angular_step=120, mask_radius=50)
    with pytest.raises(ParameterProblem, match="reaches over"):
        match(tomogram, phantom(1, 40), SIZE, FULL, MatchParams(mask_radius=160))
    with pytest.raises(ParameterProblem, match="leave nothing"):
        match(tomogram, lump(), SIZE, FULL, MatchParams(angular_step=120, mask_radius=50, border=130))
    with pytest.raises(ParameterProblem, match="no number"):
        match(tomogram, np.where(lump() > 0, np.nan, 0), SIZE, FULL, few)
    with pytest.raises(ParameterProblem, match="same everywhere"):
        match(tomogram, np.ones((12, 12, 12)), SIZE, FULL, few)
    with pytest.raises(ParameterProblem, match="same everywhere"):
        match(Tomogram(np.ones((24, 30, 30), np.float32), (SIZE,) * 3), lump(), SIZE, FULL, few)
    with pytest.raises(ParameterProblem, match="holds no numbers.*reconstruct it again"):
        match(Tomogram(np.full((24, 30, 30), np.nan, np.float32), (SIZE,) * 3), lump(), SIZE, FULL, few)
    with pytest.raises(ParameterProblem, match="radius is 1 voxels"):
        match(tomogram, lump(), SIZE, FULL, MatchParams(mask_radius=10))
    with pytest.raises(ParameterProblem, match="no cubes"):
        match(Tomogram(volume, (SIZE, SIZE, 12.0)), lump(), SIZE, FULL, few)
    with pytest.raises(ParameterProblem, match="below high_pass"):
        MatchParams(low_pass=100, high_pass=50)
    with pytest.raises(ParameterProblem, match="is empty|same everywhere"):
        match(tomogram, lump(), SIZE, FULL, few, mask=np.zeros((12, 12, 12)))


def test_missing_and_flat_voxels_give_no_wrong_numbers(rng):
    volume = rng.normal(size=(24, 40, 40)).astype(np.float32)
    volume[:, :16] = 3.0  # flat
    volume[5, 30, 30] = np.nan
    tomogram = Tomogram(volume, (SIZE,) * 3)
    params = MatchParams(angular_step=120, mask_radius=40, border=0, refine=False)
    with pytest.warns(DataWarning, match="1 voxels are no numbers"):
        found = match(tomogram, lump(), SIZE, FULL, params)
    assert np.isfinite(found.scores.score).all()
    assert found.scores.score.max() <= 1.001
    assert not found.scores.score[8:16, 6:10, 8:32].any()
    full, narrow = (prepare(lump(), SIZE, SIZE, Wedge(a, b), params) for a, b in ((-90.0, 90.0), (-1.0, 1.0)))
    assert full.weights.min() == 1
    assert np.isfinite(narrow.kernels(np.eye(3)[None]).numpy()).all()


def test_bands_and_contrast_transfer(rng):
    """The tomogram is filtered as the template is; a transfer that the tomogram has makes scores higher."""
    density = phantom(7, 24).astype(np.float32)
    volume = particles_in((32, 40, 40), [density], [(16, 20, 20)], np.eye(3)[None], [0])
    volume += rng.normal(size=volume.shape).astype(np.float32) * density.std()
    tomogram = Tomogram(volume, (SIZE,) * 3)
    base = {"angular_step": 120, "number": 1, "refine": False, "template_contrast": "bright", "dark": False}
    raw, low = (match(tomogram, density, SIZE, FULL, MatchParams(**base, **band)) for band in ({}, {"low_pass": 60.0}))
    assert low.particles.scores[0] > raw.particles.scores[0] + 0.1
    band = match(tomogram, density, SIZE, FULL, MatchParams(**base, low_pass=60.0, high_pass=400.0))
    np.testing.assert_allclose(band.particles.positions_zyx[0], (160, 200, 200), atol=6)
    plain, weighted = (prepare(density, SIZE, SIZE, FULL, MatchParams(defocus=d)) for d in (None, 3.0))
    assert (plain.weights == 1).all()
    assert weighted.weights.min() >= 0
    assert weighted.weights[0, 0, 0] == pytest.approx(0.07, abs=0.01)
    assert prepare(density, SIZE, SIZE, FULL, MatchParams(defocus=3.0, phase_flipped=False)).weights.min() < 0

"""Searches: against sums written out, in tiles, stopped and gone on with."""

import numpy as np
import pytest
from matching_phantoms import FULL, SIZE, around, coefficient, crowd, filtered_by, lump, particles_in, turned_by_scipy
from scipy.signal import fftconvolve
from scipy.spatial import cKDTree

from ais_app.core.jobs import run
from ais_app.core.matching import search
from ais_app.core.matching.parameters import MatchParams
from ais_app.core.matching.peaks import apart, local_maxima, peaks
from ais_app.core.matching.search import search_job
from ais_app.core.matching.template import prepare
from ais_app.core.matching.tiles import tiling
from ais_app.core.particles.orientations import all_rotations, angles_between, random_rotations
from ais_app.core.particles.wedge import Wedge


@pytest.fixture(scope="module")
def crowded():
    """Return T9 in its full size: 20 of a structure among 40 others in 64 x 160 x 160."""
    return crowd((64, 160, 160), 20)


@pytest.fixture(scope="module")
def searched(crowded):
    template = prepare(crowded.maps[0], SIZE, SIZE, crowded.wedge, MatchParams())
    rotations = all_rotations(30)
    assert len(rotations) == 576
    volume = crowded.volume
    job = search_job(volume, volume.mean(), volume.std(), template, rotations, border=10)
    return template, rotations, run(job).bright


def test_structures_are_found_among_others(crowded, searched):
    """T9: the best scores lie on the right structure, in about the right rotation."""
    template, tried, scores = searched
    assert scores.score.max() <= 1.001
    found = peaks(scores, apart(local_maxima(scores.score), template.radius, number=20))
    distance, nearest = cKDTree(crowded.places).query(found.positions_zyx)
    right = (distance <= 3) & (crowded.which[nearest] == 0)
    assert right.mean() >= 0.95
    wrong = angles_between(tried[found.angles[right]], crowded.rotations[nearest[right]])
    assert np.median(wrong) <= 20


def test_a_score_is_a_correlation_coefficient(crowded, searched):
    """T9: at five voxels, with sums written out: of the kernel exactly, and of the map as scipy turns it."""
    volume, places = crowded.volume, crowded.places
    template, tried, scores = searched
    edge = template.support
    for at in (places[0], places[30], (20, 50, 60), (24, 30, 130), (30, 137, 25)):
        number = int(scores.angle[tuple(at)])
        kernel = template.kernels(tried[number : number + 1])[0].numpy()
        # a kernel is a map times the mask; dividing gives the map back, up to what the coefficient does not see
        reference = np.divide(kernel, template.mask, out=np.zeros_like(kernel), where=template.mask > 0)
        expected = coefficient(around(volume, at, edge), reference, template.mask)
        assert scores.score[tuple(at)] == pytest.approx(expected, abs=1e-3)
        whole = template.weights.shape[0]
        turned = filtered_by(turned_by_scipy(crowded.maps[0], tried[number], whole), crowded.wedge)
        seen = around(turned, (whole // 2,) * 3, edge)
        assert scores.score[tuple(at)] == pytest.approx(
            coefficient(around(volume, at, edge), seen, template.mask), abs=5e-3
        )


def test_the_deviation_is_that_of_all_scores(rng):
    """Written out with sums in Fourier space; the search takes every eighth slice, others in each rotation."""
    volume = rng.normal(size=(36, 40, 44)).astype(np.float32)
    template = prepare(lump(), SIZE, SIZE, FULL, MatchParams(mask_radius=50))
    rotations = random_rotations(9, rng)
    found = run(search_job(volume, volume.mean(), volume.std(), template, rotations, border=6)).bright
    weight, total = template.mask[::-1, ::-1, ::-1].astype(float), template.mask.sum(dtype=float)
    level, square = (fftconvolve(each.astype(float), weight, "same") / total for each in (volume, volume**2))
    local = np.sqrt((square - level**2) * total)
    inner = (slice(6, -6),) * 3
    scores = np.stack([
        (fftconvolve(volume.astype(float), kernel.numpy()[::-1, ::-1, ::-1], "same") / local)[inner]
        for kernel in template.kernels(rotations)
    ])  # fmt: skip
    np.testing.assert_allclose(found.score[inner], scores.max(axis=0), atol=1e-4)
    assert found.deviation == pytest.approx(np.sqrt((scores**2).mean()), rel=0.02)
    assert found.searched == scores.size


def test_the_case_that_others_publish():
    """One lump of 12³, turned by rotation 100 of a list of 38.53 degrees, at (77, 26, 40) of 100³: known peak."""
    rotations = all_rotations(38.53)
    volume = particles_in((100, 100, 100), [lump()], [(77, 26, 40)], rotations[100:101], [0])
    template = prepare(lump(), SIZE, SIZE, FULL, MatchParams(mask_radius=50))
    chosen = np.concatenate([rotations[:8], rotations[96:104]])
    scores = run(search_job(volume, volume.mean(), volume.std(), template, chosen, border=5)).bright
    assert np.unravel_index(scores.score.argmax(), scores.score.shape) == (77, 26, 40)
    assert scores.angle[77, 26, 40] == 8 + 4
    assert 0.99 < scores.score.max() <= 1.001
    assert np.isfinite(scores.score).all()


def test_tiles_give_what_the_whole_gives(rng):
    volume = rng.normal(size=(30, 52, 47)).astype(np.float32)
    template = prepare(lump(), SIZE, SIZE, Wedge(), MatchParams())
    rotations = random_rotations(5, rng)
    whole, tiled = (
        run(search_job(volume, 0.1, 0.9, template, rotations, both=True, memory=memory)) for memory in (500, 1.4)
    )
    assert len(tiling(volume.shape, template.support, 35000).cores) > 1
    for one, other in ((whole.bright, tiled.bright), (whole.dark, tiled.dark)):
        np.testing.assert_allclose(one.score, other.score, atol=1e-4)
        assert (one.angle == other.angle).mean() > 0.999
        assert one.searched == other.searched
        assert one.deviation == pytest.approx(other.deviation, rel=0.05)
    np.testing.assert_allclose(whole.dark.score.max(), (-whole.bright.score).max(), atol=1)


def test_a_killed_search_goes_on(tmp_path, rng, monkeypatch):
    volume = rng.normal(size=(30, 52, 47)).astype(np.float32)
    template = prepare(lump(), SIZE, SIZE, Wedge(), MatchParams())
    rotations = random_rotations(6, rng)
    options = {"both": True, "memory": 1.4, "folder": tmp_path}
    expected = run(search_job(volume, 0.0, 1.0, template, rotations, both=True, memory=1.4))
    monkeypatch.setattr(search, "CHECKPOINT", -1.0)  # every rotation is kept
    monkeypatch.setattr(search, "CHECKPOINT_COST", 0.0)
    job = search_job(volume, 0.0, 1.0, template, rotations, **options)
    for progress in job:
        if progress.done >= 9:  # in the second tile
            break
    del job
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == ["part_0001.npz", "search.json", "tile_0000.npz"]
    steps = []
    found = run(search_job(volume, 0.0, 1.0, template, rotations, **options), steps.append)
    assert min(step.done for step in steps if step.done) >= 6
    assert {step.done for step in steps if step.message.startswith("tile 2 ") and step.done > 6} == {9, 10, 11, 12}
    np.testing.assert_array_equal(found.bright.score, expected.bright.score)
    np.testing.assert_array_equal(found.dark.angle, expected.dark.angle)
    assert found.bright.deviation == expected.bright.deviation
    # another search does not take these for its own
    other = run(search_job(volume, 0.0, 1.0, template, rotations[::-1], **options))
    assert (other.bright.angle != found.bright.angle).any()

"""Template matching: against sums written out, against the truth of phantoms, in tiles, stopped and gone on with."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from subtomogram_phantoms import phantom

from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.matching import search
from ais_app.core.matching.correlation import Correlator, Maxima, Workers, local_weights, placed
from ais_app.core.matching.match import match, match_job
from ais_app.core.matching.parameters import MatchParams
from ais_app.core.matching.peaks import local_maxima, noise_threshold, peaks, tail_threshold
from ais_app.core.matching.search import Scores, search_job
from ais_app.core.matching.template import fast_size, prepare
from ais_app.core.matching.tiles import tiling
from ais_app.core.particles.orientations import all_rotations, angles_between, random_rotations
from ais_app.core.particles.poses import turned
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram

FULL = Wedge(-90.0, 90.0)
SIZE = 10.0  # Å


def lump():
    """Return a map of 12³ voxels without symmetry."""
    density = np.zeros((12, 12, 12), dtype=np.float32)
    density[3:8, 4:8, 3:7] = 1
    density[7, 8, 5:7] = 1
    return density


def filtered_by(volume, wedge):
    """Return a volume without what the wedge misses, by its definition; tilts about y."""
    k = np.stack(np.meshgrid(*[np.fft.fftfreq(n) for n in volume.shape], indexing="ij"))
    angle = np.degrees(np.arctan(np.divide(k[0], k[2], out=np.full_like(k[0], np.inf), where=k[2] != 0)))
    kept = (angle >= wedge.tilt_min - 1e-3) & (angle <= wedge.tilt_max + 1e-3) | (k[0] == 0) & (k[2] == 0)
    return np.fft.ifftn(np.fft.fftn(volume) * kept).real


def coefficient(window, reference, mask):
    """Return the correlation coefficient of two cubes weighted with a mask: sums, nothing else."""
    weight = mask.astype(float)
    a = window - (window * weight).sum() / weight.sum()
    b = reference - (reference * weight).sum() / weight.sum()
    return (weight * a * b).sum() / np.sqrt((weight * a * a).sum() * (weight * b * b).sum())


def around(volume, at, edge):
    return volume[tuple(slice(c - edge // 2, c - edge // 2 + edge) for c in at)]


def particles_in(shape, maps, places, rotations, which):
    """Return a volume with maps put at whole voxels."""
    volume = np.zeros(shape, dtype=np.float32)
    for at, rotation, number in zip(places, rotations, which, strict=True):
        cube = turned(torch.from_numpy(maps[number]), torch.from_numpy(rotation[None]), fine=True)[0].numpy()
        around(volume, at, cube.shape[0])[...] += cube
    return volume


def apart(shape, count, distance, margin, rng):
    """Return whole voxels at least `distance` apart."""
    places = []
    while len(places) < count:
        at = rng.integers(margin, np.array(shape) - margin)
        if all(np.linalg.norm(at - other) >= distance for other in places):
            places.append(at)
    return np.array(places)


@pytest.fixture(scope="module")
def crowded():
    """Return T9 at 56 x 120 x 120: 5 of a structure, 10 of two others, SNR 0.1 in boxes of 32, tilts to 60 degrees."""
    rng = np.random.default_rng(9)
    maps = [phantom(seed, 32) for seed in (1, 2, 3)]
    maps = [cube.astype(np.float32) / np.float32(np.sqrt((cube**2).sum())) for cube in maps]
    shape = (56, 120, 120)
    places = apart(shape, 15, 20, 17, rng)
    which = np.repeat([0, 1, 2], 5)
    rotations = random_rotations(15, rng)
    wedge = Wedge(-60.0, 60.0)
    signal = filtered_by(particles_in(shape, maps, places, rotations, which), wedge)
    inside = np.zeros(shape, dtype=bool)
    for at in places:
        around(inside, at, 32)[...] = True
    noise = filtered_by(rng.normal(size=shape), wedge)
    volume = signal + noise * np.sqrt(signal[inside].var() / 0.1 / noise.var())
    return volume.astype(np.float32), maps, places, rotations, which, wedge


@pytest.fixture(scope="module")
def searched(crowded):
    volume, maps, *_, wedge = crowded
    template = prepare(maps[0], SIZE, SIZE, wedge, MatchParams())
    rotations = all_rotations(30)
    job = search_job(volume, volume.mean(), volume.std(), template, rotations, border=10)
    return template, rotations, run(job).bright


def test_structures_are_found_among_others(crowded, searched):
    """T9: the best scores lie on the right structure, in about the right rotation."""
    _, _, places, rotations, which, _ = crowded
    template, tried, scores = searched
    assert scores.score.max() <= 1.001
    found = peaks(scores, local_maxima(scores.score), template.radius, number=5)
    distance, nearest = cKDTree(places).query(found.positions_zyx)
    right = (distance <= 3) & (which[nearest] == 0)
    assert right.mean() >= 0.95
    wrong = angles_between(tried[found.angles[right]], rotations[nearest[right]])
    assert np.median(wrong) <= 20


def test_a_score_is_a_correlation_coefficient(crowded, searched):
    """T9: at five voxels, with sums written out; the map is turned by its own definition, without the fine grid."""
    volume, maps, places, *_ = crowded
    template, tried, scores = searched
    edge = template.support
    for at in (places[0], places[9], (20, 50, 60), (24, 30, 90), (30, 97, 25)):
        number = int(scores.angle[tuple(at)])
        kernel = template.kernels(tried[number : number + 1])[0].numpy()
        # a kernel is a map times the mask; dividing gives the map back, up to what the coefficient does not see
        reference = np.divide(kernel, template.mask, out=np.zeros_like(kernel), where=template.mask > 0)
        expected = coefficient(around(volume, at, edge), reference, template.mask)
        assert scores.score[tuple(at)] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("tilts", [(-90.0, 90.0), (-60.0, 60.0), (-40.0, 55.0)])
def test_kernels_are_turned_maps_without_the_wedge(tilts, rng):
    """Quarter turns need no interpolation, so that the whole way of a map can be written out."""
    density, wedge = phantom(4, 25).astype(np.float32), Wedge(*tilts)
    density[[0, -1]] = density[:, [0, -1]] = density[:, :, [0, -1]] = 0
    template = prepare(density, SIZE, SIZE, wedge, MatchParams(mask_radius=80))
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # x to y, y to -x
    n, edge = template.support, template.weights.shape[0]
    before = edge // 2 - 12
    cube = np.pad(density, [(before, edge - 25 - before)] * 3).astype(float)
    # voxel (z, y, x) goes to (z, x, -y) about the centre
    place = np.arange(edge) - edge // 2
    z, y, x = np.meshgrid(place, place, place, indexing="ij")
    mirrored = cube[z + edge // 2, np.clip(-x + edge // 2, 0, edge - 1), y + edge // 2]
    for rotation, source in ((np.eye(3), cube), (quarter, mirrored)):
        seen = around(filtered_by(source, wedge), (edge // 2,) * 3, n)
        kernel = template.kernels(rotation[None])[0].numpy()
        away = (seen - (seen * template.mask).sum() / template.mask.sum()) * template.mask
        expected = away / np.sqrt((away**2 / np.maximum(template.mask, 1e-9)).sum())
        np.testing.assert_allclose(kernel, expected, atol=2e-3 * np.abs(expected).max())
        noise = rng.normal(size=(n, n, n))
        assert abs(kernel.sum()) < 1e-4
        assert coefficient(noise, noise, template.mask) == pytest.approx(1)


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


def test_all_ways_of_computing_agree(rng):
    """Slab by slab and whole transforms, one thread and several."""
    block = rng.normal(size=(20, 24, 26)).astype(np.float32)
    template = prepare(lump(), SIZE, SIZE, Wedge(), MatchParams())
    core = (slice(0, 20), slice(0, 24), slice(0, 26))
    tile = placed(block, core, core, (40, 42, 48), template.support)
    weights = local_weights(tile, (20, 24, 26), template.mask)
    kernels = template.kernels(random_rotations(3, rng))
    results = []
    for threads, whole in ((1, False), (3, False), (1, True)):
        torch.set_num_threads(threads)
        with Workers() as workers:
            correlator = Correlator(tile, (20, 24, 26), workers)
            if whole:
                correlator._whole, correlator._spectrum = True, [torch.fft.rfftn(tile)]
            maxima = Maxima((20, 24, 26), weights, True, torch.device("cpu"))
            for number, kernel in enumerate(kernels):
                maxima.add(number, correlator.each(kernel, None, partial(maxima.update, number)))
        torch.set_num_threads(1)
        results.append((*maxima.scores(False), *maxima.scores(True), maxima.power))
    one, three, whole = results
    for a, b, c in zip(one[:4], three[:4], whole[:4], strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, c, atol=1e-5)
    assert one[4] == three[4] == pytest.approx(whole[4], rel=1e-4)


def test_a_mask_that_is_turned_with_the_map(rng):
    """A mask that is a sphere gives what the sphere gives; any other what the sums give."""
    volume = rng.normal(size=(30, 30, 30)).astype(np.float32)
    params = MatchParams(mask_radius=50)
    rotations = random_rotations(4, rng)
    sphere = prepare(lump(), SIZE, SIZE, Wedge(), params)
    own = np.zeros((12, 12, 12), dtype=np.float32)
    own[2:9, 3:9, 2:8] = 1
    masked = prepare(lump(), SIZE, SIZE, Wedge(), params, own)
    found = run(search_job(volume, 0.0, 1.0, masked, rotations)).bright
    assert found.score.max() <= 1.001
    at, n = (14, 15, 16), masked.support
    kernels, masks = masked.kernels_and_masks(rotations)
    values = []
    for kernel, mask in zip(kernels.numpy(), masks.numpy(), strict=True):
        reference = np.divide(kernel, mask, out=np.zeros_like(kernel), where=mask > 0)
        values.append(coefficient(around(volume, at, n), reference, mask))
    assert found.score[at] == pytest.approx(max(values), abs=1e-3)
    assert found.angle[at] == np.argmax(values)
    assert sphere.support == 11


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
    assert len([step for step in steps if step.message.startswith("tile 2 ") and step.done > 6]) == 4
    np.testing.assert_array_equal(found.bright.score, expected.bright.score)
    np.testing.assert_array_equal(found.dark.angle, expected.dark.angle)
    assert found.bright.deviation == expected.bright.deviation
    # another search does not take these for its own
    other = run(search_job(volume, 0.0, 1.0, template, rotations[::-1], **options))
    assert (other.bright.angle != found.bright.angle).any()


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
    # the same structure on voxels of 7.3 Å, by the same interpolation nobody else uses
    other = prepare(fine, 6.0, 7.3, FULL, MatchParams(mask_radius=80))
    same = prepare(fine, 6.0, 6.0, FULL, MatchParams(mask_radius=80))
    coarse, dense = other.kernels(np.eye(3)[None])[0].numpy(), same.kernels(np.eye(3)[None])[0].numpy()
    along = (np.arange(other.support) - other.support // 2) * 7.3 / 6.0 + same.support // 2
    from scipy.ndimage import map_coordinates

    grid = np.stack(np.meshgrid(along, along, along, indexing="ij"))
    expected = map_coordinates(dense, grid, order=3)
    assert np.corrcoef(coarse.ravel(), expected.ravel())[0, 1] > 0.995


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


def test_peaks(rng):
    score = np.zeros((20, 30, 30), dtype=np.float32)
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in score.shape], indexing="ij"), axis=-1)
    centres = np.array([(9.7, 10.2, 12.0), (10.0, 19.3, 12.4), (9.9, 22.0, 25.3)])
    for height, centre in zip((0.5, 0.4, 0.3), centres, strict=True):
        score += height * np.exp(-((grid - centre) ** 2).sum(axis=-1) / 8).astype(np.float32)
    scores = Scores(score, np.full(score.shape, 3, np.int32), np.eye(3)[None], 0.02, 1e6)
    maxima = local_maxima(score)
    found = peaks(scores, maxima, 3.0)
    np.testing.assert_allclose(found.positions_zyx[:3], centres, atol=0.12)
    assert found.angles.tolist()[:3] == [3, 3, 3]
    assert len(peaks(scores, maxima, 10.0, lowest=0.1)) == 2
    assert len(peaks(scores, maxima, 0.0, number=1)) == 1
    assert len(peaks(scores, maxima, 3.0, lowest=0.45)) == 1
    assert len(peaks(scores, local_maxima(np.zeros_like(score)), 3.0)) == 0


def test_thresholds_let_through_what_they_say(rng):
    noise = rng.normal(size=(64, 64, 64)).astype(np.float32) * 0.05
    scores = Scores(noise, np.zeros(noise.shape, np.int32), np.eye(3)[None], float(noise.std()), float(noise.size))
    assert 1 <= (noise > noise_threshold(scores, 10)).sum() <= 30
    heights = local_maxima(noise + 1)[1] - 1
    lifted = np.concatenate([heights, rng.uniform(0.3, 0.5, len(heights) // 20)])  # particles among them
    assert tail_threshold(lifted, 1) == pytest.approx(tail_threshold(heights, 1), rel=0.1)
    assert tail_threshold(heights[:50]) is None


@pytest.mark.parametrize("least", [1, 11, 97, 250, 331])
def test_fast_sizes(least):
    size = fast_size(least, even=True)
    assert size % 2 == 0
    assert least <= size <= 1.15 * least + 2


@pytest.mark.parametrize("shape", [(30, 200, 180), (7, 9, 11), (100, 100, 100)])
@pytest.mark.parametrize("most", [2**15, 2**18, 2**30])
def test_tiles_cover_everything_once(shape, most):
    plan = tiling(shape, 7, most)
    covered = np.zeros(shape, dtype=int)
    for core in plan.cores:
        covered[core] += 1
        assert all(p.stop - p.start + (3 if p.stop - p.start == n else 6) <= size
                   for p, n, size in zip(core, shape, plan.padded, strict=True))  # fmt: skip
    assert (covered == 1).all()
    assert np.prod(plan.padded) <= most

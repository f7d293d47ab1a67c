"""``ais-app snr``."""

import json

import numpy as np
import pytest

import ais_app
from ais_app.core.particle_set import Particles
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import write_stack
from ais_app.core.particles.wedge import Wedge


@pytest.fixture
def volume(tmp_path):
    random = np.random.default_rng(0)
    data = random.standard_normal((60, 96, 96)).astype(np.float32)
    data[18:42, 20:44, 20:44] += random.standard_normal((24, 24, 24)).astype(np.float32)
    like = ais_app.Tomogram(data, (10.0, 10.0, 10.0))
    ais_app.write_particles(tmp_path / "a.star", picks([[30, 32, 32]]), "star")
    return ais_app.write_volume(tmp_path / "TS_01.mrc", data, like=like)


def picks(places):
    names = np.full(len(places), "TS_01", dtype=object)
    return Particles(np.array(places, float) * 10, tomograms=names, voxel_size=10.0)


def stack(path, count, turned):
    random = np.random.default_rng(1)
    signal = random.standard_normal((24, 24, 24))
    cubes = (signal + random.standard_normal((count, 24, 24, 24))).astype(np.float32)
    poses = Poses.of(np.tile(np.eye(3), (count, 1, 1)), np.full((count, 3), 1e-6 * turned))
    write_stack(path, cubes, picks([[30, 32, 32]] * count), [Wedge(-60, 60)], np.zeros(count, int), 10.0, poses=poses)
    return path


def test_of_a_stack(ais, tmp_path):
    code, out, err = ais("snr", stack(tmp_path / "a.zarr", 8, True), "--json", "--pairs", 20)
    found = json.loads(out)
    assert (code, err, found["pairs"], found["method"]) == (0, "", 20, "pairs")
    assert found["snr"] == pytest.approx(1, rel=0.25) and found["low"] <= found["snr"] <= found["high"]
    assert "20 pairs" in ais("snr", tmp_path / "a.zarr", "--pairs", 20)[1]


def test_a_stack_that_is_not_aligned_or_has_one_cube(ais, tmp_path):
    code, _, err = ais("snr", stack(tmp_path / "a.zarr", 4, False))
    assert code == 1 and "align them first" in err
    code, _, err = ais("snr", stack(tmp_path / "b.zarr", 1, True))
    assert code == 1 and "no two" in err


def test_of_a_tomogram_near_its_picks(ais, volume, tmp_path):
    options = ("--coordinates", tmp_path / "a.star", "--pick-radius", 120)
    found = json.loads(ais("snr", volume, "--json", *options)[1])
    assert found["method"] == "background" and found["certain"]
    assert found["snr"] == pytest.approx(1, rel=0.5)
    everywhere = json.loads(ais("snr", volume, "--json")[1])
    assert everywhere["snr"] < found["snr"] / 4
    assert "±" in ais("snr", volume)[1]


def test_of_a_tomogram_by_its_other_half(ais, tmp_path):
    random = np.random.default_rng(2)
    signal = random.standard_normal((60, 96, 96)).astype(np.float32)
    names = []
    for name in ("even", "odd"):
        data = signal + 10 * random.standard_normal(signal.shape).astype(np.float32)
        names.append(ais_app.write_volume(tmp_path / f"{name}.mrc", data, like=ais_app.Tomogram(data, (10.0,) * 3)))
    even, odd = names
    found = json.loads(ais("snr", even, "--half", odd, "--json")[1])
    assert (found["method"], found["half"], found["certain"]) == ("halves", str(odd), True)
    assert found["snr"] == pytest.approx(0.01, rel=0.25)
    assert "by odd.mrc; their mean has twice as much" in ais("snr", even, "--half", odd)[1]
    assert ais_app.snr([even], halves=[odd])[0].volume.snr == found["snr"]


def test_halves_that_do_not_fit(ais, volume, tmp_path):
    other = ais_app.write_volume(
        tmp_path / "b.mrc", np.zeros((40, 64, 64), np.float32), like=ais_app.Tomogram(np.zeros((2, 2, 2)), (10.0,) * 3)
    )
    code, _, err = ais("snr", volume, "--half", other)
    assert code == 1 and "b.mrc" in err and "(40, 64, 64)" in err
    code, _, err = ais("snr", volume, other, "--half", other)
    assert code != 0 and "same order" in err
    code, _, err = ais("snr", stack(tmp_path / "a.zarr", 4, True), "--half", other)
    assert code == 1 and "is a stack" in err


def test_files_that_fail(ais, tmp_path):
    code, _, err = ais("snr", tmp_path / "none.mrc")
    assert code == 1 and "none.mrc" in err
    tiny = np.random.default_rng(2).standard_normal((4, 4, 4)).astype(np.float32)
    ais_app.write_volume(tmp_path / "tiny.mrc", tiny, like=ais_app.Tomogram(tiny, (10.0,) * 3))
    code, _, err = ais("snr", tmp_path / "tiny.mrc")
    assert code == 1 and "tiny.mrc: volume: it is too small" in err


def test_a_volume_of_one_value_is_not_said_to_be_small(ais, tmp_path):
    flat = np.full((100, 100, 100), 3, np.float32)
    ais_app.write_volume(tmp_path / "flat.mrc", flat, like=ais_app.Tomogram(flat, (10.0,) * 3))
    code, _, err = ais("snr", tmp_path / "flat.mrc")
    assert code == 1 and "flat.mrc: volume: all 884,736 voxels that were read have one value" in err
    assert "give at least" not in err


def holed(path, name, hole):
    opened = ais_app.open_tomogram(path)
    data = np.array(opened.read())
    data[hole] = np.nan
    return ais_app.write_volume(path.with_name(name), data, like=opened)


SAYING = pytest.mark.filterwarnings("always::ais_app.core.errors.DataWarning")


@SAYING
@pytest.mark.parametrize("hole", [np.s_[45:55, 60:80, 60:90], np.s_[:, :, 66:]], ids=["small", "a third"])
def test_voxels_that_are_no_numbers_are_left_out_which_is_said(ais, volume, tmp_path, hole):
    path = holed(volume, "TS_02.mrc", hole)
    measured = 60 * 96 * 96 - np.isnan(ais_app.open_tomogram(path).read()).sum()
    code, out, err = ais("snr", path, "--json")
    found = json.loads(out)
    assert code == 0 and "TS_02.mrc: " in err and "voxels that were read are no numbers and are left out" in err
    assert found["snr"] == pytest.approx(24**3 / measured, abs=0.015) and found["certain"]
    # near the picks it is as without the hole
    options = ("--coordinates", tmp_path / "a.star", "--pick-radius", 120, "--json")
    whole = json.loads(ais("snr", volume, *options)[1])["snr"]
    path = path.rename(volume)
    assert json.loads(ais("snr", path, *options)[1])["snr"] == pytest.approx(whole, rel=0.1)
    code, _, err = ais("snr", path, "--half", holed(path, "b.mrc", np.s_[0, 0, :2]))
    assert code == 1 and "b.mrc: " in err and "they are the same volume" in err  # a hole is none


@SAYING
def test_a_volume_without_numbers(ais, volume):
    code, _, err = ais("snr", holed(volume, "nothing.mrc", ...))
    assert code == 1 and "nothing.mrc: holds no numbers" in err and "reconstruct it again" in err
    code, _, err = ais("snr", holed(volume, "corner.mrc", np.s_[:, 8:, :]))
    assert code == 1 and "corner.mrc: volume: too few cubes" in err and "--crop" in err


def test_picks_of_which_nothing_is_far(ais, volume, tmp_path):
    code, _, err = ais("snr", volume, "--coordinates", tmp_path / "a.star", "--pick-radius", 5000)
    assert code == 1 and "TS_01.mrc: picks: nothing is near them" in err and "give another --pick-radius" in err


@SAYING
def test_padding_is_left_out_which_is_said(ais, volume):
    opened = ais_app.open_tomogram(volume)
    data = np.array(opened.read())
    whole = json.loads(ais("snr", volume, "--json")[1])["snr"]
    padded = ais_app.write_volume(volume.with_name("padded.mrc"), np.pad(data, ((0, 0), (0, 0), (0, 48))), like=opened)
    code, out, err = ais("snr", padded, "--json")
    assert code == 0 and "padded.mrc: " in err
    assert (
        "138,240 of 552,960 voxels that were read lie in regions of one value, such as padding, and are left out" in err
    )
    assert json.loads(out)["snr"] == pytest.approx(whole, abs=0.01)


@SAYING
def test_empty_cubes_of_a_stack_make_no_pairs_which_is_said(ais, tmp_path):
    path, empty = stack(tmp_path / "a.zarr", 8, True), [0, 3, 4]
    for row in empty:
        np.full(24**3, 2.5, "<f4").tofile(path / "cubes" / f"{row}.0.0.0")
    code, out, err = ais("snr", path, "--json", "--pairs", 100)
    found = json.loads(out)
    assert code == 0 and f"{path}: cubes that are the same everywhere are left out: 0,3-4, counted from 0" in err
    assert found["pairs"] == 10 and found["snr"] == pytest.approx(1, rel=0.25)
    assert set(ais_app.snr([path])[0].pairs.pairs.ravel()) == {1, 2, 5, 6, 7}

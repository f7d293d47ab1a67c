"""Which wedge counts: given, from a file, or from the voxels; what does not fit together is said."""

import json

import numpy as np
import pytest

import ais_app
from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram


def volume(low, high, shape=(48, 64, 64)):
    """Noise without a wedge about y, seen along z."""
    z, y, x = (np.fft.fftfreq(n).reshape([-1 if a == axis else 1 for a in range(3)]) for axis, n in enumerate(shape))
    angle = np.degrees(np.arctan2(np.where(x < 0, -z, z), np.abs(x))) + 0 * y
    noise = np.fft.fftn(np.random.default_rng(1).normal(size=shape))
    return np.fft.ifftn(np.where((angle >= low) & (angle <= high), noise, 0)).real.astype(np.float32)


@pytest.fixture
def tomogram(tmp_path):
    return ais_app.write_volume(tmp_path / "TS_01.mrc", volume(-60, 45))


def test_from_the_voxels(tomogram):
    for one in (tomogram, ais_app.open_tomogram(tomogram)):
        found = ais_app.wedge_for(one)
        assert (found.tilt_min, found.tilt_max) == (pytest.approx(-60, abs=2), pytest.approx(45, abs=2))
        assert (found.tilt_axis, found.beam_axis) == ("y", "z")


@pytest.mark.parametrize("tilt", ["-50,40", (-50, 40), [-50.0, 40.0]])
def test_as_given(tilt):
    assert ais_app.wedge_for("not/read.mrc", tilt) == Wedge(-50, 40)
    assert ais_app.wedge_for("not/read.mrc", tilt, tilt_axis="x") == Wedge(-50, 40, "x")


def test_from_files(tmp_path):
    (tmp_path / "a.tlt").write_text("-57\n0\n60.5\n")
    assert ais_app.wedge_for("not/read.mrc", tilt_file=tmp_path / "a.tlt") == Wedge(-57, 60.5)
    mask = np.abs(np.fft.fftshift(np.fft.fftn(volume(-50, 50, (32, 32, 32))))) > 1e-2
    path = ais_app.write_volume(tmp_path / "mask.mrc", mask.astype(np.float32))
    found = ais_app.wedge_for("not/read.mrc", tilt_file=path)
    assert (found.tilt_min, found.tilt_max) == (pytest.approx(-50, abs=2), pytest.approx(50, abs=2))


@pytest.mark.parametrize("tilt", ["60", "a,b", "-60,0,60", "60,-60", "-100,60", "5,5"])
def test_tilts_that_are_none(tilt):
    with pytest.raises(ParameterProblem):
        ais_app.wedge_for("not/read.mrc", tilt)


def test_one_or_the_other(tmp_path):
    with pytest.raises(ParameterProblem, match="both"):
        ais_app.wedge_for("not/read.mrc", "-60,60", tmp_path / "a.tlt")
    with pytest.raises(FileProblem):
        ais_app.wedge_for("not/read.mrc", tilt_file=tmp_path / "a.tlt")


def test_no_wedge_is_an_error_that_says_what_to_do():
    noise = np.random.default_rng(0).normal(size=(40, 40, 40)).astype(np.float32)
    with pytest.raises(ParameterProblem, match="-90,90"):
        ais_app.wedge_for(Tomogram(noise))


def test_voxels_that_say_nothing_are_told_from_no_wedge(tmp_path):
    flat = np.ones((48, 64, 64), np.float32)
    with pytest.raises(ParameterProblem, match=r"can be seen: .* of one grey value; give the tilts"):
        ais_app.wedge_for(Tomogram(flat))
    (result,) = ais_app.wedge([ais_app.write_volume(tmp_path / "flat.mrc", flat)])
    assert result.wedge is None and "one grey value" in result.note


@pytest.mark.filterwarnings("always::ais_app.core.errors.DataWarning")
def test_voxels_that_are_no_numbers_count_as_the_mean_which_is_said(ais, tmp_path):
    holed = volume(-60, 45)
    holed[10:20, 20:35, 40:50] = np.nan
    holed[30, 30, 30] = np.inf
    path = ais_app.write_volume(tmp_path / "holed.mrc", holed)
    code, out, err = ais("wedge", path, "--json")
    assert "holed.mrc: 1,501 of 196,608 voxels that were read are no numbers and count as the mean" in err
    found = json.loads(out)
    assert (code, found["certainty"], found["tilt_axis"], found["beam_axis"]) == (0, "clear", "y", "z")
    assert (found["tilt_min"], found["tilt_max"]) == (pytest.approx(-60, abs=2), pytest.approx(45, abs=2))
    whole = ais_app.estimate_wedge(holed).wedge  # a block alone, as of a survey
    assert (whole.tilt_min, whole.tilt_max) == (pytest.approx(-60, abs=2), pytest.approx(45, abs=2))
    path = ais_app.write_volume(tmp_path / "nothing.mrc", np.full_like(holed, np.nan))
    code, _, err = ais("wedge", path)
    assert code == 1 and "nothing.mrc: holds no numbers" in err and "reconstruct it again" in err


def test_a_faint_wedge_is_taken_with_a_warning():
    clear = volume(-60, 60, (64, 64, 64))
    noise = np.random.default_rng(0).normal(size=clear.shape).astype(np.float32)
    with pytest.warns(DataWarning, match="weakly"):
        found = ais_app.wedge_for(Tomogram(clear + 0.45 * clear.std() * noise))
    assert (found.tilt_min, found.tilt_max) == (pytest.approx(-60, abs=3), pytest.approx(60, abs=3))


def test_what_is_given_is_compared(tomogram):
    def note(tilt):
        (result,) = ais_app.wedge([tomogram], tilt=tilt)
        assert result.wedge == Wedge(*tilt)
        return result.note

    assert note((-61, 44)) == ""
    assert "mirrored" in note((-45, 60))
    assert note((-30, 30)).startswith("the voxels say -")
    (result,) = ais_app.wedge([tomogram], tilt="-60,45", tilt_axis="x")
    assert "tilted about y" in result.note


def test_a_file_that_fails_leaves_the_others(tomogram, tmp_path):
    good, bad = ais_app.wedge([tomogram, tmp_path / "none.mrc"])
    assert good.error is None and good.wedge is not None
    assert isinstance(bad.error, FileProblem)

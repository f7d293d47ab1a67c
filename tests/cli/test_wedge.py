"""``ais-app wedge``."""

import json

import numpy as np
import pytest

import ais_app


@pytest.fixture
def tomogram(tmp_path):
    shape = (40, 64, 64)
    z, x = np.abs(np.fft.fftfreq(40))[:, None, None], np.abs(np.fft.fftfreq(64))
    noise = np.fft.fftn(np.random.default_rng(1).normal(size=shape))
    data = np.fft.ifftn(np.where(z > x * np.tan(np.pi / 3), 0, noise)).real.astype(np.float32)
    return ais_app.write_volume(tmp_path / "TS_01.mrc", data)


def test_json_for_programs(ais, tomogram):
    code, out, err = ais("wedge", tomogram, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert list(found)[:3] == ["tilt_min", "tilt_max", "tilt_axis"]
    assert found["tilt_min"] == pytest.approx(-60, abs=2) and found["tilt_max"] == pytest.approx(60, abs=2)
    assert (found["tilt_axis"], found["beam_axis"], found["certainty"]) == ("y", "z", "clear")


def test_json_of_what_is_given(ais, tomogram, tmp_path):
    assert ais("wedge", tomogram, "--json", "--tilt", "-60,60")[1].startswith(
        '{"tilt_min": -60.0, "tilt_max": 60.0, "tilt_axis": "y", '
    )
    (tmp_path / "TS_01.rawtlt").write_text("-58\n0\n60\n")
    found = json.loads(ais("wedge", tomogram, "--json", "--tilt-file", tmp_path / "TS_01.rawtlt")[1])
    assert (found["tilt_min"], found["tilt_max"], found["source"]) == (-58, 60, "file")


def test_a_table_for_people(ais, tomogram):
    code, out, _ = ais("wedge", tomogram, "--tilt", "-30,30")
    assert code == 0
    assert "TS_01.mrc" in out and "-30 to 30°" in out and "clear" in out and "the voxels say -" in out


def test_none_seen_is_no_failure(ais, tmp_path):
    noise = np.random.default_rng(0).normal(size=(40, 40, 40)).astype(np.float32)
    path = ais_app.write_volume(tmp_path / "noise.mrc", noise)
    code, out, _ = ais("wedge", path, "--json")
    assert code == 0
    assert json.loads(out)["tilt_min"] is None and json.loads(out)["certainty"] == "none seen"
    assert "none seen" in ais("wedge", path)[1]


@pytest.mark.parametrize("options", [("--tilt", "60"), ("--tilt", "20,20"), ("--tilt-axis", "z", "--tilt", "-60,60")])
def test_wrong_tilts(ais, tomogram, options):
    code, _, err = ais("wedge", tomogram, *options)
    assert code == 1 and err.startswith("ais-app: tilt")


def test_a_missing_file(ais, tomogram, tmp_path):
    code, out, err = ais("wedge", tomogram, tmp_path / "none.mrc", "--json")
    assert code == 1 and "none.mrc" in err and len(out.splitlines()) == 2


def test_ctrl_c_is_said(ais, tomogram, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("ais_app.operations.wedge.wedge_job", stopped)
    code, out, err = ais("wedge", tomogram)
    assert (code, out, err) == (130, "", "ais-app: interrupted; what was finished is kept\n")

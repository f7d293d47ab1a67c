"""Filtered copies of volumes: values, geometry, provenance, failures."""

import json

import numpy as np
import pytest

import ais_app
from ais_app.core.display.view_slice import SliceRequest, read_slice
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.tomogram import Tomogram
from ais_app.operations.filter import FilterSetting, filter_volume

CHAIN = [FilterSetting("median", {"radius": 15.0}), {"name": "gaussian", "params": {"sigma": 12.0, "three_d": True}}]


@pytest.fixture
def source(tmp_path, rng, voxel_size):
    grey = rng.integers(-100, 100, (12, 20, 16)).astype(np.int16)
    like = Tomogram(grey, (voxel_size,) * 3, (-512.0, 30.0, 4.5))
    return write_volume(tmp_path / "TS_01.mrc", grey, like=like, label="reconstructed somewhere")


def test_what_is_written_is_what_the_view_shows(source, tmp_path):
    (result,) = ais_app.filter_volume([source], tmp_path / "out.mrc", CHAIN)
    assert result.error is None
    assert result.message == "median then gaussian"
    before, after = open_tomogram(source), open_tomogram(tmp_path / "out.mrc")
    assert after.data.dtype == np.float32
    assert after.voxel_size_zyx == pytest.approx(before.voxel_size_zyx)
    assert after.origin_zyx == before.origin_zyx
    assert after.labels[0] == "reconstructed somewhere"
    assert "filter" in after.labels[-1]
    settings = (CHAIN[0], FilterSetting.from_dict(CHAIN[1]))
    for z in (0, 5, 11):
        shown = read_slice(before, SliceRequest("z", z, 1, settings))
        np.testing.assert_allclose(after.data[z], shown, atol=1e-4)


def test_an_output_can_be_made_again(source, tmp_path):
    out = tmp_path / "sub" / "out.mrc"
    filter_volume([source], out, CHAIN, voxel_size=9.0)
    noted = json.loads(out.with_name("out.mrc.json").read_text())
    assert noted["operation"] == "filter"
    assert noted["arguments"]["filters"][1] == {
        "name": "gaussian",
        "params": {"sigma": 12.0, "three_d": True},
        "enabled": True,
    }
    assert ais_app.replay(out).identical
    first = out.read_bytes()
    out.unlink()
    ais_app.replay(out)
    assert out.read_bytes() == first


def test_several_volumes_and_one_that_fails(source, tmp_path):
    unknown = write_volume(tmp_path / "TS_02.mrc", np.zeros((2, 3, 4), np.float32))
    good, bad = filter_volume([source, unknown], tmp_path / "out", CHAIN, format="ome.zarr")
    assert good.outputs[0].is_dir()
    assert "voxel size is not known" in str(bad.error)
    assert not (tmp_path / "out" / "TS_02.ome.zarr").exists()
    (again,) = filter_volume([source], tmp_path / "out", CHAIN, format="ome.zarr", skip_existing=True)
    assert again.skipped


def test_a_volume_without_numbers_is_not_copied(source, tmp_path):
    values = open_tomogram(source).read().astype(np.float32)
    values[:, :, 4:] = np.nan
    partly = write_volume(tmp_path / "partly.mrc", values, like=open_tomogram(source))
    nothing = write_volume(tmp_path / "nothing.mrc", np.full_like(values, np.nan), like=open_tomogram(source))
    for chain in ([], CHAIN):
        good, bad = filter_volume([partly, nothing], tmp_path / f"out_{len(chain)}", chain, format="mrc")
        assert good.error is None and good.outputs[0].exists()
        assert "nothing.mrc: holds no numbers" in str(bad.error) and "reconstruct it again" in str(bad.error)
        assert not any("nothing" in path.name for path in good.outputs[0].parent.iterdir())


def test_what_does_not_fit_is_refused_before_anything_is_done(source, tmp_path):
    cases = [
        ([source], tmp_path / "a.mrc", [{"name": "gausian"}], "did you mean gaussian"),
        ([source], tmp_path / "a.mrc", [FilterSetting("median", {"radius": -1})], "out of bounds"),
        ([source, source.with_name("b.mrc")], tmp_path / "a.mrc", CHAIN, "cannot become one file"),
        ([source], source, CHAIN, "overwritten"),
        ([source], tmp_path / "a.txt", CHAIN, "not a volume"),
    ]
    for inputs, out, chain, says in cases:
        with pytest.raises((ParameterProblem, FileProblem), match=says):
            filter_volume(inputs, out, chain)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["TS_01.mrc"]


def test_a_filter_that_is_off_does_nothing(source, tmp_path):
    (result,) = filter_volume([source], tmp_path / "a.mrc", [FilterSetting("gaussian", enabled=False)])
    assert "no filter" in result.message
    np.testing.assert_array_equal(open_tomogram(tmp_path / "a.mrc").read(), open_tomogram(source).read())

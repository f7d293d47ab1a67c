"""Volumes converted from files to files: grid, type, format, provenance, failures."""

from __future__ import annotations

import json
from pathlib import Path

import mrcfile
import numpy as np
import pytest

import ais_app
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.probability import create_probabilities, open_probabilities
from ais_app.core.tomogram import Tomogram
from ais_app.operations.convert import ConvertParams, convert

ORIGIN = (-512.0, 30.0, 4.5)


@pytest.fixture
def source(tmp_path: Path, rng: np.random.Generator, voxel_size: float) -> Path:
    grey = rng.normal(10, 2, (12, 20, 16)).astype(np.float32)
    like = Tomogram(grey, (voxel_size,) * 3, ORIGIN)
    return write_volume(tmp_path / "TS_01.mrc", grey, like=like, label="reconstructed somewhere")


@pytest.mark.parametrize("suffix", ["mrc", "mrc.gz", "tif", "ome.zarr"])
def test_formats_keep_voxels_and_geometry(source: Path, tmp_path: Path, suffix: str) -> None:
    (result,) = convert([source], tmp_path / "out", format=suffix)
    assert result.error is None
    assert result.outputs == (tmp_path / "out" / f"TS_01.{suffix}",)
    before, after = open_tomogram(source), open_tomogram(result.outputs[0])
    np.testing.assert_array_equal(after.read(), before.read())
    assert after.voxel_size_zyx == pytest.approx(before.voxel_size_zyx)
    assert after.origin_zyx == before.origin_zyx
    assert after.labels[0] == "reconstructed somewhere"
    assert "convert" in after.labels[-1]


def test_cropped_and_binned_voxels_lie_where_they_lay(source: Path, tmp_path: Path, voxel_size: float) -> None:
    out = tmp_path / "small.mrc"
    convert([source], out, ConvertParams(crop="2:10,:,4:16", bin=2))
    small = open_tomogram(out)
    expected = open_tomogram(source).read()[2:10, :, 4:].reshape(4, 2, 10, 2, 6, 2).mean(axis=(1, 3, 5))
    np.testing.assert_allclose(small.read(), expected, rtol=1e-5)
    assert small.voxel_size == pytest.approx(2 * voxel_size)
    first = np.array(ORIGIN) + voxel_size * (np.array([2, 0, 4]) + 0.5)
    np.testing.assert_allclose(small.origin_zyx, first, rtol=1e-6)


def test_rescaling_and_a_given_voxel_size(source: Path, tmp_path: Path) -> None:
    convert([source], tmp_path / "a.mrc", ConvertParams(voxel_size=5.0, rescale=10.0))
    assert open_tomogram(tmp_path / "a.mrc").shape == (6, 10, 8)
    assert open_tomogram(tmp_path / "a.mrc").voxel_size == pytest.approx(10.0)


def test_turning_about_x_puts_a_thin_y_along_z_without_mirroring(tmp_path: Path) -> None:
    volume = np.arange(24, dtype=np.int16).reshape(4, 2, 3)
    source = write_volume(tmp_path / "a.mrc", volume, like=Tomogram(volume, (5.0, 10.0, 5.0), (1.0, 2.0, 3.0)))
    convert([source], tmp_path / "b.mrc", ConvertParams(rotate_x=True))
    turned = open_tomogram(tmp_path / "b.mrc")
    # a rotation by -90° about x takes (x, y, z) to (x, z, -y)
    z, y, x = 3, 0, 1
    assert turned.read()[1 - y, z, x] == volume[z, y, x]
    assert turned.shape == (2, 4, 3)
    assert turned.voxel_size_zyx == (10.0, 5.0, 5.0)
    assert turned.origin_zyx == (-12.0, 1.0, 3.0)


@pytest.mark.parametrize(("dtype", "tolerance"), [("int8", 0.05), ("uint8", 0.05), ("int16", 2e-4), ("uint16", 2e-4)])
def test_floats_become_integers_by_a_scale_that_is_written_down(
    source: Path, tmp_path: Path, dtype: str, tolerance: float
) -> None:
    convert([source], tmp_path / "a.mrc", ConvertParams(dtype=dtype))
    stored = open_tomogram(tmp_path / "a.mrc")
    notes = json.loads((tmp_path / "a.mrc.json").read_text(encoding="utf-8"))["notes"]
    grey = notes["grey_offset"] + notes["grey_step"] * stored.read().astype(float)
    np.testing.assert_allclose(grey, open_tomogram(source).read(), atol=tolerance)
    assert any(text.startswith("grey value = ") for text in stored.labels)


def test_integers_that_fit_are_not_scaled(tmp_path: Path) -> None:
    labels = np.zeros((4, 6, 6), np.int16)
    labels[1:3, 2:4, 2:4] = 2
    source = write_volume(tmp_path / "labels.mrc", labels)
    convert([source], tmp_path / "small.mrc", ConvertParams(dtype="int8"))
    np.testing.assert_array_equal(open_tomogram(tmp_path / "small.mrc").read(), labels)
    convert([source], tmp_path / "max.mrc", ConvertParams(bin=2, bin_by="max"))
    assert open_tomogram(tmp_path / "max.mrc").read().dtype == np.int16
    assert set(np.unique(open_tomogram(tmp_path / "max.mrc").read())) == {0, 2}


def test_binned_bytes_stay_bytes(tmp_path: Path, rng: np.random.Generator) -> None:
    grey = rng.integers(-120, 120, (8, 8, 8)).astype(np.int8)
    convert([write_volume(tmp_path / "a.mrc", grey)], tmp_path / "b.mrc", ConvertParams(bin=2))
    found = open_tomogram(tmp_path / "b.mrc").read()
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, np.rint(grey.reshape(4, 2, 4, 2, 4, 2).mean(axis=(1, 3, 5), dtype=np.float32)))


@pytest.mark.parametrize("dtype", ["uint16", "int8", "float32"])
def test_grey_values_turned_over_and_back(tmp_path: Path, rng: np.random.Generator, dtype: str) -> None:
    values = rng.integers(0, 100, (4, 5, 6)).astype(dtype)
    source = tmp_path / "a.mrc"
    write_volume(source, values)
    convert([source], tmp_path / "b.mrc", ConvertParams(invert=True))
    convert([tmp_path / "b.mrc"], tmp_path / "c.mrc", ConvertParams(invert=True))
    turned = open_tomogram(tmp_path / "b.mrc").read()
    assert turned.dtype == values.dtype
    order = np.argsort(values, axis=None, kind="stable")
    assert (np.diff(turned.ravel()[order].astype(float)) <= 0).all()
    np.testing.assert_array_equal(open_tomogram(tmp_path / "c.mrc").read(), values)


def test_bytes_can_be_read_with_the_other_sign(tmp_path: Path) -> None:
    source = write_volume(tmp_path / "a.mrc", np.array([[[-128, -1, 0, 127]]], np.int8))
    convert([source], tmp_path / "b.mrc", ConvertParams(bytes="unsigned"))
    assert open_tomogram(tmp_path / "b.mrc").read().ravel().tolist() == [128, 255, 0, 127]


def test_types_a_format_lacks_become_the_smallest_that_holds_them(tmp_path: Path) -> None:
    for dtype, top, kept in [("int32", 300, "int16"), ("int32", 10**6, "float32"), ("float64", 1, "float32")]:
        source = write_volume(tmp_path / "a.tif", np.full((2, 3, 4), top, dtype))
        convert([source], tmp_path / "b.mrc")
        assert open_tomogram(tmp_path / "b.mrc").read().dtype == kept
        assert open_tomogram(tmp_path / "b.mrc").read().max() == top


def test_half_precision_that_cannot_hold_the_values_is_refused(tmp_path: Path) -> None:
    source = write_volume(tmp_path / "a.mrc", np.full((2, 3, 4), 1e5, np.float32))
    (result,) = convert([source], tmp_path / "b.mrc", ConvertParams(dtype="float16"))
    assert isinstance(result.error, ParameterProblem)
    assert "float32" in str(result.error)


def test_probabilities_are_still_probabilities_afterwards(tmp_path: Path) -> None:
    p = np.full((2, 4, 4), 0.004, np.float32)
    with create_probabilities(tmp_path / "p.mrc", p.shape) as writer:
        writer.write(0, p)
    convert([tmp_path / "p.mrc"], tmp_path / "p.ome.zarr")
    np.testing.assert_allclose(open_probabilities(tmp_path / "p.ome.zarr").read(), p, atol=0.004)


def test_one_failure_does_not_stop_the_others(source: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mrc"
    cut.write_bytes(source.read_bytes()[:3000])
    results = convert([cut, source], tmp_path / "out", format="mrc")
    assert [type(result.error) for result in results] == [FileProblem, type(None)]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"TS_01.mrc", "TS_01.mrc.json"}


def test_an_input_is_never_overwritten(source: Path, tmp_path: Path) -> None:
    content = source.read_bytes()
    with pytest.raises(ParameterProblem, match="is an input"):
        convert([source], tmp_path / "." / "TS_01.mrc", ConvertParams(bin=2))
    with pytest.raises(ParameterProblem, match="is an input"):
        convert([source], tmp_path, format="mrc")
    assert source.read_bytes() == content


def test_several_volumes_need_a_folder_and_a_format_that_is_written(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterProblem, match="2 volumes cannot become one file"):
        convert([source, tmp_path / "other.mrc"], tmp_path / "a.mrc")
    with pytest.raises(FileProblem, match="cannot be|can be written"):
        convert([source], tmp_path / "out", format="em")


def test_the_output_opens_elsewhere(source: Path, tmp_path: Path, voxel_size: float) -> None:
    convert([source], tmp_path / "a.mrc", ConvertParams(bin=2, dtype="float16"))
    with mrcfile.open(tmp_path / "a.mrc") as file:
        assert float(file.voxel_size.x) == pytest.approx(2 * voxel_size)


def test_it_is_public() -> None:
    assert ais_app.convert is convert
    assert ais_app.ConvertParams is ConvertParams
    assert callable(ais_app.info)

"""What every volume format promises: what is written comes back, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.io import create_volume, open_tomogram, volume_formats, write_volume
from ais_app.core.tomogram import Tomogram

NAMES = ["a.mrc", "a.rec", "a.mrc.gz", "a.map.bz2", "a.tif", "a.ome.zarr"]
WRITABLE = [(f, dtype) for f in volume_formats().values() if f.create is not None for dtype in f.dtypes]


@pytest.mark.parametrize("name", NAMES)
def test_voxels_and_geometry_come_back(tmp_path: Path, placed: Tomogram, name: str) -> None:
    path = write_volume(tmp_path / name, placed.read(), like=placed, label=["made by hand", "for a test"])
    read = open_tomogram(path)
    np.testing.assert_array_equal(read.read(), placed.read())
    assert read.data.dtype == np.float32
    assert read.voxel_size_zyx == pytest.approx(placed.voxel_size_zyx)
    assert read.origin_zyx == placed.origin_zyx
    assert read.nstart_zyx == placed.nstart_zyx
    assert read.labels == ("made by hand", "for a test")
    assert read.warnings == ()


@pytest.mark.parametrize(("chosen", "dtype"), WRITABLE, ids=lambda value: getattr(value, "name", value))
def test_every_type_a_format_offers_keeps_its_values(tmp_path: Path, chosen, dtype: str) -> None:
    values = np.array([0, 1, 1, 0]) if dtype == "bool" else np.array([0, 1, 100, 127])
    volume = np.broadcast_to(values, (3, 2, 4)).astype(dtype)
    path = write_volume(tmp_path / f"volume{chosen.suffixes[0]}", volume)
    read = open_tomogram(path).read()
    np.testing.assert_array_equal(read, volume)
    assert read.dtype.isnative


@pytest.mark.parametrize("name", NAMES)
def test_slices_may_come_in_any_order(tmp_path: Path, rng: np.random.Generator, name: str) -> None:
    volume = rng.normal(size=(37, 5, 6)).astype(np.float32)
    with create_volume(tmp_path / name, volume.shape, np.float32) as writer:
        for z in rng.permutation(37):
            writer.write(int(z), volume[z])
    np.testing.assert_array_equal(open_tomogram(tmp_path / name).read(), volume)


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_voxel_size_stays_unknown(tmp_path: Path, name: str) -> None:
    path = write_volume(tmp_path / name, np.zeros((2, 3, 4), np.float32))
    assert open_tomogram(path).voxel_size_zyx is None
    assert open_tomogram(path, voxel_size=8.0).voxel_size == pytest.approx(8.0)


@pytest.mark.parametrize("name", NAMES)
def test_any_block_is_that_block_of_the_whole(tmp_path: Path, placed: Tomogram, name: str) -> None:
    data = open_tomogram(write_volume(tmp_path / name, placed.read())).data
    whole = placed.read()
    for key in [2, -1, slice(1, 4), (slice(None), 3), (1, 2, 3), (slice(5, 0, -2), ..., slice(None, None, 3)), ...]:
        np.testing.assert_array_equal(np.asarray(data[key]), whole[key])
    with pytest.raises(IndexError):
        data[6]


@pytest.mark.parametrize("name", NAMES)
def test_an_error_on_the_way_leaves_what_was_there(tmp_path: Path, name: str) -> None:
    path = write_volume(tmp_path / name, np.ones((2, 3, 4), np.float32))
    with pytest.raises(ZeroDivisionError), create_volume(path, (9, 3, 4), np.float32) as writer:
        writer.write(0, np.zeros((3, 4), np.float32))
        raise ZeroDivisionError
    np.testing.assert_array_equal(open_tomogram(path).read(), 1)
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", NAMES)
def test_a_volume_with_slices_left_out_does_not_appear(tmp_path: Path, name: str) -> None:
    with (
        pytest.raises(FileProblem, match="2 slices were not written, the first is 1"),
        create_volume(tmp_path / name, (4, 3, 4), np.float32) as writer,
    ):
        writer.write(0, np.zeros((3, 4), np.float32))
        writer.write(3, np.zeros((3, 4), np.float32))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("z", "slab", "words"),
    [
        (0, np.zeros((1, 4, 3), np.int16), "do not fit"),
        (3, np.zeros((2, 3, 4), np.int16), "do not fit"),
        (-1, np.zeros((1, 3, 4), np.int16), "do not fit"),
        (0, np.full((1, 3, 4), 70000), "int64 values do not fit int16"),
        (0, np.full((1, 3, 4), 0.5), "float64 values do not fit int16"),
    ],
)
def test_a_slab_that_does_not_fit_is_refused(tmp_path: Path, z: int, slab: np.ndarray, words: str) -> None:
    with (
        pytest.raises(ParameterProblem, match=words),
        create_volume(tmp_path / "a.mrc", (4, 3, 4), np.int16) as writer,
    ):
        writer.write(z, slab)


@pytest.mark.parametrize("name", ["a.mrc", "a.tif", "a.ome.zarr"])
def test_a_type_the_format_lacks_is_refused_with_those_it_has(tmp_path: Path, name: str) -> None:
    with pytest.raises(ParameterProblem, match="complex128 voxels; choose one of .*float32"):
        write_volume(tmp_path / name, np.zeros((2, 2, 2), complex))


@pytest.mark.parametrize("name", ["a.tif.gz", "a.ome.zarr.bz2"])
def test_only_mrc_is_packed(tmp_path: Path, name: str) -> None:
    with pytest.raises(ParameterProblem, match="not packed"):
        write_volume(tmp_path / name, np.zeros((2, 2, 2), np.float32))


def test_a_suffix_nobody_writes_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"cannot|can be written.*\.mrc"):
        write_volume(tmp_path / "a.em", np.zeros((2, 2, 2), np.float32))


@pytest.mark.parametrize("chosen", volume_formats().values(), ids=lambda f: f.name)
@pytest.mark.parametrize("content", [b"", b"x", b"not a volume, " * 100, bytes(4096)], ids=["none", "1", "text", "0"])
def test_what_is_no_volume_is_said_in_one_line(tmp_path: Path, chosen, content: bytes) -> None:
    for suffix in (chosen.suffixes[0], ".unknown"):
        path = tmp_path / f"file{suffix}"
        path.write_bytes(content)
        with pytest.raises(FileProblem) as caught:
            open_tomogram(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="no such file"):
        open_tomogram(tmp_path / "nothing.mrc")
    for name in ("folder", "folder.mrc", "folder.ome.zarr", "folder.tif", "folder.hdf", "folder.em"):
        (tmp_path / name).mkdir()
        with pytest.raises(FileProblem):
            open_tomogram(tmp_path / name)


def test_content_decides_where_no_suffix_does(tmp_path: Path, placed: Tomogram) -> None:
    for name in NAMES:
        path = write_volume(tmp_path / name, placed.read())
        plain = path.rename(tmp_path / f"volume{NAMES.index(name)}")
        np.testing.assert_array_equal(open_tomogram(plain).read(), placed.read())


def test_reading_one_slice_reads_little(tmp_path: Path) -> None:
    import psutil

    path = write_volume(tmp_path / "large.mrc", np.zeros((60, 512, 512), np.float32))  # 63 MB
    process = psutil.Process()
    tomogram = open_tomogram(path)
    before = process.memory_info().rss
    tomogram.slab(30, 5)
    assert process.memory_info().rss - before < 16e6

"""TIFF, OME-Zarr, EM and EMAN2 HDF5 as other programs write them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import zarr

from ais_app.core.errors import DataWarning, FileProblem
from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.tomogram import Tomogram

RAMP = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


# --- TIFF


@pytest.mark.parametrize(("unit", "size"), [("nm", 1.052), ("micron", 0.001052), ("\\u00B5m", 0.001052), ("A", 10.52)])
def test_imagej_stacks_have_their_voxel_size(tmp_path: Path, unit: str, size: float) -> None:
    path = tmp_path / "a.tif"
    notes = {"unit": unit, "spacing": 2 * size, "axes": "ZYX"}
    tifffile.imwrite(path, RAMP, imagej=True, resolution=(1 / size, 1 / size), metadata=notes)
    tomogram = open_tomogram(path)
    np.testing.assert_array_equal(tomogram.read(), RAMP)
    assert tomogram.voxel_size_zyx == pytest.approx((21.04, 10.52, 10.52), rel=1e-5)


def test_ome_tiff_has_its_voxel_size(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    sizes = {f"PhysicalSize{axis}": size for axis, size in (("X", 1.0), ("Y", 1.5), ("Z", 2.0))}
    units = {f"PhysicalSize{axis}Unit": "nm" for axis in "XYZ"}
    tifffile.imwrite(path, RAMP, ome=True, photometric="minisblack", metadata={"axes": "ZYX", **sizes, **units})
    assert open_tomogram(path).voxel_size_zyx == pytest.approx((20.0, 15.0, 10.0))


def test_a_printer_resolution_is_no_voxel_size(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, RAMP, photometric="minisblack", resolution=(72, 72), resolutionunit="INCH")
    assert open_tomogram(path).voxel_size_zyx is None


def test_pixels_without_a_slice_distance_are_no_voxel_size_but_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, RAMP, photometric="minisblack", resolution=(1e7, 1e7), resolutionunit="CENTIMETER")
    with pytest.warns(DataWarning, match="10 × 10 Å but no distance between slices"):
        assert open_tomogram(path).voxel_size_zyx is None


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_packed_and_plain_pages_are_read(tmp_path: Path, byteorder: str) -> None:
    for name, options in [("packed", {"compression": "zlib"}), ("plain", {}), ("tiled", {"tile": (16, 16)})]:
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, RAMP, photometric="minisblack", byteorder=byteorder, **options)
        np.testing.assert_array_equal(open_tomogram(path).read(), RAMP)


def test_colour_and_channels_are_refused_in_words(tmp_path: Path) -> None:
    colour, channels = tmp_path / "rgb.tif", tmp_path / "c.tif"
    tifffile.imwrite(colour, np.zeros((2, 8, 8, 3), np.uint8), photometric="rgb")
    tifffile.imwrite(channels, np.zeros((2, 3, 8, 8), np.uint8), imagej=True, metadata={"axes": "ZCYX"})
    for path in (colour, channels):
        with pytest.raises(FileProblem, match="no single grey volume.*one channel"):
            open_tomogram(path)


def test_a_cut_tiff_is_refused(tmp_path: Path) -> None:
    path = write_volume(tmp_path / "a.tif", np.ones((8, 32, 32), np.float32))
    content = path.read_bytes()
    for length in (6, 100, 1000):
        path.write_bytes(content[:length])
        with pytest.raises(FileProblem, match="damaged|truncated"):
            open_tomogram(path)
    path.write_bytes(content[: len(content) // 2])  # its description, at the end, is lost
    with pytest.warns(DataWarning, match="may be cut"):
        open_tomogram(path)


def test_large_slices_that_are_packed_and_damaged_say_which(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, rng.random((3, 64, 64)), photometric="minisblack", compression="zlib")
    content = bytearray(path.read_bytes())
    content[5000:9000] = bytes(4000)
    path.write_bytes(content)
    tomogram = open_tomogram(path)
    with pytest.raises(FileProblem, match=r"slice \d cannot be unpacked"):
        tomogram.read()


# --- OME-Zarr


def image_group(path: Path, data: np.ndarray, axes: list[dict], version: str = "0.4", **image: object) -> Path:
    group = zarr.create_group(path, zarr_format=2 if version == "0.4" else 3)
    array = group.create_array("0", shape=data.shape, chunks=data.shape, dtype=data.dtype)
    array[...] = data
    described = {"axes": axes, "datasets": [{"path": "0", **image}]}
    if version == "0.4":
        group.attrs.update({"multiscales": [{"version": "0.4", **described}]})
    else:
        group.attrs.update({"ome": {"version": version, "multiscales": [described]}})
    return path


def space(names: str, unit: str | None = "nanometer") -> list[dict]:
    kinds = {"c": "channel", "t": "time"}
    found = []
    for name in names:
        axis = {"name": name, "type": kinds.get(name, "space")}
        found.append({**axis, "unit": unit} if unit and name in "zyx" else axis)
    return found


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_both_versions_with_unit_and_translation(tmp_path: Path, version: str) -> None:
    steps = [{"type": "scale", "scale": [2.0, 1.5, 1.0]}, {"type": "translation", "translation": [1.0, -2.0, 0.5]}]
    path = image_group(tmp_path / "a.zarr", RAMP, space("zyx"), version, coordinateTransformations=steps)
    tomogram = open_tomogram(path)
    np.testing.assert_array_equal(tomogram.read(), RAMP)
    assert tomogram.voxel_size_zyx == (20.0, 15.0, 10.0)
    assert tomogram.origin_zyx == (10.0, -20.0, 5.0)


def test_axes_of_length_one_are_dropped_and_others_refused(tmp_path: Path) -> None:
    steps = [{"type": "scale", "scale": [1, 1, 2.0, 1.0, 1.0]}]
    one = image_group(tmp_path / "1.zarr", RAMP[None, None], space("tczyx"), coordinateTransformations=steps)
    np.testing.assert_array_equal(open_tomogram(one).read(), RAMP)
    assert open_tomogram(one).voxel_size_zyx == (20.0, 10.0, 10.0)
    two = image_group(
        tmp_path / "2.zarr", np.stack([RAMP, RAMP])[None], space("tczyx"), coordinateTransformations=steps
    )
    with pytest.raises(FileProblem, match="no single grey volume: it holds 1 t × 2 c"):
        open_tomogram(two)


def test_axes_in_another_order_are_turned(tmp_path: Path) -> None:
    steps = [{"type": "scale", "scale": [1.0, 1.5, 2.0]}]
    path = image_group(tmp_path / "a.zarr", RAMP.T, space("xyz"), coordinateTransformations=steps)
    with pytest.warns(DataWarning, match="stored as x, y, z"):
        tomogram = open_tomogram(path)
    np.testing.assert_array_equal(tomogram.read(), RAMP)
    np.testing.assert_array_equal(tomogram.slab(1), RAMP[1:])
    assert tomogram.voxel_size_zyx == (20.0, 15.0, 10.0)


def test_a_scale_without_unit_is_taken_as_angstrom_with_a_warning(tmp_path: Path) -> None:
    steps = [{"type": "scale", "scale": [14.08] * 3}]
    path = image_group(tmp_path / "a.zarr", RAMP, space("zyx", unit=None), coordinateTransformations=steps)
    with pytest.warns(DataWarning, match="taken as Å"):
        assert open_tomogram(path).voxel_size == pytest.approx(14.08)


def test_the_pyramid_holds_means_in_their_place(tmp_path: Path, rng: np.random.Generator) -> None:
    volume = rng.random((40, 150, 270), dtype=np.float32)
    source = Tomogram(volume, (10.0,) * 3, (100.0, 0.0, 0.0))
    group = zarr.open_group(write_volume(tmp_path / "a.ome.zarr", volume, like=source), mode="r")
    ome = group.attrs["ome"]
    assert ome["version"] == "0.5"
    levels = ome["multiscales"][0]["datasets"]
    assert [group[level["path"]].shape for level in levels] == [(40, 150, 270), (40, 75, 135), (40, 37, 67)]
    expected = volume.reshape(40, 75, 2, 135, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(group["1"][...], expected, rtol=1e-5)
    scale, shift = levels[1]["coordinateTransformations"]
    assert (scale["scale"], shift["translation"]) == ([10.0, 20.0, 20.0], [100.0, 5.0, 5.0])


def test_damaged_and_other_folders_are_refused_in_words(tmp_path: Path) -> None:
    def broken(name: str, file: str, text: str) -> Path:
        path = image_group(tmp_path / name, RAMP, space("zyx"))
        (path / file).write_text(text, encoding="utf-8")
        return path

    cases = {
        broken("a.zarr", ".zattrs", "{"): "damaged",
        broken("b.zarr", "0/.zarray", "{}"): "damaged",
        broken("c.zarr", ".zattrs", json.dumps({"plate": {}})): "plate",
        broken("d.zarr", ".zattrs", json.dumps({"multiscales": [{"version": "0.3"}]})): "0.3",
        broken("e.zarr", ".zattrs", json.dumps({"multiscales": [{"axes": space("zyx"), "datasets": []}]})): "damaged",
        broken("f.zarr", ".zattrs", "{}"): "no image metadata",
        image_group(tmp_path / "g.zarr", RAMP[0], space("yz")): "y and x",
    }
    gone = image_group(tmp_path / "h.zarr", RAMP, space("zyx"))
    shutil.rmtree(gone / "0")
    for path, words in {**cases, gone: "lacks|damaged"}.items():
        with pytest.raises(FileProblem, match=words) as caught:
            open_tomogram(path)
        assert "\n" not in str(caught.value)


def test_a_damaged_chunk_is_named_when_it_is_read(tmp_path: Path) -> None:
    path = write_volume(tmp_path / "a.ome.zarr", RAMP)
    chunk = next(file for file in (path / "0").rglob("*") if file.is_file() and file.name != "zarr.json")
    chunk.write_bytes(b"\x02\x01\x01\x04" + bytes(20))
    with pytest.raises(FileProblem, match="chunk"):
        open_tomogram(path).read()


# --- EM


@pytest.mark.parametrize(("machine", "order"), [(6, "<"), (3, ">"), (5, ">"), (0, ">")])
@pytest.mark.parametrize(("code", "dtype"), [(1, "i1"), (2, "i2"), (4, "i4"), (5, "f4"), (9, "f8")])
def test_em_files_of_every_machine_and_type(tmp_path: Path, machine: int, order: str, code: int, dtype: str) -> None:
    header = bytes([machine, 0, 0, code]) + np.array([4, 3, 2], order + "i4").tobytes() + b"a comment".ljust(80)
    path = tmp_path / "a.em"
    path.write_bytes(header.ljust(512, b"\0") + RAMP.astype(order + dtype).tobytes())
    tomogram = open_tomogram(path)
    np.testing.assert_array_equal(tomogram.read(), RAMP)
    assert (tomogram.voxel_size_zyx, tomogram.labels) == (None, ("a comment",))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FileProblem, match="truncated"):
        open_tomogram(path)


# --- HDF5


def eman(path: Path, data: np.ndarray, images: int = 1, **attributes: float) -> Path:
    with h5py.File(path, "w") as file:
        for number in range(images):
            group = file.create_group(f"MDF/images/{number}")
            group["image"] = data
            for name, value in attributes.items():
                group.attrs[f"EMAN.{name}"] = value
    return path


def test_eman2_volumes_have_voxel_size_and_origin(tmp_path: Path) -> None:
    sizes = {"apix_x": 10.0, "apix_y": 15.0, "apix_z": 20.0}
    tomogram = open_tomogram(eman(tmp_path / "a.hdf", RAMP, **sizes, origin_x=4.0, origin_y=5.0, origin_z=6.0))
    np.testing.assert_array_equal(tomogram.read(), RAMP)
    assert tomogram.voxel_size_zyx == (20.0, 15.0, 10.0)
    assert tomogram.origin_zyx == (6.0, 5.0, 4.0)


def test_eman2_volumes_of_few_bits_get_their_grey_values_back(tmp_path: Path) -> None:
    grey = np.linspace(-3, 9, 24).reshape(2, 3, 4)
    stored = np.rint((grey + 3) / 12 * 255).astype(np.uint8)
    notes = {"stored_renderbits": 8, "stored_rendermin": -3.0, "stored_rendermax": 9.0}
    tomogram = open_tomogram(eman(tmp_path / "a.hdf", stored, **notes))
    assert tomogram.data.dtype == np.float32
    np.testing.assert_allclose(tomogram.read(), grey, atol=12 / 255 / 2 + 1e-6)


def test_eman2_stacks_are_read_with_a_warning(tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match="2 images"):
        open_tomogram(eman(tmp_path / "a.hdf", RAMP, images=2))


def test_hdf5_with_one_volume_is_read_and_with_several_listed(tmp_path: Path) -> None:
    one, two = tmp_path / "one.h5", tmp_path / "two.h5"
    with h5py.File(one, "w") as file:
        file["exported_data"], file["names"] = RAMP[..., None], np.arange(5)
    with h5py.File(two, "w") as file:
        file["raw"], file["group/labels"] = RAMP, RAMP.astype(np.uint8)
    np.testing.assert_array_equal(open_tomogram(one).read(), RAMP)
    with pytest.raises(FileProblem, match=r"2 volumes.*group/labels \(2, 3, 4\), raw \(2, 3, 4\).*export"):
        open_tomogram(two)

"""MRC as programs of thirty years wrote it."""

from __future__ import annotations

import gzip
import io
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ais_app.core.errors import AisAppError, DataWarning, FileProblem
from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.tomogram import Tomogram

RAMP = np.arange(24).reshape(2, 3, 4)
IMOD = np.dtype("<i4").type(1146047817).tobytes()


def imod(flags: int) -> bytes:
    return bytes(40) + IMOD + np.int32(flags).tobytes() + bytes(36)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["i1", "i2", "f4", "u2", "f2"])
def test_every_mode_in_both_byte_orders_is_mapped_not_read(mrc: Callable, order: str, dtype: str) -> None:
    tomogram = open_tomogram(mrc(RAMP.astype(dtype), order=order))
    assert isinstance(tomogram.data, np.memmap)
    np.testing.assert_array_equal(tomogram.read(), RAMP)
    assert tomogram.read().dtype == np.dtype(dtype)
    assert tomogram.voxel_size_zyx == (10.0, 10.0, 10.0)


def test_complex_voxels_are_read_as_their_magnitude(mrc: Callable) -> None:
    path = mrc((RAMP * (3 + 4j)).astype(np.complex64))
    with pytest.warns(DataWarning, match="magnitude"):
        tomogram = open_tomogram(path)
    np.testing.assert_allclose(tomogram.read(), RAMP * 5.0)


@pytest.mark.parametrize("mode", [3, 5, 101])
def test_a_mode_that_is_not_read_is_named_with_the_way_out(mrc: Callable, mode: int) -> None:
    with pytest.raises(FileProblem, match=f"mode {mode}.*newstack"):
        open_tomogram(mrc(RAMP.astype("i2"), mode=mode))


BYTES = np.array([0x80, 0x00, 0xFF, 0x7F], np.uint8).view(np.int8).reshape(1, 2, 2)
OLD = {"map": b"\0\0\0\0", "machst": (0, 0, 0, 0)}


@pytest.mark.parametrize(
    ("fields", "unsigned", "warned"),
    [
        ({"dmin": -128, "dmax": 127}, False, False),
        ({"dmin": -128, "dmax": 255}, True, True),
        ({"dmin": 0, "dmax": 255}, True, True),
        ({"dmin": 0, "dmax": 100}, False, False),
        ({"dmin": 0, "dmax": -1}, False, False),
        ({"extra2": imod(1), "dmax": 255}, False, False),
        ({"extra2": imod(0)}, True, False),
        ({**OLD, "dmin": 0, "dmax": 100}, True, True),
        ({**OLD, "dmin": -115, "dmax": -93}, False, False),
    ],
)
def test_the_sign_of_bytes_follows_flag_then_range_then_age(
    mrc: Callable, fields: dict, unsigned: bool, warned: bool
) -> None:
    path = mrc(BYTES, **fields)
    with pytest.warns() if warned or "map" in fields else nullcontext():
        tomogram = open_tomogram(path)
    assert tomogram.read().ravel().tolist() == ([128, 0, 255, 127] if unsigned else [-128, 0, -1, 127])
    assert any("unsigned" in text for text in tomogram.warnings) == warned


@pytest.mark.parametrize(("mapc", "mapr", "maps"), [(1, 2, 3), (3, 1, 2), (2, 1, 3), (3, 2, 1), (2, 3, 1), (1, 3, 2)])
def test_axes_in_any_order_come_out_as_z_y_x(mrc: Callable, mapc: int, mapr: int, maps: int) -> None:
    # the field at x, y, z is 100 z + 10 y + x, whichever axis is stored where
    sides = {1: 4, 2: 3, 3: 2}
    stored = np.zeros([sides[maps], sides[mapr], sides[mapc]], np.float32)
    for axis, code in enumerate((maps, mapr, mapc)):
        along = np.arange(sides[code]) * {1: 1, 2: 10, 3: 100}[code]
        stored += along.reshape([-1 if a == axis else 1 for a in range(3)])
    starts = {1: -7, 2: 8, 3: 9}
    path = mrc(
        stored,
        mapc=mapc,
        mapr=mapr,
        maps=maps,
        mx=4,
        my=3,
        mz=2,
        cella=(4 * 1.5, 3 * 2.5, 2 * 3.5),
        nxstart=starts[mapc],
        nystart=starts[mapr],
        nzstart=starts[maps],
    )
    if (mapc, mapr, maps) == (1, 2, 3):
        tomogram = open_tomogram(path)
    else:
        with pytest.warns(DataWarning, match="turned to x, y, z"):
            tomogram = open_tomogram(path)
    z, y, x = np.indices((2, 3, 4))
    np.testing.assert_array_equal(tomogram.read(), 100 * z + 10 * y + x)
    assert tomogram.voxel_size_zyx == (3.5, 2.5, 1.5)
    assert tomogram.nstart_zyx == (9, 8, -7)


@pytest.mark.parametrize("kind", [b"SERI", b"FEI1", b"FEI2", b"CCP4"])
def test_an_extended_header_is_stepped_over(mrc: Callable, kind: bytes) -> None:
    np.testing.assert_array_equal(open_tomogram(mrc(RAMP.astype("i2"), extended=b"?" * 160, exttyp=kind)).read(), RAMP)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"machst": (1, 2, 3, 4)}, "machine stamp 01 02 03 04 is wrong"),
        ({"machst": (0x11, 0x11, 0, 0)}, "read as little-endian"),
        ({"map": b"???\0"}, "before MRC2000"),
        ({"mapc": 0, "mapr": 0, "maps": 0}, "no order of axes"),
        ({"nsymbt": -5}, "nsymbt.*-5"),
        ({"nsymbt": 4000}, "not there"),
        ({"mx": 0}, "sampling along x"),
        ({"cellb": (90, 94, 90)}, "right-angled"),
        ({"cella": (np.nan, 10, 10)}, "voxel size"),
        ({"cella": (-40, 30, 20)}, "voxel size"),
        ({"origin": (np.inf, 0, 0)}, "origin"),
    ],
)
def test_what_is_odd_but_readable_is_a_warning_that_names_it(mrc: Callable, fields: dict, words: str) -> None:
    path = mrc(RAMP.astype("i2"), **fields)
    with pytest.warns(DataWarning, match=f"odd.mrc: .*{words}"):
        tomogram = open_tomogram(path)
    np.testing.assert_array_equal(tomogram.read(), RAMP)


def test_a_longer_file_is_read_with_a_warning(mrc: Callable) -> None:
    path = mrc(RAMP.astype("i2"), tail=b"more")
    with pytest.warns(DataWarning, match="4 bytes longer"):
        np.testing.assert_array_equal(open_tomogram(path).read(), RAMP)


@pytest.mark.parametrize("packed", [False, True])
def test_a_shorter_file_is_refused_with_both_sizes(mrc: Callable, packed: bool) -> None:
    path = mrc(RAMP.astype("i2"), nz=200)
    if packed:
        path = path.with_suffix(".mrc.gz")
        path.write_bytes(gzip.compress(path.with_suffix("").read_bytes()))
    with pytest.raises(FileProblem, match=r"truncated: it has 1,072 of the 5,824 bytes"):
        open_tomogram(path)


@pytest.mark.parametrize("sides", [(0, 3, 4), (-1, 3, 4), (2**31 - 1, 2**31 - 1, 2**31 - 1), (2**20, 2**20, 2**20)])
def test_hostile_sizes_cost_nothing(mrc: Callable, sides: tuple[int, int, int]) -> None:
    path = mrc(RAMP.astype("f4"), nz=sides[0], ny=sides[1], nx=sides[2])
    packed = path.with_suffix(".mrc.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for file in (path, packed):
        with pytest.raises(FileProblem, match="not an MRC file|truncated|unpacked"):
            open_tomogram(file)


def test_a_damaged_packed_file_is_refused(mrc: Callable, tmp_path: Path) -> None:
    content = gzip.compress(mrc(RAMP.astype("f4")).read_bytes())
    for name, damaged in [
        ("cut", content[:-20]),
        ("bad", content[:40] + b"\xff" * 20 + content[60:]),
        ("10", content[:10]),
    ]:
        path = tmp_path / f"{name}.mrc.gz"
        path.write_bytes(damaged)
        with pytest.raises(FileProblem, match="damaged|truncated|empty"):
            open_tomogram(path)


@pytest.mark.parametrize(
    ("cell", "known"),
    [((0, 0, 0), None), ((4, 3, 2), None), ((40, 30, 20), (10.0, 10.0, 10.0)), ((4, 3, 26), (13.0, 1.0, 1.0))],
)
def test_a_voxel_size_of_0_or_1_is_unknown(mrc: Callable, cell: tuple, known: tuple | None) -> None:
    assert open_tomogram(mrc(RAMP.astype("i2"), cella=cell)).voxel_size_zyx == known


def test_one_image_has_the_depth_of_its_pixels(mrc: Callable) -> None:
    assert open_tomogram(mrc(RAMP[:1].astype("i2"), cella=(40, 30, 0))).voxel_size_zyx == (10.0, 10.0, 10.0)


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_flipped_bytes_in_a_header_are_read_or_refused_in_words(mrc: Callable, data: st.DataObject) -> None:
    path = mrc(RAMP.astype("i2"))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 1023))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            tomogram = open_tomogram(path)
        except AisAppError as error:
            assert "\n" not in str(error)
        else:
            assert tomogram.read().size == np.prod(tomogram.shape)
            assert np.isfinite(tomogram.origin_zyx).all()
    assert all(issubclass(one.category, DataWarning) for one in caught)


def test_other_programs_find_a_valid_file(tmp_path: Path, placed: Tomogram) -> None:
    path = write_volume(tmp_path / "a.mrc", placed.read(), like=placed, label="x" * 100)
    report = io.StringIO()
    assert mrcfile.validate(path, print_file=report), report.getvalue()
    with mrcfile.open(path) as file:
        header = file.header
        np.testing.assert_array_equal(file.data, placed.read())
        assert (float(header.dmin), float(header.dmax)) == (placed.read().min(), placed.read().max())
        assert float(header.dmean) == pytest.approx(placed.read().mean(), rel=1e-4)
        assert float(header.rms) == pytest.approx(placed.read().std(), rel=1e-4)
        assert [float(header.origin[axis]) for axis in "xyz"] == [4.0, 30.5, -512.0]
        assert [int(header[f"n{axis}start"]) for axis in "xyz"] == [1, 2, -3]
        assert [float(file.voxel_size[axis]) for axis in "xyz"] == pytest.approx([10.5, 11.0, 12.0])


def test_what_is_no_number_does_not_reach_the_header(tmp_path: Path) -> None:
    volume = np.array([[[1.0, np.nan], [np.inf, 3.0]]], np.float32)
    path = write_volume(tmp_path / "a.mrc", volume)
    with mrcfile.open(path) as file:
        assert [float(file.header[name]) for name in ("dmin", "dmax", "dmean", "rms")] == [1.0, 3.0, 2.0, 1.0]


def test_ten_labels_of_eighty_characters_are_kept(tmp_path: Path) -> None:
    labels = [f"{number} Å " + "x" * 100 for number in range(12)]
    read = open_tomogram(write_volume(tmp_path / "a.mrc", np.zeros((1, 2, 2), np.int8), label=labels)).labels
    assert len(read) == 10
    assert read[0] == ("0 ? " + "x" * 100)[:80]


@pytest.mark.parametrize("dtype", ["int8", "int16", "float32", "uint16", "float16"])
def test_volumes_come_back_bit_for_bit_and_reading_changes_no_file(tmp_path: Path, dtype: str) -> None:
    """Modes 0, 1, 2, 6 and 12; sides that differ; a voxel size that is no round number."""
    random = np.random.default_rng(0)
    data = random.normal(0, 30, (5, 6, 7)).astype(dtype) if dtype != "uint16" else random.integers(0, 2**16, (5, 6, 7))
    data = data.astype(dtype)
    path = write_volume(tmp_path / "volume.mrc", data, like=Tomogram(data, (9.2, 9.2, 9.2)))
    before = path.stat().st_mtime_ns, path.read_bytes()
    tomogram = open_tomogram(path)
    assert tomogram.read().dtype == data.dtype and (tomogram.read() == data).all()
    assert tomogram.require_voxel_size_zyx() == pytest.approx((9.2, 9.2, 9.2), abs=1e-4)
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before

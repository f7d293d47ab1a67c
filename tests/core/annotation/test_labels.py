"""Sparse tiled labels behave like a plain array, and brushes paint exactly what geometry says."""

from __future__ import annotations

import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.annotation import brush
from ais_app.core.annotation.labels import Edit, Plane, TiledLabels, pack, unpack
from ais_app.core.errors import ParameterProblem

SHAPE = (19, 70, 131)
EVERYTHING = (slice(None),) * 3


def regions() -> st.SearchStrategy[tuple[slice, ...]]:
    spans = [st.tuples(st.integers(0, n), st.integers(0, n)).map(lambda ab: slice(*sorted(ab))) for n in SHAPE]
    return st.tuples(*spans)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(regions(), st.integers(0, 2), st.booleans()), max_size=8), regions())
def test_labels_are_a_plain_array(writes, wanted) -> None:
    labels, model = TiledLabels(SHAPE), np.zeros(SHAPE, dtype=np.uint8)
    for number, (region, label, scattered) in enumerate(writes):
        size = model[region].shape
        where = np.random.default_rng(number).random(size) < 0.3 if scattered else None
        labels.write(region, np.full(size, label), where)
        np.copyto(model[region], label, where=True if where is None else where)
    np.testing.assert_array_equal(labels.read(wanted), model[wanted])
    np.testing.assert_array_equal(labels.read(EVERYTHING), model)
    assert all(unpack(tile).any() for tile in labels.tiles.values())  # tiles of zeros do not exist


@pytest.mark.parametrize(("axis", "index"), [("z", 18), ("y", 64), ("x", 130)])
def test_planes(axis: str, index: int) -> None:
    labels = TiledLabels(SHAPE)
    volume = np.random.default_rng(0).integers(0, 3, SHAPE).astype(np.uint8)
    labels.write(EVERYTHING, volume)
    np.testing.assert_array_equal(labels.read_plane(Plane(axis, index)), volume.take(index, "zyx".index(axis)))
    with pytest.raises(ParameterProblem, match="outside"):
        labels.read_plane(Plane(axis, index + 100))


def test_edits_can_be_taken_back() -> None:
    labels = TiledLabels(SHAPE)
    labels.write(EVERYTHING, np.random.default_rng(0).integers(0, 3, SHAPE))
    before = labels.read(EVERYTHING)
    edit = brush.ball(labels, [(9, 35, 60), (12, 10, 127)], 7.5, label=2)
    labels.apply(edit)
    assert (labels.read(EVERYTHING) != before).any()
    labels.apply(edit.reversed())
    np.testing.assert_array_equal(labels.read(EVERYTHING), before)


def test_an_edit_leaves_alone_what_it_does_not_change() -> None:
    labels = TiledLabels(SHAPE)
    edit = brush.disk(labels, [(5, 30, 30)], 3)
    labels.write((slice(5, 6), slice(25, 26), slice(25, 26)), np.full((1, 1, 1), 2))  # within its square, not its disk
    labels.apply(edit)
    assert labels.read(EVERYTHING)[5, 25, 25] == 2


def distance_to_path(points: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Distance of every voxel to a path, by brute force."""
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), -1) * spacing
    best = np.full(SHAPE, np.inf)
    points = np.asarray(points, dtype=float) * spacing
    for a, b in zip(points, points[1:] if len(points) > 1 else points, strict=False):
        d = b - a
        t = np.clip(((grid - a) @ d) / max(float(d @ d), 1e-12), 0, 1)
        best = np.minimum(best, np.linalg.norm(grid - a - t[..., None] * d, axis=-1))
    return best


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (20.0, 10.0, 8.0)])
@pytest.mark.parametrize(
    "points",
    [[(9, 35, 60)], [(0, 0, 0)], [(9, 10.5, 20.25), (9, 60, 120), (9, 12, 125)], [(2, 5, 5), (16, 60, 120)]],
)
def test_a_ball_paints_what_is_within_its_radius(points, spacing) -> None:
    labels = TiledLabels(SHAPE)
    radius = 4.3 * spacing[2]
    labels.apply(brush.ball(labels, points, radius, voxel_size_zyx=spacing))
    np.testing.assert_array_equal(labels.read(EVERYTHING), distance_to_path(points, spacing) <= radius)


@pytest.mark.parametrize("axis", ["z", "y", "x"])
def test_a_disk_stays_in_its_plane_and_leaves_no_gaps(axis: str) -> None:
    labels = TiledLabels(SHAPE)
    along = "zyx".index(axis)
    points = np.array([(9, 30, 60), (9, 30, 60), (9, 30, 60)], dtype=float)
    other = [i for i in range(3) if i != along]
    points[1, other] += (5, 40)[: len(other)] if along == 0 else (4, 30)
    edit = brush.disk(labels, points, 3, axis=axis)
    labels.apply(edit)
    painted = labels.read(EVERYTHING)
    inside = distance_to_path(points, (1, 1, 1)) <= 3
    keep = np.zeros(SHAPE, dtype=bool)
    keep[Plane(axis, int(points[0, along])).region(SHAPE)] = True
    np.testing.assert_array_equal(painted, inside & keep)
    assert edit.planes == (Plane(axis, int(points[0, along])),)


def test_disks_of_whole_radius_are_symmetric() -> None:
    labels = TiledLabels((3, 11, 11))
    labels.apply(brush.disk(labels, [(1, 5, 5)], 5))
    disk = labels.read_plane(Plane("z", 1))
    np.testing.assert_array_equal(disk, disk.T)
    np.testing.assert_array_equal(disk, disk[::-1])
    assert disk[5, 0] == disk[5, 10] == 1
    assert abs(int(disk.sum()) - np.pi * 25) < 5


def test_erasing_and_ignoring() -> None:
    labels = TiledLabels(SHAPE)
    for label in (1, 2, 0):
        edit = brush.disk(labels, [(5, 30, 30)], 3, label=label)
        labels.apply(edit)
        assert labels.read(EVERYTHING)[5, 30, 30] == label
    assert labels.tiles == {}
    assert edit.title == "Erase"


@pytest.mark.parametrize(
    ("points", "radius"),
    [([], 3), ([(1, 2, float("nan"))], 3), ([(1, 2, 3)], 0), ([(1, 2, 3)], float("inf")), ([(99, 2, 3)], 2)],
)
def test_strokes_that_are_none(points, radius: float) -> None:
    with pytest.raises(ParameterProblem):
        brush.disk(TiledLabels(SHAPE), points, radius)


def test_a_stroke_beyond_the_border_paints_what_is_inside() -> None:
    labels = TiledLabels(SHAPE)
    labels.apply(brush.disk(labels, [(0, -50, -50), (0, -40, 500)], 3))
    assert labels.tiles == {}
    labels.apply(brush.disk(labels, [(0, 0, -50), (0, 0, 500)], 3))
    assert labels.read_plane(Plane("z", 0))[:4].all()


def test_other_values_are_refused() -> None:
    labels = TiledLabels(SHAPE)
    region = (slice(0, 1), slice(0, 1), slice(0, 2))
    for wrong in ([[[0, 3]]], [[[0, -1]]], [[[0, 0.5]]], [[[0, np.nan]]]):
        with pytest.raises(ParameterProblem, match="is not a label"):
            labels.write(region, np.array(wrong))
    with pytest.raises(ParameterProblem, match="voxels for a region"):
        labels.write(region, np.zeros((1, 1, 3)))
    with pytest.raises(ParameterProblem, match="without step"):
        labels.read((slice(0, 9, 2), slice(None), slice(None)))
    with pytest.raises(ParameterProblem, match="differ in shape"):
        Edit((0, 0, 0), np.zeros((1, 1, 1)), np.zeros((1, 1, 2)))


def test_damaged_tiles_are_named() -> None:
    good = pack(np.ones((8, 64, 64), dtype=np.uint8))
    np.testing.assert_array_equal(unpack(good), 1)
    bomb = zlib.compress(b"\0" * 100_000_000)
    both = b"\x01" + zlib.compress(b"\xff" * 8192)  # feature and ignored at once
    short = b"\x01" + zlib.compress(b"\xff" * 512)
    for bad in (b"", good[:-3], b"text", bomb, b"\x01" + bomb, both, short, zlib.compress(b"\0" * 4096)):
        with pytest.raises(ParameterProblem, match="is damaged"):
            unpack(bad)


@pytest.mark.parametrize("most", [0, 1, 2])
def test_tiles_come_back(rng: np.random.Generator, most: int) -> None:
    tile = rng.integers(0, most + 1, (8, 64, 64)).astype(np.uint8)
    read = unpack(pack(tile))
    np.testing.assert_array_equal(read, tile)
    assert read.flags.writeable


def test_tiles_of_the_first_format_are_read_and_stay_until_they_change(rng: np.random.Generator) -> None:
    tile = rng.integers(0, 3, (8, 64, 64)).astype(np.uint8)
    old = zlib.compress(tile.tobytes(), 1)
    labels = TiledLabels((8, 64, 64), {(0, 0, 0): old})
    np.testing.assert_array_equal(labels.read(EVERYTHING), tile)
    labels.write(EVERYTHING, tile)
    assert labels.tiles[0, 0, 0] == old
    tile[3, 20:40] = 1
    labels.write(EVERYTHING, tile)
    assert len(labels.tiles[0, 0, 0]) < len(old)
    np.testing.assert_array_equal(labels.read(EVERYTHING), tile)


def test_memory_does_not_grow_with_the_tomogram() -> None:
    labels = TiledLabels((1000, 1500, 1400))
    tracemalloc.start()
    for corner in ((0, 0, 0), (999, 1499, 1399), (500, 750, 1399), (999, 0, 700)):
        labels.apply(brush.ball(labels, [corner], 15))
    for plane in (Plane("z", 999), Plane("y", 0), Plane("x", 1399)):
        assert labels.read_plane(plane).any()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6  # a plane and a few tiles; the volume has 2.1 GB

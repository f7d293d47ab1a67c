"""Labels in the project file: constant memory, annotated planes, what volumes mean when they are imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ais_app.core.annotation import brush
from ais_app.core.annotation.labels import Plane, TiledLabels
from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.state.project import Project

SHAPE = (20, 70, 90)

_BIG = """
import sys, time
import numpy as np, psutil
from ais_app.core.annotation import brush
from ais_app.state.project import Project

process = psutil.Process()
peak = lambda: process.memory_info().rss
with Project.create(sys.argv[1]) as project:
    project.add_tomogram(sys.argv[2]); project.add_feature("membrane")
    labels = project.labels("big", "membrane")
    labels.read_plane("z", 0)
    start, worst = peak(), 0
    for corner in [(0, 0, 0), (999, 1499, 1399), (500, 750, 1399), (999, 0, 700)]:
        labels.apply(brush.ball(labels, [corner], 15))
        worst = max(worst, peak())
    for z in range(0, 1000, 100):
        labels.apply(brush.disk(labels, [(z, 10, 10), (z, 1490, 1390)], 20))
        worst = max(worst, peak())
    for axis, index in [("z", 900), ("z", 0), ("y", 0), ("x", 1399)]:
        assert labels.read_plane(axis, index).any()
        worst = max(worst, peak())
    while project.undo(): worst = max(worst, peak())
    while project.redo(): worst = max(worst, peak())
print(worst - start)
"""


def test_memory_does_not_grow_with_the_tomogram(tmp_path: Path) -> None:
    """Painting in far corners of 1000 x 1500 x 1400 voxels, reading planes, undoing and redoing all of it."""
    from ais_app.core.formats.mrc_header import build_header
    from ais_app.core.io import VolumeHeader

    header = VolumeHeader((1000, 1500, 1400), np.dtype(np.int8), (10.0, 10.0, 10.0))
    with (tmp_path / "big.mrc").open("wb") as stream:
        stream.write(build_header(header, 0, (0, 0, 0, 0)))
        stream.truncate(1024 + 1000 * 1500 * 1400)  # a sparse file
    command = [sys.executable, "-c", _BIG, str(tmp_path / "P.aisproj"), str(tmp_path / "big.mrc")]
    grown = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert grown < 150e6  # the volume has 2.1 GB; one stroke across a slice, before and after, some 10 MB
    assert (tmp_path / "P.aisproj").stat().st_size < 5e6


def test_annotated_planes_in_all_directions(project: Project) -> None:
    labels = project.labels("T1", "membrane")
    labels.apply(brush.disk(labels, [(5, 30, 40)], 3))
    labels.apply(brush.disk(labels, [(5, 30, 40)], 3, axis="y"))
    labels.mark("x", 7)
    labels.mark("z", 2)  # nothing there: a negative annotation
    assert labels.annotated_planes() == [Plane("z", 2), Plane("z", 5), Plane("y", 30), Plane("x", 7)]
    assert labels.annotated_slices() == [2, 5]
    labels.unmark("z", 5)
    assert labels.annotated_slices() == [2]
    assert labels.read_plane("z", 5).any()
    labels.clear_plane("z", 5)
    assert not labels.read_plane("z", 5).any()
    assert labels.read_plane("y", 30).any()
    with pytest.raises(ParameterProblem, match="outside"):
        labels.mark("z", 20)
    with pytest.raises(ParameterProblem, match="not an axis"):
        labels.mark("w", 2)


def test_features_and_tomograms_do_not_mix(project: Project) -> None:
    project.add_feature("ribosome")
    places = [(t, f) for t in ("T1", "T2") for f in ("membrane", "ribosome")]
    for number, place in enumerate(places):
        labels = project.labels(*place)
        labels.apply(brush.disk(labels, [(5, 30, 40)], 3 + number))

    def painted(place: tuple[str, str]) -> int:
        return int(project.labels(*place).read().sum())

    alone = [int(brush.disk(TiledLabels(SHAPE), [(5, 30, 40)], 3 + number).after.sum()) for number in range(4)]
    assert [painted(place) for place in places] == alone
    assert len(set(alone)) == 4
    project.remove_feature("membrane")
    assert [painted(place) for place in places[1::2]] == alone[1::2]
    project.remove_tomogram("T1")
    assert painted(places[3]) == alone[3]
    assert project.check() == []


def test_importing_replaces_the_slices_taken_and_no_others(project: Project) -> None:
    labels = project.labels("T1", "membrane")
    labels.write((slice(0, 20), slice(0, 5), slice(0, 5)), np.ones((20, 5, 5)), [Plane("z", 0)])
    volume = np.zeros(SHAPE, dtype=np.uint8)
    volume[:, 60:, 60:] = 2
    volume[:, 40, 40] = 1
    project.import_labels("T1", "membrane", volume, [3, 9, 10])
    expected = np.zeros(SHAPE, dtype=np.uint8)
    expected[:, :5, :5] = 1
    expected[[3, 9, 10]] = volume[[3, 9, 10]]
    np.testing.assert_array_equal(labels.read(), expected)
    assert labels.annotated_slices() == [0, 3, 9, 10]


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ([0, 1, 2], {}, [0, 1, 2]),
        ([0.0, 1.0, 2.0], {}, [0, 1, 2]),
        ([0, 255, 0], {}, [0, 1, 0]),
        ([False, True, False], {}, [0, 1, 0]),
        ([1, 5, 9], {"value": 5}, [0, 1, 0]),
        ([0.2, 0.5, 0.9], {"threshold": 0.5}, [0, 1, 1]),
        ([0, 0, 0], {}, [0, 0, 0]),
    ],
)
def test_what_numbers_mean(project: Project, values, options, expected) -> None:
    volume = np.zeros(SHAPE, dtype=np.array(values).dtype)
    volume[3:6] = np.array(values)[:, None, None]
    if options:
        volume[:3], volume[6:] = values[0], values[0]
    project.import_labels("T1", "membrane", volume, **options)
    read = project.labels("T1", "membrane").read((slice(3, 6), slice(0, 1), slice(0, 1)))
    assert read.ravel().tolist() == expected


def test_a_file_that_holds_only_2_is_asked_about(project: Project) -> None:
    volume = np.zeros(SHAPE, dtype=np.uint8)
    volume[4] = 2
    with pytest.warns(DataWarning, match="--value 2 takes it as the feature"):
        project.import_labels("T1", "membrane", volume)
    project.import_labels("T1", "membrane", volume, value=2)
    assert (project.labels("T1", "membrane").read_plane("z", 4) == 1).all()


@pytest.mark.parametrize("values", [[0, 1, 3], [0, 3, 4], [0.1, 0.2, 0.3], [0, np.nan, 1], [0, 1, 255]])
def test_numbers_that_mean_nothing_change_nothing(project: Project, values) -> None:
    volume = np.zeros(SHAPE, dtype=np.array(values).dtype)
    volume[[3, 10, 19]] = np.array(values)[:, None, None]  # on slabs that are read one after the other
    history = project.history
    with pytest.raises(ParameterProblem):
        project.import_labels("T1", "new feature", volume)
    assert project.history == history
    assert [feature.name for feature in project.features] == ["membrane"]


@pytest.mark.parametrize(
    ("volume", "slices"), [(np.zeros((1, 2, 3)), None), (np.zeros((4, 4)), None), (np.zeros(SHAPE), []),
                           (np.zeros(SHAPE), [20]), (np.zeros(SHAPE), [-1])],
)  # fmt: skip
def test_volumes_that_do_not_fit(project: Project, volume, slices) -> None:
    with pytest.raises(ParameterProblem):
        project.import_labels("T1", "membrane", volume, slices)


def test_labels_as_a_lazy_volume(project: Project) -> None:
    truth = np.random.default_rng(0).integers(0, 3, SHAPE).astype(np.uint8)
    project.import_labels("T1", "membrane", truth)
    tomogram = project.label_volume("T1", "membrane")
    assert (tomogram.shape, tomogram.data.dtype) == (SHAPE, np.uint8)
    assert tomogram.origin_zyx == (-300.0, 200.0, 100.0)
    for key in (
        3,
        -1,
        slice(2, 9, 3),
        (slice(None), 4),
        (slice(1, 3), slice(5, 60), slice(None)),
        (1, 2, 3),
    ):
        np.testing.assert_array_equal(tomogram.data[key], truth[key])
    np.testing.assert_array_equal(tomogram.slab(0, 3), truth[[0, 0, 1]])
    with pytest.raises(ParameterProblem, match="cannot be indexed"):
        tomogram.data[[1, 2]]


def test_a_tomogram_that_changed_is_noticed(project: Project, tmp_path: Path, make_tomogram) -> None:
    assert project.open_tomogram("T1").voxel_size == pytest.approx(10.0)
    (tmp_path / "T1.mrc").unlink()
    make_tomogram("T1", 77)
    with pytest.warns(DataWarning, match="has changed since"):
        project.open_tomogram("T1")

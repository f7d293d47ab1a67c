"""``ais-app extract``: boxes of a project as a training set."""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np
import pytest

from ais_app.cli.app import run
from ais_app.core.ais.training_set import read_ais_training_set
from ais_app.core.annotation.boxes import Box
from ais_app.state.project import Project

SHAPE = (9, 60, 80)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a tomogram whose voxels say where they are, and a bar of the feature on slices 3 to 5."""
    monkeypatch.chdir(tmp_path)
    z, y, x = np.indices(SHAPE)
    with mrcfile.new("T1.mrc") as file:
        file.set_data((z * 10_000 + y * 100 + x).astype(np.float32))
        file.voxel_size = 8.0
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[3:6, 20:40, 30:50] = 1
    with Project.create("P.aisproj") as project:
        project.add_tomogram("T1.mrc")
        project.import_labels("T1", "membrane", labels, [3, 4, 5])
    return tmp_path


def extract(*more: str) -> list[str]:
    return ["extract", "P.aisproj", "--feature", "membrane", "-o", "set.scnt", *more]


def test_boxes_of_a_person(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Project.open("P.aisproj") as project:
        project.add_boxes("T1", "membrane", [Box((4, 30, 40)), Box((3, 2, 78), size=8)])
    assert run(extract("--box-size", "16", "--depth", "3")) == 0
    assert capsys.readouterr().out == "set.scnt\n"
    read = read_ais_training_set("set.scnt")
    assert read.images.shape == (2, 3, 16, 16)
    assert (read.voxel_size, read.tomograms, read.features) == (8.0, ("T1", "T1"), ("membrane",))
    middle = next(i for i in range(2) if read.images[i, 1, 8, 8] == 43_040)  # raw grey values, centred on the box
    np.testing.assert_array_equal(read.images[middle, :, 8, 8], [33_040, 43_040, 53_040])
    np.testing.assert_array_equal(read.labels[middle], 1)
    corner = read.labels[1 - middle]
    assert set(np.unique(corner)) == {0, 2}  # beyond the border, and beyond the annotated box: ignore
    np.testing.assert_array_equal(corner[6:12, 4:10], 0)
    assert (corner[:4] == 2).all()
    assert (corner[:, 10:] == 2).all()
    assert np.isfinite(read.images).all()


def test_boxes_are_placed_on_labels_when_there_are_none(folder: Path) -> None:
    assert run(extract("--box-size", "16", "--boxes", "12", "--negatives", "1")) == 0
    read = read_ais_training_set("set.scnt")
    assert len(read.images) == 12
    positive = (read.labels == 1).any((1, 2))
    assert 4 <= positive.sum() <= 8
    first = Path("set.scnt").read_bytes()
    assert run(extract("--box-size", "16", "--boxes", "12", "--negatives", "1")) == 0
    assert Path("set.scnt").read_bytes() == first


def test_replay(folder: Path) -> None:
    assert run(extract("--box-size", "16", "--boxes", "4")) == 0
    first = Path("set.scnt").read_bytes()
    Path("set.scnt").unlink()
    assert run(["replay", "set.scnt.json"]) == 0
    assert Path("set.scnt").read_bytes() == first


@pytest.mark.parametrize(
    ("more", "message"),
    [(["--depth", "2"], "choose an odd number"), (["--feature", "none"], "there are: membrane")],
)
def test_bad_input_is_one_line(folder: Path, capsys, more: list[str], message: str) -> None:
    assert run(extract(*more)) == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert not Path("set.scnt").exists()


def test_an_unannotated_feature_is_one_line(folder: Path, capsys) -> None:
    with Project.open("P.aisproj") as project:
        project.add_feature("empty")
    assert run(["extract", "P.aisproj", "--feature", "empty", "-o", "set.scnt"]) == 1
    assert "neither annotated slices nor boxes" in capsys.readouterr().err

"""Sessions of Ais become tomogram, features, annotated slices and boxes of a project."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ais_app.core.errors import FileProblem, ParameterProblem, ProjectProblem
from ais_app.state.project import Project

SESSION = Path(__file__).resolve().parent.parent / "data" / "ais_session.scns"
SHAPE = (6, 20, 30)


@pytest.fixture
def empty(tmp_path: Path):
    with Project.create(tmp_path / "P.aisproj") as project:
        yield project


def test_a_session_beside_its_tomogram(empty: Project, tmp_path: Path, make_tomogram) -> None:
    folder = tmp_path / "annotations"
    make_tomogram("T1", folder=folder, shape=SHAPE)
    shutil.copy(SESSION, folder / "T1.scns")
    entry = empty.import_ais(folder / "T1.scns")
    assert (entry.name, entry.shape, entry.voxel_size) == ("T1", SHAPE, pytest.approx(10.0))
    assert [(f.name, f.colour, f.box_size) for f in empty.features] == [
        ("Membrane", "#4080ff", 32),
        ("Ribosome", "#ff0000", 32),
    ]
    labels = empty.labels("T1", "Membrane")
    expected = np.zeros(SHAPE, dtype=np.uint8)
    expected[3, 2:7, 10:25] = 1
    expected[5] = expected[3, ::-1]
    np.testing.assert_array_equal(labels.read(), expected)
    assert labels.annotated_slices() == [3, 5]
    boxes = [box.centre_zyx for box in empty.boxes("T1", "Membrane")]
    assert boxes == [(3, 7, 25), (3, 19, 0), (4, 2, 1)]  # stored as x, y

    before = [entry.title for entry in empty.history]
    empty.import_ais(folder / "T1.scns")  # again: nothing changes
    assert [entry.title for entry in empty.history] == before
    assert empty.undo() == "Import T1.scns"
    assert (empty.tomograms, empty.features) == ([], [])


def test_a_session_of_a_tomogram_of_the_project(empty: Project, tmp_path: Path, make_tomogram) -> None:
    empty.add_tomogram(make_tomogram("T1", folder=tmp_path / "elsewhere", shape=SHAPE))
    empty.add_feature("Membrane", "#123456")
    empty.import_ais(SESSION)
    assert empty.feature("Membrane").colour == "#123456"
    assert [box.size for box in empty.boxes("T1", "Membrane")] == [32, 32, 32]


def test_an_unknown_voxel_size_comes_from_the_session(empty: Project, tmp_path: Path, make_tomogram) -> None:
    import mrcfile

    path = make_tomogram("T1", shape=SHAPE)
    with mrcfile.open(path, mode="r+") as file:
        file.voxel_size = 0.0
    assert empty.import_ais(SESSION).voxel_size_zyx == pytest.approx((12.0, 12.0, 12.0))


def test_a_session_without_its_tomogram_changes_nothing(empty: Project, tmp_path: Path, make_tomogram) -> None:
    with pytest.raises(ProjectProblem, match="its tomogram .*T1.mrc is not there"):
        empty.import_ais(SESSION)
    make_tomogram("T1", shape=(6, 20, 31))
    with pytest.raises(ParameterProblem, match=r"\(6, 20, 30\) voxels, but T1 has \(6, 20, 31\)"):
        empty.import_ais(SESSION)
    with pytest.raises(FileProblem, match="none.scns"):
        empty.import_ais(tmp_path / "none.scns")
    assert (empty.tomograms, empty.features, empty.history) == ([], [], [])

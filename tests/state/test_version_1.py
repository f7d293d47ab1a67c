"""A project written by the program of format 1: everything comes along, and its history can be undone.

It was written by: two tomograms; features membrane, ribosome, vesicle; two disks and one XZ disk of membrane on T1 and
z = 9 marked; two boxes of ribosome on T1 and one on T2; interactions; the document "view"; a model; ribosome changed to
#445566 with boxes of 40; a ball of vesicle, which was then removed; T2 set to 8 Å; a last disk, taken back.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from ais_app.core.annotation.labels import Plane
from ais_app.core.errors import FileProblem, ProjectProblem
from ais_app.state.project import Project

OLD = Path(__file__).resolve().parent.parent / "data" / "projects" / "version_1.aisproj"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(OLD, tmp_path / "old.aisproj"))


def test_everything_comes_along(old: Path) -> None:
    with Project.open(old) as project:
        assert [(t.name, t.shape, t.voxel_size) for t in project.tomograms] == [
            ("T1", (12, 40, 50), pytest.approx(10.0)),
            ("T2", (12, 40, 50), pytest.approx(8.0)),
        ]
        assert [(f.name, f.colour, f.box_size) for f in project.features] == [
            ("membrane", "#E69F00", 64),
            ("ribosome", "#445566", 40),
        ]
        shown = [(f.brush_radius, f.opacity, f.outline, f.visible, f.locked, f.order) for f in project.features]
        assert shown == [(100, 0.5, False, True, False, 0), (100, 0.5, False, True, False, 1)]
        labels = project.labels("T1", "membrane")
        assert int(labels.read().sum()) == 375
        assert int((labels.read() == 2).sum()) == 46
        assert labels.annotated_planes() == [Plane("z", 3), Plane("z", 5), Plane("z", 9), Plane("y", 20)]
        boxes = [(box.centre_zyx, box.size) for box in project.boxes("T1", "ribosome")]
        assert boxes == [((3, 10, 10), None), ((4.5, 20.25, 30), 48)]
        assert project.annotation_summary() == {1: {1: (4, 0), 2: (0, 2)}, 2: {2: (0, 1)}}
        assert project.interactions["rules"][0]["child"] == "ribosome"
        assert project.document("view") == {"slice": 3}
        assert [model.name for model in project.models] == ["m"]
        assert (project.runs, project.picks("T1"), project.thumbnail("T1"), project.is_draft) == ([], [], None, False)
        assert project.check() == []


def test_its_history_can_be_undone_and_redone(old: Path) -> None:
    with Project.open(old) as project:
        assert (project.undo_title, project.redo_title) == ("Set voxel size of T2", "Paint membrane on T1")
        assert project.redo() == "Paint membrane on T1"
        assert project.labels("T1", "membrane").annotated_slices() == [3, 5, 8, 9]
        for _ in range(2):
            project.undo()
        assert project.tomogram("T2").voxel_size is None
        assert project.undo() == "Remove feature vesicle"
        assert [(f.name, f.locked, f.order) for f in project.features][2] == ("vesicle", False, 2)
        assert int(project.labels("T1", "vesicle").read().sum()) == 257
        titles = []
        while project.undo_title is not None:
            titles.append(project.undo())
        assert titles[-1] == "Add tomogram T1"
        assert (project.tomograms, project.features, project.models) == ([], [], [])
        while project.redo():
            pass
        assert [feature.name for feature in project.features] == ["membrane", "ribosome"]


def test_what_is_newer_than_a_step_survives_its_undo(old: Path) -> None:
    with Project.open(old) as project:
        project.change_feature("ribosome", opacity=0.25)
        while project.undo() != "Change feature ribosome":
            pass
        ribosome = project.feature("ribosome")
        assert (ribosome.colour, ribosome.box_size, ribosome.opacity) == ("#112233", 32, 0.25)


def test_it_can_be_worked_on(old: Path) -> None:
    with Project.open(old) as project:
        project.move_feature("ribosome", 0)
        project.change_feature("membrane", locked=True)
        labels = project.labels("T1", "ribosome")
        labels.mark("z", 2)
    with Project.open(old) as project:
        assert [feature.name for feature in project.features] == ["ribosome", "membrane"]
        assert project.feature("membrane").locked
        assert project.check() == []


def test_a_reader_does_not_touch_it(old: Path) -> None:
    before = old.read_bytes()
    with pytest.raises(ProjectProblem, match="older format \\(1\\); open it once where it can be written"):
        Project.open(old, read_only=True)
    assert old.read_bytes() == before


def test_a_killed_update_leaves_the_old_file(old: Path) -> None:
    """The step is one transaction: what fails at its end leaves nothing of it."""
    connection = sqlite3.connect(old)
    connection.execute("CREATE TABLE thumbnail (taken INTEGER)")  # the step will not be able to make its own
    connection.commit()
    connection.close()
    before = old.read_bytes()
    with pytest.raises(FileProblem, match="thumbnail"):
        Project.open(old)
    assert old.read_bytes() == before

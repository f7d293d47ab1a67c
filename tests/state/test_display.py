"""What is shown and how: kept in the project, not in its history."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem, ProjectProblem
from ais_app.state.project import Project

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20


def test_display_settings_are_saved_and_cannot_be_undone(project: Project) -> None:
    told: list[str] = []
    project.events.display.connect(told.append)
    before = project.history
    content = {"z": 12, "contrast": [-1.5, 2.0], "lock": True, "filters": [{"name": "gaussian", "sigma": 20.0}]}
    project.set_display("slice/1", content)
    project.set_display("slice/1", content)  # nothing new
    project.set_display("window", "é")
    assert told == ["slice/1", "window"]
    assert project.history == before
    project.undo()
    project.close()
    with Project.open(project.path) as again:
        assert again.display("slice/1") == content
        again.set_display("slice/1", None)
        assert (again.display("slice/1"), again.display("slice/1", 5), again.display("window")) == (None, 5, "é")


@pytest.mark.parametrize("content", [float("nan"), {1, 2}, {"a": object()}])
def test_what_is_no_json_is_refused(project: Project, content: object) -> None:
    project.set_display("x", 1)
    for write in (project.set_display, project.set_document):
        with pytest.raises(ParameterProblem, match="cannot be kept as JSON"):
            write("x", content)
    assert project.display("x") == 1


def test_who_may_only_look_keeps_settings_while_looking(project: Project) -> None:
    project.set_display("z", 3)
    with pytest.warns(DataWarning, match="open elsewhere"):
        second = Project.open(project.path)
    with second:
        second.set_display("z", 5)
        second.set_display("y", 1)
        assert (second.display("z"), second.display("y")) == (5, 1)
        second.set_display("z", None)
        assert second.display("z") is None
    assert (project.display("z"), project.display("y")) == (3, None)


def test_damaged_documents_are_named(project: Project) -> None:
    project.set_display("x", 1)
    project.set_document("y", 1)
    project.close()
    connection = sqlite3.connect(project.path)
    connection.executescript("UPDATE display SET content = '{'; UPDATE document SET content = '[';")
    connection.close()
    with Project.open(project.path) as again:
        with pytest.raises(FileProblem, match="display setting x is damaged.*restore"):
            again.display("x")
        with pytest.raises(FileProblem, match="document y is damaged"):
            again.document("y")


def test_thumbnails_stay_with_their_tomogram(project: Project) -> None:
    told: list[int] = []
    project.events.thumbnail.connect(told.append)
    before = project.history
    project.set_thumbnail("T1", PNG)
    project.set_thumbnail("T2", PNG)
    project.set_thumbnail("T2", PNG + b"2")
    assert told == [1, 2, 2]
    assert project.history == before
    project.set_voxel_size("T1", (9.0, 9.0, 9.0))  # writes the row of the tomogram again
    project.undo()
    project.close()
    with Project.open(project.path) as again:
        assert (again.thumbnail("T1"), again.thumbnail("T2")) == (PNG, PNG + b"2")
        again.remove_tomogram("T1")
        again.undo()
        assert (again.thumbnail("T1"), again.thumbnail("T2")) == (None, PNG + b"2")
        with pytest.raises(ParameterProblem, match="no small PNG"):
            again.set_thumbnail("T1", b"GIF89a")
        with pytest.raises(ParameterProblem, match="no small PNG"):
            again.set_thumbnail("T1", PNG + bytes(2**20))
    with Project.open(project.path, read_only=True) as reader:
        with pytest.raises(ProjectProblem, match="read-only"):
            reader.set_thumbnail("T1", PNG)


def test_what_was_found_belongs_to_the_content(project: Project, tmp_path: Path) -> None:
    findings = [{"severity": "warning", "text": "the voxel size is not known", "remedy": "set it"}]
    project.set_thumbnail("T1", PNG)
    project.set_preflight("T1", findings)
    assert project.preflight("T1") == findings
    assert project.preflight("T2") is None
    project.close()
    connection = sqlite3.connect(project.path)
    connection.execute("UPDATE tomogram SET fingerprint = 'another' WHERE name = 'T1'")
    connection.commit()
    connection.close()
    with Project.open(project.path) as again:
        assert (again.preflight("T1"), again.thumbnail("T1")) == (None, None)


def test_titles_of_what_can_be_undone(project: Project) -> None:
    assert (project.undo_title, project.redo_title) == ("Add feature membrane", None)
    project.add_feature("b")
    project.undo()
    project.undo()
    assert (project.undo_title, project.redo_title) == ("Add tomogram T2", "Add feature membrane")
    while project.undo():
        pass
    assert (project.undo_title, project.redo_title) == (None, "Add tomogram T1")
    connection = sqlite3.connect(project.path)
    for question in ("undone = 0 ORDER BY id DESC", "undone = 1 ORDER BY id ASC"):
        plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT id, title FROM command WHERE {question} LIMIT 1")
        assert "USING INDEX command_undone" in plan.fetchall()[0][3]
    connection.close()

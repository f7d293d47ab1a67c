"""Older project files become newer ones, whole or not at all."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ais_app.core.annotation.boxes import Box
from ais_app.core.errors import ProjectProblem
from ais_app.state import schema
from ais_app.state.project import Project

_MORE = "ALTER TABLE feature ADD COLUMN note TEXT NOT NULL DEFAULT 'none'; UPDATE feature SET note = 'kept ' || name;"


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return found


@pytest.mark.parametrize("old", range(1, len(schema.STEPS) + 1))
def test_every_older_format_opens_with_its_content(tmp_path: Path, old: int) -> None:
    path = tmp_path / "old.aisproj"
    connection = sqlite3.connect(path, isolation_level=None)
    schema.migrate(connection, schema.STEPS[:old])
    connection.execute("INSERT INTO feature (name, colour, box_size) VALUES ('membrane', '#123456', 48)")
    connection.close()
    assert version(path) == old
    with Project.open(path) as project:
        assert [(f.name, f.colour, f.box_size) for f in project.features] == [("membrane", "#123456", 48)]
        assert project.check() == []
    assert version(path) == schema.VERSION


def test_a_step_runs_once_when_a_project_is_opened(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.add_boxes("T1", "membrane", [Box((1, 2, 3))])
    project.close()
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, _MORE))
    monkeypatch.setattr(schema, "VERSION", len(schema.STEPS))
    monkeypatch.setattr(schema.migrate, "__defaults__", (schema.STEPS,))
    with pytest.raises(
        ProjectProblem, match=f"older format \\({schema.VERSION - 1}\\); open it once where it can be written"
    ):
        Project.open(project.path, read_only=True)
    for _ in range(2):
        with Project.open(project.path) as again:
            assert [feature.name for feature in again.features] == ["membrane"]
            assert again.undo() == "Add 1 boxes of membrane on T1"  # the history came along
            assert again.boxes("T1", "membrane") == []
            again.redo()
            assert len(again.boxes("T1", "membrane")) == 1
    connection = sqlite3.connect(project.path)
    assert connection.execute("SELECT note FROM feature").fetchall() == [("kept membrane",)]
    connection.close()
    assert version(project.path) == schema.VERSION


def test_a_step_that_fails_leaves_the_file_as_it_was(project: Project) -> None:
    project.close()
    before = project.path.read_bytes()
    connection = sqlite3.connect(project.path, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(connection, (*schema.STEPS, _MORE, "DROP TABLE nothing;"))
    assert not connection.in_transaction
    connection.close()
    assert project.path.read_bytes() == before
    assert version(project.path) == schema.VERSION


def test_the_file_says_what_it_is(project: Project) -> None:
    project.close()
    head = project.path.read_bytes()[:100]
    assert head[:16] == b"SQLite format 3\0"
    assert head[68:72] == b"AISP"

"""The lock of a project belongs to the living process that holds it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ais_app.core.errors import DataWarning
from ais_app.state.project import Project

_HOLD = """
import sys
from ais_app.state.project import Project
project = Project.open(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


def test_a_dead_holder_holds_nothing(project: Project) -> None:
    project.close()
    command = [sys.executable, "-c", _HOLD, str(project.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.warns(DataWarning, match=f"open elsewhere \\(process {holder.pid} on"):
            Project.open(project.path).close()
        holder.kill()
    assert project.path.with_name(".P.aisproj.lock").exists()
    with Project.open(project.path) as again:
        assert not again.read_only
    assert not project.path.with_name(".P.aisproj.lock").exists()


def test_two_names_of_one_project_share_its_lock(project: Project, tmp_path: Path) -> None:
    link = tmp_path / "link" / "other.aisproj"
    link.parent.mkdir()
    link.symlink_to(project.path)
    with pytest.warns(DataWarning, match="read-only"):
        Project.open(link).close()


def test_a_reader_does_not_keep_a_writer_out(project: Project) -> None:
    with Project.open(project.path, read_only=True) as reader:
        before = reader.features
        project.add_feature("new")
        assert [feature.name for feature in reader.features] == [before[0].name, "new"]

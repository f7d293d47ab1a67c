"""A project whose files were moved, and folders that cannot be written."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ais_app.core.errors import DataWarning, FileProblem, ProjectProblem
from ais_app.state.project import Project


@pytest.fixture
def folder(tmp_path: Path, make_tomogram) -> Path:
    """``work/P.aisproj`` with tomograms in ``work/data`` and beside ``work``, closed."""
    folder = tmp_path / "work"
    folder.mkdir()
    with Project.create(folder / "P.aisproj") as project:
        project.add_tomogram(make_tomogram("T1", 1, folder / "data"))
        project.add_tomogram(make_tomogram("T2", 2, tmp_path / "raw"))
    return folder


def found(project: Project) -> dict[str, Path]:
    return {entry.name: project.find(entry) for entry in project.tomograms}


def test_paths_are_relative(folder: Path) -> None:
    with Project.open(folder / "P.aisproj") as project:
        assert [entry.relative_path for entry in project.tomograms] == ["data/T1.mrc", "../raw/T2.mrc"]


def test_a_moved_folder_is_found_again(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other place"
    other.mkdir()
    shutil.move(folder, other / "work")
    shutil.move(tmp_path / "raw", other / "raw")
    with Project.open(other / "work" / "P.aisproj") as project:
        assert found(project) == {
            "T1": (other / "work/data/T1.mrc").resolve(),
            "T2": (other / "raw/T2.mrc").resolve(),
        }
        assert project.open_tomogram("T1").shape == (20, 70, 90)


def test_a_copied_folder_uses_its_own_files(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy" / "work")
    with Project.open(tmp_path / "copy" / "work" / "P.aisproj") as project:
        assert project.find("T1") == (tmp_path / "copy/work/data/T1.mrc").resolve()
        assert project.find("T2") == (tmp_path / "raw/T2.mrc").resolve()  # where it was last seen


def test_a_project_moved_alone_finds_its_files_where_they_were(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    shutil.move(folder / "P.aisproj", tmp_path / "away" / "P.aisproj")
    with Project.open(tmp_path / "away" / "P.aisproj") as project:
        assert found(project) == {"T1": folder / "data/T1.mrc", "T2": tmp_path / "raw/T2.mrc"}


def test_a_renamed_file_near_the_project_is_found_by_its_content(folder: Path) -> None:
    target = folder / "sorted" / "2024" / "renamed.mrc"
    target.parent.mkdir(parents=True)
    (folder / "data" / "T1.mrc").rename(target)
    with Project.open(folder / "P.aisproj") as project:
        assert project.find("T1") == target.resolve()
        assert project.tomogram("T1").relative_path == "sorted/2024/renamed.mrc"
        assert project.tomogram("T1").name == "T1"  # labels and outputs keep their name


def test_an_older_copy_elsewhere_is_not_taken(folder: Path, make_tomogram) -> None:
    (folder / "data" / "T1.mrc").unlink()
    make_tomogram("T1", 9, folder / "old")  # same name and size, other content
    with Project.open(folder / "P.aisproj") as project:
        with pytest.raises(ProjectProblem, match="T1: not found at .*data/T1.mrc.*relink"):
            project.open_tomogram("T1")


def test_relinking_reports_what_it_finds(folder: Path, tmp_path: Path) -> None:
    away = tmp_path.parent / f"{tmp_path.name}_away"
    away.mkdir()
    shutil.move(tmp_path / "raw" / "T2.mrc", away / "x.mrc")
    (folder / "data" / "T1.mrc").unlink()
    told = []
    with Project.open(folder / "P.aisproj") as project:
        project.events.tomograms.connect(lambda: told.append(1))
        assert project.relink(away) == {"T1": None, "T2": away / "x.mrc"}
        assert project.find("T2") == away / "x.mrc"
    assert told == [1]
    shutil.rmtree(away)


def test_another_shape_at_the_same_place_is_refused(folder: Path, make_tomogram) -> None:
    (folder / "data" / "T1.mrc").unlink()
    make_tomogram("T1", 1, folder / "data", (5, 6, 7))
    with Project.open(folder / "P.aisproj") as project:
        with pytest.raises(ProjectProblem, match=r"has \(5, 6, 7\) voxels, but \(20, 70, 90\)"):
            project.open_tomogram("T1")


def test_models_move_along(folder: Path, tmp_path: Path) -> None:
    (folder / "m.aismodel").write_bytes(b"a network")
    with Project.open(folder / "P.aisproj") as project:
        project.add_model(folder / "m.aismodel")
        assert project.add_model(folder / "m.aismodel") == project.models[0]
    shutil.move(folder, tmp_path / "elsewhere")
    with Project.open(tmp_path / "elsewhere" / "P.aisproj") as project:
        assert [(model.name, model.path) for model in project.models] == [("m", tmp_path / "elsewhere/m.aismodel")]


@pytest.fixture
def sealed(folder: Path) -> Iterator[Path]:
    """A project in a folder in which nobody may write; the test runs as nobody where it was started as root."""
    place = Path(tempfile.mkdtemp())
    shutil.copy(folder / "P.aisproj", place)
    (place / "P.aisproj").chmod(0o444)
    place.chmod(0o555)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield place / "P.aisproj"
    if root:
        os.seteuid(0)
    place.chmod(stat.S_IRWXU)
    (place / "P.aisproj").chmod(0o600)
    shutil.rmtree(place)


def test_a_sealed_folder_opens_read_only(sealed: Path) -> None:
    with pytest.warns(DataWarning, match="opened read-only, because its folder cannot be written"):
        project = Project.open(sealed)
    with project:
        assert [entry.name for entry in project.tomograms] == ["T1", "T2"]
        with pytest.raises(ProjectProblem, match="read-only"):
            project.add_feature("x")
    assert [path.name for path in sealed.parent.iterdir()] == ["P.aisproj"]


def test_a_sealed_folder_takes_no_new_project(sealed: Path) -> None:
    with pytest.raises(FileProblem, match="cannot be written \\(Permission denied\\); choose another folder"):
        Project.create(sealed.parent / "new.aisproj")
    assert [path.name for path in sealed.parent.iterdir()] == ["P.aisproj"]


def test_a_project_that_may_not_be_read_says_so(sealed: Path) -> None:
    before = os.geteuid()
    os.seteuid(0 if os.getuid() == 0 else before)
    sealed.chmod(0)
    os.seteuid(before)
    with pytest.raises(FileProblem, match="may not be read by you; ask its owner"):
        Project.open(sealed, read_only=True)

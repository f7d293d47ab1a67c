"""Drafts, copies and other places: paths are right there, and the history comes along."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ais_app.core.annotation import brush
from ais_app.core.errors import DataWarning, FileProblem, ProjectProblem
from ais_app.core.particle_set import Particles
from ais_app.state.project import Project


def paint(project: Project, z: int = 5) -> None:
    labels = project.labels("T1", "membrane")
    labels.apply(brush.disk(labels, [(z, 30, 20)], 4))


@pytest.fixture
def draft(tmp_path: Path, make_tomogram) -> Project:
    """A draft in ``drafts`` with a tomogram in ``data``, one that was removed, a model and a run."""
    project = Project.create_draft(tmp_path / "drafts")
    project.add_tomogram(make_tomogram("T1", 1, tmp_path / "data"))
    project.add_tomogram(make_tomogram("T2", 2, tmp_path / "data"))
    project.add_feature("membrane")
    project.remove_tomogram("T2")
    for name in ("m.aismodel", "r.ckpt"):
        (tmp_path / "data" / name).write_bytes(name.encode())
    project.add_model(tmp_path / "data" / "m.aismodel")
    project.add_run("r", model=tmp_path / "data" / "m.aismodel", checkpoint=tmp_path / "data" / "r.ckpt")
    project.add_picks("T1", "a", Particles(np.array([[1.0, 2, 3]])))
    paint(project)
    project.set_display("z", 7)
    return project


def test_a_draft_is_given_a_place(draft: Project, tmp_path: Path) -> None:
    assert draft.is_draft
    before = draft.labels("T1", "membrane").read()
    target = tmp_path / "a" / "b" / "P.aisproj"
    with draft.saved_as(target) as project:
        assert (project.path, project.is_draft, project.read_only) == (target, False, False)
        assert [entry.relative_path for entry in project.tomograms] == ["../../data/T1.mrc"]
        np.testing.assert_array_equal(project.labels("T1", "membrane").read(), before)
        assert project.models[0].path == tmp_path / "data/m.aismodel"
        (run,) = project.runs
        places = (run.model, run.checkpoint)
        assert places == (tmp_path / "data/m.aismodel", tmp_path / "data/r.ckpt")
        assert run.state == "training"
        assert (project.display("z"), project.picks("T1")[0].count) == (7, 1)
        assert project.undo() == "Paint membrane on T1"
        while project.undo_title != "Remove tomogram T2":
            project.undo()
        project.undo()
        assert project.tomogram("T2").relative_path == "../../data/T2.mrc"
        while project.undo():
            pass
        while project.redo():
            pass
        assert [entry.relative_path for entry in project.tomograms] == ["../../data/T1.mrc"]
        assert project.check() == []
    assert list((tmp_path / "drafts").iterdir()) == []
    draft.close()  # a second time
    assert [path.name for path in target.parent.iterdir()] == ["P.aisproj"]


def test_another_place_leaves_a_saved_project_as_it_is(project: Project, tmp_path: Path) -> None:
    before = project.path.read_bytes()
    with project.saved_as(tmp_path / "other" / "Q.aisproj") as there:
        paint(there)
        with Project.open(project.path) as here:
            assert not here.is_draft
            assert here.labels("T1", "membrane").is_empty
    assert project.path.read_bytes() == before
    with pytest.raises(ProjectProblem, match="closed"):
        project.undo()


def test_a_copy_is_whole_and_goes_its_own_way(project: Project, tmp_path: Path) -> None:
    paint(project)
    copy = project.save_copy(tmp_path / "backup" / "P.aisproj")
    paint(project, 8)
    with Project.open(copy) as there:
        assert there.labels("T1", "membrane").annotated_slices() == [5]
        assert there.find("T1") == tmp_path / "T1.mrc"
        there.add_feature("only there")
    assert project.labels("T1", "membrane").annotated_slices() == [5, 8]
    assert [feature.name for feature in project.features] == ["membrane"]


def test_who_may_only_read_can_copy(project: Project, tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match="open elsewhere"):
        second = Project.open(project.path)
    with second, second.saved_as(tmp_path / "mine.aisproj") as mine:
        paint(mine)
        assert not mine.read_only
    assert project.path.exists()


def test_nothing_is_overwritten(project: Project, draft: Project, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("precious")
    for target in (other, project.path, draft.path, tmp_path):
        with pytest.raises(FileProblem, match="exists already"):
            draft.saved_as(target)
    assert other.read_text() == "precious"
    with pytest.raises(FileProblem, match="cannot be written"):
        draft.save_copy(other / "P.aisproj")
    with pytest.raises(ProjectProblem, match="is being changed; copy it when"), draft.group("x"):
        draft.save_copy(tmp_path / "new.aisproj")
    paint(draft, 9)  # it is still open, and still a draft
    assert draft.is_draft
    assert not (tmp_path / "new.aisproj").exists()


def test_a_missing_tomogram_stays_missing_at_the_right_place(draft: Project, tmp_path: Path) -> None:
    (tmp_path / "data" / "T1.mrc").rename(tmp_path / "away.mrc")
    with draft.saved_as(tmp_path / "P.aisproj") as project:
        assert project.tomogram("T1").relative_path == "data/T1.mrc"
        assert project.find("T1") == tmp_path / "away.mrc"  # near the project, by its content


def test_drafts_do_not_meet(tmp_path: Path) -> None:
    drafts = [Project.create_draft(tmp_path) for _ in range(5)]
    assert len({draft.path for draft in drafts}) == 5
    assert not any(draft.read_only for draft in drafts)
    for draft in drafts:
        draft.close()
    with Project.open(drafts[0].path) as again:
        assert again.is_draft


def test_why_a_project_cannot_be_made_or_opened(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 300)
    with pytest.raises(FileProblem, match="cannot be written .*too long.*choose another name"):
        Project.create(long)
    with pytest.raises(FileProblem, match="cannot be opened .*too long.*check the name"):
        Project.open(long)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileProblem, match="cannot be written .*choose another folder"):
        Project.create(tmp_path / "file" / "P.aisproj")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_newest_averages_come_along_and_cubes_do_not(draft: Project, tmp_path: Path) -> None:
    beside = draft.path.with_name(f"{draft.path.stem}_particles")
    (beside / "cubes.zarr").mkdir(parents=True)
    (beside / "a_average.npz").write_bytes(b"an average")
    target = tmp_path / "P.aisproj"
    with draft.saved_as(target):
        assert (tmp_path / "P_particles" / "a_average.npz").read_bytes() == b"an average"
        assert [path.name for path in (tmp_path / "P_particles").iterdir()] == ["a_average.npz"]
    assert (beside / "a_average.npz").exists()  # nothing is lost

"""A job reads a project by its file while that is saved elsewhere, and its draft removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from quick_training import QUICK

from ais_app.core.errors import FileProblem
from ais_app.core.jobs import Job, Progress, run
from ais_app.operations.export_labels import export_labels
from ais_app.operations.train import train_job
from ais_app.state.project import Project
from ais_app.state.session import Session
from ais_app.workers.project_reading import reading_project


@pytest.fixture
def session(tmp_path: Path, phantom: Path):
    """A draft with some membranes painted."""
    project = Project.create_draft(tmp_path)
    entry = project.add_tomogram(phantom / "tomogram.mrc")
    project.import_labels(entry, "membrane", phantom / "membrane.mrc", slices=[10, 16, 22])
    session = Session(project)
    yield session
    session.close()


def test_a_training_is_taught_by_a_draft_that_is_saved_just_as_it_is_read(session, tmp_path):
    out, draft = tmp_path / "membrane.aismodel", session.project.path
    places = []

    def train(place: Path) -> Job:
        places.append(place)
        return train_job(place, "membrane", out, QUICK)

    job = reading_project(lambda: session.now_at(draft), train)
    assert "cutting" in next(job).message
    session.save_as(tmp_path / "P.aisproj")
    assert not draft.exists()
    assert run(job).finished and out.exists()
    assert places == [draft, tmp_path / "P.aisproj"]


def test_labels_are_exported_from_a_draft_that_is_saved_just_before(session, tmp_path):
    out, draft = tmp_path / "labels.mrc", session.project.path

    def export(place: Path) -> Job:
        yield Progress(0, 1)
        export_labels(place, "tomogram", "membrane", out)

    job = reading_project(lambda: session.now_at(draft), export)
    next(job)
    session.save_as(tmp_path / "P.aisproj")
    run(job)
    assert out.exists()


def test_a_project_that_is_gone_is_said_to_be(session, tmp_path):
    gone = tmp_path / "gone.aisproj"

    def export(place: Path) -> Job:
        yield Progress(0, 1)
        export_labels(place, "tomogram", "membrane", tmp_path / "labels.mrc")

    with pytest.raises(FileProblem, match="gone.aisproj"):
        run(reading_project(lambda: session.now_at(gone), export))


def test_other_faults_are_not_tried_again(session, tmp_path):
    draft, tries = session.project.path, []

    def fail(place: Path) -> Job:
        tries.append(place)
        yield Progress(0, 1)
        raise FileProblem(tmp_path / "membrane.aismodel", "cannot be written")

    job = reading_project(lambda: session.now_at(draft), fail)
    next(job)
    session.save_as(tmp_path / "P.aisproj")
    with pytest.raises(FileProblem, match="cannot be written"):
        run(job)
    assert tries == [draft]

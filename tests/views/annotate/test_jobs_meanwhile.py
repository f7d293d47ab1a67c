"""Jobs of the Annotate tab write where they began: not into another project, and into one that is saved meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
from PyQt6.QtWidgets import QFileDialog
from window_view import painted

import ais_app
from ais_app.core.jobs import Progress
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.operations.export_boxes import export_boxes
from ais_app.state.commands import annotate, features, labels_in, projects, tomograms
from ais_app.state.project import Project

WAIT = 60_000  # milliseconds
JOBS = ("import_labels", "interpolate", "take_volume", "import_boxes")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def gate(monkeypatch) -> threading.Event:
    """Jobs wait until it is set."""
    opened = threading.Event()

    def after(real):
        def job(*arguments):
            while not opened.wait(0.01):
                yield Progress(0, 1, "waiting")
            return (yield from real(*arguments))

        return job

    for module, name in ((annotate, "interpolation_job"), (labels_in, "prediction_job"), (labels_in, "volume_job"),
                         (labels_in, "positions_job")):  # fmt: skip
        monkeypatch.setattr(module, name, after(getattr(module, name)))
    return opened


@pytest.fixture
def other(phantom, project, tmp_path):
    """Another project on the same tomogram, in which the first feature is another one."""
    path = tmp_path / "other.aisproj"
    with Project.create(path) as made:
        made.import_labels(
            made.add_tomogram(tmp_path / "TS_01.mrc"), "actin", phantom / "membrane.mrc", slices=[10, 22]
        )
    return path


@pytest.fixture
def begin(blank, phantom, tmp_path, monkeypatch) -> Callable[[str], None]:
    """Begin a job on the membranes of TS_01."""
    session, doing = blank.workbench.session, blank.tabs[0].panel.doing
    model = new_model(ModelCard("vggnet_s", feature="membrane", voxel_size=10.0))
    boxes = tmp_path / "boxes.star"
    export_boxes(session.project.path, "ribosome", boxes)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(boxes), ""))

    def start(what: str) -> None:
        if what == "take_volume":
            blank.open_files([ais_app.save_model(model, tmp_path / "membrane.aismodel")])
        if what == "import_labels":
            doing.read_labels(phantom / "membrane.mrc", threshold=0.5)
        else:
            getattr(doing, what)()
        assert len(blank.workbench.jobs.active) == 1

    return start


def contents(project: Project) -> tuple[dict, dict]:
    """Return the labels and the boxes of every feature on the first tomogram."""
    entry = project.tomograms[0]
    labels = {feature.name: project.labels(entry, feature).read() for feature in project.features}
    return labels, {feature.name: len(project.boxes(entry, feature)) for feature in project.features}


def finish(window, gate, qtbot) -> None:
    gate.set()
    workbench = window.workbench
    qtbot.waitUntil(lambda: not workbench.jobs.active and not workbench.writing.busy, timeout=WAIT)


@pytest.mark.parametrize("what", JOBS)
def test_another_project_is_left_alone(blank, begin, gate, other, qtbot, what):
    session, said = blank.workbench.session, []
    blank.workbench.notified.connect(lambda note: said.append(note.text))
    begin(what)
    projects.open_project(session, other)
    labels, boxes = contents(session.project)
    finish(blank, gate, qtbot)
    qtbot.waitUntil(lambda: bool(said), timeout=WAIT)
    after = contents(session.project)
    assert after[1] == boxes and all(np.array_equal(after[0][name], labels[name]) for name in labels)
    assert len(said) == 1 and "membrane on TS_01: is not open any more" in said[0]


@pytest.mark.parametrize("what", JOBS)
def test_a_project_that_is_saved_meanwhile_gets_the_result(blank, begin, gate, tmp_path, qtbot, what):
    session = blank.workbench.session
    labels, boxes = contents(session.project)
    begin(what)
    projects.save_as(session, tmp_path / "elsewhere" / "P.aisproj")
    finish(blank, gate, qtbot)
    after = contents(session.project)
    if what == "import_boxes":
        assert after[1]["membrane"] == boxes["membrane"] + 2
    else:
        assert not np.array_equal(after[0]["membrane"], labels["membrane"])
    session.project.undo()
    undone = contents(session.project)
    assert undone[1] == boxes and np.array_equal(undone[0]["membrane"], labels["membrane"])


@pytest.mark.parametrize("gone", ["feature", "tomogram"])
def test_what_has_gone_meanwhile_is_said(blank, begin, gate, qtbot, gone):
    session, said = blank.workbench.session, []
    blank.workbench.notified.connect(lambda note: said.append(note.text))
    begin("import_labels")
    tomograms.go_to(session, z=3)  # where nothing is painted
    qtbot.waitUntil(lambda: blank.slices.panes["z"].shown_index == 3)
    assert not painted(blank).any()
    if gone == "feature":
        features.remove(session, session.feature.id)
    else:
        tomograms.close(session, [session.view.tomogram])
    finish(blank, gate, qtbot)
    qtbot.waitUntil(lambda: bool(said), timeout=WAIT)
    assert len(said) == 1 and "membrane on TS_01: is not open any more" in said[0]


def test_a_renamed_feature_gets_the_result(blank, begin, gate, qtbot):
    session = blank.workbench.session
    begin("import_labels")
    features.change(session, session.feature.id, name="inner membrane")
    finish(blank, gate, qtbot)
    labels = session.project.labels("TS_01", "inner membrane")
    assert labels.annotated_slices() == list(range(labels.shape[0])) and len(session.project.features) == 2

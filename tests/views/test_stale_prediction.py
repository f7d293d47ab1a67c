"""A prediction that is not true any more is neither shown nor taken as labels while the next one is computed."""

from __future__ import annotations

import mrcfile
import pytest
import torch
from window_view import SHAPE, painted

import ais_app
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.state.commands import models, projects, tomograms
from ais_app.state.project import Project
from ais_app.state.shown_models import shown_models

WAIT = 60_000  # milliseconds

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def network(tmp_path):
    """A network that has learnt nothing."""
    torch.manual_seed(3)
    model = new_model(ModelCard("vggnet_s", feature="membrane", voxel_size=10.0))
    return ais_app.save_model(model, tmp_path / "membrane.aismodel")


@pytest.fixture
def predicted(opened, network, qtbot):
    """The window with the prediction of its slice drawn."""
    opened.open_files([network])
    preview, session = opened.workbench.preview, opened.workbench.session
    qtbot.waitUntil(lambda: preview.answer is not None and not preview.busy, timeout=WAIT)
    session.view.feature = session.project.feature("membrane").id
    return opened


@pytest.fixture(params=["the same shape", "another shape"])
def other(request, phantom, network, tmp_path):
    """Another project with another tomogram, and the same network."""
    folder = tmp_path / "other"
    folder.mkdir()
    file = folder / "TS_09.mrc"
    height, width = SHAPE[1:] if request.param == "the same shape" else (48, 60)
    with mrcfile.open(phantom / "tomogram.mrc") as whole, mrcfile.new(file) as made:
        made.set_data(whole.data[::-1, :height, :width].copy())
        made.voxel_size = 10.0
    path = folder / "other.aisproj"
    with Project.create(path) as project:
        project.add_tomogram(file)
        project.add_feature("membrane")
        project.add_model(network)
    return path


def nothing_is_taken(window, qtbot):
    """Take the prediction before the next one has come, then wait for that."""
    said, preview, drawn = [], window.workbench.preview, window.slices.panes["z"].predictions
    window.workbench.notified.connect(lambda note: said.append(note.text))
    before = painted(window)
    window.actions_by_id.trigger("annotate.take_slice")
    assert preview.answer is None and (painted(window) == before).all()
    assert len(said) == 1 and "prediction of membrane" in said[0]
    assert not drawn.visible
    qtbot.waitUntil(lambda: preview.answer is not None and not preview.busy, timeout=WAIT)


def test_another_project_is_opened(predicted, other, qtbot):
    session = predicted.workbench.session
    projects.open_project(session, other)
    session.view.feature = session.project.feature("membrane").id
    nothing_is_taken(predicted, qtbot)
    assert predicted.workbench.preview.answer.planes["membrane"].shape == session.tomogram.shape[1:]


def test_the_voxel_size_changes(predicted, qtbot):
    session = predicted.workbench.session
    tomograms.set_voxel_size(session, session.view.tomogram, (20.0, 20.0, 20.0))
    nothing_is_taken(predicted, qtbot)


def test_the_network_is_switched_off_and_another_on(predicted, network, tmp_path, qtbot):
    session = predicted.workbench.session
    torch.manual_seed(4)
    second = new_model(ModelCard("vggnet_s", feature="membrane", voxel_size=10.0))
    (first,) = shown_models(session.project)
    predicted.open_files([ais_app.save_model(second, tmp_path / "second.aismodel")])
    preview = predicted.workbench.preview
    qtbot.waitUntil(lambda: preview.answer is not None and not preview.busy, timeout=WAIT)
    models.change_style(session, first.entry.id, on=False)
    nothing_is_taken(predicted, qtbot)


def test_what_stays_true_stays_drawn(predicted, qtbot):
    session, preview = predicted.workbench.session, predicted.workbench.preview
    answer, (shown,) = preview.answer, shown_models(session.project)
    models.change_style(session, shown.entry.id, threshold=0.9)
    assert preview.answer is answer

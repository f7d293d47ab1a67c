"""A network belongs to the feature that it was trained on, whatever that feature, or another one, is called by then."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from window_view import painted

import ais_app
from ais_app.core.errors import ParameterProblem, ProjectProblem
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_card, new_model
from ais_app.core.training.parameters import TrainParams
from ais_app.core.training.suggest import Suggestion
from ais_app.state.commands import features, labels_in, models, suggestions, tomograms, training
from ais_app.state.commands.training import TrainingRequest
from ais_app.state.shown_models import features_found, name_in_networks, shown_models

LONG = TrainParams(architecture="vggnet_s", epochs=200, draws=4, boxes=8, box_size=16, batch=4, validation="slab",
                   validation_share=0.34)  # fmt: skip
WAIT = 60_000  # milliseconds

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def trained(opened, tmp_path):
    """The window with a network of membranes that was trained in the project; it is called by that name."""
    project = opened.workbench.project
    torch.manual_seed(3)
    model = new_model(ModelCard("vggnet_s", feature="membrane", voxel_size=10.0))
    path = ais_app.save_model(model, tmp_path / "membrane 1.aismodel")
    feature = project.feature("membrane")
    project.add_run("membrane 1", feature=feature.id, parameters=TrainingRequest("membrane", LONG).to_dict(),
                    state="finished", model=path)  # fmt: skip
    project.add_model(path)
    opened.workbench.session.view.feature = feature.id
    features.change(opened.workbench.session, feature.id, name="inner membrane", colour="#123456")
    return opened


def predicted(window, qtbot, z):
    preview = window.workbench.preview
    tomograms.go_to(window.workbench.session, z=z)
    qtbot.waitUntil(lambda: not preview.busy and preview.answer is not None and preview.answer.z == z, timeout=WAIT)
    return preview.answer.planes["membrane"]


def test_it_is_shown_with_the_name_and_the_colour_of_its_feature(trained):
    project = trained.workbench.project
    (shown,) = shown_models(project)
    assert (shown.label, shown.colour, shown.found) == ("inner membrane", "#123456", project.feature("inner membrane"))
    assert features_found(project)["membrane"] == shown.found


def test_its_prediction_becomes_labels_of_its_feature(trained, qtbot):
    plane = predicted(trained, qtbot, 5)
    trained.actions_by_id.trigger("annotate.take_slice")
    np.testing.assert_array_equal(painted(trained, "inner membrane") == 1, plane >= 0.5)
    assert labels_in.prediction_request(trained.workbench.session, within_crop=False).feature == "membrane"


def test_a_suggestion_is_accepted_for_its_feature(trained, qtbot):
    session, section = trained.workbench.session, trained.tabs[1].panel.suggestions
    session.view.feature = session.project.feature("ribosome").id
    suggestions.keep(session, [Suggestion("TS_01", 5, None, None, 0.5, 0.9, "membrane", 0.5)])
    plane = predicted(trained, qtbot, 5)
    section.refresh()
    assert "inner membrane" in section.list.item(0).text()
    section.list.setCurrentRow(0)
    section.accept_chosen()
    assert [feature.name for feature in session.project.features] == ["inner membrane", "ribosome"]
    np.testing.assert_array_equal(painted(trained, "inner membrane") == 1, plane >= 0.5)
    assert not suggestions.queue(session)


def test_another_feature_with_its_old_name_does_not_get_its_prediction(trained, qtbot):
    session, said = trained.workbench.session, []
    trained.workbench.notified.connect(lambda note: said.append(note.text))
    ribosome = session.project.feature("ribosome")
    features.change(session, ribosome.id, name="membrane")
    session.view.feature = ribosome.id
    predicted(trained, qtbot, 5)
    trained.actions_by_id.trigger("annotate.take_slice")
    assert not painted(trained, "membrane").any() and "no prediction of membrane" in said[0]


def test_networks_of_two_features_with_one_name_are_not_mixed(trained, tmp_path):
    session = trained.workbench.session
    features.change(session, session.project.feature("ribosome").id, name="membrane")
    second = new_model(ModelCard("vggnet_s", feature="membrane", voxel_size=10.0))
    entry = models.add(session, ais_app.save_model(second, tmp_path / "of ribosomes.aismodel"))
    assert [shown.label for shown in shown_models(session.project)] == ["inner membrane", "membrane"]
    with pytest.raises(ParameterProblem, match="networks of other features that are on"):
        name_in_networks(session.project, session.feature)
    models.change_style(session, entry.id, on=False)
    assert name_in_networks(session.project, session.feature) == "membrane"


def test_a_training_goes_on_with_its_feature(opened, qtbot):
    session, trainings = opened.workbench.session, opened.workbench.trainings
    run = trainings.start(TrainingRequest("membrane", LONG), pytest.fail)

    def stop(epochs):
        qtbot.waitUntil(lambda: bool(trainings.active) and len(trainings.active[0].history) > epochs, timeout=WAIT)
        trainings.active[0].handle.stop()
        qtbot.waitUntil(lambda: not trainings.active, timeout=WAIT)
        return len(session.project.run(run).scores["history"])

    epochs = stop(0)
    features.change(session, run.feature, name="inner membrane")
    features.change(session, session.project.feature("ribosome").id, name="membrane")
    trainings.resume(run.id, pytest.fail)  # of what the feature membrane has now, it could not go on
    assert stop(epochs) > epochs
    found = session.project.run(run)
    assert (found.state, found.message) == ("stopped", "") and load_card(found.model).feature == "inner membrane"
    assert {shown.label for shown in shown_models(session.project)} == {"inner membrane"}
    assert sum(shown.style.on for shown in shown_models(session.project)) == 1


def test_a_training_whose_feature_has_gone_is_refused(trained):
    session = trained.workbench.session
    (run,) = session.project.runs
    features.remove(session, run.feature)
    features.add(session, "membrane")
    with pytest.raises(ProjectProblem, match="feature membrane: is not in the project any more"):
        training.request_of(session, run)
    with pytest.raises(ProjectProblem, match="is not in the project any more"):
        trained.workbench.trainings.resume(run.id, pytest.fail)
    assert session.project.run(run).state == "finished"

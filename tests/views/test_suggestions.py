"""What to annotate next: the queue, going there, accepting what is predicted, skipping."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

import ais_app
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.training.suggest import Suggestion, SuggestParams
from ais_app.state.commands import models, suggestions
from ais_app.state.shown_models import ModelStyle, set_style

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    """A network that has learnt nothing, and is unsure of everything."""
    torch.manual_seed(3)
    model = new_model(ModelCard("vggnet_s", feature="ribosome", voxel_size=10.0))
    return ais_app.save_model(model, tmp_path_factory.mktemp("network") / "ribosome.aismodel")


@pytest.fixture
def panel(opened, network, qtbot):
    opened.open_files([network])
    opened.workbench.session.view.tab = "train"
    made = opened.tabs[1].panel.suggestions
    made.prediction = PredictionParams(engine="torch", precision="float32")
    made.form.set_value(SuggestParams(count=3, slices=3, apart=3))
    qtbot.waitUntil(lambda: made.suggest.isEnabled() and made.isVisible(), timeout=5000)
    return made


def in_queue(session, *slices, part=False):
    """Put slices of the tomogram in view into the queue."""
    where = ((48, 56), (32, 40)) if part else (None, None)
    name = session.tomogram.name
    suggestions.keep(session, [Suggestion(name, z, *where, 0.5, 1 - z / 100, "ribosome", 0.5) for z in slices])


def predicted(qtbot, window, z):
    preview = window.workbench.preview
    qtbot.waitUntil(lambda: not preview.busy and preview.answer is not None and preview.answer.z == z, timeout=30_000)
    return preview.answer


def test_without_a_network_it_says_what_is_missing(opened):
    made = opened.tabs[1].panel.suggestions
    assert not made.suggest.isEnabled() and "switch it on" in made.nothing.text() and not made.entries


def test_suggested_slices_are_a_queue_that_is_kept(panel, opened, qtbot):
    QTest.mouseClick(panel.suggest, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(panel.entries) == 3 and not panel.handle.is_active, timeout=60_000)
    assert all(each.feature == "ribosome" and 0 <= each.uncertainty <= 1 for each in panel.entries)
    session = opened.workbench.session
    assert len({each.z for each in panel.entries}) == 3 and suggestions.queue(session) == panel.entries
    path = session.project.path
    opened.open_files([])
    session.close()
    qtbot.waitUntil(lambda: not panel.entries, timeout=5000)
    opened.open_files([path])
    qtbot.waitUntil(lambda: len(panel.entries) == 3, timeout=5000)


def test_a_click_goes_there_return_accepts_and_goes_on(panel, opened, qtbot):
    session = opened.workbench.session
    in_queue(session, 7, 20, 28)
    qtbot.waitUntil(lambda: [each.z for each in panel.entries] == [7, 20, 28], timeout=5000)
    item = panel.list.item(1)
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=panel.list.visualItemRect(item).center())
    assert session.view.z == 20 and session.feature.name == "ribosome"
    answer = predicted(qtbot, opened, 20)
    QTest.keyClick(panel.list, Qt.Key.Key_Return)
    labels = session.project.labels(session.tomogram, "ribosome")
    assert labels.annotated_slices() == [20]
    np.testing.assert_array_equal(labels.read_plane("z", 20) == 1, answer.planes["ribosome"] >= 0.5)
    assert [each.z for each in panel.entries] == [7, 28] and session.view.z == 28
    opened.actions_by_id.trigger("edit.undo")
    qtbot.waitUntil(lambda: [each.z for each in panel.entries] == [7, 20, 28], timeout=5000)


def test_return_first_goes_there_and_takes_nothing_unseen(panel, opened, qtbot):
    session = opened.workbench.session
    in_queue(session, 7)
    qtbot.waitUntil(lambda: len(panel.entries) == 1, timeout=5000)
    panel.list.setCurrentRow(0)
    assert session.view.z != 7
    QTest.keyClick(panel.list, Qt.Key.Key_Return)
    assert session.view.z == 7 and not session.project.labels(session.tomogram, "ribosome").annotated_slices()


def test_skipped_and_annotated_ones_leave(panel, opened, qtbot):
    session = opened.workbench.session
    in_queue(session, 7, 20, 28)
    qtbot.waitUntil(lambda: len(panel.entries) == 3, timeout=5000)
    panel.list.setCurrentRow(0)
    QTest.mouseClick(panel.skip, Qt.MouseButton.LeftButton)
    assert [each.z for each in panel.entries] == [20, 28]
    session.project.labels(session.tomogram, "ribosome").mark("z", 28)
    qtbot.waitUntil(lambda: [each.z for each in panel.entries] == [20], timeout=5000)


def test_a_part_is_outlined_while_its_slice_is_in_view(panel, opened, qtbot):
    session = opened.workbench.session
    in_queue(session, 7, part=True)
    qtbot.waitUntil(lambda: len(panel.entries) == 1, timeout=5000)
    assert panel.entries[0].part == (32, 64, 36, 76) and not panel.outlined
    panel.list.setCurrentRow(0)
    panel.jump()
    qtbot.waitUntil(lambda: panel.outlined, timeout=5000)
    assert (session.view.y, session.view.x) == (48, 56)
    session.view.z = 9
    qtbot.waitUntil(lambda: not panel.outlined, timeout=5000)


def test_a_network_that_is_off_is_not_asked(panel, opened, qtbot):
    project = opened.workbench.project
    set_style(project, project.models[0].id, ModelStyle(on=False))
    qtbot.waitUntil(lambda: not panel.suggest.isEnabled(), timeout=5000)
    models.remove(opened.workbench.session, project.models[0].id)
    qtbot.waitUntil(lambda: "Train or open a network" in panel.nothing.text(), timeout=5000)

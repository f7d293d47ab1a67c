"""The Train tab: a training from the form to the network, its preview, runs, networks and interactions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QRect, Qt
from PyQt6.QtTest import QTest

import ais_app
from ais_app.core.errors import ParameterProblem
from ais_app.core.prediction.interactions import Rule
from ais_app.core.training.parameters import TrainParams
from ais_app.state.commands import interactions, models, training
from ais_app.state.commands.training import TrainingRequest
from ais_app.state.project import Project
from ais_app.state.shown_models import shown_models

QUICK = TrainParams(architecture="vggnet_s", epochs=2, draws=1, boxes=8, box_size=16, batch=4, validation="slab",
                    validation_share=0.34)  # fmt: skip
TORCH = ais_app.PredictionParams(engine="torch")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="session")
def network(phantom, tmp_path_factory):
    """A network of the membranes, of two epochs."""
    folder = tmp_path_factory.mktemp("network")
    with Project.create(folder / "P.aisproj") as project:
        entry = project.add_tomogram(phantom / "tomogram.mrc")
        project.import_labels(entry, "membrane", phantom / "membrane.mrc", slices=[8, 12, 16, 20])
    return ais_app.train(folder / "P.aisproj", "membrane", folder / "membrane.aismodel", QUICK).model


@pytest.fixture
def panel(opened):
    opened.workbench.session.view.tab = "train"
    return opened.tabs[1].panel


def settled(qtbot, window, timeout=30_000):
    preview = window.workbench.preview
    qtbot.waitUntil(lambda: not preview.busy, timeout=timeout)
    return preview.answer


def test_a_network_of_volumes_begins_with_cubes(panel, qtbot):
    setup = panel.setup
    qtbot.waitUntil(lambda: setup.architecture.findData("unet3d") >= 0, timeout=30_000)
    before = setup.request().params.depth
    setup.architecture.setCurrentIndex(setup.architecture.findData("unet3d"))
    assert (setup.request().params.architecture, setup.request().params.depth) == ("unet3d", 1)
    setup.form.set_value(replace(setup.form.value(), depth=32))
    assert setup.form.is_valid and setup.request().params.depth == 32
    setup.architecture.setCurrentIndex(setup.architecture.findData("unet_s"))
    assert setup.request().params.depth == before


def test_a_training_goes_on_from_a_shipped_network(panel):
    setup = panel.setup
    box = setup.parent_model
    names = [box.itemText(i) for i in range(box.count())]
    assert names[0] == "fresh weights"
    assert {"membrane (shipped)", "ribosome (shipped)", "microtubule (shipped)"} <= set(names)
    box.setFocus()
    for _ in range(names.index("microtubule (shipped)")):
        QTest.keyClick(box, Qt.Key.Key_Down)
    request = setup.request()
    assert request.parent is not None and request.parent.name == "microtubule.aismodel"
    assert (request.params.architecture, request.params.depth, request.params.voxel_size) == ("unet_s", 7, 20.0)


def test_train_from_the_form(panel, opened, qtbot):
    panel.setup.form.set_value(QUICK)
    panel.setup._choose(panel.setup.architecture, "vggnet_s")
    qtbot.waitUntil(lambda: panel.setup.architecture.findData("vggnet_s") >= 0, timeout=20_000)
    panel.setup.architecture.setCurrentIndex(panel.setup.architecture.findData("vggnet_s"))
    assert "million" in panel.setup.cost.text()
    request = panel.setup.request()
    assert (request.feature, request.negatives, request.params.architecture) == ("membrane", ("ribosome",), "vggnet_s")
    seen = []
    opened.workbench.preview.shown.connect(seen.append)
    QTest.mouseClick(panel.setup.start, Qt.MouseButton.LeftButton)
    project = opened.workbench.project
    assert [run.state for run in project.runs] == ["training"]
    qtbot.waitUntil(lambda: project.runs[0].state == "finished", timeout=60_000)
    (run,) = project.runs
    assert run.model == project.folder / "models" / "membrane 1.aismodel" and len(run.scores["history"]) == 2
    assert [entry.name for entry in project.models] == ["membrane 1"]
    answer = settled(qtbot, opened)
    # what is on the slice is what a segmentation would write there
    model = ais_app.load_model(run.model)
    tomogram = opened.workbench.session.volume(answer.tomogram)
    np.testing.assert_array_equal(
        answer.planes["membrane"], ais_app.predict_slab(model, tomogram, answer.z, params=TORCH)
    )
    assert panel.runs.rowCount() == 1 and panel.curves.isVisibleTo(panel)


def test_while_it_trains_the_curves_are_seen_without_scrolling(panel, opened, qtbot):
    assert (opened.width(), opened.height()) == (1280, 800) and not panel.setup.is_folded
    panel.setup.form.set_value(TrainParams(**{**QUICK.to_dict(), "epochs": 200, "draws": 4}))
    panel._scroll.verticalScrollBar().setValue(10_000)  # the button is below the form
    QTest.mouseClick(panel.setup.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(opened.workbench.trainings.active[0].history) >= 1, timeout=60_000)
    qtbot.wait(300)
    viewport = panel._scroll.viewport()
    assert panel.setup.is_folded and "200 epochs" in panel.setup.summary.text()
    parts = (panel.setup.feature, panel.setup.start, panel.under_way, panel.curves.loss, panel.curves.dice)
    for widget in parts:
        place = QRect(widget.mapTo(viewport, QPoint(0, 0)), widget.size())
        assert widget.isVisible() and viewport.rect().contains(place), (place, viewport.rect())
    QTest.mouseClick(panel.setup.toggle, Qt.MouseButton.LeftButton)
    assert not panel.setup.is_folded and panel.setup.form.isVisible()
    opened.workbench.trainings.active[0].handle.stop()
    qtbot.waitUntil(lambda: not opened.workbench.trainings.active, timeout=60_000)
    assert not panel.setup.is_folded  # it stays as a person left it


def test_nothing_annotated_is_said_at_once(panel, opened):
    opened.workbench.project.add_feature("actin")
    said = []
    opened.workbench.notified.connect(said.append)
    panel.setup.feature.setCurrentText("actin")
    QTest.mouseClick(panel.setup.start, Qt.MouseButton.LeftButton)
    assert len(said) == 1 and "not annotated" in said[0].text and not opened.workbench.project.runs


def test_stop_keeps_the_best_and_it_goes_on(panel, opened, qtbot):
    long = TrainingRequest("membrane", TrainParams(**{**QUICK.to_dict(), "epochs": 200, "draws": 4}))
    trainings, project = opened.workbench.trainings, opened.workbench.project
    run = trainings.start(long, pytest.fail)
    qtbot.waitUntil(lambda: len(trainings.active[0].history) >= 2, timeout=60_000)
    row = panel.under_way.findChildren(type(panel.setup.start))
    pause, stop = (next(b for b in row if b.text() == text) for text in ("Pause", "Stop and keep best"))
    QTest.mouseClick(pause, Qt.MouseButton.LeftButton)
    handle = trainings.active[0].handle
    assert handle.state == "paused" and pause.text() == "Resume"
    done = handle.progress.done
    qtbot.wait(300)
    assert handle.progress.done <= done + 5  # what was said before it halted
    done = handle.progress.done
    qtbot.wait(300)
    assert handle.progress.done == done
    QTest.mouseClick(pause, Qt.MouseButton.LeftButton)
    QTest.mouseClick(stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: project.run(run).state == "stopped", timeout=30_000)
    before = len(project.run(run).scores["history"])
    assert project.run(run).model.exists() and project.run(run).checkpoint.exists()
    panel.runs.resume(run.id)
    qtbot.waitUntil(lambda: trainings.active and len(trainings.active[0].history) > before, timeout=60_000)
    trainings.active[0].handle.stop()
    qtbot.waitUntil(lambda: not trainings.active, timeout=30_000)
    history = project.run(run).scores["history"]
    assert [entry["epoch"] for entry in history] == list(range(1, len(history) + 1))
    assert [model.name for model in project.models] == ["membrane 1"]  # the same file, written anew


def test_a_network_is_dropped_shown_and_styled(panel, opened, network, qtbot):
    opened.open_files([network])
    (shown,) = shown_models(opened.workbench.project)
    assert shown.feature == "membrane" and shown.style.on
    answer = settled(qtbot, opened)
    assert set(answer.planes) == {"membrane"}
    card = panel.models.card(shown.entry.id)
    restyled = []
    opened.workbench.preview.restyled.connect(lambda: restyled.append(1))
    card.threshold.slider.setValue(0.8)
    assert shown_models(opened.workbench.project)[0].threshold == pytest.approx(0.8, abs=0.02) and restyled
    QTest.mouseClick(card.on, Qt.MouseButton.LeftButton, pos=card.on.rect().center())
    card.on.setChecked(False)
    assert settled(qtbot, opened) is None
    QTest.mouseClick(card.remove, Qt.MouseButton.LeftButton)
    assert not opened.workbench.project.models
    opened.actions_by_id.trigger("edit.undo")
    assert len(opened.workbench.project.models) == 1


def test_interactions_act_without_running_a_network(panel, opened, network, phantom, tmp_path, qtbot, monkeypatch):
    other = ais_app.load_model(network)
    card = type(other.card).from_dict({**other.card.to_dict(), "feature": "ribosome"})
    second = ais_app.save_model(ais_app.Model(other.network, card), tmp_path / "ribosome.aismodel")
    opened.open_files([network, second])
    before = settled(qtbot, opened).planes
    np.testing.assert_array_equal(before["membrane"], before["ribosome"])
    QTest.mouseClick(panel.interactions.add, Qt.MouseButton.LeftButton)
    session = opened.workbench.session
    (rule,) = interactions.graph(session).steps
    assert isinstance(rule, Rule) and (rule.kind, rule.child, rule.parent) == ("avoid", "ribosome", "membrane")
    settled(qtbot, opened)
    # from here on no network may run
    from ais_app.core.prediction import live

    monkeypatch.setattr(live, "engine_for", lambda *_: pytest.fail("a network runs"))
    panel.interactions.cards[0].radius.slider.setValue(3.0)
    answer = settled(qtbot, opened)
    assert interactions.graph(session).steps[0].radius == pytest.approx(30.0, abs=3)
    sure = before["membrane"] > 0.5
    assert not answer.planes["ribosome"][sure].any()
    graph = interactions.graph(session)
    volumes = {name: plane[None] for name, plane in before.items()}
    size = session.tomogram.voxel_size_zyx
    np.testing.assert_array_equal(answer.planes["ribosome"], graph.apply(volumes, size)["ribosome"][0])


def test_add_interaction_offers_what_is_not_there_yet(panel, opened, network, tmp_path):
    other = ais_app.load_model(network)
    card = type(other.card).from_dict({**other.card.to_dict(), "feature": "ribosome"})
    second = ais_app.save_model(ais_app.Model(other.network, card), tmp_path / "ribosome.aismodel")
    opened.open_files([network, second])
    session, add = opened.workbench.session, panel.interactions.add
    for _ in range(6):  # more often than there are rules to add
        QTest.mouseClick(add, Qt.MouseButton.LeftButton)
    said = [(step.kind, step.child, step.parent) for step in interactions.graph(session).steps]
    assert said == [
        ("avoid", "ribosome", "membrane"), ("colocalise", "ribosome", "membrane"),
        ("avoid", "membrane", "ribosome"), ("colocalise", "membrane", "ribosome"),
    ]  # fmt: skip
    assert not add.isEnabled() and "already" in add.toolTip()
    with pytest.raises(ParameterProblem, match="is interaction 1 already"):
        interactions.add_rule(session, "avoid", "ribosome", "membrane")
    # a rule that becomes what another one says is marked, until it says something else
    second_card = panel.interactions.cards[1]
    assert not second_card.again.isVisibleTo(second_card)
    second_card.kind.setFocus()
    QTest.keyClick(second_card.kind, Qt.Key.Key_Up)
    assert interactions.graph(session).steps[1].kind == "avoid"
    assert second_card.again.isVisibleTo(second_card) and "Interaction 1" in second_card.again.text()
    QTest.keyClick(second_card.kind, Qt.Key.Key_Down)
    assert not second_card.again.isVisibleTo(second_card)


def test_competition_by_check_boxes(panel, opened, network, tmp_path):
    other = ais_app.load_model(network)
    card = type(other.card).from_dict({**other.card.to_dict(), "feature": "ribosome"})
    second = ais_app.save_model(ais_app.Model(other.network, card), tmp_path / "ribosome.aismodel")
    opened.open_files([network, second])
    session = opened.workbench.session
    first, last = (panel.models.card(entry.id) for entry in opened.workbench.project.models)
    first.emit.click()
    assert first.emit.isChecked() and not interactions.graph(session).steps
    last.absorb.click()
    (step,) = interactions.graph(session).steps
    assert (step.emit, step.absorb) == (("membrane",), ("ribosome",))
    models.remove(session, opened.workbench.project.models[1].id)
    assert not interactions.graph(session).steps


def test_an_earlier_network_is_restored(panel, opened, network):
    project = opened.workbench.project
    session = opened.workbench.session
    runs = []
    for number in (1, 2):
        copy = ais_app.load_model(network)
        card = type(copy.card).from_dict({**copy.card.to_dict(), "threshold": 0.1 * number})
        path = ais_app.save_model(ais_app.Model(copy.network, card), project.folder / f"m{number}.aismodel")
        runs.append(project.add_run(f"run {number}", parameters=TrainingRequest("membrane", QUICK).to_dict()))
        training.finish(session, runs[-1].id, path, [{"epoch": 1, "dice": 0.5}], "nothing", True)
        training.use(session, runs[-1].id)
    assert [model.style.on for model in shown_models(project)] == [False, True]
    panel.runs.use(runs[0].id)
    assert [model.style.on for model in shown_models(project)] == [True, False]


def test_a_damaged_network_is_one_message(panel, opened, tmp_path):
    (tmp_path / "bad.aismodel").write_bytes(b"nothing")
    said = []
    opened.workbench.notified.connect(said.append)
    opened.open_files([tmp_path / "bad.aismodel"])
    assert len(said) == 1 and "bad.aismodel" in said[0].text and not opened.workbench.project.models


def test_killed_while_training_it_can_be_resumed(project, tmp_path):
    """kill -9 in the middle of a training: the run is shown as interrupted and goes on from its checkpoint."""
    program = f"""
        import sys
        from ais_app.views.widgets.application import application
        app = application()
        from ais_app.core.training.parameters import TrainParams
        from ais_app.state.commands.training import TrainingRequest
        from ais_app.state.project import Project
        from ais_app.views.workbench import Workbench
        import ais_app.core.training.trainer as trainer
        trainer.CHECKPOINT_SECONDS = 0.0
        bench = Workbench({str(tmp_path / "s")!r}, {str(tmp_path / "d")!r})
        bench.session.open(Project.open({str(project)!r}))
        params = TrainParams(**{{**{QUICK.to_dict()!r}, "epochs": 500}})
        bench.trainings.start(TrainingRequest("membrane", params), print)
        def show(run):
            print(len(bench.project.run(run).scores.get("history", [])), flush=True)
        bench.trainings.changed.connect(show)
        app.exec()
    """
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as child:
        line = ""
        while line.strip() != "3":
            line = child.stdout.readline()
            assert line, "it ended"
        child.send_signal(signal.SIGKILL)
    with Project.open(project) as opened:
        (run,) = opened.runs
        assert run.state == "interrupted" and len(run.scores["history"]) >= 3
        assert json.dumps(run.parameters)

"""The preview answers with torch while the fastest engine is being made, and again with that one."""

from __future__ import annotations

import threading

import pytest

from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model
from ais_app.core.prediction import engines as core_engines
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.workers.engines import Engines


@pytest.fixture
def model():
    return new_model(ModelCard("unet_s"))


@pytest.fixture
def made(qtbot):
    workers = []

    def make(engine: str) -> Engines:
        workers.append(Engines(PredictionParams(engine=engine)))
        return workers[-1]

    yield make
    for each in workers:
        each.close()


def test_torch_is_there_at_once(made, model):
    assert made("torch").is_ready("net", model)


def test_another_one_is_made_in_the_background_once(made, model, qtbot, monkeypatch):
    go_on, asked = threading.Event(), []

    def slow(*arguments: object) -> None:
        asked.append(arguments)
        go_on.wait(10)

    monkeypatch.setattr(core_engines, "engine_for", slow)
    workers = made("auto")
    assert not workers.is_ready("net", model) and not workers.is_ready("net", model)
    with qtbot.waitSignal(workers.ready, timeout=10_000):
        go_on.set()
    assert workers.is_ready("net", model)
    assert asked == [(model.network, "auto", "auto")]


def test_one_that_cannot_be_made_holds_nothing_up(made, model, qtbot, monkeypatch):
    def broken(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(core_engines, "engine_for", broken)
    workers = made("openvino")
    with qtbot.waitSignal(workers.ready, timeout=10_000):
        workers.is_ready("net", model)
    assert workers.is_ready("net", model)


def test_closing_begins_no_more(made, model, monkeypatch):
    monkeypatch.setattr(core_engines, "engine_for", lambda *_: None)
    workers = made("auto")
    workers.is_ready("one", model)
    workers.close()
    with pytest.raises(RuntimeError):
        workers.is_ready("two", model)

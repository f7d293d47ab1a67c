"""Requests to the live preview: cancelled, from many threads, the newest first, refused where they are wrong."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from tiny_networks import EXACT, Counted, level, live_models, make_model, make_tomogram, volume_slice

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import JobCancelled
from ais_app.core.prediction.interactions import InteractionGraph, Rule
from ais_app.core.prediction.live import LiveModel, LivePrediction, SliceInView
from ais_app.core.prediction.predict import predict_slab

pytestmark = pytest.mark.usefixtures("one_thread")


def test_cancelling_between_windows(monkeypatch):
    counted = Counted(monkeypatch)
    preview = LivePrediction(replace(EXACT, tile=30))
    view = SliceInView(make_tomogram(), "t", 6)
    with pytest.raises(JobCancelled):
        preview.raw(LiveModel(make_model(), "m"), view, cancelled=lambda: counted.windows >= 2)
    assert counted.windows == 2
    found = preview.raw(LiveModel(make_model(), "m"), view)
    np.testing.assert_array_equal(found, predict_slab(make_model(), view.tomogram, 6, params=preview.params))


def test_cancelling_between_slices_keeps_those_that_are_done(monkeypatch):
    counted = Counted(monkeypatch)
    models = live_models([make_model(f, s) for s, f in enumerate("ab")])
    graph = InteractionGraph((Rule("avoid", "a", "b", 0.5, 50.0, "ball"),))
    preview, view = LivePrediction(EXACT), SliceInView(make_tomogram(), "t", 6)
    with pytest.raises(JobCancelled):
        preview.combined(models, graph, view, cancelled=lambda: counted.windows >= 4)
    assert preview.is_cached(models, None, view)  # the slice in view comes first
    preview.combined(models, graph, view)
    assert counted.windows == 2 + 10


def test_the_newest_request_wins(monkeypatch):
    """While one request computes, two more come; the first and the second are cancelled, the third is answered."""
    counted = Counted(monkeypatch)
    preview, tomogram, model = LivePrediction(replace(EXACT, tile=30)), make_tomogram(), LiveModel(make_model(), "m")
    newest, started, go_on = [0], threading.Event(), threading.Event()
    outcomes = {}

    def hold():
        started.set()
        go_on.wait(10)

    def request(number):
        try:
            view = SliceInView(tomogram, "t", number)
            outcomes[number] = preview.raw(model, view, cancelled=lambda: newest[0] != number)
        except JobCancelled:
            outcomes[number] = "cancelled"

    counted.at_each = hold
    threads = [threading.Thread(target=request, args=(number,)) for number in range(3)]
    threads[0].start()
    assert started.wait(10)
    for number in (1, 2):
        newest[0] = number
        threads[number].start()
    threads[1].join(10)  # it does not wait for the one that computes
    assert outcomes == {1: "cancelled"}
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert outcomes[0] == "cancelled"
    np.testing.assert_array_equal(outcomes[2], predict_slab(model.model, tomogram, 2, params=preview.params))


def test_many_threads_at_once(monkeypatch):
    counted = Counted(monkeypatch)
    models = [make_model(f, s) for s, f in enumerate("ab")]
    graph = InteractionGraph((Rule("avoid", "a", "b", level(models[1], make_tomogram()), 20.0, "ball"),))
    preview, tomogram, found = LivePrediction(EXACT), make_tomogram(), {}

    def ask(z):
        view = SliceInView(tomogram, "t", z)
        found[z] = preview.combined(live_models(models), graph, view)["a"]
        assert preview.recombine(live_models(models), graph, view) is not None

    threads = [threading.Thread(target=ask, args=(z,)) for z in range(5, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for z, plane in found.items():
        np.testing.assert_array_equal(plane, volume_slice(models, graph, SliceInView(tomogram, "t", z))["a"])
    assert len(found) == 4 and counted.windows == 4 + 8  # each slice once: 5 to 8 of a, 3 to 10 of b


def test_wrong_requests_are_refused():
    preview, tomogram = LivePrediction(EXACT), make_tomogram()
    with pytest.raises(ParameterProblem, match="there are none"):
        preview.combined([], None, SliceInView(tomogram, "t", 0))
    with pytest.raises(ParameterProblem, match="14:15 along z"):
        preview.raw(LiveModel(make_model(), "m"), SliceInView(tomogram, "t", 14))
    with pytest.raises(ParameterProblem, match="no model predicts it"):
        graph = InteractionGraph((Rule("avoid", "a", "b"),))
        preview.combined([LiveModel(make_model(), "m")], graph, SliceInView(tomogram, "t", 0))

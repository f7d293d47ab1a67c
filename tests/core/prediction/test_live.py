"""The live preview: the same numbers as the volume, and nothing computed twice."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from tiny_networks import EXACT, Counted, level, live_models, make_model, make_tomogram, volume_slice

from ais_app.core.prediction.interactions import Competition, InteractionGraph, Rule
from ais_app.core.prediction.live import LiveModel, LivePrediction, SliceInView
from ais_app.core.prediction.predict import predict_slab

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("part", [None, np.s_[11:39, 20:52]])
@pytest.mark.parametrize("change", [{}, {"depth": 3}, {"voxel_size": 13.0}, {"tile": 30}, {"tta": 4}])
def test_equals_that_slice_of_the_volume_bit_for_bit(part, change):
    """A chain of rules through the slices, a competition, two models of one feature; every way to compute."""
    card = {name: change[name] for name in ("depth", "voxel_size") if name in change}
    params = replace(EXACT, **{name: change[name] for name in ("tile", "tta") if name in change})
    models = [make_model(f, s, **card) for s, f in enumerate("abcb")]
    view = SliceInView(make_tomogram(), "t", 6, part)
    graph = InteractionGraph(
        (
            Competition(("a", "b"), ("c",)),
            Rule("avoid", "a", "b", level(models[1], view.tomogram), 31.0, "ball"),
            Rule("colocalise", "c", "a", 0.05, 25.0, "ball"),
            Rule("avoid", "b", "c", level(models[2], view.tomogram), 15.0, "disk"),
        )
    )
    preview, shown = LivePrediction(params), live_models(models)
    expected = volume_slice(models, graph, view, params)
    for found in (preview.combined(shown, graph, view), preview.recombine(shown, graph, view)):
        assert list(found) == list("abc")
        for name in "abc":
            np.testing.assert_array_equal(found[name], expected[name])
    raw = volume_slice(models, InteractionGraph(), view, params)
    assert any((raw[name] != expected[name]).any() for name in "abc")  # the rules did something


def test_without_a_graph_the_cards_compete():
    models = [make_model("a", 1, emit=True), make_model("b", 2, absorb=True)]
    view = SliceInView(make_tomogram(), "t", 3)
    found = LivePrediction(EXACT).combined(live_models(models), None, view)
    expected = volume_slice(models, None, view)
    np.testing.assert_array_equal(found["b"], expected["b"])
    assert (found["b"] == 0).any()


def test_raw_is_the_slab_and_is_kept(monkeypatch):
    counted = Counted(monkeypatch)
    model, view = make_model(), SliceInView(make_tomogram(), "t", 2, np.s_[5:40, 3:30])
    preview, shown = LivePrediction(EXACT), LiveModel(model, "m")
    assert not preview.is_cached([shown], InteractionGraph(), view)
    found = preview.raw(shown, view)
    expected = predict_slab(model, view.tomogram, 2, region=view.region, params=EXACT)
    np.testing.assert_array_equal(found, expected)
    assert not found.flags.writeable
    assert preview.is_cached([shown], InteractionGraph(), view)
    assert preview.raw(shown, view) is not None and counted.windows == 1


def test_a_slider_runs_no_network(monkeypatch):
    counted = Counted(monkeypatch)
    models = [make_model(f, s) for s, f in enumerate("abc")]
    view, shown = SliceInView(make_tomogram(), "t", 6), live_models(models)
    preview, threshold = LivePrediction(EXACT), level(models[1], make_tomogram())

    def graph(radius, shape="ball", kind="avoid", threshold=threshold):
        return InteractionGraph((Rule(kind, "a", "b", threshold, radius, shape),))

    assert preview.recombine(shown, graph(50.0), view) is None
    preview.combined(shown, graph(50.0), view)
    before = counted.windows
    assert before == 3 + 2 * 5  # the slice of all three, and the parent's in the five slices on either side
    wishes = [graph(r, s) for r in (0.0, 10.0, 49.0) for s in ("ball", "disk")]
    wishes += [graph(30.0, "ball", "colocalise"), graph(30.0, "ball", "avoid", 0.99 * threshold)]
    for wish in wishes:
        np.testing.assert_array_equal(preview.recombine(shown, wish, view)["a"], volume_slice(models, wish, view)["a"])
    assert counted.windows == before
    assert preview.recombine(shown, graph(60.0), view) is None  # the slices six away are not there yet
    assert not preview.is_cached(shown, graph(60.0), view)
    preview.combined(shown, graph(60.0), view)
    assert counted.windows == before + 2


def test_a_radius_can_change_on_a_part_of_the_slice(monkeypatch):
    counted = Counted(monkeypatch)
    models = [make_model(f, s) for s, f in enumerate("ab")]
    view = SliceInView(make_tomogram((3, 300, 310)), "t", 1, np.s_[100:150, 90:180])
    preview, shown = LivePrediction(EXACT), live_models(models)
    high = level(models[1], make_tomogram())
    graphs = [InteractionGraph((Rule("avoid", "a", "b", high, radius),)) for radius in (10.0, 333.3, 640.0)]
    preview.combined(shown, graphs[0], view)
    before = counted.windows
    for graph in graphs:
        np.testing.assert_array_equal(
            preview.recombine(shown, graph, view)["a"], volume_slice(models, graph, view)["a"]
        )
    assert counted.windows == before


def test_hiding_a_model_computes_nothing(monkeypatch):
    counted = Counted(monkeypatch)
    models = live_models([make_model(f, s) for s, f in enumerate("abc")])
    view, preview = SliceInView(make_tomogram(), "t", 6), LivePrediction(EXACT)
    preview.combined(models, None, view)
    before = counted.windows
    preview.combined(models[:1], None, view)  # first to learn how its slices are cut, then from what is kept
    assert preview.recombine(models[:1], None, view) is not None
    assert counted.windows == before


def test_the_next_epoch_replaces_the_one_before():
    first, second = make_model(seed=1), make_model(seed=2)
    view, preview = SliceInView(make_tomogram(), "t", 6), LivePrediction(EXACT)
    one = preview.raw(LiveModel(first, "run", 1, by_torch=True), view)
    kept = preview.bytes
    two = preview.raw(LiveModel(second, "run", 2, by_torch=True), view)
    assert preview.bytes == kept
    assert not preview.is_cached([LiveModel(first, "run", 1, by_torch=True)], None, view)
    np.testing.assert_array_equal(two, predict_slab(second, view.tomogram, 6, params=EXACT))
    assert (one != two).any()


def test_what_is_closed_is_forgotten():
    model, preview = LiveModel(make_model(), "m"), LivePrediction(EXACT)
    views = [SliceInView(make_tomogram(seed=s), f"t{s}", 6) for s in (0, 1)]
    planes = [preview.raw(model, view) for view in views]
    assert (planes[0] != planes[1]).any()
    preview.forget(tomogram="t0")
    assert [preview.is_cached([model], None, view) for view in views] == [False, True]
    preview.forget(model="m")
    assert preview.bytes == 0


def test_memory_is_bounded_and_the_last_used_stays():
    plane = 60 * 52 * 4
    preview, model, tomogram = LivePrediction(EXACT, memory_bytes=4 * plane), LiveModel(make_model(), "m"), None
    tomogram = make_tomogram()
    views = [SliceInView(tomogram, "t", z) for z in range(8)]
    for view in views:
        preview.raw(model, view)
        preview.raw(model, views[0])
    assert preview.bytes <= 4 * plane
    assert [preview.is_cached([model], None, view) for view in views] == [True, *[False] * 4, *[True] * 3]


def test_a_result_larger_than_the_memory_is_still_right():
    models = [make_model(f, s) for s, f in enumerate("ab")]
    view = SliceInView(make_tomogram(), "t", 6)
    graph = InteractionGraph((Rule("avoid", "a", "b", level(models[1], view.tomogram), 40.0, "ball"),))
    preview = LivePrediction(EXACT, memory_bytes=20000)
    np.testing.assert_array_equal(
        preview.combined(live_models(models), graph, view)["a"], volume_slice(models, graph, view)["a"]
    )
    assert preview.recombine(live_models(models), graph, view) is None


def test_a_slider_is_quick():
    """512 x 512, three features: a radius and a threshold seen before only compare numbers."""
    preview, shape = LivePrediction(EXACT), (11, 512, 512)
    models = live_models([make_model(f, s) for s, f in enumerate("abc")])
    view = SliceInView(make_tomogram(shape), "t", 5)
    high = level(models[1].model, view.tomogram, 0.999)
    rules = [[Rule("avoid", c, "b", high, 10.0 * n, "ball" if n else "disk") for c in "ac"] for n in range(6)]
    preview.combined(models, InteractionGraph(tuple(rules[5])), view)
    seconds = []
    for rule in rules:
        start = time.perf_counter()
        assert preview.recombine(models, InteractionGraph(tuple(rule)), view) is not None
        seconds.append(time.perf_counter() - start)
    assert min(seconds[1:]) < 0.2  # hundredths on a quiet machine

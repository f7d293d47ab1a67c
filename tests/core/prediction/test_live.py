"""The live preview: the same numbers as the volume, nothing computed twice, the newest request first."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.model.package import ModelCard, new_model
from ais_app.core.prediction import live as live_module
from ais_app.core.prediction.distances import KeptDistances, squared_distances
from ais_app.core.prediction.engines import engine_for
from ais_app.core.prediction.interactions import Competition, InteractionGraph, Rule
from ais_app.core.prediction.live import LiveModel, LivePrediction, SliceInView
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.prediction.plane_cache import PlaneCache
from ais_app.core.prediction.predict import predict_slab, predict_volume
from ais_app.core.prediction.region_job import predict_region_job
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.binning import bin_mean

EXACT = PredictionParams(engine="torch", precision="float32")
TINY = """
from torch import nn
from ais_app.models import Architecture

def build(depth=1):
    return nn.Sequential(
        nn.Conv2d(depth, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 12, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv2d(12, 1, 3, padding=1),
    )

ARCHITECTURE = Architecture("tiny", "Tiny", dimension=2, stride=2, receptive_field=10, build=build)
"""


pytestmark = pytest.mark.usefixtures("one_thread")


def make_model(feature="a", seed=1, **card):
    torch.manual_seed(seed)
    model = new_model(ModelCard("tiny", feature=feature, **card), source=TINY)
    model.network.eval()
    return model


def make_tomogram(shape=(14, 60, 52), seed=0):
    grey = np.random.default_rng(seed).normal(100, 20, shape).astype(np.float32)
    return Tomogram(grey, voxel_size_zyx=(10.0, 10.0, 10.0))


def live_models(models):
    return [LiveModel(model, name=f"{model.card.feature} {at}") for at, model in enumerate(models)]


def volume_slice(models, graph, view, params=EXACT):
    rows, columns = view.region or (slice(None), slice(None))
    region = (slice(view.z, view.z + 1), rows, columns)
    (found,) = predict_volume(models, view.tomogram, region=region, interactions=graph, params=params)
    return found.planes


def level(model, tomogram, share=0.97):
    """Return a probability that few voxels exceed, so that rules have something to do."""
    return float(np.quantile(predict_slab(model, tomogram, 7, params=EXACT), share))


class Counted:
    """Engines that count their windows, and can be told what to do at each."""

    def __init__(self, monkeypatch):
        self.windows, self.at_each = 0, lambda: None
        monkeypatch.setattr(live_module, "engine_for", self.make)

    def make(self, *arguments):
        engine, owner = engine_for(*arguments), self

        class Counting:
            name, batch, budget, bytes_per_value = engine.name, engine.batch, engine.budget, engine.bytes_per_value

            def infer(self, x):
                owner.windows += 1
                owner.at_each()
                return engine.infer(x)

        return Counting()


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


def test_wrong_requests_are_refused():
    preview, tomogram = LivePrediction(EXACT), make_tomogram()
    with pytest.raises(ParameterProblem, match="there are none"):
        preview.combined([], None, SliceInView(tomogram, "t", 0))
    with pytest.raises(ParameterProblem, match="14:15 along z"):
        preview.raw(LiveModel(make_model(), "m"), SliceInView(tomogram, "t", 14))
    with pytest.raises(ParameterProblem, match="no model predicts it"):
        graph = InteractionGraph((Rule("avoid", "a", "b"),))
        preview.combined([LiveModel(make_model(), "m")], graph, SliceInView(tomogram, "t", 0))


spacings = st.sampled_from([(13.6, 13.6, 13.6), (27.2, 13.6, 10.0), (3.0, 7.7, 20.0)])


@settings(max_examples=40, deadline=None)
@given(
    masks=arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 9)), elements=st.booleans()),
    centre=st.integers(0, 4),
    spacing=spacings,
)
def test_distances_to_masks_in_several_slices(masks, centre, spacing):
    layers = [(z - centre, mask) for z, mask in enumerate(masks) if mask.any()]
    assume(layers)
    places = np.argwhere(masks) * spacing
    grid = np.argwhere(np.ones(masks.shape[1:], bool)) * spacing[1:]
    squares = ((grid[:, None] - places[None, :, 1:]) ** 2).sum(-1) + (places[:, 0] - centre * spacing[0]) ** 2
    expected = squares.min(axis=1).reshape(masks.shape[1:])
    np.testing.assert_allclose(squared_distances(layers, spacing), expected, rtol=1e-6, atol=1e-6)


def test_distances_are_kept_by_content():
    masks = np.random.default_rng(0).random((4, 70, 33)) > 0.98
    cache, size = PlaneCache(2**20), (3.0, 7.7, 13.6)
    kept = KeptDistances(cache)
    for layers in ([(0, masks[0])], [(-1, masks[0]), (0, masks[1])], [(0, masks[0].copy())]):
        np.testing.assert_array_equal(kept(layers, size), squared_distances(layers, size))
    assert cache.bytes == 2 * 70 * 33 * 4
    kept([(0, masks[0])], (3.0, 7.7, 13.7))
    assert cache.bytes == 3 * 70 * 33 * 4


@pytest.mark.parametrize("binning", [1, 3])
def test_a_region_as_a_volume(binning):
    models = [make_model(f, s) for s, f in enumerate("ab")]
    tomogram, region = make_tomogram(), np.s_[2:10, 5:40, 3:33]
    graph = InteractionGraph((Rule("avoid", "a", "b", level(models[1], tomogram), 20.0, "ball"),))
    slices = predict_volume(models, tomogram, region=region, interactions=graph, params=EXACT)
    whole = np.stack([current.planes["a"] for current in slices])
    seen = []
    found = run(predict_region_job(models, graph, tomogram, region, binning, params=EXACT), seen.append)
    assert sorted(found) == ["a", "b"] and found["a"].dtype == np.float32
    np.testing.assert_allclose(found["a"], bin_mean(whole, binning), atol=1e-6)
    assert [progress.done for progress in seen] == list(range(9))
    coarse = run(predict_region_job(models, graph, tomogram, region, binning, as_bytes=True, params=EXACT))
    assert coarse["a"].dtype == np.uint8
    assert abs(coarse["a"] / 255 - found["a"]).max() <= 0.5 / 255 + 1e-6


def test_a_region_can_be_stopped_and_leaves_no_thread():
    before = set(threading.enumerate())
    job = predict_region_job([make_model()], None, make_tomogram((50, 40, 40)), params=EXACT)
    asked = iter([False, False, True])
    with pytest.raises(JobCancelled):
        run(job, stop=lambda: next(asked))
    assert set(threading.enumerate()) <= before
    with pytest.raises(ParameterProblem, match="binning"):
        run(predict_region_job([make_model()], None, make_tomogram(), binning=0))

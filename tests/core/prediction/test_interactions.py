import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.prediction.interactions import Competition, InteractionGraph, Rule
from ais_app.core.prediction.suppression import Slice

FEATURES = ("membrane", "carbon", "antibody")


def brute_force(graph, volumes, spacing):
    """Follow the words of the paper voxel by voxel."""
    now = {name: volume.copy() for name, volume in volumes.items()}
    removed = {name: np.zeros(volume.shape, np.uint8) for name, volume in volumes.items()}
    grid = np.stack(np.meshgrid(*map(np.arange, now["carbon"].shape), indexing="ij"), -1).reshape(-1, 3)
    for number, step in enumerate(graph.steps, 1):
        before = {name: volume.copy() for name, volume in now.items()}
        if isinstance(step, Competition):
            highest = np.max([before[name] for name in step.emit], axis=0)
            changes = {name: before[name] < highest for name in step.absorb}
        else:
            parents = grid[before[step.parent].ravel() > step.threshold]
            near = np.zeros(len(grid), bool)
            for i, voxel in enumerate(grid):
                offset = (parents - voxel) * spacing
                if step.shape == "disk":
                    offset = offset[offset[:, 0] == 0]
                near[i] = bool((np.sqrt((offset**2).sum(1)) <= step.radius * (1 + 1e-6)).any())
            near = near.reshape(before[step.child].shape)
            changes = {step.child: ~near if step.kind == "colocalise" else near}
        for name, gone in changes.items():
            removed[name][gone & (now[name] > 0)] = number
            now[name][gone] = 0
    return now, removed


names = st.sampled_from(FEATURES)
competitions = st.builds(
    Competition, st.lists(names, min_size=1, max_size=3).map(tuple), st.lists(names, min_size=1, max_size=3).map(tuple)
)
rules = st.builds(
    lambda kind, pair, threshold, radius, shape: Rule(kind, pair[0], pair[1], threshold, radius, shape),
    st.sampled_from(["avoid", "colocalise"]),
    st.permutations(FEATURES),
    st.sampled_from([0.3, 0.7, 0.95]),
    st.sampled_from([0.0, 5.0, 13.6, 27.2, 31.0, 40.8]),
    st.sampled_from(["disk", "ball"]),
)
graphs = st.lists(st.one_of(competitions, rules), min_size=1, max_size=4).map(lambda s: InteractionGraph(tuple(s)))
spacings = st.sampled_from([(13.6, 13.6, 13.6), (27.2, 13.6, 10.0), (6.8, 13.6, 20.0)])


def random_volumes(seed, shape=(6, 7, 8)):
    rng = np.random.default_rng(seed)
    # few distinct values, so that ties and thresholds are met exactly
    return {name: (rng.integers(0, 11, shape) / 10 * rng.random(shape).round()).astype(np.float32) for name in FEATURES}


@settings(max_examples=60, deadline=None)
@given(graphs, spacings, st.integers(0, 99))
def test_steps_do_what_the_words_say(graph, spacing, seed):
    volumes = random_volumes(seed)
    expected, removed = brute_force(graph, volumes, np.array(spacing))
    result, explained = graph.apply(volumes, spacing), graph.explain(volumes, spacing)
    for name in FEATURES:
        np.testing.assert_array_equal(result[name], expected[name])
        np.testing.assert_array_equal(explained[name], removed[name])
        np.testing.assert_array_equal(explained[name] > 0, (volumes[name] > 0) & (result[name] == 0))


@settings(max_examples=60, deadline=None)
@given(graphs, spacings, st.integers(0, 99), st.data())
def test_reach_is_far_enough_to_know_a_part(graph, spacing, seed, data):
    """What lies outside the reach of a voxel can be anything: the result there is the same."""
    shape = (6, 7, 8)
    volumes, wanted = random_volumes(seed, shape), data.draw(names)
    z, y, x = (data.draw(st.integers(0, n - 1)) for n in shape)
    reach = graph.reach([wanted], spacing)
    others = random_volumes(seed + 1000, shape)
    for name, (dz, dy, dx) in reach.items():
        part = tuple(slice(max(0, c - d), c + d + 1) for c, d in zip((z, y, x), (dz, dy, dx), strict=True))
        others[name][part] = volumes[name][part]
    known, unknown = (graph.apply(v, spacing)[wanted][z, y, x] for v in (volumes, others))
    assert known == unknown


def test_radii_add_up_along_a_chain():
    graph = InteractionGraph(
        (
            Rule("avoid", "membrane", "carbon", radius=100.0, shape="ball"),
            Rule("colocalise", "antibody", "membrane", radius=300.0, shape="disk"),
        )
    )
    assert graph.reach(["antibody"], (10.0, 10.0, 20.0)) == {
        "antibody": (0, 0, 0), "membrane": (0, 30, 15), "carbon": (10, 40, 20),
    }  # fmt: skip
    assert set(graph.reach(["membrane"], (10.0, 10.0, 10.0))) == {"membrane", "carbon"}
    assert set(graph.reach(["carbon"], (10.0, 10.0, 10.0))) == {"carbon"}


def test_slices_leave_as_soon_as_they_can():
    graph = InteractionGraph((Rule("avoid", "a", "b", radius=20.0, shape="ball"),))
    taken = []

    def slices():
        for z in range(10):
            taken.append(z)
            yield Slice(z, {"a": np.ones((3, 3), np.float32), "b": np.zeros((3, 3), np.float32)}, {})

    first = next(graph.stream(slices(), (10.0, 10.0, 10.0)))
    assert first.z == 0
    assert taken == [0, 1, 2]


def test_a_radius_below_one_voxel_keeps_the_parents_own_voxels():
    parent = np.zeros((1, 5, 5), np.float32)
    parent[0, 2, 2] = 0.9
    child = np.full((1, 5, 5), 0.8, np.float32)
    graph = InteractionGraph((Rule("colocalise", "child", "parent", radius=3.0),))
    result = graph.apply({"child": child, "parent": parent}, (10.0, 10.0, 10.0))["child"]
    assert result.sum() == np.float32(0.8)
    assert result[0, 2, 2] == np.float32(0.8)


def test_an_empty_graph_changes_nothing():
    volumes = random_volumes(3)
    for name, volume in InteractionGraph().apply(volumes).items():
        np.testing.assert_array_equal(volume, volumes[name])


@given(graphs)
def test_files_keep_everything(tmp_path_factory, graph):
    path = tmp_path_factory.mktemp("graph") / "graph.json"
    assert InteractionGraph.load(graph.save(path)) == graph


def test_unknown_features_are_named():
    graph = InteractionGraph((Rule("avoid", "membrane", "carbn"),))
    with pytest.raises(ParameterProblem, match="carbn: .*did you mean carbon"):
        graph.apply(random_volumes(0), (10.0, 10.0, 10.0))


def test_a_radius_needs_a_voxel_size():
    with pytest.raises(ParameterProblem, match="voxel size"):
        InteractionGraph((Rule("avoid", "membrane", "carbon"),)).apply(random_volumes(0))
    InteractionGraph((Rule("avoid", "membrane", "carbon", radius=0.0),)).apply(random_volumes(0))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"child": "x", "parent": "x"}, "itself"),
        ({"child": ""}, "both be named"),
        ({"threshold": 1.5}, "out of bounds"),
        ({"threshold": float("nan")}, "out of bounds"),
        ({"radius": -1.0}, "out of bounds"),
        ({"shape": "cube"}, "not one of"),
        ({"kind": "adore"}, "not one of"),
    ],
)
def test_wrong_rules_are_refused(changes, words):
    with pytest.raises(ParameterProblem, match=words):
        Rule(**{"kind": "avoid", "child": "x", "parent": "y", **changes})


GOOD = {"type": "avoid", "child": "x", "parent": "y"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "not valid JSON"),
        ("[]", "no interaction graph"),
        ({"format": "other"}, "no interaction graph"),
        ({"format_version": 2}, "format_version 2"),
        ({"steps": None}, "not a list"),
        ({"steps": [GOOD, 3]}, "step 2 is 3"),
        ({"steps": [{"type": "likes"}]}, "step 1 has the unknown type 'likes'"),
        ({"steps": [{**GOOD, "radius": "far"}]}, "radius is 'far', not a number"),
        ({"steps": [{**GOOD, "radius": -3}]}, "step 1: radius: -3 Å is out of bounds"),
        ({"steps": [{**GOOD, "radus": 3}]}, "did you mean radius"),
        ({"steps": [{**GOOD, "parent": "x"}]}, "step 1: x: cannot avoid itself"),
        ({"steps": [{"type": "competition", "emit": ["x"]}]}, "absorb is None"),
        ({"steps": [{"type": "competition", "emit": ["x"], "absorb": ["y"], "r": 1}]}, "competition has no r"),
    ],
)
def test_wrong_files_name_the_step(tmp_path, content, words):
    path = tmp_path / "graph.json"
    base = {"format": "ais-app interactions", "format_version": 1, "steps": []}
    path.write_text(content if isinstance(content, str) else json.dumps({**base, **content}))
    with pytest.raises(FileProblem, match=words) as caught:
        InteractionGraph.load(path)
    assert str(path) in str(caught.value)

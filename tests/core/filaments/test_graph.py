"""Centre lines as graphs: lumens filled, components thinned, spurs and bubbles cut by arc length, branches joined."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.filaments.joining import JoinLimits, join_crossings
from ais_app.core.filaments.polyline import polyline_length
from ais_app.core.filaments.pruning import prune
from ais_app.core.filaments.skeleton import CentreLines, centre_lines, fill_sections, skeleton_graph
from ais_app.core.picking.labelling import components

SIZE = (10.0, 10.0, 10.0)


def graph_of(*strokes, size=SIZE):
    """Graph of one voxel wide strokes, each a list of voxel positions to connect."""
    voxels = []
    for stroke in strokes:
        for a, b in zip(stroke[:-1], stroke[1:], strict=True):
            count = int(np.abs(np.subtract(b, a)).max()) + 1
            voxels += np.rint(np.linspace(a, b, count)).astype(int).tolist()
    unique = np.unique(voxels, axis=0)
    return skeleton_graph(CentreLines(unique, np.full(len(unique), 10.0)), size)


def degrees(graph):
    return sorted(degree for _, degree in graph.degree())


def total_length(graph):
    return sum(polyline_length(data["points"]) for *_, data in graph.edges(data=True))


def test_stroke_is_one_edge_between_two_ends():
    graph = graph_of([(5, 5, 5), (5, 25, 5)])
    assert degrees(graph) == [1, 1]
    assert total_length(graph) == pytest.approx(200)


def test_lengths_follow_anisotropic_voxels():
    graph = graph_of([(0, 0, 0), (10, 0, 0)], size=(30.0, 10.0, 5.0))
    assert total_length(graph) == pytest.approx(300)


def test_crossing_is_one_junction():
    graph = graph_of([(5, 0, 20), (5, 40, 20)], [(5, 20, 0), (5, 20, 40)])
    assert degrees(graph) == [1, 1, 1, 1, 4]


def test_ring_is_a_loop():
    graph = graph_of([(5, 5, 5), (5, 5, 25), (5, 25, 25), (5, 25, 5), (5, 5, 5)])
    # thinning would cut the corners; here they make no junction
    assert sum(degrees(graph)) == 2 * graph.number_of_edges()
    (strand,) = join_crossings(prune(graph, 50.0), JoinLimits(45.0))
    assert strand.closed
    assert strand.length == pytest.approx(800, rel=0.1)


def test_short_spur_goes_and_long_branch_stays():
    graph = graph_of([(5, 0, 20), (5, 60, 20)], [(5, 20, 20), (5, 20, 25)], [(5, 40, 20), (5, 40, 40)])
    pruned = prune(graph, 80.0)
    assert degrees(pruned) == [1, 1, 1, 3]
    assert total_length(pruned) == pytest.approx(600 + 200, abs=15)
    assert degrees(graph) == [1, 1, 1, 1, 3, 3]  # the graph given is left as it was


def test_at_a_forked_end_the_longer_branch_stays():
    graph = graph_of([(5, 0, 20), (5, 60, 20)], [(5, 60, 20), (5, 66, 26)], [(5, 60, 20), (5, 64, 16)])
    (strand,) = join_crossings(prune(graph, 120.0), JoinLimits(45.0))
    assert strand.length == pytest.approx(600 + 60 * np.sqrt(2), abs=20)


@pytest.mark.parametrize(("half_width", "left"), [(3, 1), (15, 4)])
def test_bubble_bursts_and_true_loop_stays(half_width, left):
    top, bottom = (5, 30, 20 - half_width), (5, 30, 20 + half_width)
    graph = graph_of([(5, 0, 20), (5, 27, 20)], [(5, 27, 20), top, (5, 33, 20)], [(5, 27, 20), bottom, (5, 33, 20)],
                     [(5, 33, 20), (5, 60, 20)])  # fmt: skip
    assert prune(graph, 80.0).number_of_edges() == left


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    spurs=st.lists(st.tuples(st.integers(8, 72), st.integers(2, 6)), max_size=6),
    limit=st.floats(0.0, 60.0),
)
def test_pruning_never_cuts_the_ends_of_the_trunk_and_is_done_once(seed, spurs, limit):
    random = np.random.default_rng(seed)
    strokes = [[(10, 0, 10), (10, 80, 10)]]
    for at, length in spurs:
        way = random.choice([-1, 1])
        strokes.append([(10, at, 10), (10 + way * length, at, 10)])
    pruned = prune(graph_of(*strokes), limit)
    ends = {tuple(np.round(pruned.nodes[node]["position"])) for node in pruned if pruned.degree(node) == 1}
    assert {(100.0, 0.0, 100.0), (100.0, 800.0, 100.0)} <= ends
    again = prune(pruned, limit)
    assert degrees(again) == degrees(pruned)
    assert all(pruned.degree(node) != 2 for node in pruned)


def test_straight_ways_through_a_crossing_are_taken():
    graph = graph_of([(5, 0, 20), (5, 40, 20)], [(5, 20, 0), (5, 20, 40)])
    strands = join_crossings(graph, JoinLimits(45.0))
    assert len(strands) == 2
    assert all(np.ptp(strand.points_zyx, axis=0).min() < 15 for strand in strands)


def test_edges_of_a_graph_are_used_once():
    graph = graph_of(*[[(10, 10 * i, 0), (10, 10 * i, 80)] for i in range(4)],
                     *[[(10, 0, 20 * i), (10, 30, 20 * i)] for i in range(1, 4)])  # fmt: skip
    strands = join_crossings(graph, JoinLimits(45.0), max_overlap=0.0)
    assert len(strands) == 4 + 3
    assert sum(strand.length for strand in strands) <= total_length(graph) + 1


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(("limit", "filled"), [(60.0, True), (30.0, False)])
def test_lumen_of_an_open_tube_is_filled_up_to_its_radius(axis, limit, filled):
    z, y, x = np.meshgrid(*(np.arange(30) - 14.5,) * 3, indexing="ij")
    distance = np.hypot(*(c for i, c in enumerate((z, y, x)) if i != axis))
    wall = (distance < 9) & (distance > 5)
    result = fill_sections(wall, SIZE, limit)
    assert bool(result[15, 15, 15]) is filled
    assert not result[distance > 10].any()


def test_components_thinned_together_or_apart_are_the_same():
    mask = np.zeros((40, 60, 60), dtype=bool)
    mask[5:10, 5:55, 5:10] = mask[30:35, 5:10, 5:55] = True
    apart = centre_lines(mask, SIZE)
    # four diagonals whose boxes together are larger than the volume, so that all is thinned at once
    for dy, dx in ((10, 10), (10, 16), (10, 22), (16, 10)):
        for i in range(34):
            mask[i : i + 2, i + dy : i + dy + 2, i + dx : i + dx + 2] = True
    together = centre_lines(mask, SIZE)
    assert len(components(mask, SIZE)) == 6
    assert {tuple(v) for v in apart.voxels} < {tuple(v) for v in together.voxels}


def test_dust_is_measured_in_cubic_angstroms():
    mask = np.zeros((20, 40, 20), dtype=bool)
    mask[10, 5:35, 10] = True
    mask[3, 3:6, 3] = True
    assert len(np.unique(centre_lines(mask, SIZE, 5_000.0).voxels[:, 0])) == 1
    assert len(np.unique(centre_lines(mask, SIZE, 2_000.0).voxels[:, 0])) == 2


def test_nothing_is_an_empty_graph():
    empty = centre_lines(np.zeros((5, 5, 5), dtype=bool), SIZE)
    assert isinstance(skeleton_graph(empty, SIZE), nx.MultiGraph)
    assert join_crossings(skeleton_graph(empty, SIZE), JoinLimits(45.0)) == []

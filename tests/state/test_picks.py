"""Picks in a project: as they were given, edited one gesture at a time, undone and redone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ais_app.core.errors import FileProblem, ParameterProblem, ProjectProblem
from ais_app.core.particle_set import Particles
from ais_app.state.picks import PickStore
from ais_app.state.project import Project


def some(count: int, seed: int = 0, **more: object) -> Particles:
    rng = np.random.default_rng(seed)
    return Particles(rng.uniform(0, 190, (count, 3)), **more)


def full(count: int, seed: int = 0) -> Particles:
    """Particles with everything that particles can have."""
    from scipy.spatial.transform import Rotation

    table = pd.DataFrame(
        {"tube": np.arange(count) // 7, "class": [f"c{i % 3}" for i in range(count)], "fom": np.linspace(0, 1, count)}
    )
    return some(
        count,
        seed,
        rotations=Rotation.random(count, random_state=seed).as_matrix(),
        scores=np.linspace(1, 0, count),
        tomograms=np.full(count, "T1", dtype=object),
        table=table,
    )


def same(one: Particles, other: Particles) -> bool:
    pd.testing.assert_frame_equal(one.table, other.table)
    for name in ("positions_zyx", "rotations", "scores", "tomograms"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    return True


@pytest.mark.parametrize("count", [0, 1, 127, 128, 129, 700])
def test_picks_come_back_as_they_were(project: Project, count: int) -> None:
    given = full(count)
    added = project.add_picks("T1", "ribosomes", given, {"picker": "blobs"}, feature="membrane", radius=120.0)
    assert (added.name, added.count, added.feature, added.source) == ("ribosomes", count, 1, {"picker": "blobs"})
    project.close()
    with Project.open(project.path, read_only=True) as again:
        assert again.picks("T1") == [added]
        assert again.picks("T2") == []
        read = again.pick_store(added).particles()
        if count:
            assert same(read, given)
            assert (again.pick_store(added).read().radii == 120.0).all()
        assert len(read) == count
        assert (read.voxel_size, read.shape_zyx) == (pytest.approx(10.0), (20, 70, 90))
        assert again.check() == []


def test_what_is_not_known_stays_unknown(project: Project) -> None:
    store = project.pick_store(project.add_picks("T1", "a", some(5)))
    picks = store.read()
    assert (picks.rotations, picks.scores, picks.radii) == (None, None, None)
    particles = store.particles()
    assert (particles.rotations, particles.scores, list(particles.table.columns)) == (None, None, [])


def test_a_pick_placed_by_hand_among_others(project: Project) -> None:
    store = project.pick_store(project.add_picks("T1", "a", full(3)))
    (id,) = store.add(Particles(np.array([[10.0, 20.0, 30.0]])), radius=50.0)
    assert id == 3
    picks, particles = store.read(), store.particles()
    assert picks.rotations is not None and np.isnan(picks.rotations[3]).all()
    np.testing.assert_array_equal(particles.rotations[3], np.eye(3))
    assert picks.radii is not None and picks.radii[3] == 50.0 and np.isnan(picks.radii[:3]).all()
    assert particles.table["class"].tolist()[:3] == ["c0", "c1", "c2"]
    assert pd.isna(particles.table.loc[3]).all()
    assert project.undo() == "Add 1 picks to a on T1"
    assert same(store.particles(), full(3))


def test_each_gesture_is_one_step(project: Project) -> None:
    told: list[tuple[int, int]] = []
    project.events.picks.connect(lambda *ids: told.append(ids))
    entry = project.add_picks("T2", "a", some(300), radius=80.0)
    store = project.pick_store(entry)
    assert told == [(2, entry.id)]
    store.remove([5, 128, 299])
    store.change([4, 200], positions_zyx=[[1, 2, 3], [4, 5, 6]])
    store.change([4], radii=9.0, scores=0.5)
    store.add(some(2, 1))
    assert told == [(2, entry.id)] * 5
    picks = store.read()
    assert picks.ids.tolist() == [*range(5), *range(6, 128), *range(129, 299), 300, 301]
    assert project.picks("T2")[0].count == len(picks) == 299
    at = {int(id): row for row, id in enumerate(picks.ids)}
    np.testing.assert_array_equal(picks.positions_zyx[[at[4], at[200]]], [[1, 2, 3], [4, 5, 6]])
    assert picks.radii is not None and picks.scores is not None
    assert (picks.radii[at[4]], picks.scores[at[4]]) == (9.0, 0.5)
    assert [e.title for e in project.history[:4]] == [
        "Add 2 picks to a on T2", "Change 1 picks of a on T2", "Move 2 picks of a on T2", "Remove 3 picks from a on T2",
    ]  # fmt: skip
    for _ in range(4):
        project.undo()
    np.testing.assert_array_equal(store.read().positions_zyx, some(300).positions_zyx)
    assert project.undo() == "Add 300 picks a on T2"
    assert project.picks("T2") == []
    with pytest.raises(ProjectProblem, match="undo brings it back"):
        store.read()
    while project.redo():
        pass
    assert store.read().records.tobytes() == picks.records.tobytes()
    assert project.check() == []


_GESTURES = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "move"]), st.integers(0, 200), st.integers(1, 150)), max_size=6
)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gestures=_GESTURES)
def test_picks_are_a_plain_table(project: Project, gestures: list[tuple[str, int, int]]) -> None:
    """Whatever is done, the picks are what a dictionary of id to position says; undo leads back."""
    store = project.pick_store(project.add_picks("T1", "p", some(100), replace=True))
    first = int(store.read().ids[0])
    model = dict(zip(range(first, first + 100), some(100).positions_zyx.tolist(), strict=True))
    states = [dict(model)]
    for number, (what, start, count) in enumerate(gestures):
        fresh = some(count, number).positions_zyx
        chosen = list(model)[start : start + count]
        if what == "add":
            ids = store.add(Particles(fresh))
            model |= dict(zip(ids.tolist(), fresh.tolist(), strict=True))
        elif not chosen:
            continue
        elif what == "remove":
            store.remove(chosen)
            model = {id: at for id, at in model.items() if id not in set(chosen)}
        else:
            store.change(chosen[::-1], positions_zyx=fresh[: len(chosen)])
            model |= dict(zip(chosen[::-1], fresh.tolist(), strict=False))
        if model != states[-1]:  # a move to where it is already is no step
            states.append(dict(model))
        assert as_dict(store) == model
        assert store.entry.count == len(model)
    for state in reversed(states[:-1]):
        project.undo()
        assert as_dict(store) == state
    for state in states[1:]:
        project.redo()
        assert as_dict(store) == state


def as_dict(store: PickStore) -> dict[int, list[float]]:
    picks = store.read()
    return dict(zip(picks.ids.tolist(), picks.positions_zyx.tolist(), strict=True))


def test_sets_have_names(project: Project) -> None:
    a = project.add_picks("T1", " a ", some(3), feature="membrane")
    with pytest.raises(ProjectProblem, match="picks a: are there already.*there are: a"):
        project.add_picks("T1", "a", some(4))
    project.add_picks("T2", "a", some(4))  # another tomogram
    b = project.add_picks("T1", "b", some(5))
    with pytest.raises(ProjectProblem, match="there already"):
        project.change_picks(b, name="a")
    assert project.change_picks(b, name="c", feature="membrane").name == "c"
    again = project.add_picks("T1", "a", some(6, 1), {"by": "hand"}, replace=True)
    assert (again.id, again.count, again.feature, again.source) == (a.id, 6, None, {"by": "hand"})
    np.testing.assert_array_equal(project.pick_store(a).read().positions_zyx, some(6, 1).positions_zyx)
    project.undo()
    assert project.picks("T1")[0] == a
    project.remove_picks(a)
    assert [pick_set.name for pick_set in project.picks("T1")] == ["c"]
    project.undo()
    np.testing.assert_array_equal(project.pick_store(a).read().positions_zyx, some(3).positions_zyx)
    with pytest.raises(ParameterProblem, match="have no name"):
        project.add_picks("T1", " ", some(1))
    with pytest.raises(ProjectProblem, match="pick set 99"):
        project.pick_store(99)


def test_what_cannot_be_changes_nothing(project: Project, make_tomogram) -> None:
    import mrcfile

    store = project.pick_store(project.add_picks("T1", "a", some(3)))
    before, history = as_dict(store), project.history
    mixed = Particles(np.zeros((2, 3)), tomograms=np.array(["T1", "T2"], dtype=object))
    for refused, text in (
        (lambda: store.add(mixed), "several tomograms"),
        (lambda: store.add(Particles(np.array([[0, np.nan, 0]]))), "not finite"),
        (lambda: store.add(some(1), radius=0.0), "not above 0"),
        (lambda: store.change([1, 2], positions_zyx=[[1, 2, 3]]), "shape"),
        (lambda: store.change([1], rotations=np.eye(2)), "shape"),
        (lambda: store.change([1, 77], scores=1.0), "pick 77: is not in the set"),
        (lambda: store.remove([0, 500]), "pick 500: is not in the set"),
        (lambda: project.add_picks("T1", "b", some(1), {1, 2}), "cannot be kept as JSON"),
        (lambda: project.add_picks("T1", "b", some(1, table=pd.DataFrame({"x": [object()]}))), "cannot be kept"),
    ):
        with pytest.raises((ParameterProblem, ProjectProblem), match=text):
            refused()
    assert (as_dict(store), project.history, len(project.picks("T1"))) == (before, history, 1)
    path = make_tomogram("T3", 3)
    with mrcfile.open(path, mode="r+") as file:
        file.voxel_size = 0.0
    project.add_tomogram(path)
    with pytest.raises(ParameterProblem, match="voxel size is not known"):
        project.add_picks("T3", "a", some(1))


def test_picks_stay_on_their_voxels(project: Project) -> None:
    """Å that came from voxels of a wrong size are wrong: the picks go where the person saw them."""
    entry = project.add_picks("T1", "a", Particles(np.array([[10.0, 20.0, 30.0]])), radius=7.0)
    project.set_voxel_size("T1", (5.0, 10.0, 20.0))
    picks = project.pick_store(entry).read()
    np.testing.assert_allclose(picks.positions_zyx, [[5, 20, 60]])
    assert picks.radii is not None and picks.radii[0] == 7.0
    project.undo()
    np.testing.assert_array_equal(project.pick_store(entry).read().positions_zyx, [[10, 20, 30]])


def test_picks_go_with_their_tomogram_and_stay_without_their_feature(project: Project) -> None:
    project.add_picks("T1", "a", some(200), feature="membrane")
    b = project.add_picks("T2", "b", some(200), feature="membrane")
    project.remove_feature("membrane")
    assert project.picks("T2")[0].feature is None
    project.remove_tomogram("T1")
    assert project.check() == []
    project.undo()
    project.undo()
    assert project.picks("T2") == [b]
    assert project.pick_store(project.picks("T1")[0]).read().ids.tolist() == list(range(200))


@pytest.mark.parametrize("data", [b"", b"text", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_damaged_picks_are_named(project: Project, data: bytes) -> None:
    entry = project.add_picks("T1", "a", some(3))
    project.close()
    connection = sqlite3.connect(project.path)
    connection.execute("UPDATE pick_block SET data = ?", (data,))
    connection.commit()
    connection.close()
    with Project.open(project.path) as again:
        assert len(again.check()) == 1
        with pytest.raises(FileProblem, match="its picks are damaged.*restore"):
            again.pick_store(entry).read()


def test_a_bomb_does_not_go_off(project: Project, tmp_path: Path) -> None:
    import zlib

    test_damaged_picks_are_named(project, zlib.compress(bytes(100_000_000), 1))

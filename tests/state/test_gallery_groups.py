"""Clusters of particles are kept with the project: reopened, undone, renamed, thinned out, and damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.state.commands import particle_results, particles
from ais_app.state.gallery_groups import DOCUMENT, MOST_KEPT, Grouping, rows_of
from ais_app.state.gallery_table import ParticleTable, StackSource, empty_table
from ais_app.state.project import Project
from ais_app.state.session import Session

EDGE = 6


def grouped(session: Session, count: int = 3) -> Grouping:
    """Group what is shown, but for the first particle."""
    n = len(session.gallery.table)
    assignment, places = np.arange(n) % count, np.random.default_rng(n).normal(size=(n, 2))
    assignment[0], places[0] = -1, np.nan
    slices = tuple((np.full((EDGE, EDGE), number, np.uint8),) * 3 for number in range(count))
    found = Grouping(assignment, places, count, slices)
    particle_results.take_grouping(session, f"Group {n - 1} particles", found)
    return found


def shown(session: Session) -> Grouping:
    found = session.gallery.grouping
    assert found is not None
    return found


def test_clusters_and_their_names_are_there_when_the_project_is_opened_again(session: Session) -> None:
    made = grouped(session)
    assert particle_results.name_clusters(session, [0, 2], "70S") == 96
    assert session.project.undo_title == "Clusters 1, 3: 70S"
    with Project.open(session.project.path, read_only=True) as read:
        other = Session()
        other.open(read)
        particles.show_picks(other, "ribosome")
        found = shown(other)
        np.testing.assert_array_equal(found.assignment, made.assignment)
        np.testing.assert_allclose(found.embedding, made.embedding, rtol=1e-6)
        assert found.count == 3 and found.names == {0: "70S", 2: "70S"}
        assert [int(three[1][0, 0]) for three in found.slices] == [0, 1, 2]
        assert (other.gallery.table.classes[found.assignment == 2] == "70S").all()
        particle_results.take_grouping(other, "Group", made)  # shown as long as it is open
        assert other.gallery.grouping is made


def test_each_grouping_and_each_name_is_a_step_of_undo(session: Session) -> None:
    first = grouped(session, 2)
    second = grouped(session, 5)
    particle_results.name_clusters(session, [4], "proteasome")
    said: list[None] = []
    session.gallery.grouped.connect(lambda: said.append(None), check_nargs=False)
    session.project.undo()
    assert shown(session).names == {} and not session.gallery.table.classes.any()
    session.project.undo()
    np.testing.assert_array_equal(shown(session).assignment, first.assignment)
    session.project.undo()
    assert session.gallery.grouping is None and (session.gallery.clusters == -1).all()
    for _ in range(3):
        session.project.redo()
    np.testing.assert_array_equal(shown(session).assignment, second.assignment)
    assert shown(session).names == {4: "proteasome"} and len(said) == 6


def test_removed_picks_are_missing_and_marks_change_nothing(session: Session) -> None:
    made = grouped(session)
    particles.reject(session, [3])
    assert shown(session) is session.gallery.grouping  # the same object: nothing is drawn anew
    np.testing.assert_array_equal(shown(session).assignment, made.assignment)
    pick_set = next(each for each in session.project.picks("T1") if each.name == "ribosome")
    session.project.pick_store(pick_set).remove([0, 1, 7])
    gone = np.delete(made.assignment, [0, 1, 7])
    np.testing.assert_array_equal(shown(session).assignment, gone)
    session.project.remove_picks(pick_set)
    np.testing.assert_array_equal(shown(session).assignment, made.assignment[140:])
    session.project.undo()
    session.project.undo()
    np.testing.assert_array_equal(shown(session).assignment, made.assignment)


def test_a_list_that_is_renamed_and_another_choice_of_its_picks_keep_their_clusters(session: Session) -> None:
    made = grouped(session)
    for pick_set in session.project.pick_sets:
        if pick_set.name == "ribosome":
            session.project.change_picks(pick_set, name="80S")
    assert session.gallery.grouping is None  # nothing is of the old name
    assert particles.show_picks(session, "80S") == 145
    np.testing.assert_array_equal(shown(session).assignment, made.assignment)
    particles.show_picks(session, "80S", tomograms=[session.project.tomogram("T2").id])
    np.testing.assert_array_equal(shown(session).assignment, made.assignment[140:])
    particles.show_picks(session, feature="membrane")  # the spots as well, which are in none
    assert (shown(session).assignment >= 0).sum() == 144
    particles.show_picks(session, "spots")
    assert session.gallery.grouping is None


def test_newer_clusters_take_the_place_of_those_of_the_same_picks(session: Session) -> None:
    grouped(session)
    particles.show_picks(session, "spots")
    grouped(session, 2)
    particles.show_picks(session, "ribosome")
    grouped(session, 4)
    assert [len(entry["sets"]) for entry in session.project.document(DOCUMENT)] == [1, 2]
    particles.show_picks(session, "spots")
    assert shown(session).count == 2
    for _ in range(MOST_KEPT + 2):
        set_ = session.project.add_picks("T1", "more", Particles(np.full((2, 3), 50.0)))
        particles.show_picks(session, "more")
        grouped(session, 2)
        session.project.change_picks(set_, name=f"was {set_.id}")
    kept = session.project.document(DOCUMENT)
    assert len(kept) == MOST_KEPT
    assert session.project.document(f"{DOCUMENT}/{kept[0]['id'] - 1}") is None  # the oldest went with its content


def test_of_a_stack_they_go_by_its_rows(session: Session, tmp_path: Path) -> None:
    content = (("T1",) * 4, np.full((4, 3), 60.0), None, 10.0, 8)
    session.gallery.show(StackSource(tmp_path / "s.zarr"), content, 8)
    grouped(session, 2)
    session.gallery.show(StackSource(tmp_path / "other.zarr"), content, 8)
    assert session.gallery.grouping is None
    fewer = (("T1",) * 2, np.full((2, 3), 60.0), None, 10.0, 8)  # the stack was made anew
    session.gallery.show(StackSource(tmp_path / "s.zarr"), fewer, 8)
    assert shown(session).assignment.tolist() == [-1, 1]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content.pop("pick"),
        lambda content: content.update(clusters=1),
        lambda content: content["map"].update(data="!"),
        lambda content: content["map"].update(data="AAAA"),
        lambda content: content["cluster"].update(shape=[2**40]),
        lambda content: content["cluster"].update(kind="|O"),
        lambda content: content["slices"].update(shape=[1, 1, 1]),
        lambda content: content.update(set=None),
    ],
)
def test_damaged_clusters_are_said_and_not_shown(session: Session, damage) -> None:
    grouped(session)
    name = f"{DOCUMENT}/1"
    content = session.project.document(name)
    damage(content)
    session.project.set_document(name, content)
    particles.show_picks(session, "ribosome")
    with pytest.warns(DataWarning, match="clusters that it keeps are damaged"):
        assert session.gallery.grouping is None
    session.project.set_document(DOCUMENT, {"what": "is this"})
    assert session.gallery.grouping is None


def test_names_need_clusters_and_letters(session: Session) -> None:
    with pytest.raises(ParameterProblem, match="none of the 0"):
        particle_results.name_clusters(session, [0], "70S")
    grouped(session)
    with pytest.raises(ParameterProblem, match="none of the 3"):
        particle_results.name_clusters(session, [3], "70S")
    with pytest.raises(ParameterProblem, match="no name"):
        particle_results.name_clusters(session, [1], " ")
    assert not session.gallery.table.classes.any()


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 9)), unique=True), st.data())
def test_rows_are_found_by_set_and_pick(known: list[tuple[int, int]], data: st.DataObject) -> None:
    wanted = data.draw(st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 9))))
    empty = empty_table()
    sets, ids = (np.array([each[column] for each in known], dtype=np.int64) for column in (0, 1))
    table = ParticleTable(
        sets, ids, sets, empty.names, empty.positions_zyx, empty.scores, empty.rejected, empty.classes
    )
    asked = [np.array([each[column] for each in wanted], dtype=np.int64) for column in (0, 1)]
    expected = [known.index(each) if each in known else -1 for each in wanted]
    assert rows_of(table, *asked).tolist() == expected

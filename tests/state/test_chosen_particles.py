"""What is found out about particles reaches them by set and pick, or by the rows of their stack."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ais_app.state.chosen_particles import Chosen, name_of
from ais_app.state.commands import particle_results, particles
from ais_app.state.gallery_table import PickSource, StackSource
from ais_app.state.session import Session


def asked(session: Session, rows: list[int]) -> Chosen:
    """Return rows of the gallery, as somebody asks about them now."""
    assert session.gallery.source is not None
    return Chosen(session.gallery.source, session.gallery.table, np.array(rows))


def test_classes_reach_the_picks_whichever_rows_they_have_by_then(session: Session) -> None:
    wanted = asked(session, [0, 3, 139, 141])
    particles.set_classes(session, [3, 141], ["old", "b"])
    first = next(each for each in session.project.picks("T1"))
    session.project.pick_store(first).remove([0, 1])
    particles.show_picks(session, "spots")
    assert particle_results.take_classes(session, wanted, ["a", "a", "b", "b"]) == (3, 1)  # one had it already
    assert session.project.undo_title == "Class of 2 particles: a, b"
    assert not session.gallery.table.classes.any()
    particles.show_picks(session, "ribosome")
    assert np.flatnonzero(session.gallery.table.classes != "").tolist() == [1, 137, 139]
    assert session.gallery.table.classes[[1, 137, 139]].tolist() == ["a", "b", "b"]
    session.project.undo()
    assert session.gallery.table.classes[1] == "old"


def test_classes_of_a_stack_reach_its_rows(session: Session, tmp_path: Path) -> None:
    content = (("T1",) * 4, np.full((4, 3), 60.0), None, 10.0, 8)
    session.gallery.show(StackSource(tmp_path / "s.zarr"), content, 8)
    wanted = asked(session, [1, 3])
    particles.reject(session, [3])
    particles.show_picks(session, "spots")
    assert particle_results.take_classes(session, wanted, ["a", "b"]) == (2, 0)
    session.gallery.show(StackSource(tmp_path / "s.zarr"), content, 8)
    assert session.gallery.table.classes.tolist() == ["", "a", "", "b"]
    assert session.gallery.table.rejected.tolist() == [False, False, False, True]  # marked meanwhile


def test_a_list_is_called_as_it_is_now(session: Session) -> None:
    wanted = asked(session, [2, 142])
    assert name_of(session.project, wanted) == "ribosome"
    for each in session.project.pick_sets:
        if each.name == "ribosome":
            session.project.change_picks(each, name="80S")
    assert name_of(session.project, wanted) == "80S"
    feature = session.project.feature("membrane").id
    assert name_of(session.project, Chosen(PickSource(feature=feature), wanted.table, wanted.rows)) == "all of membrane"

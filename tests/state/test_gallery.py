"""The particles that are shown: order, selection, reject and keep, classes, negatives; each in the history."""

from __future__ import annotations

import numpy as np
import pytest

from ais_app.core.errors import ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.state import commands
from ais_app.state.commands import particles
from ais_app.state.gallery import BoxChoice, box_for, sources
from ais_app.state.gallery_groups import Grouping
from ais_app.state.gallery_table import PickSource, StackSource, empty_table
from ais_app.state.particle_classes import classes
from ais_app.state.project import Project
from ais_app.state.session import Session

assert commands  # the package that logged lines name


@pytest.fixture
def session(project: Project) -> Session:
    """Two tomograms with sets of 150 and 3 picks called ribosome, and one of another name."""
    random = np.random.default_rng(3)
    for name, count in (("T1", 150), ("T2", 3)):
        positions = random.uniform(20, 180, (count, 3))
        found = Particles(positions, scores=random.uniform(0, 1, count))
        project.add_picks(name, "ribosome", found, feature="membrane", radius=60.0)
    project.add_picks("T2", "spots", Particles(np.full((2, 3), 50.0)), feature="membrane")
    return Session(project)


def test_picks_of_a_set_or_a_feature_on_all_tomograms_or_some(session: Session) -> None:
    assert particles.show_picks(session, "ribosome") == 153
    second = session.project.tomogram("T2").id
    assert particles.show_picks(session, "ribosome", tomograms=[second]) == 3
    assert particles.show_picks(session, feature="membrane") == 155
    found = sources(session)
    assert [(words, count, on) for words, _, count, on in found] == [
        ("all of membrane", 155, 3), ("ribosome", 153, 2), ("spots", 2, 1)
    ]  # fmt: skip
    with pytest.raises(ParameterProblem, match="neither"):
        particles.show_picks(session)


def test_a_box_has_room_for_the_particle_and_is_binned_when_large(session: Session) -> None:
    particles.show_picks(session, "ribosome")
    assert session.gallery.table.diameter == 120
    assert session.gallery.box == BoxChoice(20, 1)  # 1.6 x 120 A at 10 A, even
    assert particles.set_box(session, binning=2) == BoxChoice(20, 2)
    assert particles.set_box(session, edge=1) == BoxChoice(8, 2)
    assert box_for(empty_table()) == BoxChoice()


def test_order_and_filters(session: Session) -> None:
    particles.show_picks(session, "ribosome")
    gallery = session.gallery
    assert gallery.order.tolist() == list(range(153))
    particles.change_look(session, sort="score")
    assert (np.diff(gallery.table.scores[gallery.order]) <= 0).all()
    particles.change_look(session, descending=False)
    assert (np.diff(gallery.table.scores[gallery.order]) >= 0).all()
    particles.reject(session, [4, 2])
    particles.change_look(session, sort="place", shown="rejected")
    assert gallery.order.tolist() == [2, 4]
    particles.set_class(session, [4], "30S")
    particles.change_look(session, shown="all", of_class="30S")
    assert gallery.order.tolist() == [4]
    with pytest.raises(ParameterProblem, match="sort"):
        particles.change_look(session, sort="colour")


def test_rejected_and_classes_are_steps_of_undo_and_are_in_the_file(session: Session) -> None:
    particles.show_picks(session, "ribosome")
    gallery, project = session.gallery, session.project
    assert particles.reject(session, np.array([0, 140, 152])) == 3  # of two blocks and two sets: one step
    assert particles.reject(session, [0]) == 0  # is rejected already: no step
    assert project.undo_title == "Reject 3 particles"
    assert particles.set_class(session, [0, 1], "70S") == 2
    assert classes(project) == {"70S": "#56B4E9"}  # the feature has the first colour
    with Project.open(project.path, read_only=True) as again, Session(again).project as read:
        other = Session()
        other.open(read)
        particles.show_picks(other, "ribosome")
        assert np.flatnonzero(other.gallery.table.rejected).tolist() == [0, 140, 152]
        assert other.gallery.table.classes[:3].tolist() == ["70S", "70S", ""]
    project.undo()
    assert classes(project) == {} and not gallery.table.classes.any()
    project.undo()
    assert not gallery.table.rejected.any()
    project.redo()
    assert gallery.table.rejected.sum() == 3
    assert particles.keep(session, [0, 1]) == 1
    assert gallery.kept.tolist() == [row for row in range(153) if row not in (140, 152)]


def test_the_selection_stays_with_its_particles(session: Session) -> None:
    particles.show_picks(session, "ribosome")
    gallery = session.gallery
    particles.select(session, [3, 151])
    particles.reject(session, [3])
    assert gallery.rows.tolist() == [3, 151]
    assert gallery.working.tolist() == [151]
    pick_set = next(each for each in session.project.picks("T1") if each.name == "ribosome")
    session.project.pick_store(pick_set).remove([0, 1])
    assert gallery.rows.tolist() == [1, 149]
    session.project.remove_picks(pick_set)
    assert gallery.rows.tolist() == [1] and len(gallery.table) == 3


def test_each_is_noted_as_a_line_that_does_it_again(session: Session) -> None:
    particles.show_picks(session, "ribosome")
    particles.reject(session, [1, 2])
    particles.set_classes(session, [0, 3], ["a", "b"])
    lines = [line.python for line in session.log.lines]
    assert lines[-2:] == [
        "commands.particles.reject(session, [1, 2])",
        "commands.particles.set_classes(session, [0, 3], ['a', 'b'])",
    ]
    session.project.undo()
    exec(lines[-1], {"commands": commands, "session": session})
    assert session.gallery.table.classes[[0, 3]].tolist() == ["a", "b"]


def test_rejected_particles_become_boxes_of_what_is_not_the_feature(session: Session) -> None:
    particles.show_picks(session, "ribosome")
    project = session.project
    with pytest.raises(ParameterProblem, match="rejected"):
        particles.rejected_to_negatives(session, "membrane")
    particles.reject(session, [0, 1, 151])
    assert particles.rejected_to_negatives(session, "membrane") == 3
    boxes = project.boxes("T1", "not membrane")
    assert len(boxes) == 2 and {box.size for box in boxes} == {12}
    expected = np.round(session.gallery.table.positions_zyx[0] / 10)
    assert boxes[0].centre_zyx == tuple(expected)
    assert particles.rejected_to_negatives(session, "membrane") == 0  # they are there
    project.undo()
    assert [feature.name for feature in project.features] == ["membrane"]


def test_picks_outside_the_tomogram_get_no_box(session: Session) -> None:
    outside = Particles(np.array([[5000.0, 50, 50], [-90, 50, 50]]))
    session.project.add_picks("T1", "lost", outside)
    assert particles.show_picks(session, "lost") == 2
    particles.reject(session, [0, 1])
    assert particles.rejected_to_negatives(session, "membrane") == 0
    particles.go_to(session, 0)
    assert session.view.tab == "annotate" and session.view.z == 19


def test_going_to_a_particle_brings_its_place_into_view(session: Session) -> None:
    particles.show_picks(session, "spots")
    particles.go_to(session, 1)
    view = session.view
    assert view.tomogram == session.project.tomogram("T2").id
    assert (view.z, view.y, view.x) == (5, 5, 5)
    with pytest.raises(ParameterProblem, match="no row"):
        particles.go_to(session, 2)


def test_clusters_are_sorted_and_filtered_and_go_with_another_source(session: Session) -> None:
    particles.show_picks(session, "ribosome")
    gallery = session.gallery
    assignment = np.arange(153) % 3
    assignment[0] = -1
    gallery.set_grouping(Grouping(assignment, np.zeros((153, 2)), 3))
    assert gallery.grouping is not None and gallery.grouping.sizes.tolist() == [50, 51, 51]
    particles.change_look(session, sort="cluster")
    assert gallery.order[-1] == 0  # not grouped: last
    particles.change_look(session, of_cluster=2)
    assert (gallery.order % 3 == 2).all()
    particles.show_picks(session, "spots")
    assert gallery.grouping is None and gallery.look.of_cluster is None


def test_marks_of_a_stack_are_kept_by_the_project(session: Session, tmp_path) -> None:
    gallery = session.gallery
    content = (("T1", "T9"), np.full((2, 3), 60.0), None, 10.0, 8)
    gallery.show(StackSource(tmp_path / "s.zarr"), content, 8)
    assert gallery.table.tomograms.tolist() == [session.project.tomogram("T1").id, -1]
    particles.reject(session, [1])
    particles.set_class(session, [0], "thing")
    gallery.show(PickSource("spots"))
    gallery.show(StackSource(tmp_path / "s.zarr"), content, 8)
    assert gallery.table.rejected.tolist() == [False, True]
    assert gallery.table.classes.tolist() == ["thing", ""]
    session.project.undo()
    assert gallery.table.classes.tolist() == ["", ""]
    with pytest.raises(ParameterProblem, match="not in the project"):
        particles.go_to(session, 1)

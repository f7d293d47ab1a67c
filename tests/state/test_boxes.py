"""Boxes are moved and resized, each time one step of undo."""

from __future__ import annotations

import pytest

from ais_app.core.annotation.boxes import Box
from ais_app.core.errors import ParameterProblem, ProjectProblem
from ais_app.state.project import Project


def test_a_box_is_moved_and_resized(project: Project) -> None:
    told: list[tuple[int, int]] = []
    first, second = project.add_boxes("T1", "membrane", [Box((5, 30, 20)), Box((6, 30, 20), 48)])
    project.events.boxes.connect(lambda *ids: told.append(ids))
    moved = project.change_box(first, centre_zyx=(5.0, 31.5, 22))
    assert moved == Box((5, 31.5, 22), None, first.id)
    assert project.undo_title == "Move a box on T1"
    grown = project.change_box(moved, size=96)
    assert grown == Box((5, 31.5, 22), 96, first.id)
    assert project.undo_title == "Resize a box on T1"
    own = project.change_box(second, centre_zyx=(7, 1, 2), size=None)
    assert own == Box((7, 1, 2), None, second.id)
    assert project.boxes("T1", "membrane") == [grown, own]
    assert told == [(1, 1)] * 3
    project.change_box(own)  # nothing changes
    assert len(told) == 3
    for expected in ([grown, second], [moved, second], [first, second]):
        project.undo()
        assert project.boxes("T1", "membrane") == expected
    project.remove_boxes([first, second])
    project.undo()
    assert project.boxes("T1", "membrane") == [first, second]


def test_what_cannot_be_changes_nothing(project: Project) -> None:
    (box,) = project.add_boxes("T1", "membrane", [Box((5, 30, 20))])
    with pytest.raises(ParameterProblem, match="outside"):
        project.change_box(box, centre_zyx=(5, 30, 90))
    with pytest.raises(ParameterProblem, match="a size of 0 voxels"):
        project.change_box(box, size=0)
    with pytest.raises(ProjectProblem, match="box None: is not in the project"):
        project.change_box(Box((1, 2, 3)), size=8)
    assert project.boxes("T1", "membrane") == [box]
    project.remove_boxes([box])
    with pytest.raises(ProjectProblem, match="undo brings it back"):
        project.change_box(box, size=8)


def test_the_summary_counts_planes_and_boxes(project: Project) -> None:
    assert project.annotation_summary() == {}
    project.add_feature("ribosome")
    project.add_boxes("T1", "membrane", [Box((5, 30, 20))] * 3)
    project.add_boxes("T2", "ribosome", [Box((5, 30, 20))])
    project.labels("T2", "ribosome").mark("z", 3)
    project.labels("T2", "ribosome").mark("y", 3)
    project.labels("T2", "membrane").mark("z", 3)
    assert project.annotation_summary() == {1: {1: (0, 3)}, 2: {1: (1, 0), 2: (2, 1)}}

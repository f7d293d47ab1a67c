"""Features: how they are shown, their order, and the lock."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ais_app.core.annotation import brush
from ais_app.core.annotation.boxes import Box
from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem, ProjectProblem
from ais_app.state.project import Project


def names(project: Project) -> list[str]:
    return [feature.name for feature in project.features]


@pytest.fixture
def three(project: Project) -> Project:
    project.add_feature("ribosome")
    project.add_feature("vesicle")
    return project


def test_how_a_feature_is_shown_is_saved_but_no_step_of_undo(project: Project) -> None:
    told: list[str] = []
    project.events.features.connect(lambda: told.append("features"))
    project.events.history.connect(lambda: told.append("history"))
    before = project.history
    changed = project.change_feature("membrane", brush_radius=250, opacity=0.0, outline=True, visible=False)
    assert (changed.brush_radius, changed.opacity, changed.outline, changed.visible) == (250.0, 0.0, True, False)
    assert project.history == before
    assert told == ["features"]
    project.change_feature("membrane", visible=False)  # it is hidden already
    assert told == ["features"]
    project.close()
    with Project.open(project.path) as again:
        assert again.feature("membrane") == changed
        assert again.undo() == "Add feature membrane"
        again.redo()
        assert again.feature("membrane") == changed


def test_what_a_feature_is_can_be_undone_without_how_it_is_shown(project: Project) -> None:
    project.change_feature("membrane", name="envelope", visible=False, locked=True)
    assert project.undo_title == "Lock feature membrane"
    project.undo()
    membrane = project.feature("membrane")
    assert (membrane.locked, membrane.visible) == (False, False)
    project.redo()
    assert project.feature("envelope").locked


@pytest.mark.parametrize(
    "fields", [{"opacity": 1.1}, {"opacity": float("nan")}, {"brush_radius": 0}, {"brush_radius": float("inf")},
               {"box_size": 5000}, {"colour": "red"}, {"name": "a/b"}],
)  # fmt: skip
def test_values_that_cannot_be_change_nothing(project: Project, fields: dict[str, object]) -> None:
    before = project.features
    with pytest.raises(ParameterProblem):
        project.change_feature("membrane", **{"visible": False, "colour": "#000000", **fields})
    assert project.features == before


def test_order(three: Project) -> None:
    three.move_feature("vesicle", 0)
    assert names(three) == ["vesicle", "membrane", "ribosome"]
    assert [feature.order for feature in three.features] == [0, 1, 2]
    three.move_feature("vesicle", 1)
    three.add_feature("actin")
    assert names(three) == ["membrane", "vesicle", "ribosome", "actin"]
    three.remove_feature("membrane")
    three.move_feature("actin", 1)
    assert names(three) == ["vesicle", "actin", "ribosome"]
    three.move_feature("actin", 1)  # it is there
    expected = [
        ["vesicle", "ribosome", "actin"],
        ["membrane", "vesicle", "ribosome", "actin"],
        ["membrane", "vesicle", "ribosome"],
        ["vesicle", "membrane", "ribosome"],
        ["membrane", "ribosome", "vesicle"],
    ]
    for order in expected:
        three.undo()
        assert names(three) == order
    while three.redo():
        pass
    assert names(three) == ["vesicle", "actin", "ribosome"]
    with pytest.raises(ParameterProblem, match="3 is no place in the list; give 0 to 2"):
        three.move_feature("actin", 3)


def test_a_locked_feature_keeps_its_labels_and_boxes(three: Project) -> None:
    labels = three.labels("T1", "membrane")
    stroke = brush.disk(labels, [(5, 30, 20)], 4)
    labels.apply(stroke)
    (box,) = three.add_boxes("T1", "membrane", [Box((5, 30, 20))])
    three.change_feature("membrane", locked=True)

    def state() -> tuple[object, ...]:
        return labels.read().tobytes(), labels.annotated_planes(), three.boxes("T1", "membrane"), three.undo_title

    (loose,) = three.add_boxes("T1", "ribosome", [Box((1, 2, 3))])
    before = state()
    for refused in (
        lambda: labels.apply(stroke.reversed()),
        lambda: labels.write((slice(0, 1), slice(0, 1), slice(0, 1)), [[[1]]]),
        lambda: labels.mark("z", 9),
        lambda: labels.unmark("z", 5),
        lambda: labels.clear_plane("z", 5),
        lambda: three.import_labels("T1", "membrane", labels.read()),
        lambda: three.add_boxes("T1", "membrane", [Box((1, 2, 3))]),
        lambda: three.remove_boxes([loose, box]),
        lambda: three.change_box(box, size=32),
        lambda: three.remove_feature("membrane"),
    ):
        with pytest.raises(ProjectProblem, match="feature membrane: is locked; unlock it"):
            refused()
    assert three.boxes("T1", "ribosome") == [loose]
    assert state() == before
    three.change_feature("membrane", locked=False)
    three.remove_boxes([box])
    labels.clear_plane("z", 5)
    assert labels.is_empty


def test_the_lock_can_be_taken_back_and_then_the_stroke(project: Project) -> None:
    labels = project.labels("T1", "membrane")
    labels.apply(brush.disk(labels, [(5, 30, 20)], 4))
    project.change_feature("membrane", locked=True)
    assert [project.undo(), project.undo()] == ["Lock feature membrane", "Paint membrane on T1"]
    assert labels.is_empty


def test_labels_of_a_feature_that_is_gone_are_not_written(project: Project) -> None:
    labels = project.labels("T1", "membrane")
    project.remove_feature("membrane")
    with pytest.raises(ProjectProblem, match="undo brings it back"):
        labels.mark("z", 3)
    assert project.check() == []


def test_who_may_only_look_can_hide_a_feature(project: Project) -> None:
    with pytest.warns(DataWarning, match="open elsewhere"):
        second = Project.open(project.path)
    with second:
        assert not second.change_feature("membrane", visible=False, opacity=1.0).visible
        with pytest.raises(ProjectProblem, match="read-only"):
            second.change_feature("membrane", colour="#000000", visible=True)
        assert not second.feature("membrane").visible
    assert project.feature("membrane").visible


def test_a_damaged_display_setting_is_named(project: Project, tmp_path: Path) -> None:
    project.set_display("feature/1", [1])
    with pytest.raises(FileProblem, match="display setting feature/1 is damaged"):
        _ = project.features


def test_names_that_are_one_file_elsewhere_are_refused(three: Project) -> None:
    remedy = r"would have the same files as membrane on macOS and Windows.*; choose another name"
    before = three.history
    for name in ("Membrane", "MEMBRANE", " membranE "):
        with pytest.raises(ProjectProblem, match=remedy):
            three.add_feature(name)
        with pytest.raises(ProjectProblem, match=remedy):
            three.change_feature("vesicle", name=name)
    assert three.history == before
    three.add_feature("m\u00e9lange")
    with pytest.raises(ProjectProblem, match="the same files"):
        three.add_feature("me\u0301lange")  # the same letters in another form
    assert three.change_feature("membrane", name="Membrane").name == "Membrane"  # its own case may change


def test_names_that_differ_in_case_alone_in_an_older_project_stay(three: Project) -> None:
    path = three.path
    three.close()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE feature SET name = 'Membrane' WHERE name = 'vesicle'")
    with Project.open(path) as older:
        assert names(older) == ["membrane", "ribosome", "Membrane"]
        assert older.change_feature("Membrane", colour="#123456").colour == "#123456"
        with pytest.raises(ProjectProblem, match="the same files"):
            older.change_feature("Membrane", name="MEMBRANE")
        assert older.change_feature("Membrane", name="vesicle").name == "vesicle"

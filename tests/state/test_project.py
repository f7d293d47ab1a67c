"""The project through its public API: what is written is there, can be undone, and survives closing."""

from __future__ import annotations

import sqlite3
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ais_app import open_tomogram
from ais_app.core.annotation import brush
from ais_app.core.annotation.boxes import Box
from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem, ProjectProblem
from ais_app.state.project import Project


def paint(project: Project, z: int = 5, x: float = 40.0, radius: float = 4.0, label: int = 1) -> None:
    labels = project.labels("T1", "membrane")
    labels.apply(brush.disk(labels, [(z, 30, 20), (z, 30, x)], radius, label=label))


def test_everything_is_there_after_closing(project: Project, tmp_path: Path) -> None:
    paint(project)
    project.add_boxes("T1", "membrane", [Box((5, 30, 20)), Box((6.5, 30.25, 20), size=32)])
    project.interactions = {"rules": [{"parent": "membrane", "radius": 30.0}]}
    before = project.labels("T1", "membrane").read()
    project.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["P.aisproj", "T1.mrc", "T2.mrc"]

    with Project.open(tmp_path / "P.aisproj") as again:
        assert [(t.name, t.shape, t.voxel_size) for t in again.tomograms] == [
            ("T1", (20, 70, 90), pytest.approx(10.0)),
            ("T2", (20, 70, 90), pytest.approx(10.0)),
        ]
        assert again.features[0].name == "membrane"
        labels = again.labels("T1", "membrane")
        np.testing.assert_array_equal(labels.read(), before)
        assert before.sum() > 100
        assert labels.annotated_slices() == [5]
        assert [(b.centre_zyx, b.size) for b in again.boxes("T1", "membrane")] == [
            ((5, 30, 20), None),
            ((6.5, 30.25, 20), 32),
        ]
        assert again.interactions == {"rules": [{"parent": "membrane", "radius": 30.0}]}
        assert again.check() == []


def test_features_get_colours_that_differ(project: Project) -> None:
    colours = [project.add_feature(f"f{i}").colour for i in range(6)] + [project.features[0].colour]
    assert len(set(colours)) == 7


def test_undo_and_redo_survive_closing(project: Project, tmp_path: Path) -> None:
    states = [project.labels("T1", "membrane").read()]
    for step in range(4):
        paint(project, x=30 + 10 * step, label=(1, 2, 0, 1)[step])
        states.append(project.labels("T1", "membrane").read())
    for state in reversed(states[:-1]):
        project.close()
        project = Project.open(tmp_path / "P.aisproj")
        assert project.undo() is not None
        np.testing.assert_array_equal(project.labels("T1", "membrane").read(), state)
    assert project.labels("T1", "membrane").annotated_slices() == []
    for state in states[1:]:
        project.close()
        project = Project.open(tmp_path / "P.aisproj")
        assert project.redo() is not None
        np.testing.assert_array_equal(project.labels("T1", "membrane").read(), state)
    assert project.redo() is None
    project.close()


def everything(project: Project) -> dict[str, object]:
    """All that a person can see of a project."""
    return {
        "tomograms": project.tomograms,
        "features": project.features,
        "models": project.models,
        "interactions": project.interactions,
        "boxes": [project.boxes(t, f) for t in project.tomograms for f in project.features],
        "labels": [project.labels(t, f).read().tobytes() for t in project.tomograms for f in project.features],
        "planes": [project.labels(t, f).annotated_planes() for t in project.tomograms for f in project.features],
    }


def test_everything_can_be_undone(project: Project, tmp_path: Path) -> None:
    model = tmp_path / "m.aismodel"
    model.write_bytes(b"a network")
    volume = np.zeros((20, 70, 90), dtype=np.uint8)
    volume[3:9, 20:30, 20:40] = 1
    steps = [
        lambda: paint(project),
        lambda: project.add_feature("vesicle", "#112233", 96),
        lambda: project.add_boxes("T2", "vesicle", [Box((1, 2, 3)), Box((4, 5, 6))]),
        lambda: project.remove_boxes(project.boxes("T2", "vesicle")[:1]),
        lambda: project.import_labels("T2", "vesicle", volume),
        lambda: project.import_labels("T2", "new feature", volume, [3, 4]),
        lambda: project.labels("T2", "vesicle").mark("y", 12),
        lambda: project.labels("T2", "vesicle").unmark("z", 4),
        lambda: project.labels("T2", "vesicle").clear_plane("x", 25),
        lambda: project.change_feature("vesicle", name="sack", colour="#abcdef", box_size=32),
        lambda: project.set_voxel_size("T1", (9.0, 10.0, 11.0)),
        lambda: setattr(project, "interactions", [1, 2]),
        lambda: project.add_model(model),
        lambda: project.remove_model(project.models[0]),
        lambda: project.remove_feature("sack"),
        lambda: project.remove_tomogram("T1"),
    ]
    states = [everything(project)]
    for step in steps:
        step()
        states.append(everything(project))
        assert states[-1] != states[-2]
    for state in reversed(states[:-1]):
        assert project.undo()
        assert everything(project) == state
    for state in states[1:]:
        assert project.redo()
        assert everything(project) == state
    assert project.check() == []


def test_something_new_ends_redo(project: Project) -> None:
    paint(project)
    project.undo()
    paint(project, z=7)
    assert project.redo() is None
    assert project.labels("T1", "membrane").annotated_slices() == [7]


def test_a_group_is_one_step_and_one_transaction(project: Project) -> None:
    before = everything(project)
    with project.group("Two strokes"):
        paint(project)
        paint(project, z=8)
    assert project.history[0].title == "Two strokes"
    assert project.undo() == "Two strokes"
    assert everything(project) == before
    with pytest.raises(ParameterProblem), project.group("Half"):
        paint(project)
        paint(project, z=99)
    assert everything(project) == before
    assert project.redo() == "Two strokes"


def test_events_name_what_changed(project: Project) -> None:
    seen: list[tuple[object, ...]] = []
    project.events.labels.connect(lambda *args: seen.append(("labels", *args)))
    project.events.planes.connect(lambda *args: seen.append(("planes", *args)))
    project.events.boxes.connect(lambda *args: seen.append(("boxes", *args)))
    project.events.features.connect(lambda: seen.append(("features",)))
    project.events.document.connect(lambda name: seen.append(("document", name)))
    tiles = (slice(0, 8), slice(0, 64), slice(0, 64))
    paint(project)
    paint(project)  # changes nothing
    assert seen == [("labels", 1, 1, tiles), ("planes", 1, 1)]
    seen.clear()
    project.undo()
    assert seen == [("labels", 1, 1, tiles), ("planes", 1, 1)]
    seen.clear()
    project.add_boxes("T2", "membrane", [Box((1, 2, 3))])
    project.add_feature("x")
    project.interactions = []
    assert seen == [("boxes", 2, 1), ("features",), ("document", "interactions")]


def test_the_second_to_open_reads_only_and_says_so(project: Project) -> None:
    with pytest.warns(DataWarning, match="read-only, because it is open elsewhere \\(process [0-9]+ on"):
        second = Project.open(project.path)
    with second:
        assert second.read_only
        labels = second.labels("T1", "membrane")
        assert labels.read().sum() == 0
        paint(project)
        assert labels.read().sum() > 0  # sees what the first one does
        with pytest.raises(ProjectProblem, match="read-only"):
            paint(second)
        with pytest.raises(ProjectProblem, match="read-only"):
            second.undo()
    project.close()
    with Project.open(project.path) as third:
        assert not third.read_only


def test_a_folder_that_cannot_be_written_opens_read_only(project: Project) -> None:
    project.close()
    project.path.with_name(f".{project.path.name}.lock").mkdir()  # the lock cannot be made: true for root as well
    with pytest.warns(DataWarning, match="folder cannot be written"):
        again = Project.open(project.path)
    with again:
        assert again.read_only
        assert len(again.tomograms) == 2


def test_reading_only_leaves_no_trace(project: Project, tmp_path: Path) -> None:
    project.close()
    before = project.path.read_bytes()
    with Project.open(project.path, read_only=True) as again:
        assert again.read_only
        again.labels("T1", "membrane").read()
    assert project.path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["P.aisproj", "T1.mrc", "T2.mrc"]


def test_a_newer_project_is_refused(project: Project) -> None:
    project.close()
    connection = sqlite3.connect(project.path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ProjectProblem, match="newer ais-app.*update ais-app"):
        Project.open(project.path)
    with pytest.raises(ProjectProblem, match="newer"):  # and the lock was given back
        Project.open(project.path)


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_what_is_no_project_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "P.aisproj"
    path.write_bytes(content)
    with pytest.raises(FileProblem, match="P.aisproj: .*(no project|not a project)"):
        Project.open(path)
    assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["P.aisproj"]


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "P.aisproj"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    with pytest.raises(FileProblem, match="is not a project of ais-app"):
        Project.open(path)


def test_a_damaged_project_is_one_line(project: Project) -> None:
    empty = project.path.stat().st_size
    noise = np.random.default_rng(0).integers(0, 3, (20, 70, 90)).astype(np.uint8)
    project.import_labels("T1", "membrane", noise)
    project.close()
    content = bytearray(project.path.read_bytes())
    for page in range(empty // 4096, len(content) // 4096):  # without the first pages nothing opens
        content[page * 4096 : page * 4096 + 4096] = b"\xa5" * 4096
    project.path.write_bytes(content)
    with Project.open(project.path) as again:
        assert again.check() != []
        with pytest.raises(FileProblem, match="is damaged"):
            everything(again)


@pytest.mark.parametrize(
    ("column", "value"), [("kind", "'sqlite_master'"), ("key", "'{'"), ("image", "'[1'"), ("image", "'[1]'")]
)
def test_a_damaged_history_is_one_line(project: Project, column: str, value: str) -> None:
    project.change_feature("membrane", colour="#000000")
    project.close()
    connection = sqlite3.connect(project.path)
    connection.execute(f"UPDATE change SET {column} = {value}")
    connection.commit()
    connection.close()
    with Project.open(project.path) as again:
        with pytest.raises(FileProblem, match="its history is damaged"):
            again.undo()
        assert [feature.colour for feature in again.features] == ["#000000"]


def test_several_threads_do_not_mix(project: Project) -> None:
    """A training reads in its thread while a person paints; every step of each stays whole."""

    def work(number: int) -> None:
        for turn in range(10):
            with project.group(f"thread {number}"):
                project.add_boxes("T1", "membrane", [Box((number, turn, 1))])
                project.add_boxes("T1", "membrane", [Box((number, turn, 2))])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(project.boxes("T1", "membrane")) == 80
    for left in range(78, -1, -2):
        assert project.undo().startswith("thread")
        assert len(project.boxes("T1", "membrane")) == left


def test_missing_and_existing_files(tmp_path: Path, project: Project) -> None:
    with pytest.raises(FileProblem, match="no such project"):
        Project.open(tmp_path / "none.aisproj")
    with pytest.raises(FileProblem, match="no such project"):
        Project.open(tmp_path)
    with pytest.raises(FileProblem, match="exists already"):
        Project.create(project.path)
    with pytest.raises(FileProblem, match="T1.mrc"):
        Project.create(tmp_path / "T1.mrc" / "P.aisproj")


def test_a_closed_project_says_so(project: Project) -> None:
    project.close()
    project.close()
    with pytest.raises(ProjectProblem, match="closed"):
        _ = project.tomograms


def test_unknown_names_list_the_known(project: Project) -> None:
    with pytest.raises(ProjectProblem, match="T3.*T1, T2"):
        project.tomogram("T3")
    with pytest.raises(ProjectProblem, match="ribosome.*membrane"):
        project.labels("T1", "ribosome")


@pytest.mark.parametrize("name", ["", "a/b", "..", "a__b", "x" * 101, "a\nb"])
def test_feature_names_must_fit_file_names(project: Project, name: str) -> None:
    with pytest.raises(ParameterProblem, match="cannot be a name"):
        project.add_feature(name)


def test_twice_the_same(project: Project, tmp_path: Path, make_tomogram) -> None:
    assert project.add_tomogram(tmp_path / "T1.mrc") == project.tomogram("T1")
    with pytest.raises(ProjectProblem, match="of this name already"):
        project.add_tomogram(make_tomogram("T1", 9, tmp_path / "other"))
    with pytest.raises(ProjectProblem, match="in the project already"):
        project.add_feature("membrane")
    assert project.add_tomogram(tmp_path / "T1.mrc", voxel_size=7.5).voxel_size_zyx == (7.5, 7.5, 7.5)
    assert project.open_tomogram("T1").voxel_size_zyx == (7.5, 7.5, 7.5)


def test_boxes_outside_are_refused_together(project: Project) -> None:
    with pytest.raises(ParameterProblem, match="outside"):
        project.add_boxes("T1", "membrane", [Box((1, 2, 3)), Box((20, 2, 3))])
    assert project.boxes("T1", "membrane") == []
    with pytest.raises(ParameterProblem, match="no position"):
        Box((1, float("nan"), 3))


def test_export_overlays_the_tomogram(project: Project, tmp_path: Path) -> None:
    paint(project)
    paint(project, z=6, label=2)
    out = project.export_labels("T1", "membrane", tmp_path / "labels.mrc")
    written, tomogram = open_tomogram(out), open_tomogram(tmp_path / "T1.mrc")
    np.testing.assert_array_equal(written.read(), project.labels("T1", "membrane").read())
    assert written.voxel_size_zyx == tomogram.voxel_size_zyx
    assert written.origin_zyx == tomogram.origin_zyx == (-300.0, 200.0, 100.0)
    project.import_labels("T2", "membrane", out, [5, 6])
    both = project.labels("T2", "membrane")
    np.testing.assert_array_equal(both.read(), written.read())
    assert both.annotated_slices() == [5, 6]


def test_no_warning_without_a_reason(project: Project) -> None:
    project.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Project.open(project.path).close()

"""Commands of annotation as scripts call them: what they write, what they refuse, and the line they leave."""

import numpy as np
import pytest

import ais_app
from ais_app.core.annotation import brush
from ais_app.core.annotation.labels import TiledLabels
from ais_app.core.errors import ParameterProblem, ProjectProblem
from ais_app.core.io import create_volume
from ais_app.state.commands import annotate, boxes, edit, features, labels_in
from ais_app.state.project import Project
from ais_app.state.session import Session
from ais_app.state.settings import Settings

SHAPE = (12, 64, 80)
WHOLE = (slice(None),) * 3


@pytest.fixture
def session(tmp_path):
    path = tmp_path / "TS_01.mrc"
    with create_volume(path, SHAPE, np.dtype(np.int8)) as writer:
        writer.write(0, np.random.default_rng(0).integers(-30, 30, SHAPE).astype(np.int8))
    project = Project.create(tmp_path / "p.aisproj")
    project.add_tomogram(path, voxel_size=(20.0, 10.0, 10.0))
    opened = Session(project)
    features.add(opened, "membrane")
    features.show_as(opened, opened.view.feature, brush_radius=55.0)
    yield opened
    opened.close()


def labels(session):
    return session.project.labels("TS_01", "membrane")


def test_the_line_of_a_stroke_paints_the_same_again(session):
    annotate.paint(session, [(4, 20.25, 20.5), (4, 33, 47.125)])
    once = labels(session).read()
    expected = TiledLabels(SHAPE)
    expected.apply(brush.disk(expected, [(4, 20.25, 20.5), (4, 33, 47.125)], 55.0, voxel_size_zyx=(20, 10, 10)))
    assert np.array_equal(once, expected.read(WHOLE))
    line = session.log.lines[-1].python
    edit.undo(session)
    assert not labels(session).read().any()
    exec(line, {"commands": __import__("ais_app.state", fromlist=["commands"]).commands, "session": session})  # noqa: S102
    assert np.array_equal(labels(session).read(), once)


def test_every_kind_of_stroke_is_one_step_of_undo(session):
    square = [(4, 10, 10), (4, 10, 50), (4, 50, 50), (4, 50, 10)]
    for act in (
        lambda: annotate.paint(session, [(4, 30, 30)], shape="ball"),
        lambda: annotate.flood(session, [(4, 30, 30)], sensitivity=0.9),
        lambda: annotate.fill_outline(session, square),
        lambda: annotate.trace(session, square),
    ):
        act()
        assert labels(session).read().any()
        edit.undo(session)
        assert not labels(session).read().any()


def test_fill_inside_takes_what_an_outline_encloses(session):
    annotate.trace(session, [(4, 15, 15), (4, 15, 55), (4, 50, 55), (4, 50, 15), (4, 15, 15)])
    annotate.fill_inside(session, [(4, 32, 35)])
    assert labels(session).read_plane("z", 4)[15:50, 15:55].all()


def test_over_background_leaves_other_features_alone(session):
    annotate.paint(session, [(4, 30, 30)])
    features.add(session, "ribosome")
    session.view.over_background = True
    annotate.fill_outline(session, [(4, 5, 5), (4, 5, 60), (4, 60, 60), (4, 60, 5)])
    other = session.project.labels("TS_01", "ribosome").read()
    assert other.any() and not (other.astype(bool) & labels(session).read().astype(bool)).any()


@pytest.mark.parametrize("fields, words", [({"locked": True}, "is locked"), ({"visible": False}, "is hidden")])
def test_a_feature_that_must_not_be_painted_is_refused(session, fields, words):
    features.change(session, session.view.feature, **fields)
    for act in (
        lambda: annotate.paint(session, [(4, 30, 30)]),
        lambda: annotate.mark(session, 4),
        lambda: boxes.place(session, (4, 30, 30)),
    ):
        with pytest.raises(ProjectProblem, match=words):
            act()


def test_slices_are_copied_marked_and_cleared(session):
    annotate.paint(session, [(4, 30, 30)])
    annotate.copy_slice(session, 4, 5)
    assert session.view.z == 5
    assert np.array_equal(labels(session).read_plane("z", 5), labels(session).read_plane("z", 4))
    annotate.clear(session, 4)
    annotate.mark(session, 7)
    assert labels(session).annotated_slices() == [5, 7]
    annotate.unmark(session, 7)
    assert labels(session).annotated_slices() == [5]
    with pytest.raises(ParameterProblem, match="no slice 12"):
        annotate.copy_slice(session, 11, 12)


def test_interpolation_needs_two_slices(session):
    annotate.paint(session, [(2, 30, 30)])
    with pytest.raises(ParameterProblem, match="on 1 slice"):
        annotate.interpolate(session)
    annotate.paint(session, [(8, 30, 30)])
    annotate.interpolate(session)
    assert labels(session).annotated_slices() == list(range(2, 9))


def test_boxes_are_placed_moved_resized_and_removed(session):
    box = boxes.place(session, (4, 30, 30))
    boxes.move(session, box.id, (4, 35, 36))
    boxes.resize(session, box.id, 20)
    ((found, _),) = boxes.boxes_in_view(session)
    assert found == ais_app.Box((4, 35, 36), 20, box.id)
    boxes.remove(session, [box.id])
    assert boxes.boxes_in_view(session) == []
    with pytest.raises(ProjectProblem, match="is not on the tomogram"):
        boxes.move(session, box.id, (4, 30, 30))


def test_the_brush_grows_and_shrinks_but_never_to_nothing(session):
    annotate.change_radius(session, 3)
    assert session.feature.brush_radius > 55
    annotate.change_radius(session, -200)
    assert 0 < session.feature.brush_radius <= 10


def test_the_library_proposes_and_styles(session):
    settings = Settings()
    assert "Membrane" not in features.proposals(session, settings)  # there is one, in small letters
    feature = features.add_styled(session, "ribosome", settings)
    assert feature.brush_radius == features.LIBRARY["Ribosome"]["brush_radius"]
    features.show_as(session, feature.id, opacity=0.2)
    features.keep_style(settings, session.project.feature("ribosome"))
    assert features.style_named(settings, "Ribosome")["opacity"] == 0.2
    features.forget_style(settings, "ribosome")
    assert features.style_named(settings, "Ribosome") == features.LIBRARY["Ribosome"]


def test_volumes_are_read_by_number_by_threshold_and_as_labels(session, tmp_path):
    volume = np.random.default_rng(1).integers(0, 4, SHAPE).astype(np.int8)
    path = tmp_path / "segmentation.mrc"
    with create_volume(path, SHAPE, np.dtype(np.int8)) as writer:
        writer.write(0, volume)

    def read(**how):
        return ais_app.core.jobs.run(labels_in.volume_job(path, SHAPE, how.get("value"), how.get("threshold")))

    assert np.array_equal(read(value=3), volume == 3)
    assert np.array_equal(read(threshold=2), volume >= 2)
    with pytest.raises(ParameterProblem, match="holds 3, which is no label"):
        read()
    with pytest.raises(ParameterProblem, match="the tomogram"):
        ais_app.core.jobs.run(labels_in.volume_job(path, (1, 2, 3), 1, None))
    for _ in labels_in.taking_volume(session, labels(session), read(value=1)):
        pass
    assert np.array_equal(labels(session).read(), volume == 1)

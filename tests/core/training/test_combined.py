"""What other features say about this one."""

import numpy as np
import pytest

import ais_app
from ais_app.core.annotation.boxes import Box
from ais_app.core.errors import ParameterProblem, ProjectProblem
from ais_app.core.tomogram import Tomogram
from ais_app.operations.labelled import LabelChoice, labelled_tomograms
from ais_app.state.project import Project

SHAPE = (6, 32, 32)


@pytest.fixture
def project(tmp_path):
    """Ribosomes are annotated on slice 1, membranes on 1 and 3, dirt on 1; a box of each on slice 5."""
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    for name in ("TS_01", "TS_02"):
        ais_app.write_volume(tmp_path / f"{name}.mrc", image, like=Tomogram(image, (10.0, 10.0, 10.0)))
    ribosome, membrane, dirt = (np.zeros(SHAPE, np.uint8) for _ in range(3))
    ribosome[1, 2:6, 2:6] = membrane[[1, 3], 10:14] = dirt[1, 20:24] = 1
    ribosome[3, 10:12, 0:2] = 1  # painted and then not called annotated: still known to be one
    with Project.create(tmp_path / "P.aisproj") as made:
        made.add_tomogram(tmp_path / "TS_01.mrc")
        made.add_tomogram(tmp_path / "TS_02.mrc")
        made.import_labels("TS_01", "ribosome", ribosome, slices=[1])
        made.import_labels("TS_01", "membrane", membrane, slices=[1, 3])
        made.import_labels("TS_01", "dirt", dirt, slices=[1])
        made.labels("TS_01", "ribosome").write((slice(3, 4), slice(10, 12), slice(0, 2)), np.ones((1, 2, 2), np.uint8))
        made.add_boxes("TS_01", "membrane", [Box((5, 16, 16), 8)])
    with Project.open(tmp_path / "P.aisproj", read_only=True) as opened:
        yield opened


def read(item, z):
    return item.labels((slice(z, z + 1), slice(None), slice(None)))[0]


def test_alone_nothing_is_borrowed(project):
    (item,) = labelled_tomograms(project, "ribosome")
    assert item.slices == (1,) and not item.boxes and set(np.unique(read(item, 1))) == {0, 1}


def test_a_negative_feature_is_background_and_the_rest_is_unknown(project):
    (item,) = labelled_tomograms(project, "ribosome", LabelChoice(negatives=["membrane"]))
    assert item.slices == (1, 3) and [box.centre_zyx for box in item.boxes] == [(5.0, 16.0, 16.0)]
    assert set(np.unique(read(item, 1))) == {0, 1}  # its own slice stays as it is
    borrowed = read(item, 3)
    assert (borrowed[12:14] == 0).all() and (borrowed[:10] == 2).all() and (borrowed[14:] == 2).all()
    assert (borrowed[10:12, 0:2] == 1).all()


def test_part_of_a_slice_is_that_part(project):
    (item,) = labelled_tomograms(project, "ribosome", LabelChoice(negatives=["membrane"], ignored=["dirt"]))
    whole = item.labels((slice(0, 6), slice(None), slice(None)))
    part = item.labels((slice(1, 4), slice(5, 25), slice(1, 9)))
    np.testing.assert_array_equal(part, whole[1:4, 5:25, 1:9])


def test_boxes_of_a_negative_feature_are_trusted(project):
    (item,) = labelled_tomograms(project, "ribosome", LabelChoice(negatives=["membrane"]))
    assert (read(item, 5)[12:20, 12:20] == 0).all()


def test_an_ignored_feature_is_left_out(project):
    (item,) = labelled_tomograms(project, "ribosome", LabelChoice(ignored=["dirt"]))
    labels = read(item, 1)
    assert (labels[20:24] == 2).all() and (labels[2:6, 2:6] == 1).all() and (labels[24:] == 0).all()


def test_what_cannot_be_chosen_is_named(project):
    with pytest.raises(ParameterProblem, match="two parts"):
        labelled_tomograms(project, "ribosome", LabelChoice(negatives=["ribosome"]))
    with pytest.raises(ParameterProblem, match="two parts"):
        labelled_tomograms(project, "ribosome", LabelChoice(negatives=["dirt"], ignored=["dirt"]))
    with pytest.raises(ProjectProblem, match="TS_09"):
        labelled_tomograms(project, "ribosome", LabelChoice(tomograms=["TS_09"]))
    with pytest.raises(ProjectProblem, match="chosen tomograms"):
        labelled_tomograms(project, "ribosome", LabelChoice(tomograms=["TS_02"]))

"""Cubes that hold nothing have no class, and are in no cluster; the numbers of all others stay."""

import csv
import shutil

import numpy as np
import pytest
from two_shapes import COUNT, EDGE, write_two_shapes

from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.training.cube_parameters import CubeTrainParams
from ais_app.operations.subtomo_train import subtomo_train

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("default::ais_app.core.errors.DataWarning"),
]
EMPTY = [0, 7, 8, 39]


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    return write_two_shapes(tmp_path_factory.mktemp("whole") / "s.zarr")


@pytest.fixture(scope="module")
def network(stack, tmp_path_factory):
    options = CubeTrainParams(epochs=2, batch=8, learning_rate=3e-3, averaging=0.5, device="cpu")
    return subtomo_train([stack], tmp_path_factory.mktemp("n") / "n.aismodel", options).model


@pytest.fixture
def holed(stack, tmp_path):
    """The stack, in which some cubes hold one value."""
    copied = shutil.copytree(stack, tmp_path / "holed.zarr")
    for row in EMPTY:
        np.full(EDGE**3, 2.5, "<f4").tofile(copied / "cubes" / f"{row}.0.0.0")
    return copied


def lines_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_empty_cubes_have_no_class(stack, holed, network, tmp_path, ais):
    words = ("subtomo", "classify", "--model", network, "-o", tmp_path, "--device", "cpu")
    code, _, err = ais(*words, stack)
    assert (code, err) == (0, "")
    code, text, err = ais(*words, holed, "--save")
    assert code == 0, err
    assert f"{holed}: cubes that are the same everywhere are unknown: 0,7-8,39, counted from 0" in err
    assert "unknown 4" in text
    whole, found = lines_of(tmp_path / "s_classes.csv"), lines_of(tmp_path / "holed_classes.csv")
    assert len(found) == COUNT and {found[row]["class_name"] for row in EMPTY} == {"unknown"}
    for row in np.setdiff1d(np.arange(COUNT), EMPTY):
        assert found[row] == whole[row]
    assert (SubtomogramStack.open(holed).classes[EMPTY] == -1).all()


def test_empty_cubes_are_in_no_cluster(holed, network, tmp_path, ais):
    words = ("subtomo", "discover", holed, "--model", network, "-o", tmp_path, "--clusters", 3, "--averages", 0)
    code, text, err = ais(*words, "--device", "cpu")
    assert code == 0, err
    assert f"{holed}: cubes that are the same everywhere are left out: 0,7-8,39, counted from 0" in err
    assert "3 clusters" in text
    left = np.setdiff1d(np.arange(COUNT), EMPTY)
    assert [int(line["row"]) for line in lines_of(tmp_path / "members.csv")] == left.tolist()
    assert sum(int(line["size"]) for line in lines_of(tmp_path / "clusters.csv")) == COUNT - len(EMPTY)
    for name in ("logits.npy", "features.npy"):
        values = np.load(tmp_path / name)
        assert len(values) == COUNT and np.isnan(values[EMPTY]).all() and np.isfinite(values[left]).all()


@pytest.mark.parametrize("command", ["classify", "discover"])
def test_a_stack_of_nothing_is_refused(stack, network, tmp_path, ais, command):
    copied = shutil.copytree(stack, tmp_path / "nothing.zarr")
    for row in range(COUNT):
        np.zeros(EDGE**3, "<f4").tofile(copied / "cubes" / f"{row}.0.0.0")
    code, _, err = ais("subtomo", command, copied, "--model", network, "-o", tmp_path / "out")
    assert code == 1 and "0-39, counted from 0) are the same everywhere" in err

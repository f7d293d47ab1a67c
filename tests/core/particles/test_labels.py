import numpy as np
import pandas as pd
import pytest

from ais_app.core.coordinates import write_particles
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.core.particles.labels import class_names_of, labels_of, numbered, read_labels, save_labels, write_labels
from ais_app.core.particles.stack import SubtomogramStack, write_stack
from ais_app.core.particles.wedge import Wedge

COUNT = 5


def stack(tmp_path, table=None, **options) -> SubtomogramStack:
    particles = Particles(np.arange(15.0).reshape(5, 3), voxel_size=10.0, tomograms=np.array(["t"] * 5, dtype=object))
    if table is not None:
        particles = Particles(particles.positions_zyx, voxel_size=10.0, tomograms=particles.tomograms, table=table)
    cubes = np.random.default_rng(0).normal(size=(COUNT, 8, 8, 8)).astype(np.float32)
    return write_stack(tmp_path / "s.zarr", cubes, particles, [Wedge(-60, 60)], np.zeros(COUNT, int), 10.0, **options)


def test_names_of_a_stack(tmp_path):
    labels = np.array([0, 1, 2, -1, 0])
    made = stack(tmp_path, classes=labels)
    assert class_names_of(made) == ("class 1", "class 2", "class 3")
    made = stack(tmp_path, classes=labels, notes={"class_names": ["a", "b"]})
    assert labels_of(made)[1] == ("a", "b", "class 3") and np.array_equal(labels_of(made)[0], labels)
    save_labels(made.path, labels[::-1], ["x", "y", "z"])
    again = SubtomogramStack.open(made.path)
    assert class_names_of(again) == ("x", "y", "z") and np.array_equal(again.classes, labels[::-1])
    with pytest.raises(ParameterProblem, match="number 2 has no name"):
        save_labels(made.path, labels, ["x", "y"])


def test_classes_that_picks_brought_along(tmp_path):
    made = stack(tmp_path, pd.DataFrame({"class_name": ["b", "a", "", "unknown", "b"]}))
    labels, names = labels_of(made)
    assert labels.tolist() == [1, 0, -1, -1, 1] and names == ("a", "b")
    bare = stack(tmp_path)
    assert labels_of(bare)[0].tolist() == [-1] * COUNT and labels_of(bare)[1] == ()


def test_names_become_numbers():
    labels, names = numbered([10, 2, None, "-1", 2.0, float("nan"), "10"])
    assert labels.tolist() == [1, 0, -1, -1, 0, -1, 1] and names == ("2", "10")
    labels, names = numbered(["b", "c", "a"], ["c"])
    assert labels.tolist() == [2, 0, 1] and names == ("c", "a", "b")


def test_classes_that_are_written_are_read_again(tmp_path):
    names = ["01", "1", "#2", "a,b", 'q"z', "1e3", "true"]
    labels = np.array([3, 0, -1, 6, 1, 2, 4, 5])
    back, called = read_labels(write_labels(tmp_path / "c.csv", labels, names), None, len(labels))
    assert [None if n < 0 else called[n] for n in back] == [None if n < 0 else names[n] for n in labels]


def test_classes_from_tables(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("class_name,other\na,1\nb,1\n,1\na,2\nb,2\n")
    assert read_labels(path, None, COUNT)[0].tolist() == [0, 1, -1, 0, 1]
    assert read_labels(path, "other", COUNT)[1] == ("1", "2")
    path.write_text('class\n1\nNA\n2.0\n""\n2\n')  # a column with gaps
    labels, names = read_labels(path, None, COUNT)
    assert labels.tolist() == [0, -1, 1, -1, 1] and names == ("1", "2")
    path.write_text("row,class\n4,a\n0,b\n")
    labels, names = read_labels(path, None, COUNT)
    assert labels.tolist() == [1, -1, -1, -1, 0] and names == ("a", "b")
    table = pd.DataFrame({"rlnClassNumber": [1, 2, 2, 1, 3]})
    particles = Particles(np.ones((5, 3)), voxel_size=10.0, tomograms=np.array(["t"] * 5, dtype=object), table=table)
    star = write_particles(tmp_path / "c.star", particles)
    assert read_labels(star, None, COUNT)[0].tolist() == [0, 1, 1, 0, 2]


def test_tables_that_do_not_suit(tmp_path):
    path = tmp_path / "c.csv"
    for text, column, message in (
        ("a,b\n1,2\n", None, "has no column class_name or"),
        ("a,b\n1,2\n", "z", "say which: --column"),
        ("class\na\nb\n", None, "2 lines, but the stack has 5"),
        ("row,class\n7,a\n", None, "not 0 to 4"),
    ):
        path.write_text(text)
        with pytest.raises(FileProblem, match=message):
            read_labels(path, column, COUNT)
    with pytest.raises(FileProblem, match="check the name"):
        read_labels(tmp_path / "none.csv", None, COUNT)
    with pytest.raises(FileProblem, match="no table that can be read"):
        read_labels(tmp_path / "none.star", None, COUNT)

"""Some particles of a stack: those of a class, those with certain numbers; what becomes of the others."""

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ais_app.core.coordinates import read_particles
from ais_app.core.errors import ParameterProblem
from ais_app.core.io import write_volume
from ais_app.core.particle_set import Particles
from ais_app.core.particles.choice import ParticleChoice, chosen_rows, rows_text
from ais_app.core.particles.halves_params import AverageParams
from ais_app.core.particles.labels import class_names_of, labels_of, read_labels, save_labels
from ais_app.core.particles.sort import SortParams
from ais_app.core.particles.stack import SubtomogramStack, save_poses, write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram
from ais_app.operations.replay import replay
from ais_app.operations.subtomo_average import subtomo_average
from ais_app.operations.subtomo_sort import subtomo_sort

EDGE, SIZE, COUNT = 12, 10.0, 10
FAST = AverageParams(iterations=1, angular_step=60.0)
QUICK = {
    "align": ("--angular-step", "60", "--candidates", "1"),
    "average": ("--no-align",),
    "sort": ("--no-align", "--dimensions", "2", "--classes", "2"),
    "faml": ("--iterations", "1", "--angular-step", "60", "--classes", "2"),
    "export": (),
}
PROTEASOMES = [1, 2, 5, 7, 9]


@pytest.fixture(autouse=True, scope="module")
def on_one_core(one_thread):
    """Cubes of this size are turned fastest on one."""


@pytest.fixture
def stack(tmp_path, rng):
    """Five ribosomes and five proteasomes, with poses."""
    places = Particles(
        rng.uniform(100, 900, (COUNT, 3)),
        rotations=Rotation.random(COUNT, rng=rng).as_matrix(),
        tomograms=np.array(["TS_1"] * COUNT, dtype=object),
        voxel_size=SIZE,
    )
    cubes = rng.normal(size=(COUNT, EDGE, EDGE, EDGE)).astype(np.float32)
    path = tmp_path / "stack.zarr"
    classes = np.isin(np.arange(COUNT), PROTEASOMES).astype(int)
    write_stack(
        path, cubes, places, [Wedge()], np.zeros(COUNT, int), SIZE, classes,
        notes={"class_names": ["ribosome", "proteasome"]},
    )  # fmt: skip
    return path


def words_of(command, stack, out):
    """The command, with what is needed to be quick; `align` has the first cube for its map."""
    words = ["subtomo", command, stack, *QUICK[command], "-o", out / "particles.star" if command == "align" else out]
    if command == "align":
        cube = SubtomogramStack.open(stack).read([0])[0]
        words += ["--reference", write_volume(out.parent / "map.mrc", cube, like=Tomogram(cube, (SIZE,) * 3))]
    return words


def rows_of(stack, **choice):
    return chosen_rows(SubtomogramStack.open(stack), ParticleChoice(**choice)).tolist()


def test_classes_are_chosen_by_name_and_number_and_rows_as_messages_count_them(stack):
    assert rows_of(stack, of_class=("proteasome",)) == rows_of(stack, of_class=("2",)) == PROTEASOMES
    assert rows_of(stack, of_class="proteasome") == rows_of(stack, of_class=(2,)) == PROTEASOMES
    assert rows_of(stack, of_class=("1", "proteasome")) == list(range(COUNT))
    assert rows_of(stack, rows="7-9, 0") == [0, 7, 8, 9]
    assert rows_of(stack, of_class=("proteasome",), rows="0-5", leave_out="2") == [1, 5]
    save_labels(stack, np.arange(COUNT) % 3, ["2", "1", "7"])
    assert rows_of(stack, of_class=("2",)) == [0, 3, 6, 9]  # a name before a number
    assert rows_text([0, 1, 2, 4, 7, 8]) == "0-2,4,7-8"


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"of_class": ("tric",)}, r"stack.zarr has no class tric; it has ribosome \(5\), proteasome \(5\)"),
        ({"of_class": ("0",)}, "has no class 0"),
        ({"of_class": ("3",)}, "has no class 3"),
        ({"rows": "8-10"}, "rows: 8-10: there are 10 subtomograms; give 0 to 9"),
        ({"rows": "5-3"}, "rows: 5-3 runs backwards; write 3-5"),
        ({"leave_out": "a"}, "leave_out: 'a' is no list of numbers; write 0-4,7"),
        ({"leave_out": "0-9"}, "none of its 10 subtomograms is chosen"),
        ({"of_class": ("ribosome",), "rows": "1,2"}, "none of its 10 subtomograms"),
    ],
)
def test_what_is_not_there_cannot_be_chosen(stack, choice, said):
    with pytest.raises(ParameterProblem, match=said):
        rows_of(stack, **choice)


def test_a_stack_without_classes_says_how_to_get_some(stack):
    (stack / "classes.npy").unlink()
    with pytest.raises(ParameterProblem, match=r"stack.zarr has no classes; .*cluster --save"):
        rows_of(stack, of_class=("1",))


@pytest.mark.parametrize("command", QUICK)
def test_commands_take_one_class(stack, tmp_path, ais, command):
    out = tmp_path / "out"
    whole = SubtomogramStack.open(stack)
    code, _, err = ais(*words_of(command, stack, out), "--of-class", "proteasome")
    assert code == 0, err
    found = read_particles(out / "particles.star", voxel_size=SIZE)
    assert len(found) == len(PROTEASOMES)
    if command not in ("faml", "align"):  # which move them
        assert np.allclose(found.positions_zyx, whole.particles.positions_zyx[PROTEASOMES], atol=1e-3)
    if command in ("sort", "faml"):
        table = out / {"sort": "coordinates.csv", "faml": "probabilities.csv"}[command]
        assert [int(line.split(",")[0]) for line in table.read_text().splitlines()[1:]] == PROTEASOMES
        labels, names = labels_of(SubtomogramStack.open(stack))
        assert set(names[n] for n in np.delete(labels, PROTEASOMES)) == {"ribosome"}
        assert {names[n] for n in labels[PROTEASOMES]} <= {"class 1 of proteasome", "class 2 of proteasome"}
    made = next(path for path in sorted(out.iterdir()) if path.with_name(f"{path.name}.json").exists())
    record = json.loads(made.with_name(f"{made.name}.json").read_text())
    assert record["arguments"]["choice"]["rows"] == "1-2,5,7,9"
    if command != "export":  # which writes the classes too, so that other classes are another input
        save_labels(stack, np.zeros(COUNT, int), ["all"])
    assert replay(made).identical


def test_poses_of_the_others_stay(stack, tmp_path):
    before = SubtomogramStack.open(stack).poses
    choice = ParticleChoice(of_class=("proteasome",), leave_out="9")
    found = subtomo_average(stack, tmp_path / "a", FAST, save=True, choice=choice)
    after = SubtomogramStack.open(stack).poses
    chosen = [1, 2, 5, 7]
    assert np.array_equal(after.rotations[chosen], found.refined.poses.rotations)
    others = np.delete(np.arange(COUNT), chosen)
    assert np.array_equal(after.rotations[others], before.rotations[others])
    assert not np.allclose(after.rotations[chosen], before.rotations[chosen])
    assert replay(tmp_path / "a" / "average.mrc").identical
    alone = subtomo_average(stack, tmp_path / "b", FAST, poses=tmp_path / "a" / "starting_poses.npz", choice=choice)
    assert np.array_equal(alone.refined.averages.average, found.refined.averages.average)


def test_clusters_that_are_kept_can_be_averaged(stack, tmp_path, ais):
    words = ("--by", "components", "--clusters", "2", "--map", "components", "--save")
    code, _, err = ais("subtomo", "cluster", stack, "-o", tmp_path / "groups", *words)
    assert code == 0, err
    labels = labels_of(SubtomogramStack.open(stack))[0]
    code, text, err = ais("subtomo", "average", stack, "-o", tmp_path / "a", "--of-class", "cluster 2", "--no-align")
    assert code == 0, err
    assert text.startswith(f"{(labels == 1).sum()} particle")


def test_classes_that_are_replaced_stay_beside_the_outputs(stack, tmp_path, ais):
    out = tmp_path / "out"
    mine = np.array([0, 1, 1, -1, 0, 1, 0, 1, 0, 2])
    save_labels(stack, mine, ["ribosome", "membrane, inner", "gold"])
    for times in (1, 2, 3):
        code, text, err = ais("subtomo", "sort", stack, "-o", out, "--seed", times, *QUICK["sort"])
        assert code == 0, err
        name = "starting_classes.csv" if times == 1 else f"starting_classes_{times}.csv"
        assert f"the classes that the stack had are in {out / name}" in text or times == 3
    labels, names = read_labels(out / "starting_classes.csv", None, COUNT)
    assert [names[n] if n >= 0 else None for n in labels] == [
        [None, "ribosome", "membrane, inner", "gold"][n + 1] for n in mine
    ]
    save_labels(stack, labels, names)
    kept = (out / "starting_classes.csv").read_bytes()
    code, text, err = ais("subtomo", "sort", stack, "-o", out, *QUICK["sort"], "--no-save")
    assert code == 0 and "the stack had" not in text, err
    assert class_names_of(SubtomogramStack.open(stack)) == names
    assert (out / "starting_classes.csv").read_bytes() == kept


def test_a_stack_without_classes_leaves_no_table(stack, tmp_path, ais):
    (stack / "classes.npy").unlink()
    code, text, err = ais("subtomo", "faml", stack, "-o", tmp_path / "out", *QUICK["faml"])
    assert code == 0 and "the stack had" not in text, err
    assert not list((tmp_path / "out").glob("starting*"))


@pytest.mark.filterwarnings("default::ais_app.core.errors.DataWarning")
@pytest.mark.parametrize("command", ["align", "average", "sort", "faml"])
def test_empty_cubes_are_left_out_and_named(stack, tmp_path, ais, command):
    words = words_of(command, stack, tmp_path / "out")
    for row in (3, 4):
        np.full(EDGE**3, 2.5, "<f4").tofile(stack / "cubes" / f"{row}.0.0.0")
    corner = np.fromfile(stack / "cubes" / "6.0.0.0", "<f4")
    corner[:-3] = 1  # something lies only in its last voxels
    corner.tofile(stack / "cubes" / "6.0.0.0")
    code, _, err = ais(*words)
    assert code == 0, err
    assert f"{stack}: cubes that are the same everywhere are left out: 3-4, counted from 0" in err
    assert len(read_particles(tmp_path / "out" / "particles.star", voxel_size=SIZE)) == COUNT - 2
    classes = SubtomogramStack.open(stack).classes
    assert (classes[[3, 4]] == -1).all() == (command in ("sort", "faml"))
    code, _, err = ais(*words, "--rows", "3,4")
    assert code == 1
    assert f"{stack}: all cubes that are chosen (3-4, counted from 0) are the same everywhere" in err
    code, _, err = ais(*words, "--leave-out", "3,4")
    assert code == 0 and "same everywhere" not in err


def test_names_of_classes_do_not_meet(stack, tmp_path):
    save_labels(stack, np.arange(COUNT) % 2, ["class 1 of some", "other"])
    asked = ParticleChoice(rows=",".join(map(str, range(1, COUNT, 2))) + ",1,3,5,7,9" * 4)
    subtomo_sort(stack, tmp_path / "out", SortParams(align=False, dimensions=2), choice=asked)
    labels, names = labels_of(SubtomogramStack.open(stack))
    assert names == ("class 1 of some", "class 1 of some (2)", "class 2 of some")
    assert set(labels[::2]) == {0} and 0 not in labels[1::2]


def test_poses_need_to_be_as_many_as_rows(stack):
    poses = SubtomogramStack.open(stack).poses
    with pytest.raises(ParameterProblem, match="poses: there are 3 for 2 cubes"):
        save_poses(stack, poses[:3], np.array([0, 1]))


@pytest.mark.parametrize("first", ["proteasome", "2"])
def test_a_class_that_was_sorted_is_numbered_when_it_is_sorted_again(stack, tmp_path, first):
    params = SortParams(align=False, dimensions=2, classes=2)
    for step, each in enumerate([first, "class 1 of proteasome", "class 1.1 of proteasome"]):
        subtomo_sort(stack, tmp_path / f"{step}", params, choice=ParticleChoice(of_class=(each,)))
        labels, names = labels_of(SubtomogramStack.open(stack))
        if step < 2:  # so that there is enough to sort again
            save_labels(stack, np.where(labels == names.index("ribosome"), labels, len(names) - 2), names)
    assert names == ("ribosome", "class 1.1.1 of proteasome", "class 1.1.2 of proteasome")
    subtomo_sort(stack, tmp_path / "4", params, choice=ParticleChoice(leave_out="1,2,5,7,9"))
    labels, names = labels_of(SubtomogramStack.open(stack))
    assert "class 1 of all but 1,2,5,7,9" in names and len(set(names)) == len(names) == 4


def test_names_with_numbers_behind_stay_unique(stack, tmp_path):
    save_labels(stack, np.arange(COUNT) % 2, ["class 1 of ribosome (2)", "ribosome"])
    subtomo_sort(
        stack, tmp_path / "out", SortParams(align=False, dimensions=2), choice=ParticleChoice(of_class=("ribosome",))
    )
    _, names = labels_of(SubtomogramStack.open(stack))
    assert names == ("class 1 of ribosome (2)", "class 1 of ribosome", "class 2 of ribosome")

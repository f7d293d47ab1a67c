"""`ais-app subtomo average`, `sort` and `faml`: files, provenance, stopped and resumed, bad input."""

import csv
import shutil
from dataclasses import replace

import numpy as np
import pytest
from averaged_stack import EDGE, FAST, SIZE, TRUTH, agreement, eight_particles

from ais_app.core.coordinates import read_particles
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.particle_set import Particles
from ais_app.core.particles.faml import FamlParams
from ais_app.core.particles.grouping import GroupingParams
from ais_app.core.particles.halves_params import AverageParams
from ais_app.core.particles.labels import class_names_of, save_labels
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.sort import SortParams
from ais_app.core.particles.stack import SubtomogramStack, write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.operations.replay import replay
from ais_app.operations.subtomo_average import subtomo_average, subtomo_average_job
from ais_app.operations.subtomo_cluster import subtomo_cluster
from ais_app.operations.subtomo_faml import subtomo_faml, subtomo_faml_job
from ais_app.operations.subtomo_sort import subtomo_sort, subtomo_sort_job


@pytest.fixture(autouse=True, scope="module")
def on_one_core(one_thread):
    """Cubes of this size are turned fastest on one."""


def table_of(path):
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.fixture
def stack(tmp_path):
    """Eight particles, those with odd numbers with a bump more, their poses known."""
    return eight_particles(tmp_path)


def test_the_command_writes_what_it_says(stack, tmp_path, ais):
    out = tmp_path / "out"
    code, text, err = ais("subtomo", "average", stack, "-o", out, "--no-align", "--tilt", "-60,60")
    assert code == 0, err
    assert "8 particles, 0 iterations" in text and "average.mrc" in text
    average = open_tomogram(out / "average.mrc")
    assert average.shape == (EDGE,) * 3 and average.voxel_size == pytest.approx(SIZE)
    assert agreement(average.read(), TRUTH) > 0.9  # bright, and in the frame of the poses
    halves = [open_tomogram(out / f"half{number}.mrc").read() for number in (1, 2)]
    assert not np.array_equal(*halves) and agreement(*halves) > 0.7
    rows = table_of(out / "fsc.csv")
    assert len(rows) == EDGE // 2 + 1 and {"shell", "resolution", "fsc"} <= set(rows[0])
    found = read_particles(out / "particles.star", voxel_size=SIZE)
    opened = SubtomogramStack.open(stack)
    assert np.allclose(found.rotations, opened.poses.rotations, atol=1e-4)
    for name in ("average.mrc", "half1.mrc", "half2.mrc", "fsc.csv", "particles.star"):
        assert (out / f"{name}.json").exists()
    assert replay(out / "average.mrc").identical


def test_alignment_from_poses_is_saved_on_demand(stack, tmp_path):
    before = SubtomogramStack.open(stack).poses
    found = subtomo_average(stack, tmp_path / "a", FAST)
    assert np.array_equal(SubtomogramStack.open(stack).poses.rotations, before.rotations)
    assert len(table_of(tmp_path / "a" / "iterations.csv")) == len(found.refined.history) > 0
    saved = subtomo_average(stack, tmp_path / "b", FAST, save=True)
    after = SubtomogramStack.open(stack).poses
    assert np.allclose(after.rotations, saved.refined.poses.rotations)
    assert np.array_equal(saved.refined.averages.average, found.refined.averages.average)
    assert not np.array_equal(after.rotations, before.rotations)
    assert replay(tmp_path / "b" / "average.mrc").identical  # from the poses that were replaced


def test_poses_that_were_replaced_can_be_begun_with(stack, tmp_path, ais):
    first = subtomo_average(stack, tmp_path / "a", FAST, save=True)
    begin = tmp_path / "a" / "starting_poses.npz"
    code, _, err = ais("subtomo", "average", stack, "-o", tmp_path / "b", "--no-align", "--poses", begin)
    assert code == 0, err
    rotations = read_particles(tmp_path / "b" / "particles.star", voxel_size=SIZE).rotations
    with np.load(begin) as kept:
        assert np.allclose(rotations, kept["rotations"], atol=1e-4)
    assert not np.allclose(rotations, first.refined.poses.rotations, atol=1e-4)
    moved = shutil.move(tmp_path / "b", stack.parent / "c")
    assert replay(stack.parent / "c" / "average.mrc").identical and moved
    with pytest.raises(FileProblem, match=r"none.npz: .*give the poses of this stack"):
        subtomo_average(stack, tmp_path / "d", FAST, poses=tmp_path / "none.npz")


def test_poses_that_were_replaced_stay_when_more_are_replaced(stack, tmp_path):
    first = SubtomogramStack.open(stack).poses
    subtomo_average(stack, tmp_path / "a", FAST, save=True)
    second = SubtomogramStack.open(stack).poses
    with pytest.raises(FileProblem, match="none.mrc"):
        subtomo_average(stack, tmp_path / "a", FAST, mask=tmp_path / "none.mrc", save=True)
    with pytest.raises(JobCancelled):
        run(subtomo_average_job(stack, tmp_path / "a", FAST, resume=False, save=True), stop=lambda: True)
    assert replay(tmp_path / "a" / "average.mrc").identical  # of the first run
    subtomo_average(stack, tmp_path / "a", FAST, poses=tmp_path / "a" / "starting_poses.npz", save=True)
    for name, poses in (("starting_poses.npz", first), ("starting_poses_2.npz", second)):
        with np.load(tmp_path / "a" / name) as kept:
            assert np.array_equal(kept["rotations"], poses.rotations)


def test_stopped_it_goes_on_where_it_was(stack, tmp_path):
    whole = subtomo_average(stack, tmp_path / "whole", FAST)
    out, steps = tmp_path / "out", []

    def stop():
        return any(step.values for step in steps)

    with pytest.raises(JobCancelled):
        run(subtomo_average_job(stack, out, FAST), steps.append, stop)
    assert (out / "iterations" / "state.npz").exists() and not (out / "average.mrc").exists()
    again = []
    resumed = run(subtomo_average_job(stack, out, FAST), again.append)
    assert np.array_equal(resumed.refined.averages.average, whole.refined.averages.average)
    assert [step.values["iteration"] for step in again if step.values] == [2]
    (out / "iterations" / "state.npz").write_bytes(b"no state")
    with pytest.raises(FileProblem, match="--fresh"):
        subtomo_average(stack, out, FAST)
    assert len(subtomo_average(stack, out, FAST, resume=False).refined.history) == 2


@pytest.mark.parametrize(
    ("job", "params", "folder", "table", "step"),
    [
        (subtomo_sort_job, SortParams(rounds=3, dimensions=2, angular_step=45.0), "rounds", "rounds.csv", "round"),
        (subtomo_faml_job, FamlParams(iterations=3, angular_step=45.0), "iterations", "iterations.csv", "iteration"),
    ],
)
def test_classes_that_were_stopped_go_on_where_they_were(stack, tmp_path, job, params, folder, table, step):
    whole, out = tmp_path / "whole", tmp_path / "out"
    run(job(stack, whole, params, save=False))
    state = out / folder / "state.npz"
    with pytest.raises(JobCancelled):
        run(job(stack, out, params, save=False), stop=state.exists)
    assert not (out / table).exists()
    again = []
    run(job(stack, out, params, save=False), again.append)
    done = [record.values[step] for record in again if record.values]
    assert done and min(done) > 1
    for name in ("class_1_average.mrc", "class_2_average.mrc"):
        first, second = (open_tomogram(one / name).read() for one in (whole, out))
        np.testing.assert_array_equal(first, second)
    assert (whole / table).read_text() == (out / table).read_text()
    assert not state.parent.exists()  # nothing is left to go on with
    state.parent.mkdir()
    state.write_bytes(b"no state")
    with pytest.raises(FileProblem, match="--fresh"):
        run(job(stack, out, params, save=False))
    run(job(stack, out, params, save=False, resume=False))
    # what was made otherwise is not gone on with
    with pytest.raises(JobCancelled):
        run(job(stack, out, params, save=False), stop=state.exists)
    again.clear()
    run(job(stack, out, replace(params, seed=5), save=False), again.append)
    assert min(record.values[step] for record in again if record.values) == 1


def test_a_stack_whose_poses_were_replaced_says_so_when_it_is_made_again(tmp_path, ais):
    stack = tmp_path / "s.zarr"
    simulate = ("subtomo", "simulate", "-o", stack, "--template", "ribosome", "--template", "p97", "--box", "16")
    code, _, err = ais(*simulate, "--voxel-size", "24", "--number", "3", "--snr", "1", "--known-poses")
    assert code == 0, err
    assert ais("replay", stack)[0] == 0
    words = ("--iterations", "1", "--angular-step", "60")
    code, _, err = ais("subtomo", "average", stack, "-o", tmp_path / "a", *words, "--save")
    assert code == 0, err
    code, text, _ = ais("replay", stack)
    assert code == 1 and "poses.npz is another: poses were replaced since, as by ais-app subtomo average" in text
    assert "classes.npy" not in text
    code, _, err = ais("subtomo", "faml", stack, "-o", tmp_path / "f", *words, "--seed", "3")
    assert code == 0, err
    (stack / "cubes" / "0.0.0.0").write_bytes((stack / "cubes" / "1.0.0.0").read_bytes())
    code, text, _ = ais("replay", stack)
    assert (
        code == 1 and "classes.npy is another: classes were replaced since" in text and "cubes/0.0.0.0 differ" in text
    )


def test_one_particle_has_no_curve(stack, tmp_path):
    opened = SubtomogramStack.open(stack)
    one = tmp_path / "one.zarr"
    write_stack(one, opened.read([0]), opened.particles[:1], [Wedge(-90, 90)], np.zeros(1, int), SIZE)
    found = subtomo_average(one, tmp_path / "out", align=False)
    assert "no second half" in str(found) and not (tmp_path / "out" / "fsc.csv").exists()
    with pytest.raises(ParameterProblem, match="2 of 1 particles"):
        subtomo_sort(one, tmp_path / "sorted")
    with pytest.raises(ParameterProblem, match="2 of 1 particles"):
        subtomo_faml(one, tmp_path / "faml")


def test_bad_input_of_the_command(stack, tmp_path, ais):
    for arguments in (
        ["average", tmp_path / "none.zarr", "-o", tmp_path / "out"],
        ["average", stack, "-o", tmp_path / "out", "--tilt", "0,0"],
        ["average", stack, "-o", tmp_path / "out", "--symmetry", "X9"],
        ["average", stack, "-o", tmp_path / "out", "--low-pass", "5000"],
        ["sort", stack, "-o", tmp_path / "out", "--classes", "9"],
        ["faml", stack, "-o", tmp_path / "out", "--classes", "9"],
    ):
        code, _, err = ais("subtomo", *arguments)
        assert code == 1 and err.startswith("ais-app: "), (arguments, err)


@pytest.mark.parametrize("command", ["sort", "faml"])
def test_a_run_with_fewer_classes_leaves_none_of_an_earlier_one(stack, tmp_path, ais, command):
    out = tmp_path / "out"
    options = {"sort": ("--no-align", "--dimensions", "2", "--rounds", "1"), "faml": ("--iterations", "1")}[command]
    for classes in ("3", "2"):
        if classes == "2":
            assert (out / "class_3_average.mrc.json").exists()
            (out / "class_7_average.mrc").write_bytes((out / "class_1_average.mrc").read_bytes())
        code, _, err = ais("subtomo", command, stack, "-o", out, "--classes", classes, *options)
        assert code == 0, err
    assert {path.name.split("_")[1] for path in out.glob("class_*")} == {"1", "2", "7"}  # 7 has no provenance
    assert {path.name for path in out.glob("class_7*")} == {"class_7_average.mrc"}
    assert (out / "particles.star").exists()


def test_sort_writes_class_averages_and_the_classes(stack, tmp_path, ais):
    out = tmp_path / "out"
    save_labels(stack, np.zeros(8, int), ["ribosome", "membrane"])  # of another command: not these classes
    code, text, err = ais("subtomo", "sort", stack, "-o", out, "--classes", "2", "--no-align", "--dimensions", "2")
    assert code == 0, err
    assert "class 1: 4 particles" in text and "class_2_average.mrc" in text
    classes = SubtomogramStack.open(stack).classes
    assert len({*classes[::2]}) == len({*classes[1::2]}) == 1 and classes[0] != classes[1]
    for name in ("class_1_average.mrc", "class_2_half2.mrc", "class_1_fsc.csv", "coordinates.csv", "rounds.csv"):
        assert (out / name).exists() and (out / f"{name}.json").exists()
    table = read_particles(out / "particles.star", voxel_size=SIZE).table
    assert np.array_equal(np.asarray(table["rlnClassNumber"], dtype=int), classes + 1)
    assert replay(out / "class_1_average.mrc").identical
    assert class_names_of(SubtomogramStack.open(stack)) == ("class 1", "class 2")
    code, text, err = ais("subtomo", "sort", stack, "-o", tmp_path / "turned", "--classes", "2", "--save-aligned",
                          "--angular-step", "60", "--rounds", "1", "--dimensions", "2")  # fmt: skip
    assert code == 0, err
    assert replay(tmp_path / "turned" / "class_2_average.mrc").identical
    unknown = tmp_path / "unknown.zarr"
    opened = SubtomogramStack.open(stack)
    bare = Particles(opened.particles.positions_zyx, voxel_size=SIZE)
    write_stack(unknown, opened.read(), bare, [Wedge()], np.zeros(8, int), SIZE, poses=Poses.unturned(8))
    with pytest.raises(ParameterProblem, match="not aligned"):
        subtomo_sort(unknown, out, SortParams())


def test_faml_writes_class_averages_and_probabilities(stack, tmp_path):
    out = tmp_path / "out"
    asked = FamlParams(classes=2, iterations=2, angular_step=45.0, candidates=3)
    save_labels(stack, np.zeros(8, int), ["ribosome", "membrane"])  # of another command: not these classes
    found = subtomo_faml(stack, out, asked, tilt="-60,60", use_poses=True, save_aligned=True)
    assert "class 1: " in str(found) and len(found.faml.history) == 2
    rows = table_of(out / "probabilities.csv")
    assert len(rows) == 8
    assert all(float(row["class 1"]) + float(row["class 2"]) == pytest.approx(1, abs=1e-4) for row in rows)
    opened = SubtomogramStack.open(stack)
    assert np.array_equal(opened.classes, found.faml.classes) and class_names_of(opened) == ("class 1", "class 2")
    assert np.allclose(opened.poses.rotations, found.faml.poses.rotations)
    for name in ("class_1_average.mrc", "class_2_average.mrc", "particles.star", "iterations.csv"):
        assert (out / name).exists() and (out / f"{name}.json").exists()
    assert replay(out / "class_1_average.mrc").identical


def test_averages_are_made_again_when_the_stack_has_other_classes_and_from_another_folder(stack, tmp_path, monkeypatch):
    monkeypatch.chdir(stack.parent)
    subtomo_average(stack.name, "out", AverageParams(iterations=1, angular_step=60.0), tilt="-60,60")
    subtomo_cluster(stack.name, "groups", GroupingParams(by="components", clusters=2, map="components"), save=True)
    save_labels(stack, np.arange(8), list("abcdefgh"))
    monkeypatch.chdir(tmp_path.parent)
    for output in ("out/average.mrc", "groups/clusters.npz", "groups/codes.npy", "groups/cluster_2_average.mrc"):
        assert replay(stack.parent / output).identical
    assert class_names_of(SubtomogramStack.open(stack)) == tuple("abcdefgh")  # a replay leaves the stack alone

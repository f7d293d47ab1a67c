"""From subtomograms to groups, to a network that segments, to masks: files and the command line (T18, T21, T22)."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from ais_app.core.errors import FileProblem, ModelProblem, ParameterProblem
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import run
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_card, load_model, new_model, save_model
from ais_app.core.particle_set import Particles
from ais_app.core.particles.clusters import Clusters, load_clusters, save_clusters, weak_data
from ais_app.core.particles.grouping import GroupingParams, binning_of, prepare_job
from ais_app.core.particles.labels import class_names_of, labels_of, read_labels, save_labels
from ais_app.core.particles.particle_masks import ParticleMaskParams, own_and_others, probabilities, without_others
from ais_app.core.particles.stack import SubtomogramStack, write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.training.parameters import TrainParams
from ais_app.operations.replay import replay
from ais_app.operations.subtomo_cluster import subtomo_cluster
from ais_app.operations.subtomo_segment import subtomo_segment
from ais_app.operations.subtomo_teach import TeachParams, subtomo_teach

pytestmark = pytest.mark.usefixtures("one_thread")
EDGE, SIZE = 16, 10.0
COMPONENTS = GroupingParams(by="components", clusters=2, map="components")


def shapes(count=40, noise=0.4):
    """Balls in every second cube, nothing in the others: cubes, and the balls' voxels."""
    random = np.random.default_rng(0)
    along = np.arange(EDGE) - EDGE // 2
    ball = (along[:, None, None] ** 2 + along[:, None] ** 2 + along**2 < 17).astype(np.float32)
    there = np.arange(count) % 2
    cubes = there[:, None, None, None] * ball + random.normal(0, noise, (count, EDGE, EDGE, EDGE))
    return cubes.astype(np.float32), ball > 0, there


def lines_of(table):
    return list(csv.DictReader(table.read_text().splitlines()))


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    cubes, _, _ = shapes()
    positions = np.arange(3 * len(cubes)).reshape(-1, 3) * 100.0
    names = np.full(len(cubes), "TS_1", object)
    particles = Particles(positions, tomograms=names, voxel_size=SIZE)
    path = tmp_path_factory.mktemp("groups") / "balls.zarr"
    write_stack(path, cubes, particles, [Wedge(-90, 90)], np.zeros(len(cubes), int), SIZE)
    return path


@pytest.fixture(scope="module")
def groups(stack, tmp_path_factory):
    """The groups of an autoencoder, and their folder."""
    out = tmp_path_factory.mktemp("found")
    subtomo_cluster(stack, out, GroupingParams(clusters=2, epochs=8, code=8, map="components", device="cpu"), save=True)
    return out


def test_groups_on_disk(stack, groups):
    _, _, there = shapes()
    rows = lines_of(groups / "balls_clusters.csv")
    number = np.array([int(row["cluster"]) for row in rows]) - 1
    right = (number == there).mean()
    assert max(right, 1 - right) > 0.9
    assert {"map x", "map y", "distance", "tomogram"} <= set(rows[0])
    for name in ("encoder.aismodel", "codes.npy", "cluster_1_centre.mrc", "cluster_2_average.mrc"):
        assert (groups / f"{name}.json").exists()
    assert open_tomogram(groups / "cluster_1_average.mrc").voxel_size_zyx == pytest.approx((SIZE,) * 3)
    assert (groups / "clusters.png").stat().st_size > 5000
    opened = SubtomogramStack.open(stack)
    np.testing.assert_array_equal(opened.classes, number)
    assert class_names_of(opened) == ("cluster 1", "cluster 2")
    # the centre of the group of balls is bright in the middle
    balls = np.bincount(number[there == 1]).argmax()
    centre = open_tomogram(groups / f"cluster_{balls + 1}_centre.mrc").read()
    assert centre[EDGE // 2, EDGE // 2, EDGE // 2] > centre[:2].mean() + 1


def test_groups_keep_their_numbers(stack, groups, tmp_path):
    again = subtomo_cluster(
        stack, tmp_path, GroupingParams(clusters=2, seed=5, map="components", device="cpu"),
        encoder=groups / "encoder.aismodel", like=groups / "clusters.npz",
    )  # fmt: skip
    first, second = (np.load(folder / "clusters.npz")["assignment"] for folder in (groups, tmp_path))
    np.testing.assert_array_equal(first, second)
    assert not (tmp_path / "encoder.aismodel").exists()
    assert sum(again.sizes) == 40


def test_cluster_from_the_command_line_and_again(stack, tmp_path, ais):
    options = ("--by", "components", "--clusters", "2", "--map", "components")
    code, out, err = ais("subtomo", "cluster", stack, "-o", tmp_path / "a", *options)
    assert (code, err) == (0, ""), err
    assert "2 groups of" in out
    before = (tmp_path / "a" / "balls_clusters.csv").read_text()
    replay(tmp_path / "a" / "balls_clusters.csv", tmp_path / "b")
    assert (tmp_path / "b" / "balls_clusters.csv").read_text() == before
    assert json.loads((tmp_path / "a" / "clusters.npz.json").read_text())["operation"] == "subtomo_cluster"


def test_a_run_with_fewer_groups_leaves_none_of_an_earlier_one(stack, groups, tmp_path):
    subtomo_cluster(stack, tmp_path, replace(COMPONENTS, clusters=3))
    kept = save_model(load_model(groups / "encoder.aismodel"), tmp_path / "encoder.aismodel")
    made = json.loads((groups / "encoder.aismodel.json").read_text())
    kept.with_name("encoder.aismodel.json").write_text(json.dumps(made))
    (tmp_path / "cluster_9_centre.mrc").write_bytes(b"of somebody else")  # no provenance
    (tmp_path / "notes_average.mrc").write_bytes((tmp_path / "cluster_3_average.mrc").read_bytes())
    record = json.loads((tmp_path / "cluster_3_average.mrc.json").read_text())
    (tmp_path / "notes_average.mrc.json").write_text(json.dumps(record))  # another name
    (tmp_path / "cluster_8_centre.mrc").write_bytes(b"")
    (tmp_path / "cluster_8_centre.mrc.json").write_text(json.dumps({**record, "operation": "convert"}))
    subtomo_cluster(stack, tmp_path, GroupingParams(clusters=2, map="components", device="cpu"), encoder=kept)
    left = {path.name.removesuffix(".json") for path in tmp_path.iterdir()}
    own = {f"cluster_{number}_{what}.mrc" for number in (1, 2) for what in ("centre", "average")}
    lists = {"balls_clusters.csv", "balls_clusters.star", "clusters.npz", "clusters.png", "codes.npy"}
    others = {"cluster_9_centre.mrc", "notes_average.mrc", "cluster_8_centre.mrc", "encoder.aismodel"}
    assert left == own | lists | others  # a network that was given is no output
    subtomo_cluster(stack, tmp_path, COMPONENTS)
    assert not kept.exists() and not kept.with_name("encoder.aismodel.json").exists()


def test_groups_teach_a_network_that_segments(stack, groups, tmp_path):
    cubes, ball, there = shapes()
    number = np.load(groups / "clusters.npz")["assignment"]
    chosen = [int(np.bincount(number[there == 1]).argmax()) + 1]
    params = TeachParams(epochs=12, patience=12, batch=4, device="cpu")
    model = subtomo_teach(stack, groups, chosen, tmp_path / "ball.aismodel", params, feature="ball")
    card = load_card(model)
    assert (card.feature, card.contrast, card.voxel_size) == ("ball", -1, SIZE)
    found = subtomo_segment(stack, model, tmp_path / "masks", ParticleMaskParams(device="cpu"))
    masks = SubtomogramStack.open(found.masks).read()[there == 1] > 0
    overlap = (masks & ball).sum((1, 2, 3)) / (masks | ball).sum((1, 2, 3))
    assert np.median(overlap) > 0.55
    rows = lines_of(found.table)
    assert float(rows[1]["particle A3"]) == pytest.approx(masks[0].sum() * SIZE**3)


def test_what_teach_refuses(stack, groups, tmp_path, ais):
    for chosen, words in (([], "none is chosen"), ([1, 7], "no group 7")):
        with pytest.raises(ParameterProblem, match=words):
            subtomo_teach(stack, groups, chosen, tmp_path / "m.aismodel")
    with pytest.raises(FileProblem, match="nowhere/clusters.npz: no such file; give"):
        subtomo_teach(stack, tmp_path / "nowhere", [1], tmp_path / "m.aismodel")
    subtomo_cluster(stack, tmp_path / "c", COMPONENTS)
    with pytest.raises(FileProblem, match="encoder"):
        subtomo_teach(stack, tmp_path / "c", [1], tmp_path / "m.aismodel")
    code, _, err = ais("subtomo", "teach", stack, "--groups", groups, "--choose", "a,b", "-o", tmp_path / "m.aismodel")
    assert code == 1
    assert "'a,b' are no numbers" in err


def test_the_particle_in_the_middle_and_its_neighbours():
    probability = np.zeros((24, 24, 24), np.float32)
    probability[9:15, 9:15, 9:15] = 0.9
    probability[2:6, 2:6, 2:6] = 0.8
    probability[20, 20, 20] = 1  # noise
    own, others = own_and_others(probability)
    assert own.sum() == 216
    assert others.sum() == 64
    cube = np.random.default_rng(0).normal(size=(24, 24, 24)).astype(np.float32) + 5 * (own | others)
    clean = without_others(cube, own, others)
    np.testing.assert_allclose(clean[own], cube[own], rtol=1e-6)
    assert abs(clean[others].mean()) < 0.1
    nothing, beside = own_and_others(np.zeros((8, 8, 8), np.float32))
    assert not nothing.any()
    assert not beside.any()


@pytest.mark.parametrize(("edge", "to", "voxels"), [(40, 32, 1.25), (34, 32, 1.0), (30, 28, 1.0), (64, 32, 2.0)])
def test_cubes_are_binned_or_trimmed_the_same_wherever_a_network_sees_them(edge, to, voxels):
    assert binning_of(edge, to) == voxels
    cubes = np.random.default_rng(0).normal(size=(1, edge, edge, edge)).astype(np.float32)
    first = run(prepare_job(cubes, GroupingParams(edge=32)))
    assert first.shape[1] == to
    # a network of that size, asked later, sees the same
    np.testing.assert_array_equal(run(prepare_job(cubes, GroupingParams(edge=to))), first)


def test_cubes_are_brought_to_the_size_of_the_network():
    model = new_model(ModelCard("ssn3d_ed", depth=8, voxel_size=2 * SIZE, contrast=1))
    cubes, _, _ = shapes(3)
    assert probabilities(model, cubes, SIZE, "cpu").shape == cubes.shape
    odd = np.random.default_rng(1).normal(size=(2, 21, 21, 21)).astype(np.float32)
    assert probabilities(model, odd, SIZE, "cpu").shape == odd.shape


def test_segment_cleans_and_refuses(stack, tmp_path, ais):
    save_model(new_model(ModelCard("edss3d", {"classes": 1}, depth=16, voxel_size=SIZE)), tmp_path / "any.aismodel")
    code, out, err = ais("subtomo", "segment", stack, "-m", tmp_path / "any.aismodel", "-o", tmp_path / "o", "--clean")
    assert (code, err) == (0, ""), err
    assert SubtomogramStack.open(tmp_path / "o" / "balls_clean.zarr").read().shape == (40, EDGE, EDGE, EDGE)
    assert "balls_masks.zarr" in out
    flat = save_model(new_model(ModelCard("vggnet_s")), tmp_path / "flat.aismodel")
    with pytest.raises(ModelProblem, match="network of volumes"):
        subtomo_segment(stack, flat, tmp_path / "o")
    assert load_model(flat).architecture.dimension == 2


def test_groups_and_networks_that_are_read_are_not_overwritten(stack, groups):
    before = {name: (groups / name).read_bytes() for name in ("clusters.npz", "encoder.aismodel")}
    with pytest.raises(ParameterProblem, match=r"encoder\.aismodel: is an input; it would be overwritten"):
        subtomo_teach(stack, groups, [1], groups / "encoder.aismodel")
    with pytest.raises(ParameterProblem, match=r"clusters\.npz: is an input; it would be overwritten"):
        subtomo_cluster(stack, groups, COMPONENTS, like=groups / "clusters.npz")
    assert {name: (groups / name).read_bytes() for name in before} == before


def test_classes_that_groups_replace_stay_and_can_be_put_back(stack, tmp_path, ais):
    mine = shutil.copytree(stack, tmp_path / "mine.zarr")
    save_labels(mine, np.arange(40) % 3 - 1, ["membrane", "gold"])
    code, text, err = ais(
        "subtomo", "cluster", mine, "-o", tmp_path / "out", "--by", "components", "--clusters", 2, "--save"
    )
    assert code == 0, err
    kept = tmp_path / "out" / "starting_classes.csv"
    assert f"the classes that the stack had are in {kept}" in text
    assert class_names_of(SubtomogramStack.open(mine)) == ("cluster 1", "cluster 2")
    save_labels(mine, *read_labels(kept, None, 40))
    labels, names = labels_of(SubtomogramStack.open(mine))
    assert [names[n] if n >= 0 else "" for n in labels] == [["", "membrane", "gold"][row % 3] for row in range(40)]


@pytest.mark.filterwarnings("default::ais_app.core.errors.DataWarning")
def test_empty_cubes_are_in_no_group_and_named(stack, tmp_path, ais):
    holed, out, empty = shutil.copytree(stack, tmp_path / "holed.zarr"), tmp_path / "out", [0, 7, 8]
    for row in empty:
        np.full(EDGE**3, 2.5, "<f4").tofile(holed / "cubes" / f"{row}.0.0.0")
    words = ("subtomo", "cluster", holed, "-o", out, "--by", "components", "--clusters", 2, "--code", 4)
    code, text, err = ais(*words, "--save")
    assert code == 0, err
    assert f"{holed}: cubes that are the same everywhere are left out: 0,7-8, counted from 0" in err
    found, codes = load_clusters(out / "clusters.npz"), np.load(out / "codes.npy")
    left, there = np.delete(np.arange(40), empty), shapes()[2]
    assert (found.assignment[empty] == -1).all() and found.sizes.sum() == 37 and f"{found.sizes[0]}, " in text
    right = (found.assignment[left] == there[left]).mean()
    assert max(right, 1 - right) == 1
    assert np.isnan(codes[empty]).all() and np.isfinite(codes[left]).all() and len(codes) == 40
    lines = lines_of(out / "holed_clusters.csv")
    assert [int(line["row"]) for line in lines] == left.tolist()
    assert [int(line["cluster"]) - 1 for line in lines] == found.assignment[left].tolist()
    assert np.array_equal(SubtomogramStack.open(holed).classes, found.assignment)
    before = Clusters(np.where(found.assignment < 0, -1, 1 - found.assignment), found.centres[::-1])
    code, _, err = ais(*words, "--like", save_clusters(tmp_path / "before.npz", before))
    assert code == 0, err
    assert np.array_equal(load_clusters(out / "clusters.npz").assignment, before.assignment)


def test_empty_cubes_teach_nothing():
    cubes, ball, there = shapes()
    empty = (np.arange(40) < 20) & (there == 0)
    groups = Clusters(np.where(empty, -1, there), np.zeros((2, 3), np.float32))
    params = TrainParams(validation="none")
    data = weak_data(cubes, np.broadcast_to(ball, cubes.shape).astype(np.uint8), groups, [1], params)
    assert data.record["cubes"] == {"of chosen clusters": 20, "background": 10, "held out": 0}

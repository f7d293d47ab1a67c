"""Train, classify, discover, adapt: on stacks, with files as results."""

import csv
import json

import numpy as np
import pytest

from ais_app.core.errors import DataWarning, FileProblem, ModelProblem, ParameterProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.model.package import load_card, load_model
from ais_app.core.particle_set import Particles
from ais_app.core.particles.classify import ClassifyParams
from ais_app.core.particles.discover import DiscoverParams
from ais_app.core.particles.labels import labels_of
from ais_app.core.particles.stack import SubtomogramStack, write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.training.adapt_parameters import AdaptParams
from ais_app.core.training.cube_parameters import CubeTrainParams
from ais_app.operations.replay import replay
from ais_app.operations.subtomo_adapt import subtomo_adapt
from ais_app.operations.subtomo_classify import subtomo_classify, subtomo_classify_job
from ais_app.operations.subtomo_discover import subtomo_discover
from ais_app.operations.subtomo_train import subtomo_train, subtomo_train_job

EDGE = 8
NAMES = ("ball", "rod", "slab")
QUICK = CubeTrainParams(epochs=4, batch=8, learning_rate=3e-3, averaging=0.5, device="cpu")


@pytest.fixture(autouse=True, scope="module")
def on_one_core(one_thread):
    """Nothing here is faster on two."""


def stack(path, count, seed, *, kinds=3, edge=EDGE, labels=True, known=None, voxel_size=10.0):
    """Write `count` cubes with a ball, a rod or a slab from three tomograms."""
    random = np.random.default_rng(seed)
    which = np.arange(count) % kinds
    z, y, x = np.meshgrid(*[np.arange(edge) - edge // 2] * 3, indexing="ij")
    solid = np.stack([x**2 + y**2 + z**2 < 8, (x**2 + y**2 < 2.5) & (np.abs(z) < 4), (np.abs(z) < 1.5)])
    cubes = (random.normal(0, 0.3, (count, edge, edge, edge)) + 2 * solid[which]).astype(np.float32)
    tomograms = np.array([f"tomo_{number // kinds % 3}" for number in range(count)], dtype=object)
    particles = Particles(random.uniform(0, 900, (count, 3)), tomograms=tomograms, voxel_size=voxel_size)
    classes = (which if known is None else np.where(np.arange(count) < known, which, -1)) if labels else None
    notes = {"class_names": list(NAMES[:kinds])} if labels else {}
    whole = write_stack(
        path, cubes, particles, [Wedge(-60, 60)], np.zeros(count, int), voxel_size, classes, notes=notes
    )
    return whole, which


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A stack of two of the three shapes, and a network that knows these."""
    folder = tmp_path_factory.mktemp("networks")
    stack(folder / "two.zarr", 60, 0, kinds=2)
    subtomo_train([folder / "two.zarr"], folder / "two.aismodel", QUICK)
    return folder


def rows(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def test_trains_on_the_classes_of_a_stack(folder):
    card = load_card(folder / "two.aismodel")
    assert card.training["data"]["classes"] == ["ball", "rod"] and card.box_size == EDGE and card.voxel_size == 10
    assert card.training["data"]["held_out"] == "12 subtomograms held out, a share of each class"
    assert card.parameters == {"classes": 2} and card.training["metrics"]["accuracy"] > 0.7
    record = json.loads((folder / "two.aismodel.json").read_text())
    assert record["operation"] == "subtomo_train" and record["arguments"]["stacks"] == ["two.zarr"]
    assert len(rows(folder / "two_history.csv")) == 4
    assert not (folder / "two.aismodel.checkpoint").exists()


def test_classifies_and_says_so_in_tables_and_in_the_stack(folder, tmp_path):
    made, which = stack(tmp_path / "new.zarr", 30, 1, kinds=2, labels=False)
    options = ClassifyParams(keep="both", device="cpu")
    found = subtomo_classify(tmp_path / "new.zarr", folder / "two.aismodel", tmp_path / "out", options, save=True)
    assert (found.classes == which).mean() > 0.9 and found.names == ("ball", "rod")
    lines = rows(found.table)
    assert [int(line["class"]) for line in lines] == found.classes.tolist() and lines[0]["class_name"] == "ball"
    assert float(lines[0]["p ball"]) + float(lines[0]["p rod"]) == pytest.approx(1, abs=1e-4)
    assert "_class_name" in found.star.read_text() and "_rlnClassNumber" in found.star.read_text()
    assert [np.load(path).shape for path in found.arrays] == [(30, 2), (30, 128)]
    labels, names = labels_of(SubtomogramStack.open(tmp_path / "new.zarr"))
    assert np.array_equal(labels, found.classes) and names == ("ball", "rod")
    assert str(found).startswith("ball ") and found.replaced is None
    again = subtomo_classify(
        tmp_path / "new.zarr", folder / "two.aismodel", tmp_path / "out", ClassifyParams(least=1.0), save=True
    )
    assert again.replaced == tmp_path / "out" / "starting_classes.csv" and str(again.replaced) in str(again)
    assert [line["class_name"] for line in rows(again.replaced)] == [names[label] for label in labels]
    found = subtomo_classify(tmp_path / "new.zarr", folder / "two.aismodel", tmp_path / "out", options)
    assert replay(found.table).identical, "keeping the classes has not changed the cubes"


def test_what_no_class_explains_is_unknown_and_is_found_as_a_cluster(folder, tmp_path):
    _, which = stack(tmp_path / "three.zarr", 60, 2)
    options = ClassifyParams(open_set=True, device="cpu")
    found = subtomo_classify(tmp_path / "three.zarr", folder / "two.aismodel", tmp_path / "out", options)
    unknown = found.classes < 0
    assert unknown[which == 2].mean() > 0.8 and unknown[which < 2].mean() < 0.3
    assert {line["class_name"] for line in rows(found.table)} == {"ball", "rod", "unknown"}
    settings = DiscoverParams(clusters=6, device="cpu")
    discovered = subtomo_discover(
        tmp_path / "three.zarr", folder / "two.aismodel", tmp_path / "found", settings, averages=2
    )
    first = discovered.found.clusters[0]
    assert first.new and first.enriched == 2 and len(discovered.averages) == 2
    assert "clusters" in str(discovered) and discovered.report.read_text().count("<img") == 2
    assert rows(discovered.clusters)[0]["enriched class"] == "slab" and len(rows(discovered.members)) == 60
    assert replay(discovered.members).identical
    doubtful = ClassifyParams(least=1.0, device="cpu")
    assert (
        subtomo_classify(tmp_path / "three.zarr", folder / "two.aismodel", tmp_path / "d", doubtful).classes < 0
    ).any()


def test_adapts(folder, tmp_path):
    stack(tmp_path / "target.zarr", 24, 3, kinds=2)
    settings = AdaptParams(epochs=1, batch=8, device="cpu")
    adapted = subtomo_adapt(
        folder / "two.aismodel", folder / "two.zarr", tmp_path / "target.zarr", tmp_path / "a.aismodel", settings
    )
    assert adapted.finished and adapted.before is not None and adapted.after is not None
    card = load_card(adapted.model)
    assert card.training["data"]["classes"] == ["ball", "rod"] and "known" not in card.training
    words = (
        r"a\.aismodel: was adapted, and no adapted network knows how far .*give the network that it was adapted from"
    )
    with pytest.raises(ModelProblem, match=words):
        subtomo_discover(tmp_path / "target.zarr", adapted.model, tmp_path / "found")
    options = ClassifyParams(open_set=True, device="cpu")
    with pytest.raises(ModelProblem, match=words):
        subtomo_classify(tmp_path / "target.zarr", adapted.model, tmp_path / "out", options)
    assert subtomo_classify(tmp_path / "target.zarr", adapted.model, tmp_path / "out").names == ("ball", "rod")


def test_learns_from_stacks_with_and_without_labels(tmp_path):
    stack(tmp_path / "some.zarr", 30, 0, known=12)
    stack(tmp_path / "none.zarr", 12, 1, labels=False)
    options = CubeTrainParams(architecture="autoencoder3d", code=8, epochs=2, batch=8, device="cpu")
    both = subtomo_train([tmp_path / "some.zarr", tmp_path / "none.zarr"], tmp_path / "semi.aismodel", options)
    card = load_card(both.model)
    assert card.parameters == {"size": EDGE, "classes": 3, "code": 8} and "accuracy" in both.metrics
    assert card.training["data"]["cubes"]["training"] + card.training["data"]["cubes"]["held out"] == 42
    found = subtomo_classify(tmp_path / "none.zarr", both.model, tmp_path / "out", ClassifyParams(device="cpu"))
    assert found.names == NAMES
    alone = subtomo_train([tmp_path / "some.zarr"], tmp_path / "code.aismodel", options, unlabelled=True)
    assert load_card(alone.model).parameters["classes"] == 0 and alone.classes == ()
    with pytest.raises(ModelProblem, match="without a classifier"):
        subtomo_classify(tmp_path / "none.zarr", alone.model, tmp_path / "out")


def test_whole_tomograms_are_held_out_and_the_network_can_see_less(tmp_path):
    stack(tmp_path / "s.zarr", 27, 0, edge=10)
    options = CubeTrainParams(epochs=1, batch=8, edge=8, validation="tomogram", device="cpu")
    trained = subtomo_train([tmp_path / "s.zarr"], tmp_path / "n.aismodel", options)
    card = load_card(trained.model)
    assert card.training["data"]["cubes"]["held out"] == 9 and card.box_size == 8
    with pytest.warns(DataWarning, match="trained on voxels of 10 Å"):
        stack(tmp_path / "t.zarr", 6, 0, voxel_size=12.0)
        subtomo_classify(tmp_path / "t.zarr", trained.model, tmp_path / "out", ClassifyParams(device="cpu"))


def test_classes_from_a_table_and_a_network_to_start_from(folder, tmp_path):
    _, which = stack(tmp_path / "s.zarr", 20, 4, kinds=2, labels=False)
    table = tmp_path / "classes.csv"
    table.write_text("kind\n" + "\n".join(NAMES[label] for label in which) + "\n")
    options = CubeTrainParams(epochs=1, batch=8, device="cpu")
    settings = {"classes": table, "column": "kind", "parent": folder / "two.aismodel"}
    trained = subtomo_train([tmp_path / "s.zarr"], tmp_path / "n.aismodel", options, **settings)
    assert trained.classes == ("ball", "rod") and trained.metrics["accuracy"] > 0.7


def test_open_set_network_resumes_to_the_same_weights(tmp_path):
    stack(tmp_path / "s.zarr", 20, 0, kinds=2)
    options = CubeTrainParams(architecture="openset3d", epochs=2, batch=8, device="cpu")
    whole = subtomo_train([tmp_path / "s.zarr"], tmp_path / "whole.aismodel", options)
    job = subtomo_train_job([tmp_path / "s.zarr"], tmp_path / "n.aismodel", options)
    for _ in range(3):
        next(job)
    with pytest.raises(StopIteration) as stopped:
        job.throw(JobCancelled())
    assert not stopped.value.value.finished
    resumed = subtomo_train([tmp_path / "s.zarr"], tmp_path / "n.aismodel", options, resume=True)
    one, two = (load_model(trained.model).network.state_dict() for trained in (whole, resumed))
    assert all((one[name] == two[name]).all() for name in one)


def test_what_does_not_fit_is_named(folder, tmp_path):
    stack(tmp_path / "one.zarr", 6, 0, kinds=1)
    stack(tmp_path / "large.zarr", 9, 0, edge=12)
    stack(tmp_path / "bare.zarr", 6, 0, labels=False)
    out = tmp_path / "n.aismodel"
    with pytest.raises(ParameterProblem, match="a classifier needs two"):
        subtomo_train([tmp_path / "one.zarr"], out)
    with pytest.raises(ParameterProblem, match="a classifier needs two"):
        subtomo_train([tmp_path / "bare.zarr"], out)
    with pytest.raises(ParameterProblem, match="cubes of 8 and 12 voxels"):
        subtomo_train([tmp_path / "one.zarr", tmp_path / "large.zarr"], out)
    with pytest.raises(ParameterProblem, match="segments tomograms"):
        subtomo_train([tmp_path / "large.zarr"], out, CubeTrainParams(architecture="unet3d"))
    with pytest.raises(ParameterProblem, match="do not fit into cubes of 12"):
        subtomo_train([tmp_path / "large.zarr"], out, CubeTrainParams(edge=16))
    with pytest.raises(ParameterProblem, match="was trained on 2 classes, here are 3"):
        subtomo_train([tmp_path / "large.zarr"], out, parent=folder / "two.aismodel")
    with pytest.raises(ParameterProblem, match="none is given"):
        subtomo_train([], out)
    with pytest.raises(FileProblem, match="no such folder"):
        subtomo_train([tmp_path / "nothing.zarr"], out)
    stack(tmp_path / "same.zarr", 9, 0)
    whole = SubtomogramStack.open(tmp_path / "same.zarr")
    one = Particles(np.ones((9, 3)), tomograms=np.array(["t"] * 9, dtype=object), voxel_size=10.0)
    write_stack(tmp_path / "same.zarr", whole.read(), one, whole.wedges, whole.wedge_of, 10.0, whole.classes)
    with pytest.raises(ParameterProblem, match="1 tomograms cannot be divided"):
        subtomo_train([tmp_path / "same.zarr"], out, CubeTrainParams(validation="tomogram"))
    assert not out.exists()


def test_stopping_keeps_what_is_there_and_comes_soon(folder, tmp_path):
    stack(tmp_path / "s.zarr", 40, 1, kinds=2)
    seen = []

    def stop():
        seen.append(None)
        return len(seen) > 3

    with pytest.raises(JobCancelled):
        run(subtomo_classify_job(tmp_path / "s.zarr", folder / "two.aismodel", tmp_path / "out"), stop=stop)
    kept = [path.name for path in (tmp_path / "out").iterdir()]
    assert kept == [".s_classify.unfinished.npz"] and len(seen) == 4
    options = CubeTrainParams(epochs=1, batch=8, device="cpu")
    steps = []
    job = subtomo_train_job([tmp_path / "s.zarr"], tmp_path / "n.aismodel", options)
    trained = run(job, steps.append, lambda: steps[-1].message == "asking the network")
    assert trained.finished and load_card(trained.model).training["finished"]
    with pytest.raises(ModelProblem, match=r"n\.aismodel: does not say how far .*to the end"):
        subtomo_discover(tmp_path / "s.zarr", trained.model, tmp_path / "found")


def test_no_input_is_overwritten(folder, tmp_path):
    network, cubes = tmp_path / "two.aismodel", folder / "two.zarr"
    network.write_bytes((folder / "two.aismodel").read_bytes())
    table = tmp_path / "two_history.csv"
    table.write_text("class\n" + "ball\nrod\n" * 30)
    before = network.read_bytes(), table.read_bytes()
    for call in (
        lambda: subtomo_train([cubes], network, QUICK, parent=network),
        lambda: subtomo_train([cubes], network, QUICK, classes=table, column="class"),
        lambda: subtomo_adapt(network, cubes, cubes, tmp_path / "." / "two.aismodel"),
    ):
        with pytest.raises(
            ParameterProblem, match=r"two(_history\.csv|\.aismodel): is an input; it would be overwritten"
        ):
            call()
    with pytest.raises(ParameterProblem, match="lies in the input"):
        subtomo_discover(cubes, network, cubes / "found")
    assert (network.read_bytes(), table.read_bytes()) == before

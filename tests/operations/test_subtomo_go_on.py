"""Grouping, teaching, classification and discovery that were stopped go on where they were, to the same results."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from two_shapes import COUNT, write_two_shapes

from ais_app.core.errors import FileProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.model.package import load_model
from ais_app.core.particles.classify import ClassifyParams
from ais_app.core.particles.discover import DiscoverParams
from ais_app.core.particles.grouping import GroupingParams
from ais_app.core.training.cube_parameters import CubeTrainParams
from ais_app.operations.subtomo_classify import subtomo_classify, subtomo_classify_job
from ais_app.operations.subtomo_cluster import subtomo_cluster, subtomo_cluster_job
from ais_app.operations.subtomo_discover import subtomo_discover, subtomo_discover_job
from ais_app.operations.subtomo_teach import TeachParams, subtomo_teach, subtomo_teach_job
from ais_app.operations.subtomo_train import subtomo_train

pytestmark = pytest.mark.usefixtures("one_thread")
GROUPING = GroupingParams(clusters=2, epochs=5, code=8, map="components", device="cpu")
TEACHING = TeachParams(epochs=4, batch=8, device="cpu")


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    return write_two_shapes(tmp_path_factory.mktemp("kept") / "s.zarr")


@pytest.fixture(scope="module")
def groups(stack, tmp_path_factory):
    """The groups of a run that nobody stopped."""
    out = tmp_path_factory.mktemp("straight")
    subtomo_cluster(stack, out, GROUPING)
    return out


def stopped(job, when):
    """Stop a job at the first progress that says so."""
    seen = []
    with pytest.raises(JobCancelled):
        run(job, seen.append, lambda: when(seen[-1]))


def epochs_of(job):
    """Run a job to its end and say which epochs it did."""
    seen = []
    run(job, seen.append)
    return [step.values["epoch"] for step in seen if "epoch" in step.values]


def after_epoch(number):
    return lambda step: step.values.get("epoch") == number


def weights(path):
    return load_model(path).network.state_dict()


def assert_same_network(one, two):
    one, two = weights(one), weights(two)
    assert all((one[name] == two[name]).all() for name in one)


def test_grouping_goes_on_after_the_epochs_that_were_done(stack, groups, tmp_path):
    kept = tmp_path / "encoder.aismodel.checkpoint"
    stopped(subtomo_cluster_job(stack, tmp_path, GROUPING), after_epoch(3))
    assert kept.exists() and not (tmp_path / "clusters.npz").exists()
    assert epochs_of(subtomo_cluster_job(stack, tmp_path, GROUPING)) == [4, 5]
    assert_same_network(tmp_path / "encoder.aismodel", groups / "encoder.aismodel")
    for name in ("codes.npy", "s_clusters.csv"):
        assert (tmp_path / name).read_bytes() == (groups / name).read_bytes()
    assert not kept.exists()


def test_grouping_that_was_stopped_after_its_training_trains_no_more(stack, groups, tmp_path):
    stopped(subtomo_cluster_job(stack, tmp_path, GROUPING), lambda step: step.message == "averaging groups")
    assert epochs_of(subtomo_cluster_job(stack, tmp_path, GROUPING)) == []
    assert (tmp_path / "s_clusters.csv").read_bytes() == (groups / "s_clusters.csv").read_bytes()
    assert not list(tmp_path.glob("*.checkpoint"))


def test_a_grouping_that_trains_nothing_leaves_what_another_one_kept(stack, tmp_path):
    stopped(subtomo_cluster_job(stack, tmp_path, GROUPING), after_epoch(3))
    subtomo_cluster(stack, tmp_path, replace(GROUPING, by="components"))
    assert epochs_of(subtomo_cluster_job(stack, tmp_path, GROUPING)) == [4, 5]


@pytest.mark.parametrize("change", [{"seed": 1}, {"code": 6}, {"epochs": 4}], ids=str)
def test_grouping_with_something_else_begins_anew(stack, tmp_path, change):
    stopped(subtomo_cluster_job(stack, tmp_path, GROUPING), after_epoch(3))
    params = replace(GROUPING, **change)
    assert epochs_of(subtomo_cluster_job(stack, tmp_path, params))[0] == 1
    assert load_model(tmp_path / "encoder.aismodel").card.parameters["code"] == params.code


def test_grouping_begins_anew_where_that_is_asked_or_what_was_kept_is_damaged(stack, tmp_path):
    stopped(subtomo_cluster_job(stack, tmp_path, GROUPING), after_epoch(2))
    (tmp_path / "encoder.aismodel.checkpoint").write_bytes(b"half a file")
    with pytest.raises(FileProblem, match=r"encoder.aismodel.checkpoint: is no checkpoint, or is damaged .*--fresh"):
        subtomo_cluster(stack, tmp_path, GROUPING)
    assert epochs_of(subtomo_cluster_job(stack, tmp_path, GROUPING, resume=False)) == [1, 2, 3, 4, 5]


def test_teaching_goes_on_and_with_other_groups_begins_anew(stack, groups, tmp_path):
    whole = subtomo_teach(stack, groups, [1], tmp_path / "whole.aismodel", TEACHING)
    out = tmp_path / "part.aismodel"
    stopped(subtomo_teach_job(stack, groups, [1], out, TEACHING), after_epoch(2))
    assert [path.name for path in tmp_path.glob("part*")] == ["part.aismodel.checkpoint"], "no half network"
    assert epochs_of(subtomo_teach_job(stack, groups, [1], out, TEACHING)) == [3, 4]
    assert_same_network(out, whole)
    assert not list(tmp_path.glob("*.checkpoint"))
    stopped(subtomo_teach_job(stack, groups, [1], out, TEACHING), after_epoch(2))
    assert epochs_of(subtomo_teach_job(stack, groups, [2], out, TEACHING)) == [1, 2, 3, 4]
    stopped(subtomo_teach_job(stack, groups, [1], out, TEACHING), after_epoch(2))
    assert epochs_of(subtomo_teach_job(stack, groups, [1], out, TEACHING, resume=False)) == [1, 2, 3, 4]


@pytest.fixture(scope="module")
def network(stack, tmp_path_factory):
    options = CubeTrainParams(epochs=2, batch=8, learning_rate=3e-3, averaging=0.5, device="cpu")
    return subtomo_train([stack], tmp_path_factory.mktemp("n") / "n.aismodel", options).model


def asked(job):
    """Run a job and say how many subtomograms the network had answered at each step."""
    seen = []
    run(job, seen.append)
    return [step.done for step in seen if step.message == "asking the network"]


def test_discovery_goes_on_after_the_subtomograms_that_were_asked(stack, network, tmp_path):
    params = DiscoverParams(clusters=3, device="cpu")
    whole = subtomo_discover(stack, network, tmp_path / "whole", params)
    part, kept = tmp_path / "part", tmp_path / "part" / ".discover.unfinished.npz"

    def late(step):
        return step.message == "asking the network" and step.done >= COUNT // 2

    stopped(subtomo_discover_job(stack, network, part, params), late)
    assert kept.exists()
    assert asked(subtomo_discover_job(stack, network, part, params))[0] == COUNT // 2
    for name in ("clusters.csv", "members.csv", "logits.npy", "features.npy"):
        assert (part / name).read_bytes() == (whole.report.parent / name).read_bytes()
    assert not kept.exists()
    # all was asked: only the rest is to do, also with other clusters
    stopped(subtomo_discover_job(stack, network, part, params), lambda step: step.message == "grouping")
    assert asked(subtomo_discover_job(stack, network, part, replace(params, clusters=4))) == []
    stopped(subtomo_discover_job(stack, network, part, params), late)
    assert asked(subtomo_discover_job(stack, network, part, params, resume=False))[0] == 0


@pytest.mark.parametrize("keep", ["logits", "both"])
def test_classification_goes_on_after_the_subtomograms_that_were_asked(stack, network, tmp_path, keep):
    params = ClassifyParams(keep=keep, batch=4, device="cpu")
    whole = subtomo_classify(stack, network, tmp_path / "whole", params)
    part, kept = tmp_path / "part", tmp_path / "part" / ".s_classify.unfinished.npz"

    def late(step):
        return step.message == "asking the network" and step.done >= COUNT // 2

    stopped(subtomo_classify_job(stack, network, part, params), late)
    assert kept.exists() and not (part / "s_classes.csv").exists()
    assert asked(subtomo_classify_job(stack, network, part, params))[0] == COUNT // 2
    for path in (whole.table, whole.star, *whole.arrays):
        assert (part / path.name).read_bytes() == path.read_bytes()
    assert not kept.exists()
    # what is called unknown is decided anew; what the network was not asked for before is asked for
    stopped(subtomo_classify_job(stack, network, part, params), late)
    assert asked(subtomo_classify_job(stack, network, part, replace(params, least=0.9)))[0] == COUNT // 2
    stopped(subtomo_classify_job(stack, network, part, replace(params, keep="nothing")), late)
    again = replace(params, keep="features")
    assert asked(subtomo_classify_job(stack, network, part, again))[0] == 0
    stopped(subtomo_classify_job(stack, network, part, params), late)
    assert asked(subtomo_classify_job(stack, network, part, params, resume=False))[0] == 0


def test_discovery_with_another_network_begins_anew(stack, network, tmp_path):
    params = DiscoverParams(clusters=3, device="cpu")
    stopped(subtomo_discover_job(stack, network, tmp_path, params), lambda step: step.message == "grouping")
    options = CubeTrainParams(epochs=1, batch=8, learning_rate=3e-3, seed=1, device="cpu")
    other = subtomo_train([stack], tmp_path / "other.aismodel", options).model
    assert asked(subtomo_discover_job(stack, other, tmp_path, params))[0] == 0


def told(terminal, words):
    """Read what a program writes on its terminal until it has said some words, an expression, or ends."""
    said = ""
    while not re.search(words, said):
        try:
            said += os.read(terminal, 4096).decode(errors="replace")
        except OSError:  # so a terminal says that nobody writes on it any more
            break
    assert re.search(words, said), said
    return said


def test_ctrl_c_keeps_the_training_of_a_grouping(stack, tmp_path, ais):
    import pty  # not everywhere

    words = ["subtomo", "cluster", str(stack), "-o", str(tmp_path), "--clusters", "2", "--map", "components"]
    words += ["--epochs", "9999", "--patience", "9999", "--device", "cpu"]
    # in a process of its own, that hears Ctrl-C even where the tests were started in the background; with a terminal,
    # on which it shows the epoch
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    ours, its = pty.openpty()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TERM": "xterm", "COLUMNS": "200"}
    with subprocess.Popen([sys.executable, "-m", "ais_app", *words], env=environment, stderr=its) as child:
        signal.signal(signal.SIGINT, before)
        os.close(its)
        said = told(ours, r"epoch \d+ of 9999")  # any: the bar leaves out those that are soon over
        child.send_signal(signal.SIGINT)
        said += told(ours, "what was finished is kept")
        assert child.wait() == 130, said
    os.close(ours)
    assert (tmp_path / "encoder.aismodel.checkpoint").exists()
    code, _, err = ais(*words[:-6], "--epochs", "2", "--device", "cpu", "--fresh")
    assert (code, err) == (0, "")
    assert not (tmp_path / "encoder.aismodel.checkpoint").exists()

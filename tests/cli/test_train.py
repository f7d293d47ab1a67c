"""``ais-app train`` and ``ais-app models``, through the command line."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from ais_app.cli.app import run

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    import ais_app
    from ais_app.core.tomogram import Tomogram

    folder = tmp_path_factory.mktemp("project")
    random = np.random.default_rng(0)
    labels = np.zeros((24, 64, 64), np.int8)
    labels[:, 10:22, 30:44] = 1
    image = (random.normal(0, 0.5, labels.shape) - labels).astype(np.float32)
    like = Tomogram(image, (10.0, 10.0, 10.0))
    ais_app.write_volume(folder / "TS_01.mrc", image, like=like)
    ais_app.write_volume(folder / "labels.mrc", labels, like=like)
    path = str(folder / "P.aisproj")
    assert run(["project", "create", path]) == 0
    assert run(["project", "add", path, str(folder / "TS_01.mrc")]) == 0
    words = ["--tomogram", "TS_01", "--feature", "bar", str(folder / "labels.mrc"), "--slices", "4,10,16,22"]
    assert run(["project", "import-labels", path, *words]) == 0
    return path


def words(project, out, *more):
    data = ["train", "--project", project, "--feature", "bar", "--architecture", "vggnet_s", "--epochs", "2"]
    return [*data, "--boxes", "10", "--box-size", "16", "--seed", "3", "--draws", "2", "--out", str(out), *more]


def train(project, out, *more):
    return run(words(project, out, *more))


def test_train_check_and_describe(project, tmp_path, capsys):
    out = tmp_path / "bar.aismodel"
    assert train(project, out, "--depth", "3") == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{out}: training_loss") and "held out by slab" in said.out
    assert "epoch 2 of 2: training loss" in said.err
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "bar.aismodel", "bar.aismodel.json", "bar_history.csv", "bar_history.json"
    ]  # fmt: skip
    assert run(["models", "info", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "VGGNet S" in shown and "depth" in shown and "held out by slab" in shown
    assert run(["models", "info", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["training"]["seed"] == 3
    assert run(["models", "check", str(out)]) == 0
    assert capsys.readouterr().out.endswith(f"{out}: in order\n")


def test_list(capsys):
    assert run(["models", "list"]) == 0
    shown = capsys.readouterr().out
    assert "vggnet_m" in shown and "5,053,955" in shown
    assert run(["models", "list", "--json"]) == 0
    assert {item["name"] for item in json.loads(capsys.readouterr().out)} >= {"unet_s", "unet_l"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--box-size", "20"], "give 16"),
        (["--feature", "none"], "bar"),
        (["--resume"], "train from the start"),
        (["--parent", "none.aismodel"], "none.aismodel"),
        (["--training-set", "x.scnt"], "either a project or a training set"),
        (["--depth", "2"], "no middle"),
    ],
)
def test_one_line_for_what_is_wrong(project, tmp_path, capsys, more, words):
    assert train(project, tmp_path / "x.aismodel", *more) == 1
    said = capsys.readouterr().err.strip()
    assert words in said and said.startswith("ais-app: ") and "\n" not in said
    assert not list(tmp_path.iterdir())


def test_wrong_files_are_named(tmp_path, capsys):
    (tmp_path / "x.aismodel").write_bytes(b"nothing")
    for command in ("info", "check"):
        assert run(["models", command, str(tmp_path / "x.aismodel")]) == 1
        assert "not a model package" in capsys.readouterr().err


def test_interrupted_and_resumed(project, tmp_path, capsys):
    part, whole, more = tmp_path / "part.aismodel", tmp_path / "whole.aismodel", ("--draws", "100")
    # a process of its own: Ctrl-C sent to this one would also reach the test runner. It hears Ctrl-C even where the
    # tests were started in the background, whose children ignore it
    command = [sys.executable, "-m", "ais_app", *words(project, part, *more)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, env=environment, **pipes) as child:
        signal.signal(signal.SIGINT, before)
        said = next(line for line in child.stderr if "epoch 1 of 2" in line)
        child.send_signal(signal.SIGINT)
        said += child.stderr.read()
        assert child.wait() == 0, said
    assert "--resume goes on" in said
    assert part.exists() and (tmp_path / "part.aismodel.checkpoint").exists()
    assert run([*words(project, part, *more), "--resume"]) == 0
    assert run(words(project, whole, *more)) == 0
    assert part.read_bytes() == whole.read_bytes()

"""A network of volumes through the command line: trained, looked at, applied."""

import json

import numpy as np
import pytest

import ais_app
from ais_app.cli.app import run
from ais_app.core.tomogram import Tomogram

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("volumes")
    labels = np.zeros((20, 48, 40), np.int8)
    labels[:, 10:22, 14:28] = 1
    image = (np.random.default_rng(0).normal(0, 0.5, labels.shape) - labels).astype(np.float32)
    like = Tomogram(image, (10.0, 10.0, 10.0))
    ais_app.write_volume(folder / "TS_01.mrc", image, like=like)
    ais_app.write_volume(folder / "labels.mrc", labels, like=like)
    path = str(folder / "P.aisproj")
    assert run(["project", "create", path]) == 0
    assert run(["project", "add", path, str(folder / "TS_01.mrc")]) == 0
    words = ["--tomogram", "TS_01", "--feature", "bar", str(folder / "labels.mrc"), "--slices", "4,10,16"]
    assert run(["project", "import-labels", path, *words]) == 0
    return folder


def train(folder, out, *more):
    data = ["train", "--project", str(folder / "P.aisproj"), "--feature", "bar", "--architecture", "unet3d"]
    return run([*data, "--epochs", "1", "--boxes", "4", "--draws", "1", "--out", str(out), *more])


def test_train_check_and_segment(folder, tmp_path, capsys):
    out = tmp_path / "bar.aismodel"
    assert train(folder, out, "--box-size", "16", "--depth", "8") == 0
    assert out.is_file()
    assert run(["models", "check", str(out)]) == 0
    assert "in 16 slices" in capsys.readouterr().out
    assert run(["models", "info", str(out), "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert (card["architecture"], card["depth"], card["box_size"]) == ("unet3d", 8, 16)
    words = ["--engine", "torch", "--precision", "float32", "--encoding", "float32"]
    assert run(["segment", str(folder / "TS_01.mrc"), "-m", str(out), "-o", str(tmp_path / "whole"), *words]) == 0
    tiles = ["--tile", "72", "--region", "6:14,10:30,5:30"]
    assert run(["segment", str(folder / "TS_01.mrc"), "-m", str(out), "-o", str(tmp_path / "cut"), *words, *tiles]) == 0
    whole, cut = (ais_app.open_tomogram(tmp_path / name / "TS_01__bar.mrc").read() for name in ("whole", "cut"))
    assert whole.shape == (20, 48, 40) and whole.std() > 0
    part = np.s_[6:14, 10:30, 5:30]
    np.testing.assert_allclose(cut[part], whole[part], atol=1e-4)


def test_without_a_depth_boxes_are_cubes(folder, tmp_path, capsys):
    out = tmp_path / "cube.aismodel"
    assert train(folder, out, "--box-size", "8") == 0
    assert ais_app.load_model(out).card.depth == 8


@pytest.mark.parametrize(
    ("more", "words"),
    [(["--depth", "7", "--box-size", "16"], "7 is not a multiple of 4"), (["--box-size", "18"], "give 16")],
)
def test_one_line_for_what_is_wrong(folder, tmp_path, capsys, more, words):
    assert train(folder, tmp_path / "x.aismodel", *more) == 1
    said = capsys.readouterr().err.strip()
    assert words in said and said.startswith("ais-app: ") and "\n" not in said

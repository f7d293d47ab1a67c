"""Networks of subtomograms from the command line."""

import numpy as np
import pytest

from ais_app.core.particle_set import Particles
from ais_app.core.particles.stack import write_stack
from ais_app.core.particles.wedge import Wedge

EDGE, COUNT = 8, 24


@pytest.fixture(autouse=True, scope="module")
def on_one_core(one_thread):
    """Nothing here is faster on two."""


@pytest.fixture
def stack(tmp_path):
    """Cubes with a bright half above or below."""
    random = np.random.default_rng(0)
    labels = np.arange(COUNT) % 2
    cubes = random.normal(0, 0.3, (COUNT, EDGE, EDGE, EDGE)).astype(np.float32)
    for cube, label in zip(cubes, labels, strict=True):
        cube[2:6, 2:6, (1 if label else 4) : (4 if label else 7)] += 2
    particles = Particles(
        random.uniform(0, 500, (COUNT, 3)), tomograms=np.array(["t"] * COUNT, dtype=object), voxel_size=10.0
    )
    write_stack(tmp_path / "s.zarr", cubes, particles, [Wedge(-60, 60)], np.zeros(COUNT, int), 10.0, labels)
    return tmp_path / "s.zarr"


def test_train_classify_discover_adapt(ais, stack, tmp_path):
    model, quick = tmp_path / "n.aismodel", ["--batch", "8", "--epochs", "2", "--device", "cpu"]
    code, out, err = ais("subtomo", "train", stack, "-o", model, *quick, "--no-symmetries")
    assert code == 0 and "2 classes, training loss" in out and "epoch 2 of 2" in err
    code, out, _ = ais(
        "subtomo", "classify", stack, "-m", model, "-o", tmp_path / "out", "--open-set", "--keep", "logits"
    )
    assert code == 0 and "class 1 " in out and "class 0" not in out and (tmp_path / "out" / "s_logits.npy").exists()
    code, out, _ = ais("subtomo", "discover", stack, "-m", model, "-o", tmp_path / "found", "--averages", "1")
    assert code == 0 and "clusters" in out and (tmp_path / "found" / "cluster_001.mrc").exists()
    code, out, _ = ais(
        "subtomo", "adapt", model, "--source", stack, "--target", stack, "-o", tmp_path / "a.aismodel", *quick
    )
    assert code == 0 and "discriminator" in out and "accuracy on the target" in out


def test_problems_are_one_line(ais, stack, tmp_path):
    code, _, err = ais("subtomo", "train", stack, "-o", tmp_path / "n.aismodel", "--architecture", "unet_s")
    assert code == 1 and "choose one that classifies or encodes" in err
    code, _, err = ais("subtomo", "classify", stack, "-m", tmp_path / "none.aismodel", "-o", tmp_path)
    assert code == 1 and err.count("\n") == 1

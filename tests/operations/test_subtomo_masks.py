"""Networks of volumes that learn from masks of subtomograms (S2: SSN3D under supervision): files and command line."""

import json

import numpy as np
import pytest

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.model.package import load_card
from ais_app.core.particles.particle_masks import ParticleMaskParams
from ais_app.core.particles.stack import SubtomogramStack, write_stack
from ais_app.core.scoring import dice
from ais_app.core.tomogram import Tomogram
from ais_app.core.training.cube_parameters import CubeTrainParams
from ais_app.core.training.cubes import mask_data
from ais_app.core.training.parameters import TrainParams
from ais_app.operations.replay import replay
from ais_app.operations.subtomo_segment import subtomo_segment
from ais_app.operations.subtomo_simulate import SubtomoSimulateParams, subtomo_simulate
from ais_app.operations.subtomo_train import subtomo_train

pytestmark = pytest.mark.usefixtures("one_thread")
SIZE = 27.0
BOXES = SubtomoSimulateParams(box=16, voxel_size=SIZE, number=20, snr=0.5, tilt_step=10, defocus=0)
QUICK = CubeTrainParams(architecture="ssn3d_ed", epochs=7, batch=4, learning_rate=3e-3, averaging=0.9, device="cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Ribosomes to learn from, others to test on, and a network."""
    folder = tmp_path_factory.mktemp("masks")
    for name, seed in (("known", 0), ("unseen", 1)):
        subtomo_simulate(folder / f"{name}.zarr", BOXES, templates=["ribosome"], seed=seed)
    subtomo_train([folder / "known.zarr"], folder / "r.aismodel", QUICK, masks=folder / "known_truth.npz")
    return folder


def truth(folder, name):
    return np.load(folder / f"{name}_truth.npz")["masks"]


def test_masks_of_simulated_particles_teach_a_network_that_marks_others(made, tmp_path):
    card = load_card(made / "r.aismodel")
    assert (card.architecture, card.feature, card.voxel_size, card.box_size) == ("ssn3d_ed", "particle", SIZE, 16)
    assert card.training["data"]["cubes"] == {"training": 16, "held out": 4, "edge": 16}
    assert card.training["metrics"]["dice"] > 0.5
    found = subtomo_segment(made / "unseen.zarr", made / "r.aismodel", tmp_path, ParticleMaskParams(device="cpu"))
    marked = SubtomogramStack.open(found.masks).read() > 0
    there = truth(made, "unseen") > 0
    assert dice(marked, there) > 0.6
    assert (marked == there).mean() > (~there).mean() + 0.01, "all background has many voxels right, but fewer"


def test_the_network_segments_tomograms_too(made, tmp_path, ais):
    unseen, there = SubtomogramStack.open(made / "unseen.zarr").read(), truth(made, "unseen")
    rows = [np.concatenate(list(stack[:4]), axis=2) for stack in (-unseen, there)]  # dark, as in tomograms
    write_volume(tmp_path / "t.mrc", rows[0], like=Tomogram(rows[0], (SIZE,) * 3))
    code, _, err = ais("segment", tmp_path / "t.mrc", "-m", made / "r.aismodel", "-o", tmp_path / "out",
                     "--engine", "torch", "--precision", "float32")  # fmt: skip
    assert (code, err) == (0, "")
    (output,) = (tmp_path / "out").glob("*.mrc")
    assert dice(open_tomogram(output).read() > 63, rows[1] > 0) > 0.5


def test_from_the_command_line_with_masks_in_a_stack_and_again(made, tmp_path, ais):
    known = SubtomogramStack.open(made / "known.zarr")
    parts = known.particles, known.wedges, known.wedge_of, known.voxel_size
    write_stack(tmp_path / "masks.zarr", truth(made, "known").astype(np.float32), *parts)
    words = ("--architecture", "edss3d", "--epochs", "2", "--batch", "8", "--device", "cpu")
    out = tmp_path / "n.aismodel"
    code, said, err = ais(
        "subtomo", "train", made / "known.zarr", "--masks", tmp_path / "masks.zarr", "-o", out, *words
    )
    assert code == 0 and "dice" in said and "epoch 2 of 2" in err
    record = json.loads((tmp_path / "n.aismodel.json").read_text())
    assert record["arguments"]["masks"] == "masks.zarr" and "masks.zarr" in record["inputs"]
    assert replay(out).identical
    code, said, _ = ais("subtomo", "train", made / "known.zarr", "--masks", made / "known_truth.npz", "-o",
                        tmp_path / "child.aismodel", "--parent", out, *words[2:])  # fmt: skip
    assert code == 0 and load_card(tmp_path / "child.aismodel").architecture == "edss3d"


def test_a_network_sees_the_middle_of_cubes_that_it_cannot_halve(made, tmp_path):
    known = SubtomogramStack.open(made / "known.zarr")
    cubes, masks = (np.pad(stack, ((0, 0), *((2, 2),) * 3)) for stack in (known.read(), truth(made, "known")))
    parts = known.particles, known.wedges, known.wedge_of, known.voxel_size
    write_stack(tmp_path / "s.zarr", cubes, *parts)
    np.savez(tmp_path / "m.npz", masks=masks)
    options = CubeTrainParams(architecture="ssn3d_ed", epochs=1, batch=8, device="cpu")
    trained = subtomo_train([tmp_path / "s.zarr"], tmp_path / "n.aismodel", options, masks=tmp_path / "m.npz")
    assert load_card(trained.model).box_size == 16
    with pytest.raises(ParameterProblem, match=r"edge: 18 voxels are no multiple of 8.*give 16"):
        subtomo_train([tmp_path / "s.zarr"], tmp_path / "n.aismodel",
                      CubeTrainParams(architecture="ssn3d_ed", edge=18), masks=tmp_path / "m.npz")  # fmt: skip


def test_what_does_not_fit_is_named(made, tmp_path):
    known, masks, out = made / "known.zarr", made / "known_truth.npz", tmp_path / "n.aismodel"
    volumes, flat = CubeTrainParams(architecture="ssn3d_ed"), CubeTrainParams(architecture="unet_s")
    np.savez(tmp_path / "other.npz", masks=np.zeros((3, 16, 16, 16), np.uint8))
    np.savez(tmp_path / "none.npz", masks=np.zeros((20, 16, 16, 16), np.uint8))
    np.savez(tmp_path / "seven.npz", masks=np.full((20, 16, 16, 16), 7, np.uint8))
    np.savez(tmp_path / "bare.npz", labels=np.zeros(3))
    wrong = [
        ([known], volumes, {}, r"segments tomograms and cubes: it learns from masks; give --masks FILE"),
        ([known], flat, {"masks": masks}, "segments tomograms slice by slice; choose one that classifies or encodes"),
        ([known], CubeTrainParams(), {"masks": masks}, "classifier3d does not learn from them; .*ssn3d_ed"),
        ([known], volumes, {"masks": masks, "unlabelled": True}, "classes do not count"),
        ([known, known], volumes, {"masks": masks}, "does not suit several stacks"),
        ([known], volumes, {"masks": tmp_path / "other.npz"}, "other.npz has 3 cubes of .*, the stack 20 cubes"),
        ([known], volumes, {"masks": tmp_path / "none.npz"}, "mark no voxel"),
        ([known], volumes, {"masks": tmp_path / "seven.npz"}, "hold 7; label voxels 0 background, 1 particle"),
    ]
    for stacks, params, options, words in wrong:
        with pytest.raises(ParameterProblem, match=words):
            subtomo_train(stacks, out, params, **options)
    for name, words in (("bare.npz", "it has labels, but no masks"), ("nowhere.zarr", "no such folder")):
        with pytest.raises(FileProblem, match=words):
            subtomo_train([known], out, volumes, masks=tmp_path / name)
    assert not out.exists()


def test_masks_are_divided_with_their_cubes():
    random = np.random.default_rng(0)
    cubes = random.normal(size=(20, 10, 10, 10)).astype(np.float32)
    masks = (cubes > 1).astype(np.uint8)
    masks[::2] = 0
    masks[1, 0] = 2
    settings = TrainParams(architecture="ssn3d_ed", box_size=8, validation_share=0.3)
    data = mask_data(cubes, masks, settings, contrast=-1, voxel_size=SIZE)
    assert len(data.training) == 14 and data.held_out.positive.sum() == 3 and data.contrast == -1
    assert data.training.labels.shape == (14, 10, 10, 10) and data.held_out.labels.shape == (6, 8, 8, 8)
    assert data.margin == data.z_margin == 1 and data.record["with a particle"] == 10
    # each cube kept its own mask
    for boxes in (data.training, data.held_out):
        with_particle = boxes.images[boxes.positive], boxes.labels[boxes.positive]
        bright, marked = (part[with_particle[1] == 1] for part in with_particle)
        assert marked.all() and bright.min() > 0.8
    assert 2 in data.training.labels or 2 in data.held_out.labels
    with pytest.raises(ParameterProblem, match="give one for each"):
        mask_data(cubes, masks[:4], settings)
    only = np.zeros_like(masks)
    only[3, 5, 5, 5] = 1
    with pytest.raises(ParameterProblem, match="not held out"):
        mask_data(cubes, only, settings, held_out=np.arange(20) == 3)

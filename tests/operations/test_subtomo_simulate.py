"""Simulated stacks: what is in them is what their truth says."""

import numpy as np
import pytest
import torch

import ais_app
from ais_app.core.errors import ParameterProblem
from ais_app.core.particles.labels import class_names_of
from ais_app.core.particles.poses import turned
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.operations.replay import replay
from ais_app.operations.subtomo_simulate import SubtomoSimulateParams, subtomo_simulate

SMALL = {"box": 20, "voxel_size": 20.0, "number": 4, "tilt_step": 6.0, "defocus": 0.0, "dose": 0.0, "snr": float("inf")}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    params = SubtomoSimulateParams(**SMALL)
    return subtomo_simulate(folder / "a.zarr", params, templates=["ribosome", "clpp"], seed=2, known_poses=True)


def test_stack_and_truth_agree(made):
    stack, truth = SubtomogramStack.open(made.path), np.load(made.truth)
    assert len(stack) == 8 and stack.edge == 20 and stack.voxel_size == 20
    assert truth["classes"].tolist() == ["ribosome", "clpp"]
    np.testing.assert_array_equal(stack.classes, truth["labels"])
    assert class_names_of(stack) == ("ribosome", "clpp")
    np.testing.assert_allclose(stack.poses.rotations, truth["rotations"])
    np.testing.assert_allclose(stack.poses.shifts_zyx, truth["shifts_zyx"])
    assert (stack.wedges[0].tilt_min, stack.wedges[0].tilt_max) == (-60, 60)
    cubes = stack.read()
    np.testing.assert_allclose(cubes.std((1, 2, 3)), 1, rtol=1e-3)
    inside = (cubes * truth["masks"]).sum((1, 2, 3)) / truth["masks"].sum((1, 2, 3))
    assert (inside > 1).all()  # bright
    assert not truth["neighbours"].any()


def test_maps_in_their_poses_are_what_the_cubes_show(made):
    stack, truth = SubtomogramStack.open(made.path), np.load(made.truth)
    cubes = stack.read()
    maps = [ais_app.open_tomogram(path).read() for path in made.maps.values()]
    for row, label in enumerate(truth["labels"]):
        pose = torch.from_numpy(truth["rotations"][[row]]), torch.from_numpy(truth["shifts_zyx"][[row]])
        there = turned(torch.from_numpy(maps[label].copy()), *pose, fine=True)[0].numpy()
        wrong = turned(torch.from_numpy(maps[label].copy()), pose[0].transpose(1, 2), pose[1], fine=True)[0].numpy()
        found = [np.corrcoef(one.ravel(), cubes[row].ravel())[0, 1] for one in (there, wrong)]
        assert found[0] > 0.75 and found[0] > found[1]


def test_neighbours_reach_into_the_boxes(tmp_path):
    params = SubtomoSimulateParams(**{**SMALL, "number": 9, "spacing": 0.5, "shift": 0.05})
    made = subtomo_simulate(tmp_path / "b.zarr", params, templates=["clpp"], seed=1)
    truth = np.load(made.truth)
    assert (truth["neighbours"].sum((1, 2, 3)) > 0).all()
    assert not (truth["neighbours"] & truth["masks"]).any()
    alone = SubtomogramStack.open(made.path).poses
    np.testing.assert_array_equal(alone.rotations, np.tile(np.eye(3), (9, 1, 1)))  # the truth is not given away


def test_maps_and_atoms_as_templates(tmp_path, made):
    random = np.random.default_rng(0)
    np.savez(tmp_path / "1abc_atoms.npz", xyz=random.normal(scale=25, size=(5000, 3)), Z=np.full(5000, 7))
    ball = np.exp(-((np.indices((24, 24, 24)) - 12) ** 2).sum(0) / 30).astype(np.float32)
    like = ais_app.Tomogram(ball, (10.0, 10.0, 10.0))
    volume = ais_app.write_volume(tmp_path / "ball.mrc", ball, like=like)
    params = SubtomoSimulateParams(**{**SMALL, "number": 2, "empty": True, "snr": 0.5})
    found = subtomo_simulate(tmp_path / "c.zarr", params, templates=[volume, tmp_path / "1abc_atoms.npz"])
    assert np.load(found.truth)["classes"].tolist() == ["ball", "1abc", "nothing"]
    assert list(found.maps) == ["ball", "1abc"] and len(SubtomogramStack.open(found.path)) == 6


def test_replayed(tmp_path, made):
    first = SubtomogramStack.open(made.path).read()
    replay(made.path)
    np.testing.assert_allclose(SubtomogramStack.open(made.path).read(), first, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("out", "templates", "options", "words"),
    [
        ("a.mrc", ["clpp"], {}, "name of a stack"),
        ("a.zarr", ["nobody"], {}, "neither"),
        ("a.zarr", ["clpp", "clpp"], {}, "one name"),
        ("a.zarr", ["ribosome"], {"box": 10}, "wide"),
        ("a.zarr", ["ribosome"], {"spacing": 0.4}, "overlap"),
        ("a.zarr", [], {}, "need a template"),
    ],
)
def test_what_cannot_be_made(tmp_path, out, templates, options, words):
    with pytest.raises(ParameterProblem, match=words):
        subtomo_simulate(tmp_path / out, SubtomoSimulateParams(**{**SMALL, **options}), templates=templates)


def test_command(ais, tmp_path):
    code, out, err = ais(
        "subtomo", "simulate", "-o", tmp_path / "s.zarr", "--template", "clpp", "--number", 2, "--box", 16,
        "--voxel-size", 20, "--tilt-step", 10,
    )  # fmt: skip
    assert (code, err) == (0, "") and "s_truth.npz" in out
    assert len(SubtomogramStack.open(tmp_path / "s.zarr")) == 2

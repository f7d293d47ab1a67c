"""`ais-app subtomo align`: a map found in the cubes of a stack, from files to files."""

import sys
from pathlib import Path

import numpy as np
import pytest

from ais_app.cli.app import run as command
from ais_app.core.coordinates import read_particles
from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem
from ais_app.core.io import write_volume
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.particle_set import Particles
from ais_app.core.particles import align as align_module
from ais_app.core.particles.alignment import AlignParams
from ais_app.core.particles.orientations import angles_between, random_rotations
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import SubtomogramStack, write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram
from ais_app.operations.replay import replay
from ais_app.operations.subtomo_align import subtomo_align, subtomo_align_job

sys.path.insert(0, str(Path(__file__).parents[1] / "core/particles"))
from subtomogram_phantoms import Blobs, blobs, simple_subtomograms

EDGE, SIZE, COUNT = 24, 10.0, 6
PARTICLE = blobs(1, EDGE, radius=0.25, widths=(1.2, 2.0))
QUICK = AlignParams(candidates=2)


@pytest.fixture(autouse=True, scope="module")
def on_one_core(one_thread):
    """Cubes of this size are aligned fastest on one."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A stack of two wedges, its true poses, and the map at its own voxel size."""
    folder = tmp_path_factory.mktemp("align")
    random = np.random.default_rng(2)
    poses = Poses.of(random_rotations(COUNT, random), random.uniform(-1.5, 1.5, (COUNT, 3)))
    wedges = (Wedge(-60, 60), Wedge(-50, 60))
    wedge_of = np.arange(COUNT) % 2
    cubes = simple_subtomograms(PARTICLE, poses, [wedges[i] for i in wedge_of], 1.0, random, EDGE)
    places = Particles(
        random.uniform(200, 800, (COUNT, 3)),
        tomograms=np.array(["TS_1"] * 3 + ["TS_2"] * 3, dtype=object),
        voxel_size=SIZE,
    )
    write_stack(folder / "stack.zarr", cubes, places, wedges, wedge_of, SIZE)
    save_map(folder / "map.mrc", PARTICLE.cube(EDGE), SIZE)
    return folder, poses, places


def save_map(path, density, size):
    write_volume(path, density.astype(np.float32), like=Tomogram(density, (size,) * 3))


def close_to(poses, true, angle=1.5, shift=0.15):
    assert np.median(angles_between(poses.rotations, true.rotations)) < angle
    assert np.median(np.linalg.norm(poses.shifts_zyx - true.shifts_zyx, axis=1)) < shift


def test_command_writes_what_was_found(made, tmp_path, capsys):
    folder, true, places = made
    out = tmp_path / "found.star"
    stack = folder / "stack.zarr"
    assert command(["subtomo", "align", str(stack), "--reference", str(folder / "map.mrc"), "-o", str(out)]) == 0
    assert "6 subtomograms, score" in capsys.readouterr().out
    found = read_particles(out)
    assert angles_between(found.rotations, true.rotations).max() < 3
    expected = places.positions_zyx + true.shifts_zyx * SIZE
    assert np.abs(found.positions_zyx - expected).max() < 0.3 * SIZE
    assert list(found.tomograms) == list(places.tomograms)
    assert found.scores.min() > 0.7
    # the stack itself is as it was
    assert SubtomogramStack.open(stack).poses.scores.max() == 0


def test_map_of_another_voxel_size_and_box_and_dark(made, tmp_path):
    folder, true, _ = made
    scale = SIZE / 6.4
    larger = Blobs(PARTICLE.places * scale, PARTICLE.widths * scale).cube(45)
    save_map(tmp_path / "dark.mrc", 3.0 - larger, 6.4)
    options = {"reference": [tmp_path / "dark.mrc"], "low_pass_angstrom": 25.0}
    found = subtomo_align(folder / "stack.zarr", tmp_path / "a.star", QUICK, reference_dark=True, **options)
    close_to(found.poses, true)
    # the wrong contrast fits nowhere
    wrong = subtomo_align(folder / "stack.zarr", tmp_path / "b.star", QUICK, **options)
    assert np.median(wrong.poses.scores) < 0.7 * np.median(found.poses.scores)


def test_a_tomogram_is_hardly_a_map(made, tmp_path):
    folder, _, _ = made
    save_map(tmp_path / "tomogram.mrc", np.random.default_rng(0).normal(size=(40, 60, 60)), SIZE)
    with pytest.warns(DataWarning, match=r"tomogram.mrc: only \d+ % of its density .* box .*, 240 Å wide"):
        subtomo_align(folder / "stack.zarr", tmp_path / "a.star", QUICK, reference=[tmp_path / "tomogram.mrc"])


def test_best_of_two_maps(made, tmp_path):
    folder, _, _ = made
    save_map(tmp_path / "other.mrc", blobs(5, EDGE).cube(EDGE), SIZE)
    maps = [tmp_path / "other.mrc", folder / "map.mrc"]
    found = subtomo_align(folder / "stack.zarr", tmp_path / "a.star", QUICK, reference=maps)
    assert found.chosen.tolist() == [1] * COUNT
    assert "map 2: 6" in str(found)
    assert read_particles(tmp_path / "a.star").table["rlnClassNumber"].astype(int).tolist() == [2] * COUNT


def test_saved_poses_are_refined_locally(made, tmp_path):
    folder, true, places = made
    opened = SubtomogramStack.open(folder / "stack.zarr")
    stack = tmp_path / "own.zarr"
    write_stack(stack, opened.read(), places, opened.wedges, opened.wedge_of, SIZE)
    maps = [folder / "map.mrc"]
    subtomo_align(stack, tmp_path / "a.star", AlignParams(refine=False), reference=maps, save=True)
    assert replay(tmp_path / "a.star").identical  # poses that were saved since do not count without --within
    coarse = SubtomogramStack.open(stack).poses
    assert angles_between(coarse.rotations, true.rotations).max() < 30
    near = AlignParams(within=20, angular_step=10, shift=3)
    found = subtomo_align(stack, tmp_path / "b.star", near, reference=maps, save=True)
    close_to(found.poses, true)
    close_to(SubtomogramStack.open(stack).poses, true)
    assert replay(tmp_path / "b.star").identical  # near the poses that it replaced
    assert (tmp_path / "b_starting_poses.npz").exists() and (tmp_path / "a_starting_poses.npz").exists()
    with pytest.raises(ParameterProblem, match="--within"):
        subtomo_align(stack, tmp_path / "c.star", QUICK, reference=maps, poses=tmp_path / "a_starting_poses.npz")


def test_stopped_and_resumed_as_if_never_stopped(made, tmp_path, monkeypatch):
    folder, _, _ = made
    monkeypatch.setattr(align_module, "_AT_ONCE", {"cpu": (2**30, 2), "cuda": (2**30, 2)})
    monkeypatch.setattr(align_module, "_PIECES", 1)
    options = {"reference": [folder / "map.mrc"]}
    whole = subtomo_align(folder / "stack.zarr", tmp_path / "whole.star", QUICK, **options)
    out = tmp_path / "stopped.star"
    seen = []
    with pytest.raises(JobCancelled):
        run(subtomo_align_job(folder / "stack.zarr", out, QUICK, **options), seen.append, lambda: len(seen) == 3)
    assert [step.done for step in seen] == [0, 2, 4]
    assert not out.exists()
    seen.clear()
    resumed = run(subtomo_align_job(folder / "stack.zarr", out, QUICK, **options), seen.append)
    assert [step.done for step in seen] == [0, 6]
    np.testing.assert_array_equal(resumed.poses.rotations, whole.poses.rotations)
    assert out.read_text() == (tmp_path / "whole.star").read_text()
    assert not list(tmp_path.glob(".*"))


def test_other_parameters_do_not_go_on_with_it(made, tmp_path, monkeypatch):
    folder, _, _ = made
    monkeypatch.setattr(align_module, "_AT_ONCE", {"cpu": (2**30, 2), "cuda": (2**30, 2)})
    monkeypatch.setattr(align_module, "_PIECES", 1)
    out, options = tmp_path / "a.star", {"reference": [folder / "map.mrc"]}
    seen = []
    with pytest.raises(JobCancelled):
        run(subtomo_align_job(folder / "stack.zarr", out, QUICK, **options), seen.append, lambda: len(seen) == 2)
    seen.clear()
    run(subtomo_align_job(folder / "stack.zarr", out, AlignParams(candidates=1), **options), seen.append)
    assert [step.done for step in seen] == [0, 2, 4, 6]


def test_replayed(made, tmp_path):
    folder, _, _ = made
    subtomo_align(folder / "stack.zarr", tmp_path / "a.star", QUICK, reference=[folder / "map.mrc"], tilt="-60,60")
    assert replay(tmp_path / "a.star").identical


def test_what_cannot_be_aligned(made, tmp_path, capsys):
    folder, _, _ = made
    stack, out = folder / "stack.zarr", tmp_path / "a.star"
    with pytest.raises(ParameterProblem, match="reference"):
        subtomo_align(stack, out, reference=[])
    with pytest.raises(FileProblem):
        subtomo_align(stack, out, reference=[tmp_path / "none.mrc"])
    with pytest.raises(ParameterProblem, match="low_pass"):
        subtomo_align(stack, out, AlignParams(low_pass=5), reference=[folder / "map.mrc"], low_pass_angstrom=30)
    holed = PARTICLE.cube(EDGE)
    holed[3, 3, 3] = np.nan
    save_map(tmp_path / "nan.mrc", holed, SIZE)
    with pytest.raises(FileProblem, match=r"nan.mrc: 1 of its voxels are no numbers \(NaN\); replace them by 0"):
        subtomo_align(stack, out, reference=[tmp_path / "nan.mrc"])
    save_map(tmp_path / "far.mrc", PARTICLE.cube(EDGE), SIZE * 100)
    with pytest.raises(ParameterProblem, match="voxel"):
        subtomo_align(stack, out, reference=[tmp_path / "far.mrc"])
    assert command(["subtomo", "align", str(tmp_path / "no.zarr"), "--reference", str(folder / "map.mrc")]) == 1
    assert "no.zarr" in capsys.readouterr().err
    assert not out.exists()


def test_one_particle(made, tmp_path):
    folder, true, places = made
    opened = SubtomogramStack.open(folder / "stack.zarr")
    write_stack(tmp_path / "one.zarr", opened.read([0]), places[:1], opened.wedges[:1], np.zeros(1, int), SIZE)
    found = subtomo_align(tmp_path / "one.zarr", tmp_path / "a.star", QUICK, reference=[folder / "map.mrc"])
    close_to(found.poses, true[:1])
    assert "1 subtomogram," in str(found)

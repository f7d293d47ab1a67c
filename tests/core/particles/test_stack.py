"""Stacks of subtomograms: what is written is read, whatever is damaged is said, and poses change without the cubes."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.transform import Rotation

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import (
    SubtomogramStack,
    create_stack,
    save_classes,
    save_poses,
    write_stack,
)
from ais_app.core.particles.wedge import Wedge

WEDGES = (Wedge(), Wedge(tilt_min=-50, tilt_max=44, tilt_axis="x"))


@pytest.fixture
def made(tmp_path):
    """Seven cubes of two tomograms in ``tmp_path / particles.zarr``; the stack, its cubes and its particles."""
    random = np.random.default_rng(3)
    cubes = random.standard_normal((7, 6, 6, 6)).astype(np.float32)
    cubes[2] = 0
    table = pd.DataFrame({"rlnClassNumber": np.arange(7), "note": ["two words"] * 7, "weight": random.random(7)})
    particles = Particles(
        random.uniform(0, 900, (7, 3)),
        rotations=Rotation.random(7, random_state=1).as_matrix(),
        scores=random.random(7),
        tomograms=np.array(["a"] * 4 + ["TS 02"] * 3, dtype=object),
        voxel_size=9.5,
        shapes={"a": (100, 200, 300), "TS 02": (90, 200, 300)},
        table=table,
    )
    wedge_of = np.array([0, 0, 0, 0, 1, 1, 1])
    stack = write_stack(
        tmp_path / "particles.zarr", cubes, particles, WEDGES, wedge_of, 9.5, notes={"contrast": "dark"}
    )
    return stack, cubes, particles


def test_everything_comes_back(made):
    stack, cubes, particles = made
    assert len(stack) == 7 and stack.edge == 6 and stack.voxel_size == 9.5 and stack.notes == {"contrast": "dark"}
    assert (stack.read() == cubes).all() and stack.read().dtype == np.float32
    found = stack.particles
    assert found.positions_zyx == pytest.approx(particles.positions_zyx, abs=2e-5)
    assert found.rotations == pytest.approx(particles.rotations, abs=1e-7)
    assert found.scores == pytest.approx(particles.scores, abs=1e-12)
    assert found.tomograms.tolist() == particles.tomograms.tolist() and found.shapes == particles.shapes
    for name in particles.table:
        assert found.table[name].tolist() == particles.table[name].tolist()
    assert stack.wedges == WEDGES and stack.wedge_of.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert stack.wedge(5) == WEDGES[1] and stack.classes is None
    assert (stack.poses.rotations == particles.rotations).all() and (stack.poses.shifts_zyx == 0).all()


def test_cubes_are_indexed_like_an_array(made):
    stack, cubes, _ = made
    lazy = stack.cubes
    assert lazy.shape == cubes.shape and lazy.dtype == np.float32
    assert (lazy[3] == cubes[3]).all() and (lazy[-1] == cubes[-1]).all()
    assert (lazy[1:6:2] == cubes[1:6:2]).all()
    assert (lazy[[5, 0, 5]] == cubes[[5, 0, 5]]).all()
    assert (lazy[np.arange(7) > 4] == cubes[5:]).all()
    assert (lazy[2:4, 3] == cubes[2:4, 3]).all() and (lazy[4, 3, ::2] == cubes[4, 3, ::2]).all()
    assert (np.asarray(lazy) == cubes).all() and (lazy[...] == cubes).all()
    with pytest.raises(IndexError):
        lazy[7]


def test_a_subset_of_a_subset(made):
    stack, cubes, particles = made
    part = stack.subset([6, 4, 1]).subset(np.array([True, False, True]))
    assert (part.read() == cubes[[6, 1]]).all() and (part.read([1]) == cubes[[1]]).all()
    assert part.wedge(0) == WEDGES[1] and part.wedge(1) == WEDGES[0]
    assert part.particles.table["rlnClassNumber"].tolist() == [6, 1]
    assert (part.poses.rotations == particles.rotations[[6, 1]]).all()
    with pytest.raises(ParameterProblem, match="rows run from 0 to 6"):
        stack.subset([9])
    with pytest.raises(ParameterProblem, match="there are none"):
        stack.subset([])


def test_a_zarr_reader_reads_the_cubes(made):
    import zarr

    stack, cubes, _ = made
    array = zarr.open(stack.path, mode="r")["cubes"]
    assert array.shape == cubes.shape and (array[:] == cubes).all()


def test_poses_and_classes_are_saved_beside_the_cubes(made):
    stack, cubes, particles = made
    before = {file: file.stat().st_mtime_ns for file in (stack.path / "cubes").iterdir()}
    random = np.random.default_rng(0)
    poses = Poses(Rotation.random(7, random_state=5).as_matrix(), random.normal(size=(7, 3)), random.random(7))
    here = stack.with_poses(poses)
    assert (SubtomogramStack.open(stack.path).poses.shifts_zyx == 0).all()
    save_poses(stack.path, poses)
    save_classes(stack.path, np.array([0, 1, 2, -1, 0, 0, 1]))
    again = SubtomogramStack.open(stack.path)
    for found in (again.poses, here.poses):
        assert (found.rotations == poses.rotations).all() and (found.scores == poses.scores).all()
    assert again.classes.tolist() == [0, 1, 2, -1, 0, 0, 1] and again.classes.dtype == np.int64
    assert again.placed().positions_zyx == pytest.approx(particles.positions_zyx + 9.5 * poses.shifts_zyx, abs=2e-5)
    assert {file: file.stat().st_mtime_ns for file in (stack.path / "cubes").iterdir()} == before
    save_classes(stack.path, None)
    assert SubtomogramStack.open(stack.path).classes is None
    with pytest.raises(ParameterProblem, match="there are 3 for 7 cubes"):
        save_poses(stack.path, poses[:3])
    with pytest.raises(ParameterProblem, match="there are 2 for 7 cubes"):
        save_classes(stack.path, np.zeros(2))


def damage_cut(path):
    file = path / "cubes" / "3.0.0.0"
    file.write_bytes(file.read_bytes()[:-4])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_cut, "1 of its 7 cubes are missing or cut short"),
        (lambda path: (path / "cubes" / "0.0.0.0").unlink(), "1 of its 7 cubes are missing"),
        (lambda path: (path / "zarr.json").unlink(), "is no stack of subtomograms"),
        (lambda path: (path / "zarr.json").write_text("{"), "not valid JSON"),
        (lambda path: (path / "zarr.json").write_text('{"attributes": {}}'), "is no stack of subtomograms"),
        (lambda path: (path / "cubes" / "zarr.json").write_text("{}"), "is damaged"),
        (lambda path: (path / "cubes" / "zarr.json").unlink(), "no such file"),
        (lambda path: (path / "wedges.json").write_text('{"wedges": [], "wedge_of": [0]}'), "is damaged"),
        (lambda path: (path / "poses.npz").write_bytes(b"PK\x03\x04 no"), "is damaged"),
        (lambda path: (path / "poses.npz").unlink(), "No such file"),
        (lambda path: (path / "classes.npy").write_bytes(b"\x93NUMPY"), "is damaged"),
        (lambda path: (path / "particles.star").write_text("data_\n"), "particles.star"),
        (lambda path: (path / "unfinished").write_text(""), "is not finished"),
    ],
)
def test_damage_is_said(made, damage, message):
    path = made[0].path
    damage(path)
    with pytest.raises(FileProblem, match=message):
        stack = SubtomogramStack.open(path)
        len(stack.particles), len(stack.poses)


def test_what_is_no_stack_is_said(tmp_path):
    (tmp_path / "file.zarr").write_text("")
    for name, message in (("file.zarr", "a stack is a folder"), ("none.zarr", "no such folder"), (".", "is no stack")):
        with pytest.raises(FileProblem, match=message):
            SubtomogramStack.open(tmp_path / name)


def test_a_folder_that_is_no_stack_is_never_replaced(tmp_path, made):
    stack, cubes, particles = made
    precious = tmp_path / "mine"
    precious.mkdir()
    (precious / "thesis.txt").write_text("all of it")
    with pytest.raises(FileProblem, match="is no stack"):
        write_stack(precious, cubes, particles, WEDGES, stack.wedge_of, 9.5)
    assert (precious / "thesis.txt").exists()
    write_stack(stack.path, cubes[:2], particles[:2], WEDGES, stack.wedge_of[:2], 9.5)
    assert len(SubtomogramStack.open(stack.path)) == 2
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine", "particles.zarr"]


def test_unfinished_work_goes_on(tmp_path, made):
    _, cubes, particles = made
    path = tmp_path / "long.zarr"
    options = (6, particles, WEDGES, np.zeros(7, dtype=int), 9.5)
    with pytest.raises(RuntimeError), create_stack(path, *options, resume="cut 1") as writer:
        writer.write([0, 3], cubes[[0, 3]])
        raise RuntimeError("power cut")
    assert not path.exists()
    with pytest.raises(FileProblem, match="is not finished"):
        SubtomogramStack.open(tmp_path / ".long.unfinished.zarr")
    with create_stack(path, *options, resume="cut 1") as writer:
        assert np.flatnonzero(~writer.missing).tolist() == [0, 3]
        rest = np.flatnonzero(writer.missing)
        writer.write(rest, cubes[rest])
    assert (SubtomogramStack.open(path).read() == cubes).all()
    with pytest.raises(RuntimeError), create_stack(path, *options, resume="cut 1") as writer:
        writer.write([1], cubes[[1]])
        raise RuntimeError
    with create_stack(path, *options, resume="another") as writer:
        assert writer.missing.all()
        writer.write(np.arange(7), cubes)
    assert not (tmp_path / ".long.unfinished.zarr").exists()


def test_bad_parts_are_said(tmp_path, made):
    _, cubes, particles = made
    path = tmp_path / "bad.zarr"
    none = np.zeros(7, dtype=int)

    def write(cubes=cubes, particles=particles, wedges=WEDGES, wedge_of=none, voxel_size=9.5, **others):
        with pytest.raises(ParameterProblem) as told:
            write_stack(path, cubes, particles, wedges, wedge_of, voxel_size, **others)
        return str(told.value)

    broken = cubes.copy()
    broken[4, 0, 0, 0] = np.nan
    assert "cube 4 holds values that are no numbers" in write(cubes=broken)
    assert "there are 3 for 7" in write(particles=particles[:3])
    assert "there are none" in write(cubes=cubes[:0], particles=particles[:0], wedge_of=none[:0])
    assert "holds no cubes" in write(cubes=cubes[..., :4])
    assert "wedge 5 of 2" in write(wedge_of=none + 5)
    assert "0 Å" in write(voxel_size=0.0)
    assert "there are 2 for 7 cubes" in write(classes=np.zeros(2))
    with pytest.raises(ParameterProblem, match="6 of 7 cubes were not written"):
        with create_stack(path, 6, particles, WEDGES, none, 9.5) as writer:
            writer.write([2], cubes[[2]])
    assert list(tmp_path.iterdir()) == [tmp_path / "particles.zarr"]


def test_classes_are_written_with_the_stack(tmp_path, made):
    _, cubes, particles = made
    write_stack(tmp_path / "sorted.zarr", cubes, particles, WEDGES, np.zeros(7, dtype=int), 9.5, np.arange(7) - 1)
    stack = SubtomogramStack.open(tmp_path / "sorted.zarr")
    assert stack.classes.tolist() == list(range(-1, 6)) and stack.subset([0, 6]).classes.tolist() == [-1, 5]
    assert stack.with_classes(None).classes is None and stack.with_classes(np.zeros(7)).classes.dtype == np.int64


def test_one_particle_and_a_full_wedge(tmp_path):
    stack = write_stack(
        tmp_path / "one.zarr",
        np.ones((1, 4, 4, 4)),
        Particles(np.zeros((1, 3)), voxel_size=10.0),
        (Wedge(tilt_min=-90, tilt_max=90),),
        np.zeros(1, dtype=int),
        10.0,
    )
    assert len(stack) == 1 and stack.wedges[0].is_full and stack.poses.rotations[0].tolist() == np.eye(3).tolist()

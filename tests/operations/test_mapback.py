import json
from dataclasses import replace

import numpy as np
import pytest

from ais_app.core.coordinates import write_particles
from ais_app.core.errors import DataWarning, FileProblem
from ais_app.core.geometry import relion_to_matrices
from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.particle_set import Particles
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.scene.map_back import MapBackParams, map_back
from ais_app.core.tomogram import Tomogram
from ais_app.operations.mapback import mapback
from ais_app.operations.replay import replay

SHAPE, SIZE = (20, 30, 40), (12.0, 12.0, 12.0)


@pytest.fixture
def files(tmp_path, rng):
    """Return two tomograms, an average at another voxel size, and one list with the picks of both."""
    for name in ("TS_01", "TS_02"):
        data = rng.normal(size=SHAPE).astype(np.float32)
        write_volume(tmp_path / f"{name}.mrc", data, like=Tomogram(data, SIZE, origin_zyx=(5.0, 6.0, 7.0)))
    density = rng.random((10, 10, 10)).astype(np.float32)
    write_volume(tmp_path / "ribosome.mrc", density, like=Tomogram(density, (8.0,) * 3))
    picks = Particles(
        rng.uniform(30, 200, (7, 3)),
        rotations=relion_to_matrices(rng.uniform(0, 180, (7, 3))),
        tomograms=np.array(["TS_01"] * 4 + ["TS_02"] * 3, dtype=object),
        voxel_size=12.0,
        shape_zyx=SHAPE,
    )
    write_particles(tmp_path / "picks.star", picks)
    return tmp_path, density, picks


def test_command_line(files, ais):
    folder, density, picks = files
    words = ["--average", folder / "ribosome.mrc", "--coordinates", folder / "picks.star", "--combine", "sum"]
    code, shown, _ = ais("mapback", folder / "TS_01.mrc", folder / "TS_02.mrc", "-o", folder / "out", *words)
    assert code == 0
    assert "4 particles" in shown
    for name, chosen in {"TS_01": picks[:4], "TS_02": picks[4:]}.items():
        output = folder / "out" / f"{name}__ribosome.mrc"
        made = open_tomogram(output)
        assert (made.voxel_size_zyx, made.origin_zyx) == (SIZE, (5.0, 6.0, 7.0))
        wanted = map_back(density, 8.0, chosen, SHAPE, SIZE, MapBackParams(combine="sum"))
        np.testing.assert_allclose(made.read(), wanted, atol=1e-3)
        assert json.loads(output.with_name(output.name + ".json").read_text())["notes"]["particles"] == len(chosen)
        assert replay(output).identical


def test_a_dark_average(files):
    folder, density, _ = files
    write_volume(folder / "dark.mrc", -density, like=open_tomogram(folder / "ribosome.mrc"))
    lists = [folder / "picks.star"]
    (bright,) = mapback([folder / "TS_01.mrc"], folder / "a", average=folder / "ribosome.mrc", coordinates=lists)
    (dark,) = mapback(
        [folder / "TS_01.mrc"], folder / "a", MapBackParams(dark=True), average=folder / "dark.mrc", coordinates=lists
    )
    np.testing.assert_array_equal(*(open_tomogram(result.outputs[0]).read() for result in (bright, dark)))


def test_what_cannot_be_done_is_said(files):
    folder, density, picks = files
    write_volume(folder / "TS_09.mrc", np.zeros(SHAPE, np.float32), like=Tomogram(density, SIZE))
    paths = [folder / "TS_01.mrc", folder / "TS_09.mrc"]
    first, second = mapback(paths, folder / "o", average=folder / "ribosome.mrc", coordinates=[folder / "picks.star"])
    assert first.error is None
    assert "no particles in the lists; their tomograms: TS_01, TS_02" in str(second.error)
    (folder / "bad.star").write_text("nothing")
    (broken,) = mapback(paths[:1], folder / "o", average=folder / "ribosome.mrc", coordinates=[folder / "bad.star"])
    assert isinstance(broken.error, FileProblem)
    holed = density.copy()
    holed[1, 2, 3] = np.nan
    write_volume(folder / "holed.mrc", holed, like=Tomogram(holed, (8.0,) * 3))
    with pytest.raises(FileProblem, match=r"holed.mrc: 1 of its voxels are no numbers \(NaN\); replace them by 0"):
        mapback(paths, folder / "o", average=folder / "holed.mrc", coordinates=[folder / "picks.star"])
    write_volume(folder / "flat.mrc", density, like=Tomogram(density, (8.0, 8.0, 9.0)))
    with pytest.raises(Exception, match="no cubes"):
        mapback(paths, folder / "o", average=folder / "flat.mrc", coordinates=[folder / "picks.star"])


def test_particles_without_orientation_and_of_another_tomogram_are_said(files, rng):
    folder, _, picks = files
    places = replace(picks, rotations=None, tomograms=np.full(7, "TS_02", dtype=object))
    write_particles(folder / "unturned.star", places)
    cubes = rng.normal(size=(7, 4, 4, 4))
    made = write_stack(folder / "unturned.zarr", cubes, places, [Wedge()], np.zeros(7, dtype=int), 12.0)
    for coordinates in (folder / "unturned.star", made.path):
        with pytest.warns(DataWarning) as said:
            paths, options = [folder / "TS_01.mrc"], {"average": folder / "ribosome.mrc"}
            mapback(paths, folder / "o", coordinates=[coordinates], **options)
        words = " ".join(str(one.message) for one in said)
        assert "its tomogram TS_02 is taken to be TS_01; --rename" in words
        assert "none is turned; align them" in words


@pytest.fixture
def stack(files, rng):
    """A stack of the picks: boxes at the nearest voxels, poses that lead to the picks, classes 0, 1 and none."""
    folder, _, picks = files
    centres = np.round(picks.positions_zyx / 12.0)
    poses = Poses(picks.rotations, picks.positions_zyx / 12.0 - centres, np.zeros(7))
    particles = replace(picks, positions_zyx=centres * 12.0, rotations=None)
    return write_stack(
        folder / "picks.zarr", rng.normal(size=(7, 4, 4, 4)), particles, [Wedge()], np.zeros(7, dtype=int), 12.0,
        np.array([0, 1, -1, 0, 1, 1, 1]), poses=poses,
    )  # fmt: skip


def test_the_poses_of_a_stack(files, stack):
    folder, density, picks = files
    paths = [folder / "TS_01.mrc", folder / "TS_02.mrc"]
    options = {"average": folder / "ribosome.mrc"}
    lists = mapback(paths, folder / "a", coordinates=[folder / "picks.star"], **options)
    stacks = mapback(paths, folder / "b", coordinates=[stack.path], **options)
    for one, other in zip(lists, stacks, strict=True):
        assert other.error is None and other.message == one.message
        maps = [open_tomogram(result.outputs[0]).read() for result in (one, other)]
        np.testing.assert_allclose(*maps, atol=1e-3)
        assert replay(other.outputs[0]).identical


def test_a_map_for_each_class(files, stack, ais):
    folder, density, picks = files
    for number in (1, 2):
        write_volume(folder / f"class_{number}_average.mrc", density * number, like=Tomogram(density, (8.0,) * 3))
    words = ["--average", folder / "class_{class}_average.mrc", "--coordinates", stack.path, "--combine", "sum"]
    code, shown, _ = ais("mapback", folder / "TS_01.mrc", "-o", folder / "out", *words)
    assert code == 0 and "3 particles of 2 classes" in shown
    made = folder / "out" / "TS_01__class_average.mrc"
    wanted = np.zeros(SHAPE, np.float32)
    for number, rows in ((1, [0, 3]), (2, [1])):
        wanted += map_back(density * number, 8.0, picks[np.array(rows)], SHAPE, SIZE, MapBackParams(combine="sum"))
    np.testing.assert_allclose(open_tomogram(made).read(), wanted, atol=2e-3)
    assert replay(made).identical
    code, _, problem = ais("mapback", folder / "TS_01.mrc", "-o", folder / "out", "--average",
                           folder / "class_{class}.mrc", "--coordinates", folder / "picks.star")  # fmt: skip
    assert code == 1 and "have no classes" in problem
    code, _, problem = ais("mapback", folder / "TS_01.mrc", "-o", folder / "none", "--average",
                           folder / "nofile_{class}.mrc", "--coordinates", stack.path)  # fmt: skip
    assert code == 1 and "nofile_1.mrc: there is no such file; the particles have the classes 1, 2: give a" in problem
    stack = write_stack(
        folder / "unsorted.zarr", np.ones((7, 4, 4, 4)), picks, [Wedge()], np.zeros(7, dtype=int), 12.0, np.full(7, -1)
    )
    code, _, problem = ais("mapback", folder / "TS_01.mrc", "-o", folder / "none", *words[:2], "--coordinates",
                           stack.path)  # fmt: skip
    assert code == 1 and "none of the particles of TS_01 has a class" in problem
    assert not list((folder / "none").glob("*.mrc*"))


def test_only_what_lies_in_the_tomogram_counts(files, ais):
    folder, _, picks = files
    moved = picks.positions_zyx.copy()
    moved[1:3] += 1e4
    write_particles(folder / "some.star", replace(picks, positions_zyx=moved))
    paths, options = [folder / "TS_01.mrc"], {"average": folder / "ribosome.mrc"}
    left_out = r"TS_01.mrc: 2 of its 4 particles \(some.star\) lie outside of it and are left out; give the tomogram"
    with pytest.warns(DataWarning, match=left_out):
        (result,) = mapback(paths, folder / "out", coordinates=[folder / "some.star"], **options)
    assert result.message == "2 particles"
    output = folder / "out" / "TS_01__ribosome.mrc"
    assert json.loads(output.with_name(output.name + ".json").read_text())["notes"]["particles"] == 2
    write_particles(folder / "none.star", replace(picks, positions_zyx=moved + 1e4))
    words = ["--average", folder / "ribosome.mrc", "--coordinates", folder / "none.star"]
    code, _, said = ais("mapback", folder / "TS_01.mrc", "-o", folder / "none", *words)
    assert code == 1 and "none of its 4 particles (none.star) lies in it; give the tomogram" in " ".join(said.split())
    assert not list((folder / "none").glob("*.mrc*"))


def test_an_average_of_nothing_is_refused(files, ais):
    folder, density, _ = files
    words = [
        "mapback",
        folder / "TS_01.mrc",
        "-o",
        folder / "none",
        "--coordinates",
        folder / "picks.star",
        "--average",
    ]
    for name, made, problem in (
        ("empty.mrc", density * 0, "empty.mrc: is 0 everywhere; give the map of a particle"),
        ("dark.mrc", -density, "dark.mrc: has no density above 0; where particles are dark in it, say so with --dark"),
    ):
        write_volume(folder / name, made, like=Tomogram(made, (8.0,) * 3))
        code, _, said = ais(*words, folder / name)
        assert code == 1 and problem in " ".join(said.split())
    code, _, said = ais(*words, folder / "nothing.mrc")
    assert code == 1 and "nothing.mrc: there is no such file; give the file of a map" in " ".join(said.split())
    write_volume(folder / "unsaid.mrc", density, like=Tomogram(density))
    code, _, said = ais(*words, folder / "unsaid.mrc")
    assert code == 1 and "unsaid.mrc: the voxel size is not known; give it with --average-voxel-size" in said
    assert not (folder / "none").exists()

"""`ais-app subtomo export`: other readers find the same cubes, positions, orientations, classes and wedges."""

import mrcfile
import numpy as np
import pytest
import starfile
from scipy.spatial.transform import Rotation

from ais_app.cli.app import run as command
from ais_app.core.coordinates import read_particles, write_particles
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.io import open_tomogram, write_volume
from ais_app.core.particle_set import Particles
from ais_app.core.particles.export import wedge_volume
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import SubtomogramStack, write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.operations.replay import replay
from ais_app.operations.subtomo_export import SubtomogramExportParams, subtomo_export
from ais_app.operations.subtomo_import import SubtomogramImportParams, subtomo_import


@pytest.fixture(autouse=True, scope="module")
def on_one_core(one_thread):
    """The cubes are small."""


TWO = (Wedge(), Wedge(tilt_min=-50, tilt_max=44))


def made(folder, wedges=TWO, edge=8):
    """Five cubes of two tomograms, binned twice, with poses and classes."""
    random = np.random.default_rng(0)
    particles = Particles(
        np.round(random.uniform(20, 80, (5, 3))) * 6.0,
        tomograms=np.array(["TS_1", "TS_1", "TS_2", "TS_2", "TS_2"], dtype=object),
        voxel_size=6.0,
    )
    poses = Poses(Rotation.random(5, random_state=1).as_matrix(), random.uniform(-2, 2, (5, 3)), random.random(5))
    cubes = random.standard_normal((5, edge, edge, edge)).astype(np.float32)
    return write_stack(
        folder / "stack.zarr", cubes, particles, wedges, np.array([0, 0, 1, 1, 1]) % len(wedges), 12.0,
        np.array([0, 1, 1, -1, 0]), poses=poses,
    )  # fmt: skip


@pytest.mark.parametrize("program", ["relion", "mrc"])
def test_star_files(tmp_path, program):
    stack = made(tmp_path)
    listing = subtomo_export(stack.path, tmp_path / "out", SubtomogramExportParams(format=program))
    content = starfile.read(listing, always_dict=True)
    table = content["particles"]
    for row, name in enumerate(table["rlnImageName"]):
        with mrcfile.open(tmp_path / "out" / name) as file:
            assert (file.data == stack.cubes[row]).all() and float(file.voxel_size.x) == pytest.approx(12.0)
    found = read_particles(listing)
    truth = stack.placed()
    assert found.positions_zyx == pytest.approx(truth.positions_zyx, abs=1e-3)
    assert found.rotations == pytest.approx(truth.rotations, abs=1e-6)
    assert found.scores == pytest.approx(truth.scores)
    assert found.tomograms.tolist() == truth.tomograms.tolist()
    # RELION: the origin is what moves the particle to the centre of its box
    origins = table[["rlnOriginZAngst", "rlnOriginYAngst", "rlnOriginXAngst"]].to_numpy()
    assert origins == pytest.approx(-12.0 * stack.poses.shifts_zyx, abs=1e-5)
    assert table["rlnClassNumber"].tolist() == [1, 2, 2, 0, 1]
    for row, name in enumerate(table["rlnCtfImage"]):
        with mrcfile.open(tmp_path / "out" / name) as file:
            assert (file.data == wedge_volume(stack.wedge(row), 8)).all()
    if program == "relion":
        assert found.layout.format in {"relion3", "relion4"}
        optics = content["optics"].set_index("rlnOpticsGroup")
        assert table["rlnOpticsGroup"].tolist() == [1, 1, 2, 2, 2]
        assert optics["rlnImagePixelSize"].tolist() == [12.0, 12.0] and optics["rlnImageSize"].tolist() == [8, 8]
        assert optics["rlnMicrographPixelSize"].tolist() == [6.0, 6.0]
    assert replay(listing).identical


@pytest.mark.parametrize("edge", [8, 7])
@pytest.mark.parametrize("wedge", [Wedge(-60, 50), Wedge(-60, 60, "x"), Wedge(-90, 90)])
def test_wedge_volumes_are_what_was_measured(edge, wedge):
    found = wedge_volume(wedge, edge)
    along = np.fft.fftshift(np.fft.fftfreq(edge, 1 / edge))
    z, y, x = np.meshgrid(along, along, along, indexing="ij")
    across = x if wedge.tilt_axis == "y" else y
    angle = np.rad2deg(np.arctan(np.divide(z, across, out=np.full_like(z, np.inf), where=across != 0)))
    truth = (np.abs(angle) <= 90) & (angle >= wedge.tilt_min) & (angle <= wedge.tilt_max) | ((z == 0) & (across == 0))
    if wedge.is_full:
        truth = np.ones_like(truth)
    inner = np.ones_like(truth)
    if edge % 2 == 0:  # the highest frequency of an even size stands for both signs
        inner = (z > along[0]) & (y > along[0]) & (x > along[0])
    assert (found[inner] == truth[inner]).all()


def read_em(path):
    """An EM file, read without the package."""
    raw = path.read_bytes()
    x, y, z = np.frombuffer(raw, "<i4", 3, 4)
    assert raw[0] == 6 and raw[3] == 5
    return np.frombuffer(raw, "<f4", offset=512).reshape(z, y, x)


def test_dynamo(tmp_path):
    stack = made(tmp_path)
    listing = subtomo_export(stack.path, tmp_path / "out", SubtomogramExportParams(format="dynamo", dark=True))
    table = np.loadtxt(listing)
    assert table.shape == (5, 42) and table[:, 0].tolist() == [1, 2, 3, 4, 5]
    for tag in range(1, 6):
        path = tmp_path / "out" / "data" / f"particle_{tag:06d}.em"
        assert (read_em(path) == -stack.cubes[tag - 1]).all()
        assert (open_tomogram(path).read() == -stack.cubes[tag - 1]).all()
    assert table[:, 3:6] == pytest.approx(stack.poses.shifts_zyx[:, ::-1], abs=1e-6)
    assert table[:, 12:15].tolist() == [[1, -60, 60]] * 2 + [[1, -50, 44]] * 3
    assert table[:, 19].tolist() == [1, 1, 2, 2, 2] and table[:, 21].tolist() == [1, 2, 2, 0, 1]
    found = read_particles(listing)
    truth = stack.placed()
    assert found.positions_zyx == pytest.approx(truth.positions_zyx, abs=1e-4)
    assert found.rotations == pytest.approx(truth.rotations, abs=1e-6) and found.voxel_size == 12.0
    assert found.tomograms.tolist() == truth.tomograms.tolist()


def test_dynamo_knows_no_other_tilt_axis(tmp_path):
    stack = made(tmp_path, (Wedge(-60, 60, "x"),))
    with pytest.raises(ParameterProblem, match="Dynamo's tables hold tilts about y"):
        subtomo_export(stack.path, tmp_path / "out", SubtomogramExportParams(format="dynamo"))
    assert not (tmp_path / "out").exists()
    stack = made(tmp_path, (Wedge(-90, 90),))
    table = np.loadtxt(subtomo_export(stack.path, tmp_path / "out", SubtomogramExportParams(format="dynamo")))
    assert (table[:, 12] == 0).all()


@pytest.mark.parametrize("program", ["relion", "dynamo", "mrc"])
def test_there_and_back(tmp_path, program):
    """What was exported is imported as the same stack."""
    stack = made(tmp_path, edge=24)
    params = SubtomogramExportParams(format=program, dark=program == "dynamo")
    listing = subtomo_export(stack.path, tmp_path / "out", params)
    path = subtomo_import(listing, tmp_path / "again.zarr", SubtomogramImportParams(
        dark=program == "dynamo", voxel_size=12.0 if program == "dynamo" else None))  # fmt: skip
    again = SubtomogramStack.open(path)
    assert (again.read() == stack.read()).all() and again.voxel_size == pytest.approx(12.0)
    assert again.poses.rotations == pytest.approx(stack.poses.rotations, abs=1e-6)
    assert again.poses.shifts_zyx == pytest.approx(stack.poses.shifts_zyx, abs=1e-5)
    assert again.particles.positions_zyx == pytest.approx(stack.particles.positions_zyx, abs=1e-3)
    assert again.particles.tomograms.tolist() == stack.particles.tomograms.tolist()
    assert again.classes.tolist() == stack.classes.tolist()
    for row in range(5):
        found, truth = again.wedge(row), stack.wedge(row)
        assert (found.tilt_axis, found.beam_axis) == (truth.tilt_axis, truth.beam_axis)
        # a mask of 24 voxels tells angles to a degree or two
        near = 0.01 if program == "dynamo" else 3
        assert abs(found.tilt_min - truth.tilt_min) < near and abs(found.tilt_max - truth.tilt_max) < near
    told = SubtomogramStack.open(subtomo_import(listing, path, SubtomogramImportParams(voxel_size=12.0), tilt="-40,40"))
    assert told.wedges == (Wedge(-40, 40),)
    assert replay(path).identical


def test_what_cannot_be_imported_is_said(tmp_path):
    stack = made(tmp_path)
    listing = subtomo_export(stack.path, tmp_path / "out", SubtomogramExportParams(format="dynamo"))
    (tmp_path / "out" / "data" / "particle_000003.em").unlink()
    with pytest.raises(FileProblem, match=r"has no particle_000003.em, nor .mrc \(1 are missing\)"):
        subtomo_import(listing, tmp_path / "again.zarr", tilt="-60,60")
    listing = subtomo_export(stack.path, tmp_path / "out", SubtomogramExportParams(format="relion"))
    write_volume(tmp_path / "out" / "subtomograms" / "particle_000002.mrc", np.zeros((6, 6, 6), np.float32))
    with pytest.raises(FileProblem, match="has 6 × 6 × 6 voxels, the first box 8"):
        subtomo_import(listing, tmp_path / "again.zarr", tilt="-60,60")
    holed = np.ones((8, 8, 8), np.float32)
    holed[3, 3, 3:5] = np.nan
    write_volume(tmp_path / "out" / "subtomograms" / "particle_000002.mrc", holed)
    with pytest.raises(FileProblem, match=r"particle_000002\.mrc: 2 of its voxels are no numbers .* leave it out"):
        subtomo_import(listing, tmp_path / "again.zarr", tilt="-60,60")
    assert not (tmp_path / "again.zarr").exists()
    write_particles(tmp_path / "plain.star", stack.placed())
    with pytest.raises(FileProblem, match="has no column rlnImageName"):
        subtomo_import(tmp_path / "plain.star", tmp_path / "again.zarr", tilt="-60,60")
    with pytest.raises(ParameterProblem, match="does not end in .zarr"):
        subtomo_import(listing, tmp_path / "again")


def test_the_command(tmp_path, capsys):
    stack = made(tmp_path)
    words = ["subtomo", "export", str(stack.path), "-o", str(tmp_path / "relion" / "in"), "--format", "relion"]
    assert command([*words, "--root", str(tmp_path / "relion")]) == 0
    assert str(tmp_path / "relion" / "in" / "particles.star") in capsys.readouterr().out
    names = starfile.read(tmp_path / "relion" / "in" / "particles.star")["particles"]["rlnImageName"]
    assert names[0] == "in/subtomograms/particle_000001.mrc"
    listing = tmp_path / "relion" / "in" / "particles.star"
    again = ["subtomo", "import", str(listing), "-o", str(tmp_path / "again.zarr"), "--tilt", "-60,60"]
    assert command([*again, "--root", str(tmp_path / "relion")]) == 0
    (stack.path / "cubes" / "2.0.0.0").unlink()
    assert command(words) == 1
    assert "missing or cut short" in capsys.readouterr().err
    with pytest.raises(FileProblem):
        subtomo_export(tmp_path / "none.zarr", tmp_path / "x")

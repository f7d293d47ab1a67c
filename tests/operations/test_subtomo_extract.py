"""`ais-app subtomo extract`: several tomograms, lists or a project, stopped and resumed, the same on any threads."""

import multiprocessing
import threading
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ais_app.cli.app import run as command
from ais_app.core.coordinates import write_particles
from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem, ProjectProblem
from ais_app.core.io import create_volume, open_tomogram
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.particle_set import Particles
from ais_app.core.particles.extract import SubtomogramParams
from ais_app.core.particles.poses import turned
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram
from ais_app.operations.replay import replay
from ais_app.operations.subtomo_extract import subtomo_extract, subtomo_extract_job
from ais_app.state.project import Project

SHAPE, EDGE = (48, 72, 72), 20
WIDTHS = np.array([2.2, 1.6, 1.4, 1.8])
PLACES = np.array([[0, 0, 0], [5, 0, 1], [-1, 5, 0], [0, -2, 5]], dtype=float)  # x y z voxels


@pytest.fixture(autouse=True, scope="module")
def on_one_core(one_thread):
    """Cubes of this size are turned fastest on one."""


def particle(shape, centre_zyx, rotation, scale=1.0):
    """Four Gaussians, turned and moved exactly."""
    found = np.zeros(shape, dtype=np.float32)
    for place, width in zip((PLACES * scale) @ rotation.T, WIDTHS * scale, strict=True):
        middle = np.asarray(centre_zyx) + place[::-1]
        z, y, x = (np.exp(-((np.arange(n) - c) ** 2) / (2 * width**2)) for n, c in zip(shape, middle, strict=True))
        found += z[:, None, None] * y[:, None] * x
    return found


def write_tomogram(path, particles, size, noise=0.05, scale=1.0):
    """A dark tomogram of the particles."""
    shape = tuple(int(round(n * scale)) for n in SHAPE)
    data = np.random.default_rng(len(path.name)).normal(0, noise, shape).astype(np.float32)
    for position, rotation in zip(particles.positions_zyx, particles.rotations, strict=True):
        data -= particle(shape, position / size, rotation, scale)
    like = Tomogram(data, voxel_size_zyx=(size,) * 3)
    with create_volume(path, shape, np.float32, like=like) as writer:
        writer.write(0, data)


def picks(name, seed, size=10.0, count=5):
    """Particles on a loose grid, so that boxes hardly overlap."""
    random = np.random.default_rng(seed)
    spots = np.array([[z, y, x] for z in (13, 34) for y in (14, 36, 57) for x in (14, 36, 57)], dtype=float)
    chosen = spots[random.permutation(len(spots))[:count]] + random.uniform(-1, 1, (count, 3))
    return Particles(
        chosen * size,
        rotations=Rotation.random(count, random_state=seed).as_matrix(),
        scores=random.random(count),
        tomograms=np.full(count, name, dtype=object),
        voxel_size=size,
    )


@pytest.fixture
def two(tmp_path):
    """TS_1 and TS_2 with a list of both, and one pick beyond its volume."""
    lists = []
    for number in (1, 2):
        own = picks(f"TS_{number}", number)
        write_tomogram(tmp_path / f"TS_{number}.mrc", own, 10.0)
        lists.append(own)
    whole = Particles.concatenate(lists)
    lost = replace(whole[:1], positions_zyx=np.array([[100.0, 100.0, 5000.0]]))
    whole = Particles.concatenate([whole, lost])
    write_particles(tmp_path / "both.star", whole, "star")
    return tmp_path, whole


SMALL = SubtomogramParams(box=EDGE)


def extracted(folder, out="stack.zarr", params=SMALL, tomograms=("TS_1.mrc", "TS_2.mrc"), **options):
    options = {"coordinates": [folder / "both.star"], "tilt": "-60,60", **options}
    found = subtomo_extract([folder / name for name in tomograms], folder / out, params, **options)
    return found, SubtomogramStack.open(folder / out)


def test_turned_back_the_cubes_are_the_particle(two):
    import torch

    folder, whole = two
    found, stack = extracted(folder)
    assert (found.particles, found.tomograms, found.outside, found.at_edge) == (10, 2, 1, 0)
    assert "10 particles of 2 tomograms; left out: 1 outside" in str(found)
    assert stack.voxel_size == 10.0 and stack.wedges == (Wedge(-60, 60),)
    assert stack.particles.tomograms.tolist() == ["TS_1"] * 5 + ["TS_2"] * 5
    assert stack.poses.rotations == pytest.approx(whole.rotations[:10], abs=1e-6)
    assert np.abs(stack.poses.shifts_zyx).max() <= 0.5 and np.abs(stack.poses.shifts_zyx).max() > 0.3
    assert stack.placed().positions_zyx == pytest.approx(whole.positions_zyx[:10], abs=1e-3)
    assert stack.poses.scores == pytest.approx(whole.scores[:10])
    back = stack.poses.inverse()
    cubes = turned(
        torch.from_numpy(stack.read()), torch.from_numpy(back.rotations), torch.from_numpy(back.shifts_zyx), fine=True
    )
    truth = particle((EDGE,) * 3, (EDGE // 2,) * 3, np.eye(3))
    inside = truth > 0.05
    for cube in cubes.numpy():
        assert np.corrcoef(cube[inside], truth[inside])[0, 1] > 0.98


def test_all_columns_of_the_list_are_kept(two):
    folder, whole = two
    whole = replace(whole, table=whole.table.assign(rlnClassNumber=np.arange(11), note="a b"))
    write_particles(folder / "both.star", whole, "star")
    _, stack = extracted(folder)
    assert stack.particles.table["rlnClassNumber"].tolist() == list(range(10))
    assert set(stack.particles.table["note"]) == {"a b"}


def test_one_and_two_threads_give_the_same_and_replay_too(two):
    folder, _ = two
    params = SubtomogramParams(box=12, bin=2, edge="pad", placing="exact", neighbours="mask", diameter=200)
    _, one = extracted(folder, "one.zarr", params, threads=1)
    _, more = extracted(folder, "two.zarr", params, threads=2)
    assert (one.read() == more.read()).all() and one.voxel_size == 20.0
    assert replay(folder / "one.zarr").identical


def test_a_packed_format_gives_the_same_cubes(two):
    folder, _ = two
    for number in (1, 2):
        tomogram = open_tomogram(folder / f"TS_{number}.mrc")
        with create_volume(folder / f"TS_{number}.ome.zarr", SHAPE, np.float32, like=tomogram) as writer:
            writer.write(0, tomogram.read())
    _, plain = extracted(folder)
    _, packed = extracted(folder, "packed.zarr", tomograms=("TS_1.ome.zarr", "TS_2.ome.zarr"))
    assert (plain.read() == packed.read()).all()


def test_two_voxel_sizes_are_refused_or_rescaled(two):
    folder, whole = two
    other = replace(picks("TS_3", 3, size=10.0), voxel_size=5.0)
    write_tomogram(folder / "TS_3.mrc", other, 5.0, noise=0.0, scale=2.0)
    write_particles(folder / "third.star", other, "star")
    lists = [folder / "both.star", folder / "third.star"]
    with pytest.raises(ParameterProblem, match=r"voxels of 5 to 10 Å; rescale them all: --voxel-size 10"):
        extracted(folder, tomograms=("TS_1.mrc", "TS_3.mrc"), coordinates=lists)
    params = SubtomogramParams(box=EDGE, voxel_size=10.0)
    _, stack = extracted(folder, "same.zarr", params, ("TS_1.mrc", "TS_3.mrc"), coordinates=lists)
    assert stack.voxel_size == 10.0 and stack.particles.names == ["TS_1", "TS_3"]
    assert stack.placed().positions_zyx[5:] == pytest.approx(other.positions_zyx, abs=1e-3)
    for row in range(5, 10):
        truth = particle((EDGE,) * 3, EDGE // 2 + stack.poses.shifts_zyx[row], stack.poses.rotations[row])
        assert np.corrcoef(stack.cubes[row].ravel(), truth.ravel())[0, 1] > 0.97


def test_tomograms_without_picks_are_said(two):
    folder, whole = two
    write_particles(folder / "first.star", whole[:5], "star")
    with pytest.warns(DataWarning, match=r"1 of 2 tomograms have no picks in the lists: TS_2"):
        found, _ = extracted(folder, coordinates=[folder / "first.star"])
    assert found.tomograms == 1
    # a list of one tomogram is taken for the only one given, and this is said
    with pytest.warns(DataWarning, match="its tomogram TS_1 is taken to be TS_2"):
        found, _ = extracted(folder, tomograms=("TS_2.mrc",), coordinates=[folder / "first.star"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        with pytest.raises(ParameterProblem, match="no pick is of any of these tomograms"):
            extracted(folder, coordinates=[folder / "first.star"], rename=["TS_1:elsewhere"])
    _, stack = extracted(folder, coordinates=[folder / "first.star"], rename=["TS_1:TS_2"], tomograms=("TS_2.mrc",))
    assert stack.particles.names == ["TS_2"]


def test_bad_input_is_said(two):
    folder, whole = two
    with pytest.raises(ParameterProblem, match="does not end in .zarr"):
        extracted(folder, "stack.mrc")
    with pytest.raises(ParameterProblem, match=r"none of 11 has a box of 60 voxels"):
        extracted(folder, params=SubtomogramParams(box=60))
    with pytest.raises(ParameterProblem, match="none are given"):
        extracted(folder, coordinates=[])
    with pytest.raises(ParameterProblem, match="only the picks of a project have one"):
        extracted(folder, feature="ribosome")
    with pytest.raises(FileProblem, match="no such file"):
        extracted(folder, coordinates=[folder / "none.star"])
    write_particles(folder / "empty.star", whole[:0], "star", voxel_size=10.0)
    with pytest.raises((FileProblem, ParameterProblem), match="no pick|no particles"):
        extracted(folder, coordinates=[folder / "empty.star"], tomograms=("TS_1.mrc",))
    assert not (folder / "stack.zarr").exists()


def test_a_full_wedge_and_one_pick(two):
    folder, whole = two
    write_particles(folder / "one.star", whole[:1], "star")
    _, stack = extracted(folder, tomograms=("TS_1.mrc",), coordinates=[folder / "one.star"], tilt="-90,90")
    assert len(stack) == 1 and stack.wedges[0].is_full
    with pytest.raises(ParameterProblem):
        extracted(folder, tomograms=("TS_1.mrc",), coordinates=[folder / "one.star"], tilt="0,0")


def test_voxels_that_are_no_numbers_and_flat_places(tmp_path):
    data = np.random.default_rng(0).normal(size=(30, 60, 60)).astype(np.float32)
    data[:, :, 30:] = 4
    data[15, 15, 15] = np.nan
    like = Tomogram(data, voxel_size_zyx=(10.0,) * 3)
    with create_volume(tmp_path / "odd.mrc", data.shape, np.float32, like=like) as writer:
        writer.write(0, data)
    where = np.array([[150.0, 150, 150], [150, 150, 450]])
    own = Particles(where, tomograms=np.full(2, "odd", dtype=object), voxel_size=10.0)
    write_particles(tmp_path / "odd.star", own, "star")
    with pytest.warns(DataWarning, match="1 cube is 0"):
        found = subtomo_extract(
            [tmp_path / "odd.mrc"], tmp_path / "odd.zarr", SMALL, coordinates=[tmp_path / "odd.star"], tilt="-60,60"
        )
    cubes = SubtomogramStack.open(found.path).read()
    assert found.flat == 1 and np.isfinite(cubes).all() and (cubes[1] == 0).all() and cubes[0].std() > 0.99


@pytest.mark.filterwarnings("always::ais_app.core.errors.DataWarning")
@pytest.mark.parametrize("suffix", ["mrc", "mrc.gz"])
def test_what_is_not_there_is_said_as_it_is(tmp_path, ais, suffix):
    """Boxes in a hole, one of them reaching out of it, and one of a single grey value; then only the hole is left."""
    data = np.random.default_rng(0).normal(size=(30, 90, 60)).astype(np.float32)
    data[:, 32:, :] = np.nan
    data[:, 60:, :] = 7
    path = tmp_path / f"holed.{suffix}"
    like = Tomogram(data, voxel_size_zyx=(10.0,) * 3)
    with create_volume(path, data.shape, np.float32, like=like) as writer:
        writer.write(0, data)
    where = np.array([[150.0, 300, 300], [150, 450, 200], [150, 450, 400], [150, 800, 300]])
    words = ["--coordinates", tmp_path / "picks.star", "--box", 16, "--tilt", "-60,60", "-o", tmp_path / "out.zarr"]

    def extract(places):
        own = Particles(places, tomograms=np.full(len(places), "holed", dtype=object), voxel_size=10.0)
        write_particles(tmp_path / "picks.star", own, "star")
        return ais("subtomo", "extract", path, *words)

    code, _, err = extract(where)
    assert code == 0
    assert "1 cube is 0, because the tomogram has one grey value there" in err
    assert "2 cubes are 0, because the tomogram holds no numbers there (NaN or infinite)" in err
    before = set(tmp_path.iterdir())
    code, _, err = extract(where[1:3])
    assert code == 1
    assert f"holed.{suffix}: nothing can be cut at any of 2 picks: it holds no numbers there (NaN or infinite)" in err
    code, _, err = extract(where[3:])
    assert code == 1
    assert f"holed.{suffix}: nothing can be cut at any of 1 pick: it has one grey value there" in err
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.uint16])
def test_numbers_that_fill_their_type_are_no_single_grey_value(tmp_path, kind):
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    data = np.random.default_rng(0).integers(low, high, (30, 40, 50), dtype=kind, endpoint=True)
    path = tmp_path / "full.mrc"
    with create_volume(path, data.shape, kind, like=Tomogram(data, (10.0,) * 3)) as writer:
        writer.write(0, data)
    own = Particles(np.array([[150.0, 200, 200], [150.0, 200, 300]]), tomograms=np.full(2, "full", object))
    write_particles(tmp_path / "picks.star", own, "star", voxel_size=10.0)
    params = SubtomogramParams(box=8)
    found = subtomo_extract([path], tmp_path / "s.zarr", params, coordinates=[tmp_path / "picks.star"], tilt="-60,60")
    assert found.particles == 2 and not found.flat


def test_picks_of_a_project(two):
    folder, whole = two
    with Project.create(folder / "P.aisproj") as project:
        feature = project.add_feature("ribosome")
        for number in (1, 2):
            entry = project.add_tomogram(folder / f"TS_{number}.mrc")
            own = whole[:10][whole[:10].tomograms == f"TS_{number}"]
            project.add_picks(entry, "by hand", own, feature=feature if number == 1 else None)
    options = {"coordinates": [], "project": folder / "P.aisproj"}
    found, stack = extracted(folder, tomograms=(), **options)
    assert found.particles == 10 and stack.particles.names == ["TS_1", "TS_2"]
    _, lists = extracted(folder, "lists.zarr")
    assert (stack.read() == lists.read()).all()
    assert extracted(folder, tomograms=(), feature="ribosome", **options)[0].particles == 5
    assert extracted(folder, tomograms=(), pick_set="by hand", **options)[0].particles == 10
    assert replay(folder / "stack.zarr").identical
    with pytest.raises(ProjectProblem):
        extracted(folder, tomograms=(), feature="unknown", **options)
    with pytest.raises(ParameterProblem, match="no pick is of any"):
        extracted(folder, tomograms=(), pick_set="unknown", **options)
    with pytest.raises(ParameterProblem, match="give one of them"):
        extracted(folder, tomograms=(), coordinates=[folder / "both.star"], project=folder / "P.aisproj")


def test_stopped_at_once_and_resumed(two):
    """T27: a stop is obeyed within a second, leaves no threads or processes, and what was cut is kept."""
    folder, whole = two
    random = np.random.default_rng(0)
    many = Particles(
        random.uniform(0.2, 0.8, (240, 3)) * np.array(SHAPE) * 10,
        tomograms=np.full(240, "TS_1", dtype=object),
        voxel_size=10.0,
    )
    write_particles(folder / "many.star", many, "star")
    params = SubtomogramParams(box=12, bin=2, edge="pad", least_inside=0.1, placing="exact")
    options = {"coordinates": [folder / "many.star"], "tilt": "-60,60", "threads": 2}

    def job():
        return subtomo_extract_job([folder / "TS_1.mrc"], folder / "many.zarr", params, **options)

    before, asked = threading.active_count(), []

    def stop():
        return bool(asked) and time.monotonic() > asked[0]

    def watch(step):
        if step.done >= 32 and not asked:
            asked.append(time.monotonic())

    with pytest.raises(JobCancelled):
        run(job(), watch, stop)
    assert time.monotonic() - asked[0] < 1.0
    assert threading.active_count() <= before and not multiprocessing.active_children()
    assert not (folder / "many.zarr").exists()
    kept = {file.name: file.stat().st_mtime_ns for file in (folder / ".many.unfinished.zarr" / "cubes").iterdir()}
    assert 32 <= len(kept) - 1 < 240
    steps = []
    found = run(job(), steps.append)
    assert found.particles == 240
    again = {file.name: file.stat().st_mtime_ns for file in (folder / "many.zarr" / "cubes").iterdir()}
    assert all(again[name] == changed for name, changed in kept.items())
    stopped = SubtomogramStack.open(folder / "many.zarr").read()
    assert (stopped == subtomo_extract_whole(folder, params)).all()


def subtomo_extract_whole(folder, params):
    """The same cubes without a stop, on one thread."""
    found = subtomo_extract(
        [folder / "TS_1.mrc"], folder / "whole.zarr", params,
        coordinates=[folder / "many.star"], tilt="-60,60", threads=1,
    )  # fmt: skip
    return SubtomogramStack.open(found.path).read()


def test_the_command(two, capsys):
    folder, _ = two
    words = ["subtomo", "extract", str(folder / "TS_1.mrc"), str(folder / "TS_2.mrc")]
    words += ["--coordinates", str(folder / "both.star"), "--box", "20", "-o", str(folder / "cli.zarr")]
    assert command([*words, "--tilt", "-60,60", "--edge", "pad"]) == 0
    assert "10 particles of 2 tomograms; left out: 1 outside -> " in capsys.readouterr().out
    assert len(SubtomogramStack.open(folder / "cli.zarr")) == 10
    assert command([*words, "--tilt", "-60,60", "--box", "90"]) == 1
    assert "choose a smaller --box or --edge pad" in capsys.readouterr().err


@pytest.mark.parametrize(("placing", "binning"), [("nearest", 1), ("exact", 1), ("exact", 2)])
def test_particles_stay_where_they_were_picked(two, placing, binning):
    folder, whole = two
    _, stack = extracted(folder, params=SubtomogramParams(box=8, bin=binning, placing=placing))
    apart = np.linalg.norm(stack.placed().positions_zyx[:, None] - whole.positions_zyx[None], axis=-1)
    assert len(stack) == 10 and apart.min(axis=1).max() < 0.01

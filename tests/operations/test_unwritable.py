"""Outputs that cannot be written, and stacks in which nothing can be kept, are found out before the work."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ais_app.core.errors import FileProblem
from ais_app.core.io import write_volume
from ais_app.core.jobs import Job
from ais_app.core.model.package import ModelCard, architecture, load_model, new_model, save_model
from ais_app.core.particle_set import Particles
from ais_app.core.particles.faml import FamlParams
from ais_app.core.particles.grouping import GroupingParams
from ais_app.core.particles.halves_params import AverageParams
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.sort import SortParams
from ais_app.core.particles.stack import write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram
from ais_app.operations.subtomo_adapt import subtomo_adapt_job
from ais_app.operations.subtomo_align import subtomo_align_job
from ais_app.operations.subtomo_average import subtomo_average_job
from ais_app.operations.subtomo_classify import subtomo_classify_job
from ais_app.operations.subtomo_cluster import subtomo_cluster_job
from ais_app.operations.subtomo_discover import subtomo_discover_job
from ais_app.operations.subtomo_faml import subtomo_faml_job
from ais_app.operations.subtomo_segment import subtomo_segment_job
from ais_app.operations.subtomo_sort import subtomo_sort_job
from ais_app.operations.subtomo_teach import subtomo_teach_job
from ais_app.operations.subtomo_train import subtomo_train_job
from ais_app.operations.train import train_job

pytestmark = pytest.mark.usefixtures("one_thread")
# only these: on Windows a folder has no such right
of_rights = pytest.mark.skipif(os.name == "nt", reason="folders have no such right there")
EDGE, COUNT = 12, 6
COMPONENTS = GroupingParams(by="components", clusters=2, map="components")


def align(stack: Path, out: Path, **options: bool) -> Job:
    return subtomo_align_job(stack, out / "found.star", reference=[stack.parent / "map.mrc"], **options)


def cluster(stack: Path, out: Path, **options: bool) -> Job:
    return subtomo_cluster_job(stack, out, COMPONENTS, **options)


def average(stack: Path, out: Path, **options: bool) -> Job:
    return subtomo_average_job(stack, out, AverageParams(iterations=1, angular_step=60.0), **options)


def sort(stack: Path, out: Path, **options: bool) -> Job:
    return subtomo_sort_job(stack, out, SortParams(classes=2, rounds=1, dimensions=2, angular_step=60.0), **options)


def faml(stack: Path, out: Path, **options: bool) -> Job:
    return subtomo_faml_job(stack, out, FamlParams(classes=2, iterations=1, angular_step=60.0), **options)


def classify(stack: Path, out: Path, **options: bool) -> Job:
    return subtomo_classify_job(stack, stack.parent / "network.aismodel", out, **options)


def discover(stack: Path, out: Path, **options: bool) -> Job:
    return subtomo_discover_job(stack, stack.parent / "network.aismodel", out, **options)


def segment(stack: Path, out: Path, **options: bool) -> Job:
    return subtomo_segment_job(stack, stack.parent / "network.aismodel", out, **options)


def train(stack: Path, out: Path) -> Job:
    return subtomo_train_job([stack], out / "new.aismodel")


def adapt(stack: Path, out: Path) -> Job:
    return subtomo_adapt_job(stack.parent / "network.aismodel", stack, stack, out / "new.aismodel")


def teach(stack: Path, out: Path) -> Job:
    return subtomo_teach_job(stack, stack.parent, [1], out / "new.aismodel")


def train_on_slices(_: Path, out: Path) -> Job:
    return train_job(None, None, out / "new.aismodel")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a stack and a map that everybody may read; the test runs as nobody where it was started as root."""
    folder = Path(tempfile.mkdtemp())
    random = np.random.default_rng(0)
    cubes = random.normal(size=(COUNT, EDGE, EDGE, EDGE)).astype(np.float32)
    names = np.full(COUNT, "TS_1", dtype=object)
    particles = Particles(random.uniform(200, 800, (COUNT, 3)), tomograms=names, voxel_size=10.0)
    turned = np.linalg.qr(random.normal(size=(COUNT, 3, 3)))[0]
    poses = Poses.of(turned * np.linalg.det(turned)[:, None, None], np.zeros((COUNT, 3)))
    write_stack(folder / "s.zarr", cubes, particles, [Wedge()], np.zeros(COUNT, int), 10.0, poses=poses)
    write_volume(folder / "map.mrc", cubes[0], like=Tomogram(cubes[0], (10.0,) * 3))
    card = ModelCard("rb3d_pooled", {**architecture("rb3d_pooled").parameters, "classes": 2}, feature="complexes",
                     training={"data": {"classes": ["left", "right"]}})  # fmt: skip
    load_model(save_model(new_model(card), folder / "network.aismodel"))  # brings in what nobody may not read
    (folder / "free").mkdir()
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)
    yield folder
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)
    shutil.rmtree(folder)


@pytest.fixture
def nobody(place: Path) -> Iterator[None]:
    (place / "free").chmod(0o777)
    for each in (place, place / "s.zarr"):
        each.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield
    if root:
        os.seteuid(0)


def stopped_at_once(job: Job, words: str) -> None:
    """Check that a job stops, with these words, before it has done a step of its work."""
    steps: list[str] = []
    with pytest.raises(FileProblem, match=words):
        for step in job:
            steps.append(step.message)
    assert all(step.startswith("reading") for step in steps)


@of_rights
@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(
    "work",
    [align, cluster, average, sort, faml, classify, discover, segment, train, adapt, teach, train_on_slices],
)
def test_a_folder_that_may_not_be_written(place: Path, work) -> None:
    kept = {"save": False} if work in (sort, faml) else {}
    stopped_at_once(work(place / "s.zarr", place / "new" / "deep", **kept), "cannot be written to; choose another")
    assert not (place / "new").exists()


@of_rights
def test_a_folder_that_may_not_be_looked_into(place: Path, request: pytest.FixtureRequest) -> None:
    (place / "shut" / "results").mkdir(parents=True)
    (place / "shut").chmod(0o600)
    request.getfixturevalue("nobody")
    stopped_at_once(cluster(place / "s.zarr", place / "shut" / "results"), "shut: cannot be written to")


@of_rights
@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(
    ("work", "options", "remedy"),
    [
        (align, {"save": True}, "without --save"),
        (cluster, {"save": True}, "without --save"),
        (classify, {"save": True}, "without --save"),
        (average, {"save": True}, "without --save"),
        (sort, {"save": True}, "with --no-save"),
        (sort, {"save": False, "save_aligned": True}, "without --save-aligned"),
        (faml, {"save": False, "save_aligned": True}, "without --save-aligned"),
    ],
)
def test_a_stack_that_may_only_be_read(place: Path, work, options, remedy) -> None:
    stopped_at_once(work(place / "s.zarr", place / "free" / "out", **options), f"s.zarr: cannot be written.*{remedy}")
    assert not (place / "free" / "out").exists()


@pytest.mark.parametrize("work", [align, cluster, sort])
def test_a_file_in_the_place_of_the_folder(place: Path, work) -> None:
    (place / "out").write_text("occupied")
    stopped_at_once(work(place / "s.zarr", place / "out"), "out: is a file, not a folder")


@pytest.mark.parametrize("work", [train, adapt, teach, train_on_slices])
def test_a_folder_in_the_place_of_the_network(place: Path, work) -> None:
    (place / "free" / "new.aismodel").mkdir()
    stopped_at_once(work(place / "s.zarr", place / "free"), "new.aismodel: is a folder; give the name of a model")


def test_a_folder_in_the_place_of_the_list(place: Path) -> None:
    (place / "free" / "found.star").mkdir()
    stopped_at_once(align(place / "s.zarr", place / "free"), "found.star: is a folder; give the name")

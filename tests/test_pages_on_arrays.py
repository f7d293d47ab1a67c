"""What the pages on subtomograms say about arrays is run as it stands there."""

import importlib
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "core" / "particles"))

from subtomogram_phantoms import blobs, phantom, simple_subtomograms

import ais_app
from ais_app.core.io import write_volume
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import new_model, save_model
from ais_app.core.particle_set import Particles
from ais_app.core.particles.open_set import record_known
from ais_app.core.particles.orientations import all_rotations, angles_between, random_rotations
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack import write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram
from ais_app.core.training.cubes import cube_data

pytestmark = pytest.mark.usefixtures("one_thread")
PAGES = Path(__file__).parents[1] / "docs" / "subtomograms"
EDGE, SIZE, COUNT = 16, 10.0, 12
PLACES = np.array([[14, 16, 18], [16, 44, 40], [24, 18, 46]])


@pytest.fixture(scope="module")
def scene():
    """Return the names that the pages use: a dark tomogram, its particles, its halves, and cubes of one structure."""
    rng = np.random.default_rng(4)
    turns = all_rotations(90)[[5, 20, 11]]
    signal = np.zeros((40, 64, 64), dtype=np.float32)
    for at, turn in zip(PLACES, turns, strict=True):
        z, y, x = at - EDGE // 2
        signal[z : z + EDGE, y : y + EDGE, x : x + EDGE] -= phantom(2, EDGE, rotation=turn)
    even, odd = (signal + 0.3 * rng.normal(size=signal.shape).astype(np.float32) for _ in range(2))
    tilted = Wedge(-60.0, 60.0)
    poses = Poses(random_rotations(COUNT, rng), np.zeros((COUNT, 3)), np.zeros(COUNT))
    cubes = simple_subtomograms(blobs(2, EDGE), poses, tilted, 1.0, rng, EDGE)
    settings = ais_app.TrainParams(architecture="classifier3d", box_size=EDGE, shift=0)
    held_out, classes = np.arange(COUNT) < 4, ("one", "other")
    data = cube_data(cubes, np.arange(COUNT) % 2, settings, classes=classes, held_out=held_out)
    classifier = new_model(ModelCard("classifier3d", {"classes": 2}, box_size=EDGE))
    return SimpleNamespace(
        even=even, odd=odd, volume=(even + odd) / 2, density=phantom(2, EDGE), average=phantom(2, EDGE),
        reference=phantom(2, EDGE), positions_zyx=PLACES * SIZE, poses=poses, wedges=[tilted],
        wedge_of=np.zeros(COUNT, int), signal=signal,
        cubes=cubes, classifier=record_known(classifier, data),
        particles=Particles(PLACES * SIZE, rotations=turns, voxel_size=SIZE, shape_zyx=signal.shape),
    )  # fmt: skip


@pytest.fixture
def executed(scene, tmp_path, monkeypatch):
    """Run what a page has about arrays, in order, where the files of its examples lie; return all names."""
    monkeypatch.chdir(tmp_path)
    for name, data in (
        ("TS_01", scene.volume),
        ("map", scene.density),
        ("half1", scene.even[:, :40, :40]),
        ("half2", scene.odd[:, :40, :40]),
    ):
        write_volume(tmp_path / f"{name}.mrc", data, like=Tomogram(data, (SIZE,) * 3))
    places = Particles(np.full((COUNT, 3), 200.0), tomograms=np.full(COUNT, "TS_01", dtype=object), voxel_size=SIZE)
    save_model(scene.classifier, "complexes.aismodel")
    save_model(new_model(ModelCard("ssn3d_ed", depth=8, voxel_size=SIZE, contrast=1)), "ribosome.aismodel")
    write_stack("picks.zarr", scene.cubes, places, scene.wedges, scene.wedge_of, SIZE, poses=scene.poses)

    def run(page: str) -> SimpleNamespace:
        blocks = re.findall(r"^```python\n(.*?)^```", (PAGES / f"{page}.md").read_text(encoding="utf-8"), re.M | re.S)
        chosen = [block for block in blocks if re.search("# on (arrays|an array)", block)]
        assert chosen, "the page calls nothing on arrays"
        names = {"ais_app": ais_app, **vars(scene)}
        for block in chosen:
            exec(block, names)
        return SimpleNamespace(**names)

    return run


def test_matching(executed, scene):
    found = executed("matching").found.particles
    places = found.positions_zyx[:, None] - scene.positions_zyx
    distance = np.linalg.norm(places, axis=-1)
    assert len(found) == 2
    assert (distance.min(axis=1) < SIZE).all()
    assert angles_between(found.rotations, scene.particles.rotations[distance.argmin(axis=1)]).max() < 10


def test_extract(executed, scene):
    names = executed("extract")
    np.testing.assert_array_equal(names.places.voxels[names.rows], PLACES[names.rows])
    assert names.cubes.shape == (3, EDGE, EDGE, EDGE)
    z, y, x = PLACES[names.rows[0]] - EDGE // 2
    own = -scene.volume[z : z + EDGE, y : y + EDGE, x : x + EDGE]
    np.testing.assert_allclose(names.cubes[0], (own - own.mean()) / own.std(), atol=1e-4)
    assert names.back.shape == scene.volume.shape
    assert np.corrcoef(names.back.ravel(), -scene.signal.ravel())[0, 1] > 0.97


def test_wedge_and_snr(executed, scene):
    assert executed("wedge_and_snr").found.certainty == "none seen"
    assert ais_app.pair_snr(scene.cubes, scene.poses, scene.wedges, scene.wedge_of).snr > 1  # 1 in the whole box
    truth = ((scene.even + scene.odd) / 2).var() / 0.045 - 1
    half = ais_app.half_snr([(scene.even, scene.odd)])
    assert 2 * half.snr == pytest.approx(truth, rel=0.1)
    assert ais_app.volume_snr([scene.volume]).snr > 0


def test_align(executed, scene):
    found = executed("align").found
    assert angles_between(found.poses.rotations, scene.poses.rotations).max() < 10
    assert found.chosen.tolist() == [0] * COUNT


def test_finding(executed):
    assert len(executed("finding").particles)


def test_resolution(executed, scene, tmp_path):
    found = executed("resolution").found
    assert 2 * SIZE < found.resolution(0.143) < found.resolution(0.5) < 64 * SIZE
    assert (tmp_path / "fsc.csv").exists()


def test_average_sort_and_faml(executed, scene):
    names = executed("average")
    assert names.found.probability.shape == (COUNT, 2)  # of FAML, the last
    np.testing.assert_allclose(names.found.probability.sum(axis=1), 1, atol=1e-6)
    assert np.corrcoef(names.average.ravel(), scene.reference.ravel())[0, 1] > 0.9


def test_classify_and_discover(executed):
    names = executed("classify")
    assert names.probability.shape == (COUNT, 2)
    assert len(names.found.assignment) == len(names.found.unknown) == COUNT


def test_cluster_and_masks(executed, scene):
    names = executed("cluster")
    assert set(names.found.clusters.assignment) == {0, 1}
    assert names.probability.shape == scene.cubes.shape
    assert not (names.own & names.others).any()


def test_the_functions_of_the_table_are_there():
    table = (PAGES / "index.md").read_text(encoding="utf-8").split("## On arrays")[1].split("## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    names = [name for row in rows[1:] for name in re.findall(r"`(ais_app[\w.]+)`", row)]
    assert len(names) > len(rows) >= 11
    for name in names:
        module, _, function = name.rpartition(".")
        assert getattr(importlib.import_module(module), function).__doc__

"""Picking tomograms from files without a network, through the Python function, the command line and replay."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from ais_app.core.coordinates import read_particles
from ais_app.core.io import write_volume
from ais_app.core.pickers.dog import DogParams
from ais_app.core.registry import forget
from ais_app.core.tomogram import Tomogram
from ais_app.operations.dog import dog
from ais_app.operations.replay import replay

SIZE = 10.0
CENTRES = np.array([[160.0, 120, 100], [150, 300, 280], [140, 140, 330]])


def grey(shape=(32, 42, 44)):
    volume = np.random.default_rng(3).normal(100, 0.5, shape)
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    for centre in CENTRES:
        volume -= 4 * (sum((axis * SIZE - c) ** 2 for axis, c in zip(grid, centre, strict=True)) <= 60**2)
    return volume.astype(np.float32)


@pytest.fixture
def tomogram(tmp_path):
    data = grey()
    return write_volume(tmp_path / "TS_01.mrc", data, like=Tomogram(data, (SIZE,) * 3, origin_zyx=(5.0, 6.0, 7.0)))


def found_all(particles, within=12.0):
    away = np.linalg.norm(particles.positions_zyx[:, None] - CENTRES, axis=2)
    return len(particles) == 3 and away.min(axis=0).max() < within


def test_command_line_and_replay(tomogram, tmp_path, ais):
    out = tmp_path / "picks"
    code, said, _ = ais("dog", tomogram, "-o", out, "--diameter", 120, "--number", 3, "--format", "star,tsv")
    assert code == 0
    assert "3 particles" in said
    for suffix in ("star", "tsv"):
        particles = read_particles(out / f"TS_01_dog_coords.{suffix}")
        assert found_all(particles)
        assert set(particles.tomograms) == {"TS_01"}
    record = json.loads((out / "TS_01_dog_coords.star.json").read_text())
    assert record["operation"] == "dog"
    assert record["notes"] == {"particles": 3}
    assert record["arguments"]["params"]["number"] == 3
    assert replay(out / "TS_01_dog_coords.star").identical


def test_the_number_need_not_be_given(tomogram, tmp_path):
    (result,) = dog([tomogram], tmp_path, DogParams(diameter=120))
    assert result.message == "3 particles"
    assert found_all(read_particles(result.outputs[0]))


def test_saliency_by_command_line_and_replay(tomogram, tmp_path, ais):
    out = tmp_path / "picks"
    code, said, _ = ais("saliency", tomogram, "-o", out, "--diameter", 120, "--number", 3, "--scale", 1, "--scale", 1.5)
    assert code == 0
    assert "3 particles" in said
    assert found_all(read_particles(out / "TS_01_saliency_coords.star"), within=25)
    record = json.loads((out / "TS_01_saliency_coords.star.json").read_text())
    assert record["operation"] == "saliency"
    assert record["arguments"]["params"]["scales"] == [1.0, 1.5]
    assert replay(out / "TS_01_saliency_coords.star").identical


def test_a_mask_decides_which_are_kept(tomogram, tmp_path, ais):
    mask = np.zeros((32, 42, 44), np.uint8)
    mask[:, :, :20] = 1
    write_volume(tmp_path / "TS_01__half.mrc", mask, like=Tomogram(mask, (SIZE,) * 3, origin_zyx=(5.0, 6.0, 7.0)))
    code, said, _ = ais("dog", tomogram, "-o", tmp_path, "--diameter", 120, "--number", 1, "--mask", "half")
    assert code == 0, said
    (position,) = read_particles(tmp_path / "TS_01_dog_coords.star").positions_zyx
    np.testing.assert_allclose(position, CENTRES[0], atol=12)
    assert replay(tmp_path / "TS_01_dog_coords.star").identical


def test_nothing_to_find_is_said(tmp_path, ais):
    even = np.broadcast_to(np.arange(20, dtype=np.float32), (20, 20, 20)).copy()
    path = write_volume(tmp_path / "even.mrc", even, like=Tomogram(even, (SIZE,) * 3))
    code, said, _ = ais("dog", path, "-o", tmp_path, "--diameter", 60)
    assert code == 0
    assert "0 particles: nothing dark of this size stands out" in said
    assert len(read_particles(tmp_path / "even_dog_coords.star")) == 0


@pytest.mark.parametrize("command", ["dog", "saliency"])
def test_a_margin_that_leaves_nothing_is_named(tomogram, tmp_path, ais, command):
    words = (tomogram, "-o", tmp_path, "--diameter", 120)
    code, said, _ = ais(command, *words, "--border-margin", 2000)
    thin = f"{min(grey().shape) * SIZE:g}"
    assert code == 0
    assert f"0 particles: --border-margin 2000 Å leaves nothing of a volume that is {thin} Å thin" in said
    code, said, _ = ais(command, *words, "--border-margin", float(thin) / 2 - 1)
    assert code == 0 and f"within {float(thin) / 2 - 1:g} Å of a face (--border-margin)" in said


@pytest.mark.parametrize("command", ["dog", "saliency"])
def test_a_volume_of_one_value_or_without_numbers(tmp_path, ais, command):
    for name, value in (("flat", 3), ("nothing", np.nan)):
        volume = np.full((20, 20, 20), value, np.float32)
        write_volume(tmp_path / f"{name}.mrc", volume, like=Tomogram(volume, (SIZE,) * 3))
    code, said, _ = ais(command, tmp_path / "flat.mrc", "-o", tmp_path, "--diameter", 60)
    assert code == 0 and "0 particles: all voxels have one value, 3" in said
    assert len(read_particles(tmp_path / f"flat_{command}_coords.star")) == 0
    code, _, error = ais(command, tmp_path / "nothing.mrc", "-o", tmp_path, "--diameter", 60)
    assert code == 1 and "nothing.mrc: holds no numbers" in error and "reconstruct it again" in error
    assert not (tmp_path / f"nothing_{command}_coords.star").exists()


def test_a_volume_of_which_half_is_missing_is_picked(tmp_path, ais):
    half = grey()
    half[:, :, :18] = np.nan
    path = write_volume(tmp_path / "half.mrc", half, like=Tomogram(half, (SIZE,) * 3))
    code, said, _ = ais("dog", path, "-o", tmp_path, "--diameter", 120, "--number", 2)
    assert code == 0 and "2 particles" in said


def test_bad_input_is_said_in_one_line(tomogram, tmp_path, ais):
    for words, expected in [
        (("--format", "mystery"), "mystery"),
        (("--mask-keep", "outside"), "no mask"),
        (("--mask", "absent"), "no segmentation 'absent'"),
        (("--diameter", "5000"), "bin the tomogram first"),
    ]:
        code, _, error = ais("dog", tomogram, "-o", tmp_path / "out", *words)
        assert code == 1
        assert expected in error
        assert len(error.splitlines()) == 1
    assert ais("dog", tomogram, "-o", tmp_path, "--number", "0")[0] == 2


def test_any_picker_by_its_name(tomogram, tmp_path, ais):
    out = tmp_path / "picks"
    options = ("--param", "diameter=120", "--param", "number=3")
    code, said, _ = ais("pick-with", "dog", tomogram, "-o", out, *options, "--format", "star,tsv")
    assert code == 0 and "3 particles" in said
    assert found_all(read_particles(out / "TS_01_dog_coords.tsv"))
    record = json.loads((out / "TS_01_dog_coords.star.json").read_text())
    assert (record["operation"], record["arguments"]["picker"]) == ("pick_with", "dog")
    assert replay(out / "TS_01_dog_coords.star").identical
    listed = ais("pick-with", "--pickers")[1]
    assert {"blobs:", "dog:", "saliency:", "filaments:"} <= {line.split(" ")[0] for line in listed.splitlines()}


def test_a_picker_of_segmentations_by_its_name(tomogram, tmp_path, ais):
    """It gets probabilities, and the particles are named after the tomogram."""
    data = np.where(grey() < 98, 255, 0).astype(np.uint8)
    path = write_volume(tmp_path / "TS_01__blob.mrc", data, like=Tomogram(data, (SIZE,) * 3))
    code, _, _ = ais("pick-with", "blobs", path, "-o", tmp_path, "--param", "min-volume=50000")
    particles = read_particles(tmp_path / "TS_01__blob_blobs_coords.star")
    assert code == 0 and found_all(particles) and set(particles.tomograms) == {"TS_01"}
    half = np.ones(data.shape, np.uint8)
    half[:, :, 20:] = 0
    write_volume(tmp_path / "TS_01__half.mrc", half, like=Tomogram(half, (SIZE,) * 3))
    assert ais("pick-with", "blobs", path, "-o", tmp_path, "--param", "min-volume=50000", "--mask", "half")[0] == 0
    assert len(read_particles(tmp_path / "TS_01__blob_blobs_coords.star")) == 1


def test_a_picker_does_the_same_by_its_name_as_by_its_command(tomogram, tmp_path, ais):
    """The mask decides on candidates, before the best of them are counted."""
    half = np.ones(grey().shape, np.uint8)
    half[:, :, :20] = 0
    write_volume(tmp_path / "TS_01__half.mrc", half, like=Tomogram(half, (SIZE,) * 3))
    for mask in ((), ("--mask", "half")):
        options = ("--param", "diameter=120", "--param", "number=1")
        assert ais("pick-with", "dog", tomogram, "-o", tmp_path / "one", *options, *mask)[0] == 0
        assert ais("dog", tomogram, "-o", tmp_path / "other", "--diameter", 120, "--number", 1, *mask)[0] == 0
        one, other = (read_particles(tmp_path / each / "TS_01_dog_coords.star") for each in ("one", "other"))
        assert len(one) == 1
        np.testing.assert_array_equal(one.positions_zyx, other.positions_zyx)
        assert not mask or one.positions_zyx[0, 2] > 190


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("dgo",), "did you mean dog"),
        (("dog", "--param", "diametre=3"), "did you mean diameter"),
        (("dog", "--param", "diameter=wide"), "'wide' is no float"),
        (("dog", "--param", "diameter=1"), "out of bounds"),
        (("dog", "--param", "diameter"), "not name=value"),
    ],
)
def test_pickers_and_parameters_that_are_not_there(tomogram, tmp_path, ais, words, error):
    code, _, said = ais("pick-with", words[0], tomogram, "-o", tmp_path / "out", *words[1:])
    assert code == 1 and error in said
    assert not (tmp_path / "out").exists()


def test_the_picker_of_the_manual_as_a_package(tomogram, tmp_path, ais, monkeypatch):
    manual = (Path(__file__).parents[2] / "docs" / "picking.md").read_text(encoding="utf-8")
    source = manual.split("```python\n# dark_places.py\n")[1].split("```")[0]
    entry = manual.split("```toml\n")[-1].split("```")[0]
    group, line = entry.strip().splitlines()
    site = tmp_path / "site"
    info = site / "dark_places-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dark-places\nVersion: 1.0\n")
    name = group.removeprefix("[project.entry-points.").strip('"]')
    (info / "entry_points.txt").write_text(f"[{name}]\n{line.replace(chr(34), '')}\n")
    (site / "dark_places.py").write_text(source)
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    forget()
    try:
        options = ("--param", "number=3", "--param", "distance=150")
        code, said, error = ais("pick-with", "dark_places", tomogram, "-o", tmp_path, *options)
        assert (code, error) == (0, "") and "3 particles" in said
        assert found_all(read_particles(tmp_path / "TS_01_dark_places_coords.star"), within=70.0)
        assert replay(tmp_path / "TS_01_dark_places_coords.star").identical
    finally:
        forget()

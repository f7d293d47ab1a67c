"""`simulate` writes files that say the same as the phantom in memory."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from ais_app import SimulateParams, make_phantom, open_tomogram, read_particles, simulate
from ais_app.core.errors import FileProblem
from ais_app.core.jobs import JobCancelled, run
from ais_app.core.provenance import read_provenance
from ais_app.operations.simulate import simulate_job

PARAMS = SimulateParams(
    shape=(40, 80, 72),
    voxel_size=11.0,
    n_vesicles=1,
    n_double_membranes=0,
    n_sheets=0,
    n_microtubules=1,
    n_actin=1,
    n_beads=1,
    complexes=("proteasome=3", "clpp=4"),
    keep_noise_free=True,
    keep_instances=True,
)


def test_the_files_hold_the_phantom(tmp_path: Path) -> None:
    files = simulate(tmp_path, PARAMS, seed=3)
    phantom = make_phantom(PARAMS, seed=3)
    tomogram = open_tomogram(files.tomogram)
    np.testing.assert_array_equal(tomogram.read(), phantom.tomogram_data)
    assert tomogram.voxel_size_zyx == pytest.approx((11.0, 11.0, 11.0))
    np.testing.assert_array_equal(open_tomogram(files.labels).read(), phantom.label_volume)
    assert set(files.masks) == set(phantom.features)
    for name, path in files.masks.items():
        assert path.name == f"{name}.mrc"
        np.testing.assert_array_equal(open_tomogram(path).read(), phantom.mask(name))
    assert phantom.instances is not None and phantom.noise_free is not None
    np.testing.assert_array_equal(open_tomogram(files.extra["instances"]).read(), phantom.instances)
    np.testing.assert_array_equal(open_tomogram(files.extra["noise_free"]).read(), phantom.noise_free)
    table = json.loads(files.label_table.read_text(encoding="utf-8"))
    assert table == {"background": 0, **{name: phantom.label_values[name] for name in phantom.features}}


def test_coordinates_and_axes_read_back(tmp_path: Path) -> None:
    files = simulate(tmp_path, PARAMS, seed=3)
    phantom = make_phantom(PARAMS, seed=3)
    assert set(files.coordinates) == {"gold", "proteasome", "clpp"}
    for name, path in files.coordinates.items():
        found, true = read_particles(path), phantom.particles[name]
        np.testing.assert_allclose(found.positions_zyx, true.positions_zyx, atol=1e-3)
        assert list(found.tomograms) == ["tomogram"] * len(true)
        if true.rotations is not None:
            assert found.rotations is not None
            np.testing.assert_allclose(found.rotations, true.rotations, atol=1e-6)
    assert files.filaments is not None
    with files.filaments.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for number, filament in enumerate(phantom.filaments, start=1):
        own = [row for row in rows if row["filament"] == str(number)]
        assert {row["kind"] for row in own} == {filament.kind}
        axis = [[float(row[f"{letter}_A"]) for letter in "zyx"] for row in own]
        np.testing.assert_allclose(axis, filament.axis_zyx, atol=1e-3)


def test_the_truth_file_has_everything(tmp_path: Path) -> None:
    files = simulate(tmp_path, PARAMS, seed=3)
    truth = json.loads(files.truth.read_text(encoding="utf-8"))
    assert truth["shape_zyx"] == [40, 80, 72] and truth["voxel_size"] == 11.0 and truth["seed"] == 3
    assert SimulateParams.from_dict(truth["parameters"]) == PARAMS
    assert len(truth["particles"]["clpp"]["positions_xyz"]) == truth["placed"]["clpp"] == 4
    np.testing.assert_allclose(np.linalg.det(truth["particles"]["clpp"]["rotations"]), 1, atol=1e-6)
    assert truth["tilts"][0] == -60 and truth["tilts"][-1] == 60 and len(truth["tilts"]) == 41
    assert truth["snr"] == pytest.approx(0.1, rel=0.15)
    assert truth["templates"]["clpp"]["licence"]


def test_every_output_names_its_origin_and_can_be_made_again(tmp_path: Path) -> None:
    files = simulate(tmp_path / "first", PARAMS, seed=3)
    for path in (files.tomogram, files.labels, files.coordinates["clpp"], *files.masks.values()):
        record = read_provenance(path)
        assert record.operation == "simulate"
    params = SimulateParams.from_dict(record.arguments["params"])
    again = simulate(tmp_path / "second", params, record.arguments["seed"])
    assert again.tomogram.read_bytes() == files.tomogram.read_bytes()


def test_stopping_leaves_no_files(tmp_path: Path) -> None:
    with pytest.raises(JobCancelled):
        run(simulate_job(tmp_path / "out", PARAMS, 1), stop=lambda: True)
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("occupied")
    with pytest.raises(FileProblem, match="out"):
        simulate(tmp_path / "out", SimulateParams(shape=(8, 8, 8)), 1)

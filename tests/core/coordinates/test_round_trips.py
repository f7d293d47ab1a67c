"""What is written is read back: positions, rotations, names, scores and all other columns, in every format."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ais_app.core import geometry
from ais_app.core.coordinates import Particles, coordinate_formats, detect_format, read_particles, write_particles
from ais_app.core.errors import ParameterProblem

from .examples import (
    ONE_TOMOGRAM,
    READ,
    TOLERANCE_ROTATION,
    TOLERANCE_VOXELS,
    WRITE,
    particles,
    read_options,
    rotation,
)  # fmt: skip

sizes = pytest.mark.parametrize("voxel_size", [1.96, 13.48])
every = pytest.mark.parametrize("name", READ)


def cycle(folder, name, given_particles, **options):
    path = folder / f"list{coordinate_formats()[name].suffix}"
    write_particles(path, given_particles, name, **{**WRITE.get(name, {}), **options})
    return path, read_particles(path, name, **read_options(name, given_particles.voxel_size))


def test_the_table_of_this_test_has_every_format():
    assert set(READ) == set(coordinate_formats())


@every
@sizes
def test_everything_comes_back(tmp_path, name, voxel_size):
    given_particles = particles(7, voxel_size, tomograms=1 if name in ONE_TOMOGRAM else 3)
    path, found = cycle(tmp_path, name, given_particles)
    voxels = np.abs(found.positions_zyx - given_particles.positions_zyx).max() / voxel_size
    assert voxels < TOLERANCE_VOXELS.get(name, 1e-6)
    assert np.abs(found.rotations - given_particles.rotations).max() < TOLERANCE_ROTATION.get(name, 1e-7)
    if name != "imod":
        assert list(found.tomograms) == list(given_particles.tomograms)
        assert np.allclose(found.scores, given_particles.scores, atol=1e-6)
    assert found.voxel_size == pytest.approx(voxel_size, rel=1e-6)
    assert detect_format(path).name == name
    assert [p.suffix for p in tmp_path.iterdir() if ".part" in p.name] == []


@every
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    angles=st.lists(rotation, min_size=1, max_size=4),
    corner=st.tuples(*[st.floats(-500, 2000)] * 3),
    voxel_size=st.sampled_from([1.35, 10.0]),
)
def test_any_position_and_any_rotation_survives(tmp_path, name, angles, corner, voxel_size):
    count = len(angles)
    given_particles = Particles(
        positions_zyx=np.array(corner) + np.arange(3 * count).reshape(count, 3) / 7,
        rotations=geometry.relion_to_matrices(angles),
        tomograms=np.full(count, "TS_01", dtype=object),
        voxel_size=voxel_size,
        shape_zyx=(61, 128, 96),
    )
    _, found = cycle(tmp_path, name, given_particles)
    worst = np.abs(found.positions_zyx - given_particles.positions_zyx).max() / voxel_size
    assert worst < TOLERANCE_VOXELS.get(name, 1e-6)
    assert np.abs(found.rotations - given_particles.rotations).max() < TOLERANCE_ROTATION.get(name, 2e-7)


@every
def test_without_orientations_and_scores(tmp_path, name):
    given_particles = replace(particles(3, tomograms=1), rotations=None, scores=None)
    options = {"slicer_angles": False} if name == "imod" else {}
    _, found = cycle(tmp_path, name, given_particles, **options)
    assert np.allclose(found.positions_zyx, given_particles.positions_zyx, atol=1e-3)
    if found.rotations is not None:  # the format cannot leave them out
        assert np.allclose(found.rotations, np.eye(3))


@every
def test_an_empty_list(tmp_path, name):
    nothing = particles(0)
    if name == "motl":
        with pytest.raises(ParameterProblem, match="cannot hold an empty list"):
            cycle(tmp_path, name, nothing)
        return
    if name == "dynamo":  # an empty table is an empty file, which no reader takes for a table
        cycle_path = tmp_path / "empty.tbl"
        write_particles(cycle_path, nothing, name)
        assert cycle_path.read_bytes() == b""
        return
    _, found = cycle(tmp_path, name, nothing)
    assert len(found) == 0


@pytest.mark.parametrize("name", ["star", "csv", "tsv", "relion3", "relion4", "relion5", "warp", "stopgap"])
def test_other_columns_come_back_and_stay_through_a_second_round(tmp_path, name):
    given_particles = particles(5)
    _, once = cycle(tmp_path, name, given_particles)
    _, twice = cycle(tmp_path, name, once)
    for found in (once, twice):
        assert found.table["aisParticleSize"].tolist() == given_particles.table["aisParticleSize"].tolist()
        assert found.table["note"].tolist() == ["a b"] * 5
    assert once.layout.columns == twice.layout.columns


@pytest.mark.parametrize("name", ["star", "csv", "relion4", "relion5", "warp", "stopgap", "dynamo", "motl"])
def test_every_format_leads_to_every_other(tmp_path, name):
    given_particles = particles(5)
    _, here = cycle(tmp_path, name, given_particles)
    for other in READ.keys() - ONE_TOMOGRAM:
        _, there = cycle(tmp_path, other, replace(here, shape_zyx=(61, 128, 96)))
        assert np.allclose(there.positions_zyx, given_particles.positions_zyx, atol=2e-3), other
        assert np.allclose(there.rotations, given_particles.rotations, atol=1e-5), other
        assert list(there.tomograms) == list(given_particles.tomograms), other


@pytest.mark.parametrize("name", sorted(ONE_TOMOGRAM))
def test_formats_without_names_take_one_tomogram(tmp_path, name):
    with pytest.raises(ParameterProblem, match="holds one tomogram, here are 2"):
        write_particles(tmp_path / "list", particles(4), name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["star", "dynamo", "motl", "stopgap", "imod", "warp", "relion4", "relion3", "relion5"])
def test_formats_in_voxels_ask_for_the_voxel_size(tmp_path, name):
    unknown = replace(particles(2, tomograms=1), voxel_size=None)
    with pytest.raises(ParameterProblem, match="voxel size"):
        write_particles(tmp_path / "list", unknown, name)


def test_options_are_checked(tmp_path):
    with pytest.raises(ParameterProblem, match="did you mean centre"):
        write_particles(tmp_path / "a.star", particles(2), "relion5", center="half")
    with pytest.raises(ParameterProblem, match="'relion6' is not known; known: .*relion5"):
        write_particles(tmp_path / "a.star", particles(2), "relion6")

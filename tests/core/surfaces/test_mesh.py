"""Surfaces with exact positions, areas and volumes."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.errors import ParameterProblem
from ais_app.core.surfaces.marching_cubes import marching_cubes
from ais_app.core.surfaces.mesh import MeshParams, first_voxel_zyx, make_mesh, mesh_tomogram
from ais_app.core.surfaces.mesh_files import MESH_FORMATS, write_mesh
from ais_app.core.tomogram import Tomogram

SIZES = [(10.0, 10.0, 10.0), (6.8, 6.8, 6.8), (12.0, 8.0, 10.0)]


def soft_ball(shape, size, centre, radius, edge=None):
    """Return a ball, Å, whose prediction falls from 1 to 0 over `edge` Å, 0.5 at the radius."""
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    away = np.sqrt(sum((axis * s - c) ** 2 for axis, s, c in zip(grid, size, centre, strict=True)))
    return np.clip((radius - away) / (edge or 2 * max(size)) + 0.5, 0, 1).astype(np.float32)


def centre_xyz(mesh):
    """Return the centre of the volume inside, Å."""
    return trimesh.Trimesh(mesh.vertices_xyz.astype(float), mesh.faces, process=False).center_mass


@settings(max_examples=12, deadline=None)
@given(
    off=st.tuples(*[st.floats(0, 1)] * 3),
    size=st.sampled_from(SIZES),
    binning=st.integers(1, 4),
    origin=st.sampled_from([(0.0, 0.0, 0.0), (-310.0, 25.5, 1234.0)]),
    rest=st.integers(0, 3),
)
def test_a_sphere_is_where_it_is(off, size, binning, origin, rest):
    shape = (48 + rest, 68 + rest, 54 + rest)
    centre = (np.array([24, 34, 27]) + off) * size
    radius = 20 * max(size)
    volume = soft_ball(shape, size, centre, radius)
    mesh = make_mesh(volume, size, MeshParams(binning=binning), origin)
    truth = (centre + origin)[::-1]
    assert (abs(centre_xyz(mesh) - truth) < 0.05 * np.array(size[::-1])).all()
    bounds = mesh.vertices_xyz.max(axis=0) + mesh.vertices_xyz.min(axis=0)
    assert (abs(bounds / 2 - truth) < 0.25 * binning * np.array(size[::-1])).all()
    if binning == 1:
        assert mesh.volume == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.01)
        assert mesh.area == pytest.approx(4 * np.pi * radius**2, rel=0.01)


@settings(max_examples=30, deadline=None)
@given(shape=st.tuples(st.integers(1, 60), st.integers(1, 6), st.integers(1, 6)), seed=st.integers(0, 2**32 - 1))
def test_surfaces_are_closed_and_turned_outward_for_any_volume(shape, seed):
    volume = np.random.default_rng(seed).random(shape).astype(np.float32)
    mesh = make_mesh(volume, (1.0, 1.0, 1.0), MeshParams())
    if (volume >= 0.5).any():
        shape_ = trimesh.Trimesh(mesh.vertices_xyz.astype(float), mesh.faces, process=False)
        assert shape_.is_watertight
        assert shape_.is_winding_consistent
        assert mesh.volume > 0
        assert np.unique(mesh.faces).size == len(mesh.vertices_xyz)  # none double, none unused
    else:
        assert len(mesh.faces) == 0


@pytest.mark.parametrize("planes", [2, 24, 25, 26, 48, 49, 50, 73])
def test_slabs_join_exactly(planes):
    """An open-ended rod through all slabs has no rims but its two ends."""
    volume = np.zeros((planes, 9, 9), dtype=np.float32)
    volume[:, 3:6, 3:6] = 1
    vertices, faces = marching_cubes(lambda a, b: volume[a:b], planes, 0.5)
    edges, counts = np.unique(np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0, return_counts=True)
    rims = vertices[edges[counts == 1]][:, :, 2]
    assert set(counts) == {1, 2}
    assert set(rims.ravel()) == {0, planes - 1}
    assert len(vertices) == 12 * planes
    assert len(np.unique(faces)) == len(vertices)


def test_vertices_lie_where_the_level_is():
    volume = np.zeros((3, 3, 4), dtype=np.float32)
    volume[1, 1, 1:3] = 0.8
    for level in (0.2, 0.5, 0.7):
        mesh = make_mesh(volume, (2.0, 2.0, 2.0), MeshParams(level=level))
        reach = 2 * (1 - level / 0.8)
        np.testing.assert_allclose(mesh.vertices_xyz.min(axis=0), [2 - reach, 2 - reach, 2 - reach], atol=1e-5)
        np.testing.assert_allclose(mesh.vertices_xyz.max(axis=0), [4 + reach, 2 + reach, 2 + reach], atol=1e-5)


def test_surfaces_close_half_a_voxel_beyond_the_border_or_stay_open():
    volume = np.ones((4, 5, 6), dtype=np.float32)
    mesh = make_mesh(volume, (1.0, 2.0, 3.0), MeshParams())
    np.testing.assert_allclose(mesh.vertices_xyz.min(axis=0), [-1.5, -1, -0.5])
    np.testing.assert_allclose(mesh.vertices_xyz.max(axis=0), [16.5, 9, 3.5])
    assert len(make_mesh(volume, (1.0, 2.0, 3.0), MeshParams(closed=False)).faces) == 0


def test_dust_is_hidden_by_its_volume_in_cubic_nanometre():
    size = (20.0, 20.0, 20.0)  # 8 nm³
    volume = np.zeros((9, 9, 30), dtype=np.float32)
    volume[4, 4, 3] = 1
    volume[3:6, 3:6, 10:13] = 1  # 27 voxels
    for dust, right in [(0, True), (8, True), (8.1, False)]:
        mesh = make_mesh(volume, size, MeshParams(dust=dust))
        assert (mesh.vertices_xyz[:, 0].min() < 100) == right
        assert mesh.vertices_xyz[:, 0].max() == pytest.approx(250)
    assert len(make_mesh(volume, size, MeshParams(dust=300)).faces) == 0


@pytest.mark.parametrize("size", SIZES)
def test_smoothing_takes_the_steps_and_leaves_the_volume(size):
    radius = 9 * max(size)
    shape = np.ceil(2.6 * radius / np.array(size)).astype(int)
    mask = (soft_ball(shape, size, shape * size / 2, radius) >= 0.5).astype(np.float32)
    rough, smooth = (make_mesh(mask, size, MeshParams(smoothing=rounds)) for rounds in (0, 20))
    assert rough.area > 1.06 * 4 * np.pi * radius**2
    assert smooth.area == pytest.approx(4 * np.pi * radius**2, rel=0.03)
    assert smooth.volume == pytest.approx(rough.volume, rel=0.02)
    np.testing.assert_allclose(centre_xyz(smooth), centre_xyz(rough), atol=0.05 * min(size))


def test_smoothing_leaves_a_rim_where_it_is():
    volume = np.zeros((9, 12, 12), dtype=np.float32)
    volume[:5] = 1
    flat, smooth = (make_mesh(volume, (1.0,) * 3, MeshParams(closed=False, smoothing=n)) for n in (0, 30))
    assert smooth.area == pytest.approx(flat.area) == 11 * 11


def test_decimation_reaches_its_target_and_keeps_the_shape():
    size = (10.0, 10.0, 10.0)
    volume = soft_ball((40, 40, 40), size, (200.0, 200.0, 200.0), 150.0)
    full = make_mesh(volume, size, MeshParams(), origin_zyx=(5e4, 0.0, 0.0))
    for params in (MeshParams(max_faces=1000), MeshParams(keep_faces=1000 / len(full.faces))):
        small = make_mesh(volume, size, params, origin_zyx=(5e4, 0.0, 0.0))
        assert len(small.faces) == pytest.approx(1000, abs=4)
        assert small.volume == pytest.approx(full.volume, rel=0.02)
        np.testing.assert_allclose(centre_xyz(small), centre_xyz(full), atol=1)
    assert len(make_mesh(volume, size, MeshParams(max_faces=10**6)).faces) == len(full.faces)


@pytest.mark.parametrize("kind", MESH_FORMATS)
def test_files_hold_the_mesh_and_its_colour(kind, tmp_path):
    volume = soft_ball((16, 18, 20), (10.0, 8.0, 9.0), (80.0, 70.0, 90.0), 50.0)
    mesh = make_mesh(volume, (10.0, 8.0, 9.0), MeshParams(colour="#3366cc"), origin_zyx=(100.0, 200.0, 3000.0))
    path = write_mesh(tmp_path / f"m.{kind}", mesh)
    read = trimesh.load(path, process=False, force="mesh")
    assert len(read.faces) == len(mesh.faces)
    corners = read.vertices[read.faces].reshape(-1, 3)
    np.testing.assert_allclose(corners, mesh.vertices_xyz[mesh.faces].reshape(-1, 3), atol=1e-2)
    if kind in ("obj", "ply"):
        assert read.visual.vertex_colors[0, :3].tolist() == [0x33, 0x66, 0xCC]
    if kind == "glb":
        np.testing.assert_array_equal(read.visual.material.baseColorFactor[:3], [0x33, 0x66, 0xCC])


@pytest.mark.parametrize("kind", MESH_FORMATS)
def test_an_empty_surface_is_a_file_too(kind, tmp_path):
    mesh = make_mesh(np.zeros((4, 4, 4)), (1.0, 1.0, 1.0), MeshParams(smoothing=2, max_faces=10))
    assert write_mesh(tmp_path / f"m.{kind}", mesh).stat().st_size > 0


def test_the_frame_is_that_of_the_header():
    data = np.zeros((5, 5, 5), dtype=np.float32)
    data[2, 2, 2] = 1
    placed = Tomogram(data, (10.0, 10.0, 10.0), origin_zyx=(1.0, 2.0, 3.0), nstart_zyx=(7, 7, 7))
    np.testing.assert_allclose(mesh_tomogram(placed, MeshParams()).vertices_xyz.mean(axis=0), [23, 22, 21], atol=1e-4)
    started = Tomogram(data, (10.0, 10.0, 10.0), nstart_zyx=(-1, 0, 4))
    assert first_voxel_zyx(started) == (-10, 0, 40)
    np.testing.assert_allclose(mesh_tomogram(started, MeshParams()).vertices_xyz.mean(axis=0), [60, 20, 10], atol=1e-4)
    with pytest.raises(ParameterProblem, match="voxel size is not known"):
        mesh_tomogram(Tomogram(data), MeshParams())


@pytest.mark.parametrize("colour", ["red", "#12", "#gggggg", "123456#"])
def test_what_is_no_colour_is_refused(colour):
    with pytest.raises(ParameterProblem, match="no colour"):
        MeshParams(colour=colour)


def test_what_is_no_mesh_format_is_refused(tmp_path):
    mesh = make_mesh(np.zeros((2, 2, 2)), (1.0, 1.0, 1.0), MeshParams())
    with pytest.raises(ParameterProblem, match="no mesh format"):
        write_mesh(tmp_path / "m.abc", mesh)

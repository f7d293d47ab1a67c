"""Surfaces for display against the surfaces for files, which are tested on their own."""

import time
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import run
from ais_app.core.scene import surface
from ais_app.core.scene.surface import SurfaceSettings, needs_new_mesh, surface_job
from ais_app.core.surfaces.mesh import NM3, MeshParams, mesh_tomogram
from ais_app.core.tomogram import Tomogram

ORIGIN = (-120.0, 40.5, 900.0)


def balls(shape, size, centres, radii):
    """Return soft balls, Å z y x, as a tomogram of probabilities with an origin."""
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    data = np.zeros(shape, np.float32)
    for centre, radius in zip(centres, radii, strict=True):
        away = np.sqrt(sum((axis * s - c) ** 2 for axis, s, c in zip(grid, size, centre, strict=True)))
        data = np.maximum(data, np.clip((radius - away) / (2 * max(size)) + 0.5, 0, 1).astype(np.float32))
    return Tomogram(data, size, origin_zyx=ORIGIN)


def triangles(vertices, faces):
    """Return the corners of each triangle, (m, 9), in an order that does not depend on theirs."""
    corners = vertices[faces]
    first = np.lexsort(corners.transpose(2, 0, 1).round(2), axis=1)[:, 0]
    turned = np.stack([np.take_along_axis(corners, (first[:, None, None] + i) % 3, axis=1)[:, 0] for i in range(3)], 1)
    flat = turned.reshape(-1, 9)
    return flat[np.lexsort(flat.round(2).T)]


@pytest.mark.parametrize("binning", [1, 2])
@pytest.mark.parametrize("smoothing", [0, 4])
def test_it_is_the_surface_of_the_file(voxel_size, binning, smoothing):
    tomogram = balls((40, 50, 60), (voxel_size,) * 3, voxel_size * np.array([[12, 15, 14], [25, 33, 42]]), [70, 110])
    shown = run(surface_job(tomogram, SurfaceSettings(binning=binning, smoothing=smoothing)))
    wanted = mesh_tomogram(tomogram, MeshParams(binning=binning, smoothing=smoothing))
    vertices, _, faces = shown.shown(0)
    np.testing.assert_allclose(triangles(vertices, faces), triangles(wanted.vertices_xyz, wanted.faces), atol=0.02)


@settings(max_examples=40, deadline=None)
@given(shape=st.tuples(*[st.integers(1, 9)] * 3), seed=st.integers(0, 2**32 - 1), level=st.floats(0.2, 0.95))
def test_dust_hides_what_the_file_leaves_out(shape, seed, level):
    """For any volume: pieces are the 26-connected components with their voxels counted, cavities included."""
    size = (10.0, 8.0, 12.0)
    tomogram = Tomogram(np.random.default_rng(seed).random(shape).astype(np.float32), size)
    made = run(surface_job(tomogram, SurfaceSettings(level=level)))
    assert (np.diff(made.volumes) <= 0).all()
    for dust in (0.0, 960.0, 1000.0, 5 * 960.0, float(made.volumes.max(initial=0)), 1e9):
        wanted = mesh_tomogram(tomogram, MeshParams(level=level, dust=dust / NM3))
        vertices, normals, faces = made.shown(dust)
        assert len(vertices) == len(normals) == len(wanted.vertices_xyz)
        assert len(faces) == len(wanted.faces)
        assert faces.max(initial=-1) < len(vertices)
        assert made.mesh(SurfaceSettings(dust=dust)).volume == pytest.approx(wanted.volume, rel=1e-4, abs=1e-3)


def test_a_vesicle_is_one_piece_with_its_cavity():
    size = (10.0, 10.0, 10.0)
    outer = balls((40, 40, 40), size, [[200, 200, 200]], [150])
    inner = balls((40, 40, 40), size, [[200, 200, 200]], [100])
    speck = np.zeros((40, 40, 40), np.float32)
    speck[20, 20, 20] = speck[2, 2, 2:4] = 1
    shell = replace(outer, data=np.maximum(np.minimum(outer.data, 1 - inner.data), speck))
    made = run(surface_job(shell, SurfaceSettings()))
    assert made.volumes[1:].tolist() == [2000, 1000]
    assert made.volumes[0] == 1000 * np.count_nonzero((shell.data >= 0.5) & (speck == 0))
    vertices, _, faces = made.shown(2001)
    parts = trimesh.Trimesh(vertices, faces, process=False).split(only_watertight=False)
    assert len(parts) == 2
    assert made.kept(2000) == 2
    assert made.kept(1e9) == 0
    assert made.shown(1e9)[2].shape == (0, 3)


def test_normals_point_outward():
    tomogram = balls((40, 40, 40), (10.0, 10.0, 10.0), [[190, 200, 210]], [140])
    made = run(surface_job(tomogram, SurfaceSettings()))
    vertices, normals, _ = made.shown(0)
    outward = vertices - (np.array([190, 200, 210]) + ORIGIN)[::-1]
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    assert ((normals * outward).sum(axis=1) > 0.97).all()


@pytest.fixture
def many(monkeypatch, rng):
    """Return balls of many sizes, with levels of detail as of a surface ten times as large."""
    monkeypatch.setattr(surface, "DETAILS", (15_000, 2_000))
    places = 40 * np.stack(np.meshgrid(*[np.arange(1, 5)] * 3, indexing="ij"), -1).reshape(-1, 3)
    tomogram = balls((100, 100, 100), (2.0, 2.0, 2.0), places, rng.permutation(np.linspace(3, 17, len(places))))
    return tomogram, run(surface_job(tomogram, SurfaceSettings()))


def test_levels_of_detail(many):
    _, made = many
    counts = [len(detail.faces) for detail in made.details]
    assert len(counts) == 3
    assert 0.5 * 15_000 < counts[1] <= 15_000
    assert 0.4 * 2_000 < counts[2] <= 2_000
    full = made.mesh(SurfaceSettings())
    for index in (1, 2):
        detail = made.details[index]
        assert len(np.unique(detail.faces)) == len(detail.vertices_xyz)
        np.testing.assert_allclose(np.linalg.norm(detail.normals_xyz, axis=1), 1, atol=1e-5)
        for array in (detail.vertices_xyz, detail.normals_xyz, detail.faces):
            assert array.flags.c_contiguous
            assert array.dtype.isbuiltin  # vispy takes no other
        # every piece that is left lies where it was, and its triangles hold its vertices alone
        for piece in range(0, len(made.volumes), 7):
            first = int(detail.face_ends[piece - 1]) if piece else 0
            corners = detail.faces[first : detail.face_ends[piece]]
            low = int(detail.vertex_ends[piece - 1]) if piece else 0
            assert ((corners >= low) & (corners < detail.vertex_ends[piece])).all()
            if len(corners):
                own = full.vertices_xyz[
                    int(made.details[0].vertex_ends[piece - 1]) if piece else 0 : made.details[0].vertex_ends[piece]
                ]
                middle = (own.min(axis=0) + own.max(axis=0)) / 2
                there = detail.vertices_xyz[corners].reshape(-1, 3)
                assert np.abs((there.min(axis=0) + there.max(axis=0)) / 2 - middle).max() < 4
    assert made.mesh(SurfaceSettings(), detail=1).volume == pytest.approx(full.volume, rel=0.02)
    assert made.mesh(SurfaceSettings(), detail=1).area == pytest.approx(full.area, rel=0.02)


def test_the_level_of_detail_is_the_finest_that_fits(many):
    _, made = many
    counts = [len(detail.faces) for detail in made.details]
    assert [made.detail_for(0, most) for most in (None, counts[0], counts[0] - 1, counts[1] - 1, 1)] == [0, 0, 1, 2, 2]
    # the fewer pieces are shown, the finer they can be
    assert made.detail_for(made.volumes[0], 15_000) == 0
    assert made.detail_for(1e9, 1) == 0


@pytest.mark.parametrize("filled", [0.02, 0.2, 0.5])
def test_noise_has_levels_of_detail_too(monkeypatch, rng, filled):
    """Thousands of specks, or one piece with every direction of the normal everywhere."""
    monkeypatch.setattr(surface, "DETAILS", (3000, 100))
    noise = Tomogram(rng.random((30, 30, 30)).astype(np.float32), (10.0,) * 3)
    made = run(surface_job(noise, SurfaceSettings(level=1 - filled)))
    for detail, most in zip(made.details[1:], (3000, 100), strict=True):
        assert 0 < len(detail.faces) <= most
        assert detail.face_ends[-1] == len(detail.faces)
        assert len(detail.face_ends) == len(made.volumes)
        assert len(np.unique(detail.faces, axis=0)) == len(detail.faces)


def test_dust_needs_no_time():
    """On a million triangles; the promise is 50 ms."""
    count = 200_000
    volumes = np.sort(np.random.default_rng(0).random(count))[::-1] * 1e6
    faces = np.arange(3 * 5 * count, dtype=np.int32).reshape(-1, 3)
    ends = 5 * np.arange(1, count + 1)
    detail = surface.Detail(
        np.zeros((3 * len(faces), 3), np.float32), np.zeros((3 * len(faces), 3)), faces, 3 * ends, ends
    )
    made = surface.SurfaceLevels((detail,), volumes, SurfaceSettings())
    tries = []  # a halt of the machine spoils one of them
    for _ in range(5):
        start = time.perf_counter()
        shown = made.shown(5e5)[2]
        tries.append(time.perf_counter() - start)
    assert min(tries) < 0.01
    assert len(shown) == 5 * np.count_nonzero(volumes >= 5e5)
    assert shown.base is faces or shown.base is faces.base


def test_nothing_to_show():
    made = run(surface_job(Tomogram(np.zeros((4, 5, 6), np.float32), (10.0,) * 3), SurfaceSettings()))
    assert made.bounds_xyz() is None
    assert made.shown(0)[2].shape == (0, 3)
    assert made.shown(100, most=10)[0].shape == (0, 3)
    with pytest.raises(ParameterProblem, match="voxel size"):
        run(surface_job(Tomogram(np.zeros((4, 5, 6), np.float32)), SurfaceSettings()))


def test_what_needs_a_new_mesh():
    old = SurfaceSettings()
    assert needs_new_mesh(None, old)
    for name, value in {"level": 0.4, "smoothing": 1, "binning": 2}.items():
        assert needs_new_mesh(old, replace(old, **{name: value}))
    for name, value in {"dust": 1.0, "colour": "#ff0000", "opacity": 0.5, "visible": False}.items():
        assert not needs_new_mesh(old, replace(old, **{name: value}))
    with pytest.raises(ParameterProblem, match="no colour"):
        SurfaceSettings(colour="red")


def test_preparing_leaves_nothing_to_compile():
    surface.prepare()
    start = time.perf_counter()
    surface.prepare()
    assert time.perf_counter() - start < 1


def test_another_origin_moves_it():
    tomogram = balls((20, 20, 20), (10.0, 10.0, 10.0), [[100, 100, 100]], [60])
    low, high = run(surface_job(tomogram, SurfaceSettings(), origin_zyx=(0.0, 0.0, 7.0))).bounds_xyz()
    np.testing.assert_allclose((low + high) / 2, [107, 100, 100], atol=0.01)

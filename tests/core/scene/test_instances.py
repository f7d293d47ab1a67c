"""Glyphs at picks, against the conventions of core.geometry."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from ais_app.core import geometry
from ais_app.core.errors import ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.core.scene.glyphs import arrow, ball, map_surface
from ais_app.core.scene.instances import instances
from ais_app.core.scene.map_back import map_back

ANGLES = st.tuples(st.floats(-180, 180), st.floats(0, 180), st.floats(-180, 180))


@settings(max_examples=60, deadline=None)
@given(angles=ANGLES, point=st.tuples(*[st.floats(-100, 100)] * 3), scale=st.floats(0.1, 5))
def test_matrices_turn_the_reference_into_the_particle(angles, point, scale):
    rotations = geometry.relion_to_matrices(np.array([angles]))
    found = instances(Particles(np.array([[1.0, 2, 3]]), rotations=rotations), (1000.0, 200.0, 30.0))
    moved = found.matrices(scale)[0] @ np.array([*point, 1.0])
    wanted = geometry.turn(rotations, scale * np.array([point]))[0] + [33, 202, 1001]
    np.testing.assert_allclose(moved[:3], wanted, atol=1e-3)
    assert moved[3] == 1


@settings(max_examples=60, deadline=None)
@given(angles=ANGLES)
def test_the_z_axis_as_relion_turns_it(angles):
    """RELION: the particle's z axis lies along (-sin tilt cos psi, sin tilt sin psi, cos tilt) of the tomogram."""
    _, tilt, psi = np.deg2rad(angles)
    rotations = geometry.relion_to_matrices(np.array([angles]))
    found = instances(Particles(np.zeros((1, 3)), rotations=rotations)).merged(arrow(90.0))
    tip = found.vertices_xyz[np.argmax(np.linalg.norm(found.vertices_xyz, axis=1))]
    wanted = 90 * np.array([-np.sin(tilt) * np.cos(psi), np.sin(tilt) * np.sin(psi), np.cos(tilt)])
    np.testing.assert_allclose(tip, wanted, atol=1e-3)


def test_an_arrow_is_closed_and_shaded_with_edges():
    for level in arrow(100.0, 30.0).levels:
        shape = trimesh.Trimesh(level.vertices_xyz, level.faces)
        assert shape.is_watertight
        assert shape.volume > 0
        np.testing.assert_allclose(shape.bounds[:, 2], [0, 100], atol=1e-4)
        np.testing.assert_allclose(np.linalg.norm(level.normals_xyz, axis=1), 1, atol=1e-5)
        crosses = np.cross(
            *(level.vertices_xyz[level.faces[:, i]] - level.vertices_xyz[level.faces[:, 0]] for i in (1, 2))
        )
        assert ((crosses[:, None] * level.normals_xyz[level.faces]).sum(axis=-1) > 0).all()


def test_balls_have_their_diameter():
    levels = ball(50.0).levels
    assert [len(level.faces) for level in levels] == [1280, 320, 80, 20]
    for level in levels:
        np.testing.assert_allclose(np.linalg.norm(level.vertices_xyz, axis=1), 25, atol=1e-4)


def hand():
    """Return a map that is not its mirror image: a palm, a thumb towards +x, fingers towards +y, bent up to +z."""
    density = np.zeros((24, 24, 24), np.float32)
    density[11:14, 8:16, 8:16] = 1
    density[11:14, 9:12, 16:21] = 1
    density[11:20, 16:19, 10:14] = 1
    return density


@pytest.mark.parametrize("size", [(10.0, 10.0, 10.0), (5.0, 6.0, 7.0)])
def test_the_centre_of_a_map_is_voxel_n_half(size):
    density = np.zeros((9, 12, 15), np.float32)
    density[4, 6, 7] = 1
    vertices = map_surface(density, size, 0.5).levels[0].vertices_xyz
    np.testing.assert_allclose(vertices.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(np.abs(vertices).max(axis=0), np.array(size[::-1]) / 2, atol=1e-3)


def test_a_turned_map_is_not_mirrored():
    density, rotation = hand(), geometry.relion_to_matrices(np.array([[30.0, 70.0, -50.0]]))
    at = np.array([[400.0, 300.0, 200.0]])
    merged = instances(Particles(at, rotations=rotation), (0, 0, 50.0)).merged(map_surface(density, (4.0,) * 3, 0.5))
    mesh = trimesh.Trimesh(merged.vertices_xyz, merged.faces, process=False)
    assert mesh.volume == pytest.approx(trimesh.Trimesh(*plain(density)).volume, rel=1e-4)
    # the finger tips of the reference, x y z from voxel 12, in Å
    tips = 4.0 * np.array([[11.5 - 12, 17 - 12, 19.4 - 12]])
    wanted = geometry.turn(rotation, tips)[0] + [250, 300, 400]
    assert np.linalg.norm(mesh.vertices - wanted, axis=1).min() < 8


def plain(density):
    shape = map_surface(density, (4.0,) * 3, 0.5).levels[0]
    return shape.vertices_xyz, shape.faces


def test_levels_of_detail_keep_to_a_budget():
    z, y, x = np.ogrid[:64, :64, :64]
    glyph = map_surface(np.maximum(0, 30 - np.sqrt((z - 32) ** 2 + (y - 32) ** 2 + (x - 32) ** 2)), (2.0,) * 3, 5.0)
    counts = [len(level.faces) for level in glyph.levels]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] <= 300
    picks = instances(Particles(np.random.default_rng(0).uniform(0, 1000, (50, 3))))
    for most in (None, 500_000, 20_000):
        merged = picks.merged(glyph, most)
        assert most is None or len(merged.faces) <= most
        assert len(merged.faces) == 50 * merged.faces_each
        for pick in (0, 31, 49):
            corners = merged.faces[pick * merged.faces_each : (pick + 1) * merged.faces_each]
            own = merged.vertices_xyz[np.unique(corners)]
            np.testing.assert_allclose((own.min(axis=0) + own.max(axis=0)) / 2, picks.positions_xyz[pick], atol=2)
            assert merged.pick_of(pick * merged.faces_each + 1) == pick
    assert picks.merged(glyph, 1).faces_each == counts[-1]


def test_none_at_all():
    empty = instances(Particles(np.empty((0, 3))))
    assert empty.matrices().shape == (0, 4, 4)
    assert empty.merged(ball(10.0)).faces.shape == (0, 3)
    assert empty.merged(ball(10.0)).vertices_xyz.shape == (0, 3)


@pytest.mark.parametrize(("level", "problem"), [(0.0, "not above 0"), (2.0, "the highest is 1")])
def test_levels_without_a_surface(level, problem):
    with pytest.raises(ParameterProblem, match=problem):
        map_surface(hand(), (4.0,) * 3, level)


def test_a_map_lies_where_map_back_paints_it():
    """The same average at the same picks: as instances in the scene, and as a volume."""
    at = np.array([[18, 6, 9], [10, 15, 8]])
    z, y, x = np.meshgrid(*(np.arange(n) for n in (24, 21, 20)), indexing="ij")
    density = sum(np.exp(-((z - c) ** 2 + (y - b) ** 2 + (x - a) ** 2) / 8) for c, b, a in at).astype(np.float32)
    rotations = geometry.relion_to_matrices(np.array([[20.0, 50, -70], [170, 100, 30]]))
    particles = Particles(np.array([[300.0, 310, 320], [330, 290, 700]]), rotations=rotations)
    merged = instances(particles).merged(map_surface(density, (8.0, 8.0, 8.0), 0.5))
    volume = map_back(density, 8.0, particles, (62, 62, 102), (10.0,) * 3)
    values = map_coordinates(volume, merged.vertices_xyz[:, ::-1].T / 10, order=1)
    # the surface of the map is where the volume falls through its level
    assert len(merged.vertices_xyz) > 200 and np.abs(np.median(values) - 0.5) < 0.05
    assert np.percentile(values, 5) > 0.3 and np.percentile(values, 95) < 0.65

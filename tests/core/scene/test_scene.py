import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.scene.camera import Camera, around
from ais_app.core.scene.scene import (
    ClipPlane,
    Lights,
    Scene,
    ScenePicks,
    SceneSlice,
    SceneSurface,
    SceneVolume,
    read_scene,
    write_scene,
)
from ais_app.core.scene.surface import SurfaceSettings

FULL = Scene(
    tomogram="TS_01",
    first_voxel_zyx=(1.0, 2.0, 3.5),
    voxel_size_zyx=(10.0, 10.0, 10.0),
    shape_zyx=(200, 400, 300),
    surfaces=(
        SceneSurface("membrane", "out/TS_01__membrane.mrc", SurfaceSettings(level=0.4, dust=1e5, colour="#56b4e9")),
        SceneSurface("live prediction"),
    ),
    volumes=(SceneVolume(name="tomogram", source="TS_01.mrc", low=-2.5),),
    slices=(SceneSlice(name="z", source="TS_01.mrc", axis="x", index=12),),
    picks=(ScenePicks(name="ribosomes", source="picks.star", style="map", template="maps/ribosome.mrc"),),
    camera=Camera(centre_xyz=(1500.0, 2000.0, 1000.0), azimuth=30, field_of_view=30),
    lights=Lights(outline=1.5),
    clip_planes=(ClipPlane(point_xyz=(0.0, 0.0, 50.0)),),
    transparent=True,
)


def test_there_and_back():
    text = json.dumps(FULL.to_dict())
    assert Scene.from_dict(json.loads(text)) == FULL
    assert Scene.from_dict(json.loads(json.dumps(Scene().to_dict()))) == Scene()


def test_a_file_can_be_moved_with_what_it_names(tmp_path):
    there = tmp_path / "work" / "TS_01"
    there.mkdir(parents=True)
    scene = FULL.with_paths(lambda path: str(there / path))
    path = write_scene(there / "scenes" / "view.json", scene)
    assert json.loads(path.read_text())["surfaces"][0]["source"] == "../out/TS_01__membrane.mrc"
    assert json.loads(path.read_text())["surfaces"][1]["source"] == ""
    assert read_scene(path) == scene
    (tmp_path / "work").rename(tmp_path / "elsewhere")
    moved = read_scene(tmp_path / "elsewhere" / "TS_01" / "scenes" / "view.json")
    assert moved.picks[0].template == str(tmp_path / "elsewhere" / "TS_01" / "maps" / "ribosome.mrc")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"kind": "other"}, "no scene"),
        ({"format_version": 99}, "newer version"),
        ({"fog": 1}, "'fog' is not known"),
        ({"camera": {"azimuth": "left"}}, "scene.camera.azimuth: 'left' is no float"),
        ({"camera": {"elevation": 100}}, "out of bounds"),
        ({"camera": [1, 2]}, "is no Camera"),
        ({"surfaces": [{"source": "a.mrc"}]}, "has no name"),
        ({"surfaces": {}}, "no list"),
        ({"first_voxel_zyx": [1, 2]}, "right length"),
        ({"axes": "yes"}, "is no bool"),
        ({"shape_zyx": [1, 2, True]}, "is no int"),
        ({"background": "black"}, "no colour"),
        ({"picks": [{"style": "cubes"}]}, "is not one of balls"),
    ],
)
def test_what_is_no_scene_is_refused(change, problem, tmp_path):
    values = {**FULL.to_dict(), **change}
    with pytest.raises(ParameterProblem, match=problem):
        Scene.from_dict(values)
    path = tmp_path / "scene.json"
    path.write_text(json.dumps(values))
    with pytest.raises(FileProblem, match=problem):
        read_scene(path)


def test_a_list_is_no_scene(tmp_path):
    (tmp_path / "scene.json").write_text("[]")
    with pytest.raises(FileProblem, match="no scene"):
        read_scene(tmp_path / "scene.json")


CAMERAS = st.builds(
    Camera,
    centre_xyz=st.tuples(*[st.floats(-1e3, 1e3)] * 3),
    extent=st.floats(10, 1e4),
    azimuth=st.floats(-360, 360),
    elevation=st.floats(-90, 90),
    field_of_view=st.sampled_from([0.0, 20.0, 60.0]),
)


@settings(max_examples=60, deadline=None)
@given(camera=CAMERAS)
def test_the_pose_is_right_handed_and_looks_at_the_centre(camera):
    pose = camera.pose()
    np.testing.assert_allclose(pose[:, :3].T @ pose[:, :3], np.eye(3), atol=1e-9)
    assert np.linalg.det(pose[:, :3]) == pytest.approx(1)
    assert camera.up_xyz[2] >= -1e-9  # z is up
    assert camera.right_xyz[2] == 0
    np.testing.assert_allclose(
        pose[:, 3] - camera.distance * pose[:, 2], camera.centre_xyz, atol=1e-6 * camera.distance
    )


def test_known_directions():
    from_above = Camera().pose()
    np.testing.assert_allclose(from_above[:, :3], np.eye(3), atol=1e-12)  # as a slice: x to the right, y up
    from_the_front = Camera(elevation=0.0).pose()
    np.testing.assert_allclose(from_the_front[:, :3].T, [[1, 0, 0], [0, 0, 1], [0, -1, 0]], atol=1e-12)
    from_the_right = Camera(elevation=0.0, azimuth=90.0)
    np.testing.assert_allclose(from_the_right.toward_eye_xyz, [1, 0, 0], atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(camera=CAMERAS, x=st.floats(0, 800), y=st.floats(0, 600))
def test_rays_through_pixels(camera, x, y):
    origin, direction = camera.ray(x, y, 800, 600)
    # where the ray passes the centre, seen from there, in pixels
    toward = camera.toward_eye_xyz
    along = ((np.array(camera.centre_xyz) - origin) @ toward) / (direction @ toward)
    assert along > 0
    place = origin + along * direction - camera.centre_xyz
    pixels = np.array([place @ camera.right_xyz, place @ camera.up_xyz]) * 600 / camera.extent
    np.testing.assert_allclose(pixels, [x - 400, 300 - y], atol=1e-3)


@settings(max_examples=60, deadline=None)
@given(camera=CAMERAS, seed=st.integers(0, 2**32 - 1))
def test_all_of_a_box_is_in_the_picture(camera, seed):
    low, high = np.sort(np.random.default_rng(seed).uniform(-1000, 1000, (2, 3)), axis=0)
    found = around(low, high, camera)
    assert replace(found, centre_xyz=camera.centre_xyz, extent=camera.extent) == camera
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T - found.centre_xyz
    depth = corners @ found.toward_eye_xyz
    nearer = 1.0 if found.field_of_view == 0 else found.distance / (found.distance - depth)
    for axis in (found.right_xyz, found.up_xyz):
        assert (np.abs(corners @ axis) * nearer <= found.extent / 2).all()

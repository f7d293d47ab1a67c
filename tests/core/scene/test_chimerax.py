"""ChimeraX scripts, read back by a reader of the few commands that they use."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ais_app.core import geometry
from ais_app.core.errors import DataWarning, FileProblem, ParameterProblem
from ais_app.core.io import write_volume
from ais_app.core.particle_set import Particles
from ais_app.core.probability import create_probabilities
from ais_app.core.scene.camera import Camera
from ais_app.core.scene.chimerax import can_open, quoted_path, write_chimerax
from ais_app.core.scene.scene import ClipPlane, Lights, Scene, ScenePicks, SceneSlice, SceneSurface, SceneVolume
from ais_app.core.scene.surface import SurfaceSettings
from ais_app.core.tomogram import Tomogram

ORIGIN = (70.0, 80.0, 90.0)


def first_word(text):
    """Return the first word of a command's arguments and the rest, by ChimeraX's rules for quotes."""
    if text[0] in "\"'":
        match = re.match(rf"{text[0]}(.|\{text[0]})*?{text[0]}(\s|$)", text)
        return match[0].rstrip()[1:-1], text[match.end() :]
    return text.split(" ", 1)[0], text.partition(" ")[2]


def commands(path):
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def options(line):
    """Return the words of a command as pairs of keyword and value."""
    words = line.split()[2:]
    return dict(zip(words[::2], words[1::2], strict=False))


def opened(path):
    return [first_word(line.removeprefix("open "))[0] for line in commands(path) if line.startswith("open ")]


@pytest.fixture
def segmentation(tmp_path):
    folder = tmp_path / 'out of "May" & more'
    folder.mkdir()
    data = np.zeros((8, 9, 10), np.float32)
    data[2:6, 2:6, 2:6] = 1
    with create_probabilities(
        folder / "TS_01__membrane.mrc", data.shape, like=Tomogram(data, (10.0, 8.0, 9.0), ORIGIN)
    ) as out:
        out.write(0, data)
    return folder / "TS_01__membrane.mrc"


def test_a_surface_of_a_map(segmentation, tmp_path):
    look = SurfaceSettings(level=0.4, dust=125000, colour="#56b4e9", opacity=0.7, smoothing=3)
    path = tmp_path / "scripts" / "scene.cxc"
    (written,) = write_chimerax(path, Scene(surfaces=(SceneSurface('the "outer" membrane', str(segmentation), look),)))
    assert written == path
    assert opened(path) == ['../out of "May" & more/TS_01__membrane.mrc']
    text = path.read_text()
    assert 'name "the outer membrane"' in text
    placed = next(line for line in commands(path) if "voxelSize" in line)
    assert options(placed)["voxelSize"] == "9,8,10"
    assert options(placed)["origin"] == "90,80,70"
    shown = options(next(line for line in commands(path) if "style surface" in line))
    assert float(shown["level"]) == pytest.approx(0.4 * 127)  # as it is stored
    assert (shown["color"], shown["transparency"], shown["step"]) == ("#56b4e9", "0.3", "1")
    assert "volume #1 surfaceSmoothing true smoothingIterations 3" in text
    assert "surface dust #1 size 125000 metric volume" in text
    assert text.index("calculateSurfaces true") < text.index("surface dust")
    assert "hide" not in text


def test_hidden_and_binned(segmentation, tmp_path):
    look = SurfaceSettings(binning=2, visible=False)
    write_chimerax(tmp_path / "s.cxc", Scene(surfaces=(SceneSurface("membrane", str(segmentation), look, 5.0),)))
    text = (tmp_path / "s.cxc").read_text()
    assert "style surface step 2 level 63.5" in text
    assert "voxelSize 5,5,5" in text
    assert "hide #1 models" in text
    assert "dust" not in text


def test_meshes_stand_for_what_is_in_no_file(segmentation, tmp_path):
    live = SceneSurface("live", settings=SurfaceSettings(colour="#d55e00", opacity=0.25))
    scene = Scene(surfaces=(live, SceneSurface("membrane", str(segmentation))))
    with pytest.raises(ParameterProblem, match="live: is in no file; export its mesh"):
        write_chimerax(tmp_path / "s.cxc", scene)
    write_chimerax(tmp_path / "s.cxc", scene, meshes={"live": tmp_path / "live.glb"})
    text = (tmp_path / "s.cxc").read_text()
    assert opened(tmp_path / "s.cxc")[0] == "live.glb"
    assert "color #1 #d55e00 target s\ntransparency #1 75 target s" in text
    assert "volume #2" in text
    packed = Scene(surfaces=(SceneSurface("membrane", "a/b.mrc.gz"),))
    with pytest.raises(ParameterProblem, match=r"does not read a/b.mrc.gz"):
        write_chimerax(tmp_path / "s.cxc", packed)
    assert [can_open(name) for name in ("a.mrc", "a.REC", "a.tif", "a.zarr", "a.mrc.bz2", "a.em")] == [1, 1, 1, 0, 0, 0]


def test_picks_as_markers_arrows_and_maps(tmp_path):
    rotations = geometry.relion_to_matrices(np.array([[10.0, 30.0, 50.0], [0, 90, 0]]))
    particles = Particles(np.array([[100.0, 200, 300], [400, 500, 600]]), rotations=rotations)
    sets = {
        style: ScenePicks(name=f"{style} <1>", style=style, size=90, opacity=0.5)
        for style in ("balls", "arrows", "map")
    }
    scene = Scene(picks=(*sets.values(), ScenePicks(name="not read")), first_voxel_zyx=(1.0, 2.0, 3.0))
    path = tmp_path / "scene.cxc"
    written = write_chimerax(path, scene, picks={p.name: particles for p in sets.values()}, meshes={"map <1>": "m.glb"})
    assert [file.name for file in written] == ["scene.cxc", "scene_balls_1_.cmm", "scene_arrows_1_.bild"]
    assert opened(path)[:2] == ["scene_balls_1_.cmm", "scene_arrows_1_.bild"]
    markers = ET.parse(written[1]).getroot()
    assert markers.attrib["name"] == "balls <1>"
    found = [[float(marker.attrib[axis]) for axis in "xyz"] for marker in markers]
    assert found == [[303, 202, 101], [603, 502, 401]]
    assert {marker.attrib["radius"] for marker in markers} == {"45"}
    assert float(markers[0].attrib["g"]) == pytest.approx(0x9F / 255, abs=1e-3)
    drawn = [line.split() for line in written[2].read_text().splitlines() if line.startswith(".arrow")]
    ends = np.array([[float(word) for word in line[1:7]] for line in drawn]).reshape(-1, 2, 3)
    np.testing.assert_allclose(ends[:, 0], found, atol=1e-3)
    np.testing.assert_allclose(ends[:, 1] - ends[:, 0], 90 * rotations[:, :, 2], atol=2e-3)
    assert ".transparency 0.5" in written[2].read_text()
    assert "transparency #1 50 target a" in path.read_text()


def test_slices_and_volumes(tmp_path, rng):
    data = rng.normal(10, 2, (20, 30, 40)).astype(np.float32)
    source = str(write_volume(tmp_path / "TS_01.rec", data, like=Tomogram(data, (10.0,) * 3)))
    shown = SceneSlice(name="slice", source=source, axis="y", index=7)
    volume = SceneVolume(name="all", source=source, low=1.5, high=2.5, visible=False)
    write_chimerax(tmp_path / "s.cxc", Scene(volumes=(volume,), slices=(shown,)))
    lines = commands(tmp_path / "s.cxc")
    assert lines[0] == 'open "TS_01.rec" name "all" format mrc'
    image, plane = (line for line in lines if "style image" in line)
    assert "level 1.5,0 level 2.5,1" in image
    assert image.endswith("maximumIntensityProjection true")
    assert plane.endswith("planes y,7")
    low, high = (float(value.split(",")[0]) for value in re.findall(r"level (\S+)", plane))
    assert low == pytest.approx(10 - 2 * 2.58, abs=1)
    assert high == pytest.approx(10 + 2 * 2.58, abs=1)
    assert "hide #1 models" in lines
    with pytest.warns(DataWarning, match="does not read it"):
        write_chimerax(tmp_path / "s.cxc", Scene(slices=(replace(shown, source="a.zarr"),)))


def test_the_box_is_that_of_the_voxels(tmp_path):
    scene = Scene(shape_zyx=(10, 20, 30), voxel_size_zyx=(4.0, 5.0, 6.0), first_voxel_zyx=(100.0, 0.0, 0.0))
    _, file = write_chimerax(tmp_path / "s.cxc", scene)
    ends = np.array([line.split()[1:7] for line in file.read_text().splitlines() if "cylinder" in line], float).reshape(
        -1, 3
    )
    assert ends.min(axis=0).tolist() == [-3, -2.5, 98]
    assert ends.max(axis=0).tolist() == [177, 97.5, 138]
    edges = {tuple(sorted(map(tuple, pair))) for pair in ends.reshape(-1, 2, 3).tolist()}
    assert len(edges) == 12
    assert all(sum(a != b for a, b in zip(*edge, strict=True)) == 1 for edge in edges)
    (only,) = write_chimerax(tmp_path / "s.cxc", replace(scene, bounding_box=False))
    assert only.name == "s.cxc"


@pytest.mark.parametrize("field_of_view", [0.0, 40.0])
def test_camera(tmp_path, field_of_view):
    camera = Camera((100.0, 200.0, 300.0), extent=800.0, azimuth=30.0, elevation=20.0, field_of_view=field_of_view)
    write_chimerax(tmp_path / "s.cxc", Scene(camera=camera, background="#ffffff"))
    lines = commands(tmp_path / "s.cxc")
    assert "set bgColor #ffffff" in lines
    across = float(next(line for line in lines if line.startswith("camera mono")).split()[-1])
    matrix = next(line for line in lines if line.startswith("view matrix camera ")).split()[-1]
    pose = np.array([float(value) for value in matrix.split(",")]).reshape(3, 4)
    # ChimeraX looks down the z axis of the camera; a window of 4:3 must show the extent from top to bottom
    distance = (pose[:, 3] - camera.centre_xyz) @ pose[:, 2]
    np.testing.assert_allclose(pose[:, 3] - distance * pose[:, 2], camera.centre_xyz, atol=1e-2)
    assert 2 * distance * np.tan(np.deg2rad(across) / 2) == pytest.approx(800 * 4 / 3, rel=1e-3)
    assert np.linalg.det(pose[:, :3]) == pytest.approx(1, abs=1e-5)
    assert "cofr 100,200,300" in lines
    assert ("camera ortho" in lines) == (field_of_view == 0)


def test_light_and_clipping(tmp_path):
    planes = tuple(ClipPlane((0.0, 0.0, z), (0.0, 0.6, -0.8), enabled=z != 2) for z in (1.0, 2.0, 3.0))
    picks = {"p": Particles(np.zeros((1, 3)))}
    scene = Scene(picks=(ScenePicks(name="p"),), clip_planes=planes, lights=Lights(ambient=0.5, outline=2))
    write_chimerax(tmp_path / "s.cxc", scene, picks=picks)
    lines = commands(tmp_path / "s.cxc")
    assert "clip front 0 position 0,0,1 axis 0,0.6,-0.8 coordinateSystem #1" in lines
    assert "clip back 0 position 0,0,3 axis 0,0.6,-0.8 coordinateSystem #1" in lines
    assert any("ambientIntensity 0.5" in line for line in lines)
    assert "graphics silhouettes true width 2" in lines
    many = replace(scene, clip_planes=tuple(replace(p, enabled=True) for p in planes))
    with pytest.warns(DataWarning, match="ChimeraX has two"):
        write_chimerax(tmp_path / "s.cxc", many, picks=picks)
    write_chimerax(tmp_path / "s.cxc", replace(scene, picks=()))  # nothing is there to clip
    assert "clip" not in (tmp_path / "s.cxc").read_text()


@given(path=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip))
def test_any_path_is_one_word(path):
    if '" ' in path and "' " in path:
        return
    try:
        word = quoted_path(path)
    except FileProblem:
        assert re.search(r"\"\s", path)
        assert re.search(r"'\s", path)
        return
    read, rest = first_word(f"{word} name x")
    assert read.removeprefix("./") == path.removeprefix("./")
    assert rest == "name x"
    assert not read.startswith("~")


def test_a_path_with_both_quotes_is_refused():
    with pytest.raises(FileProblem, match="rename it"):
        quoted_path("a\" b' c")
    with pytest.raises(FileProblem, match="rename it"):
        quoted_path("a\nb")
    assert quoted_path("~/a") == '"./~/a"'
    assert quoted_path("browse") == '"./browse"'
    assert quoted_path('a" b') == "'a\" b'"

"""Several surfaces in one file."""

import json
import struct

import numpy as np
import pytest
import trimesh

from ais_app.core.surfaces.mesh import Mesh
from ais_app.core.surfaces.mesh_files import MESH_FORMATS, write_meshes


def ball(radius, at, colour, opacity=1.0):
    shape = trimesh.creation.icosphere(subdivisions=2, radius=radius)
    return Mesh((shape.vertices + at).astype(np.float32), shape.faces.astype(np.int32), colour, opacity)


MESHES = {
    "inner membrane": ball(50.0, [1000, 200, 30], "#3366cc"),
    "empty": Mesh(np.empty((0, 3), np.float32), np.empty((0, 3), np.int32)),
    "ribosomes": ball(20.0, [-100, 0, 0], "#ff8000", 0.4),
}


@pytest.mark.parametrize("kind", MESH_FORMATS)
def test_all_of_them_are_there(kind, tmp_path):
    read = trimesh.load(write_meshes(tmp_path / f"scene.{kind}", MESHES), process=False)
    shape = read.to_mesh() if isinstance(read, trimesh.Scene) else read
    assert len(shape.faces) == 2 * 320
    assert shape.volume == pytest.approx(MESHES["inner membrane"].volume + MESHES["ribosomes"].volume, rel=1e-4)
    np.testing.assert_allclose(shape.bounds, [[-120, -20, -20], [1050, 250, 80]], atol=1)
    if kind == "ply":
        assert shape.visual.vertex_colors[0].tolist() == [0x33, 0x66, 0xCC, 255]
        assert shape.visual.vertex_colors[-1].tolist() == [255, 128, 0, 102]


def test_glb_keeps_names_and_looks(tmp_path):
    path = write_meshes(tmp_path / "scene.glb", MESHES)
    read = trimesh.load(path, process=False)
    assert set(read.geometry) == {"inner membrane", "ribosomes"}
    for name, colour in {"inner membrane": [0x33, 0x66, 0xCC, 255], "ribosomes": [255, 128, 0, 102]}.items():
        np.testing.assert_array_equal(read.geometry[name].visual.material.baseColorFactor, colour)
    content = path.read_bytes()
    header = json.loads(content[20 : 20 + struct.unpack("<I", content[12:16])[0]])
    assert {node.get("name") for node in header["nodes"]} >= {"inner membrane", "ribosomes"}
    assert [material.get("alphaMode", "OPAQUE") for material in header["materials"]] == ["OPAQUE", "BLEND"]
    assert all("byteOffset" in view for view in header["bufferViews"])  # ChimeraX asks for it


def test_obj_keeps_names_and_colours(tmp_path):
    lines = write_meshes(tmp_path / "scene.obj", MESHES).read_text().splitlines()
    assert [line for line in lines if line.startswith("o ")] == ["o inner membrane", "o ribosomes"]
    second = lines.index("o ribosomes")
    assert lines[second + 1].endswith("1.0000 0.5020 0.0000")
    numbers = [int(word) for line in lines[second:] if line.startswith("f ") for word in line.split()[1:]]
    assert (min(numbers), max(numbers)) == (163, 324)


@pytest.mark.parametrize("kind", MESH_FORMATS)
def test_nothing_is_a_file_too(kind, tmp_path):
    assert write_meshes(tmp_path / f"scene.{kind}", {"empty": MESHES["empty"]}).stat().st_size > 0

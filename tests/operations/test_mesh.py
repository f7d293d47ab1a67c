import json

import numpy as np
import pytest
import trimesh

from ais_app.cli.app import run
from ais_app.core.io import write_volume
from ais_app.core.surfaces.mesh import MeshParams
from ais_app.core.tomogram import Tomogram
from ais_app.operations.mesh import mesh
from ais_app.operations.replay import replay

SIZE = (10.0, 10.0, 10.0)
ORIGIN = (-100.0, 50.0, 1000.0)


@pytest.fixture
def segmentation(tmp_path):
    z, y, x = np.ogrid[:30, :36, :40]
    away = np.sqrt((z - 14.0) ** 2 + (y - 18.0) ** 2 + (x - 21.0) ** 2)
    data = (np.clip((10 - away) / 2 + 0.5, 0, 1) * 127).round().astype(np.int8)
    data[1, 1, 1] = 127
    like = Tomogram(data, voxel_size_zyx=SIZE, origin_zyx=ORIGIN)
    return write_volume(tmp_path / "TS_01__vesicle.mrc", data, like=like)


def test_command_line(segmentation, tmp_path, capsys):
    out = tmp_path / "meshes"
    words = ["--level", "0.5", "--dust", "10", "--smoothing", "3", "--format", "obj,ply,stl,glb", "--colour", "#ff0000"]
    assert run(["mesh", str(segmentation), "-o", str(out), *words]) == 0
    assert "triangles" in capsys.readouterr().out
    for kind in ("obj", "ply", "stl", "glb"):
        path = out / f"TS_01__vesicle.{kind}"
        surface = trimesh.load(path, force="mesh")
        np.testing.assert_allclose(surface.center_mass, [1000 + 210, 50 + 180, -100 + 140], atol=0.5)
        assert surface.volume == pytest.approx(4 / 3 * np.pi * 100**3, rel=0.01)
        record = json.loads(path.with_name(path.name + ".json").read_text())
        assert record["operation"] == "mesh"
        assert record["arguments"]["params"]["dust"] == 10
        assert record["notes"]["faces"] == len(surface.faces)
        assert replay(path).identical


def test_nothing_there_is_said(segmentation, tmp_path):
    (result,) = mesh([segmentation], tmp_path, MeshParams(dust=1e6))
    assert result.error is None
    assert "no surface" in result.message
    assert result.outputs[0].exists()


def test_failures_and_skipping(segmentation, tmp_path, capsys):
    (tmp_path / "TS_02__vesicle.mrc").write_bytes(b"no volume")
    assert run(["mesh", str(tmp_path), "-o", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert "TS_02__vesicle.mrc" in shown.err
    assert (tmp_path / "TS_01__vesicle.obj").exists()
    (tmp_path / "TS_01__vesicle.obj").write_text("mine")
    assert run(["mesh", str(segmentation), "-o", str(tmp_path), "--skip-existing"]) == 0
    assert (tmp_path / "TS_01__vesicle.obj").read_text() == "mine"
    assert run(["mesh", str(segmentation), "-o", str(tmp_path), "--format", "x3d"]) == 1
    assert "'x3d' is not known" in capsys.readouterr().err

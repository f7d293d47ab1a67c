import json

import numpy as np
import pytest
import trimesh

from ais_app.core.coordinates import read_particles, write_particles
from ais_app.core.errors import ParameterProblem
from ais_app.core.geometry import relion_to_matrices
from ais_app.core.io import write_volume
from ais_app.core.particle_set import Particles
from ais_app.core.probability import create_probabilities
from ais_app.core.scene.export import export
from ais_app.core.scene.scene import Scene, ScenePicks, SceneSurface, write_scene
from ais_app.core.scene.surface import SurfaceSettings
from ais_app.core.surfaces.mesh import Mesh
from ais_app.core.tomogram import Tomogram
from ais_app.operations.export_scene import export_scene
from ais_app.operations.replay import replay

SHAPE, SIZE, ORIGIN = (30, 36, 40), (10.0, 10.0, 10.0), (-100.0, 50.0, 1000.0)


@pytest.fixture
def work(tmp_path):
    """Return a folder with two segmentations, picks of two tomograms, an average and a scene of them."""
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    away = np.sqrt((z - 14.0) ** 2 + (y - 18.0) ** 2 + (x - 21.0) ** 2)
    data = np.clip((10 - away) / 2 + 0.5, 0, 1).astype(np.float32)
    data[1, 1, 1] = 1  # dust
    for name in ("TS_01__vesicle.mrc", "TS_01__packed.mrc.gz"):
        with create_probabilities(tmp_path / name, SHAPE, like=Tomogram(data, SIZE, ORIGIN)) as out:
            out.write(0, data)
    density = np.zeros((8, 8, 8), np.float32)
    density[2:7, 3:6, 3:6] = 1
    write_volume(tmp_path / "average.mrc", density, like=Tomogram(density, (6.0,) * 3))
    picks = Particles(
        np.array([[100.0, 110, 120], [150, 160, 170], [0, 0, 0]]),
        rotations=relion_to_matrices(np.array([[0.0, 90, 0], [10, 20, 30], [0, 0, 0]])),
        tomograms=np.array(["TS_01", "TS_01", "TS_02"], dtype=object),
        voxel_size=10.0,
        shape_zyx=SHAPE,
    )
    write_particles(tmp_path / "picks.star", picks)
    scene = Scene(
        tomogram="TS_01",
        first_voxel_zyx=ORIGIN,
        voxel_size_zyx=SIZE,
        shape_zyx=SHAPE,
        surfaces=(
            SceneSurface("vesicle", str(tmp_path / "TS_01__vesicle.mrc"), SurfaceSettings(dust=2000, colour="#0072b2")),
            SceneSurface("packed", str(tmp_path / "TS_01__packed.mrc.gz"), SurfaceSettings(level=0.8, opacity=0.5)),
            SceneSurface("hidden", "", SurfaceSettings(visible=False)),
        ),
        picks=(
            ScenePicks(name="ribosomes", source=str(tmp_path / "picks.star")),
            ScenePicks(
                name="maps",
                source=str(tmp_path / "picks.star"),
                style="map",
                template=str(tmp_path / "average.mrc"),
                template_level=0.5,
                colour="#e69f00",
            ),
            ScenePicks(name="not shown", source="nowhere.star", visible=False),
        ),
    )
    return write_scene(tmp_path / "view.json", scene)


def test_command_line(work, ais):
    out = work.parent / "out"
    code, shown, _ = ais("scene", work, "-o", out, "--mesh", "glb,obj", "--coordinates", "star,relion5")
    assert code == 0
    assert "3 surfaces, 4 picks" in shown
    read = trimesh.load(out / "view.glb", process=False)
    assert set(read.geometry) == {"vesicle", "packed", "maps"}
    vesicle = read.geometry["vesicle"]
    np.testing.assert_allclose(vesicle.center_mass, [1000 + 210, 50 + 180, -100 + 140], atol=0.5)
    assert vesicle.volume == pytest.approx(4 / 3 * np.pi * 100**3, rel=0.01)  # and no dust
    np.testing.assert_array_equal(read.geometry["packed"].visual.material.baseColorFactor[3], 128)
    middles = [part.bounds.mean(axis=0) for part in read.geometry["maps"].split(only_watertight=False)]
    assert np.min([np.linalg.norm(m - [1000 + 120, 50 + 110, -100 + 100]) for m in middles]) < 10
    script = (out / "view.cxc").read_text()
    assert 'open "../TS_01__vesicle.mrc" name "vesicle"' in script
    assert 'open "view_packed.glb" name "packed"' in script  # ChimeraX does not read packed volumes
    assert "nowhere" not in script
    assert (out / "view_ribosomes.cmm").read_text().count("<marker ") == 2
    for name in ("view_ribosomes_coords.star", "view_ribosomes_coords_relion5.star", "view_maps_coords.star"):
        assert len(read_particles(out / name)) == 2
    record = json.loads((out / "view.glb.json").read_text())
    assert set(record["inputs"]) == {f"../{n}" for n in (
        "view.json", "TS_01__vesicle.mrc", "TS_01__packed.mrc.gz", "picks.star", "average.mrc",
    )}  # fmt: skip
    assert replay(out / "view.glb").identical
    assert replay(out / "view_ribosomes_coords.star").identical


def test_one_by_one_and_nothing_else(work):
    (result,) = export_scene(
        [work], work.parent / "o", mesh_formats=["stl", "ply"], separate=True, chimerax=False, coordinate_formats=[]
    )
    names = sorted(path.name for path in (work.parent / "o").iterdir() if path.suffix != ".json")
    wanted = sorted(f"view_{name}.{kind}" for name in ("vesicle", "packed", "maps") for kind in ("stl", "ply"))
    assert names == wanted == sorted(path.name for path in result.outputs)
    (again,) = export_scene(
        [work], work.parent / "o", mesh_formats=["stl"], separate=True, chimerax=False, coordinate_formats=[],
        skip_existing=True,
    )  # fmt: skip
    assert again.skipped


def test_what_cannot_be_done_is_said(work):
    folder = work.parent
    live = json.loads(work.read_text())
    live["surfaces"][2]["settings"]["visible"] = True
    (folder / "live.json").write_text(json.dumps(live))
    (folder / "broken.json").write_text("{}")
    first, second, third = export_scene([work, folder / "live.json", folder / "broken.json"], folder / "o")
    assert first.error is None
    assert "hidden: is a prediction that is in no file" in str(second.error)
    assert "no scene" in str(third.error)
    (broken,) = export_scene([folder / "broken.json"], folder / "o", skip_existing=True)
    assert broken.error is not None
    with pytest.raises(ParameterProblem, match="nothing is to be written"):
        export_scene([work], folder, mesh_formats=[], chimerax=False, coordinate_formats=[])
    with pytest.raises(ParameterProblem, match="'x3d' is not known"):
        export_scene([work], folder, mesh_formats=["x3d"])


def test_a_map_at_picks_needs_a_voxel_size(work):
    density = np.ones((8, 8, 8), np.float32)
    write_volume(work.parent / "average.mrc", density, like=Tomogram(density))
    (result,) = export_scene([work], work.parent / "o", chimerax=False)
    assert "average.mrc: the voxel size is not known; write it into the file: ais-app convert" in str(result.error)


def test_what_the_window_shows_needs_no_file(tmp_path):
    shape = trimesh.creation.icosphere(subdivisions=1, radius=10)
    mesh = Mesh(shape.vertices.astype(np.float32), shape.faces.astype(np.int32), "#ff0000")
    scene = Scene(surfaces=(SceneSurface("live"), SceneSurface("gone", "", SurfaceSettings(visible=False))))
    written = export(scene, tmp_path, "now", {"live": mesh}, {}, mesh_formats=("obj",), coordinate_formats=())
    assert [path.name for path in written] == ["now.obj", "now_live.glb", "now.cxc"]
    assert 'open "now_live.glb" name "live"' in written[-1].read_text()
    with pytest.raises(ParameterProblem, match="same file as a b"):
        export(scene, tmp_path, "now", {"a b": mesh, "A/b": mesh}, {})

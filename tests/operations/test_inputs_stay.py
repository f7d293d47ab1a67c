"""No operation writes its output over one of its inputs, or gives it the name of another kind of file."""

import numpy as np
import pytest

from ais_app.core.coordinates import write_particles
from ais_app.core.errors import ParameterProblem
from ais_app.core.io import write_volume
from ais_app.core.particle_set import Particles
from ais_app.core.particles.stack import write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram
from ais_app.operations.subtomo_export import subtomo_export
from ais_app.operations.subtomo_import import subtomo_import
from ais_app.operations.subtomo_simulate import SubtomoSimulateParams, subtomo_simulate

EDGE, SIZE = 12, 10.0


@pytest.fixture
def folder(tmp_path, rng):
    """A stack, a map, a tomogram and its picks."""
    places = Particles(
        np.full((2, 3), 150.0), tomograms=np.array(["TS_1"] * 2, dtype=object), voxel_size=SIZE, shape_zyx=(30, 30, 30)
    )
    cubes = rng.normal(size=(2, EDGE, EDGE, EDGE)).astype(np.float32)
    write_stack(tmp_path / "stack.zarr", cubes, places, (Wedge(),), np.zeros(2, int), SIZE)
    for name, edge in (("map.mrc", EDGE), ("TS_1.mrc", 30)):
        data = rng.random((edge,) * 3).astype(np.float32)
        write_volume(tmp_path / name, data, like=Tomogram(data, (SIZE,) * 3))
    write_particles(tmp_path / "picks.star", places)
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


ALIGN = ["subtomo", "align", "stack.zarr", "--reference", "map.mrc"]
EXTRACT = ["subtomo", "extract", "TS_1.mrc", "--coordinates", "picks.star", "--box", "8", "--tilt", "-60,60"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*ALIGN, "-o", "map.mrc"], "map.mrc: is to be a STAR file, which does not end in .mrc; call it map.star"),
        ([*ALIGN, "-o", "z.mrc"], "z.mrc: is to be a STAR file, which does not end in .mrc; call it z.star"),
        ([*ALIGN, "-o", "stack.zarr/particles.star"], "particles.star: lies in the input stack.zarr"),
        ([*EXTRACT, "-o", "in.zarr"], "in.zarr: would replace the folder that the input"),
        (["subtomo", "export", "stack.zarr", "-o", "stack.zarr"], "particles.star: lies in the input stack.zarr"),
        (["coordinates", "picks.star", "-o", "./picks.star"], "picks.star: is an input; it would"),
        (
            ["coordinates", "picks.star", "-o", "map.mrc"],
            "map.mrc: is to be a file of format star, which does not end in",
        ),
        (["filter", "TS_1.mrc", "./TS_1.mrc", "--filter", "gaussian"], "TS_1.mrc: is an input; it would"),
        (["convert", "TS_1.mrc", "./TS_1.mrc", "--bin", "2"], "TS_1.mrc: is an input; it would"),
    ],
    ids=[
        "align map",
        "align suffix",
        "align stack",
        "extract",
        "export",
        "coordinates",
        "coordinates suffix",
        "filter",
        "convert",
    ],
)
def test_what_would_write_over_an_input_is_refused(folder, ais, monkeypatch, words, said):
    if words[:2] == EXTRACT[:2]:  # its output is a stack: the list lies in the one that would be replaced
        write_stack(
            folder / "in.zarr", np.ones((1, 4, 4, 4), np.float32), Particles(np.zeros((1, 3))), (Wedge(),), [0], SIZE
        )
        (folder / "picks.star").rename(folder / "in.zarr/picks.star")
        words = ["in.zarr/picks.star" if word == "picks.star" else word for word in words]
    monkeypatch.chdir(folder)
    before = contents(folder)
    code, _, err = ais(*words)
    assert code == 1
    assert said in err
    assert contents(folder) == before


def test_a_template_is_not_the_map_of_its_simulation(folder):
    (folder / "map.mrc").rename(folder / "sim_map.mrc")
    data = np.clip(1 - np.hypot.reduce(np.indices((EDGE,) * 3) - 6) / 4, 0, None).astype(np.float32)
    write_volume(folder / "map.mrc", data, like=Tomogram(data, (SIZE,) * 3))
    (folder / "sim_map.mrc").unlink()
    (folder / "sim_map.mrc").symlink_to(folder / "map.mrc")
    before = contents(folder)
    params = SubtomoSimulateParams(box=16, number=1, tilt_step=30, snr=float("inf"))
    with pytest.raises(ParameterProblem, match=r"sim_map\.mrc: is an input"):
        subtomo_simulate(folder / "sim.zarr", params, templates=[folder / "map.mrc"])
    assert contents(folder) == before


def test_the_list_of_an_import_does_not_lie_in_the_stack_that_is_made(folder):
    listing = subtomo_export(folder / "stack.zarr", folder / "out")
    inside = folder / "stack.zarr/relion.star"
    inside.write_bytes(listing.read_bytes())
    with pytest.raises(ParameterProblem, match=r"stack\.zarr: would replace the folder that the input"):
        subtomo_import(inside, folder / "stack.zarr", root=folder / "out")
    assert inside.exists()

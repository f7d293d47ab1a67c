"""Where a voxel size is not known, the command names the option that says it."""

import numpy as np
import pytest

from ais_app.core.coordinates import write_particles
from ais_app.core.io import write_volume
from ais_app.core.particle_set import Particles
from ais_app.core.particles.stack import write_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import Tomogram

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def folder(tmp_path, rng):
    """Return a folder with a tomogram, a map, picks and a stack, and with volumes that do not say their voxel size."""
    volume = rng.normal(size=(24, 32, 32)).astype(np.float32)
    ball = np.exp(-((np.indices((16, 16, 16)) - 8) ** 2).sum(0) / 10).astype(np.float32)
    for name, data in (("TS_01", volume), ("map", ball)):
        write_volume(tmp_path / f"{name}.mrc", data, like=Tomogram(data, (10.0,) * 3))
        (tmp_path / "unsaid").mkdir(exist_ok=True)
        write_volume(tmp_path / "unsaid" / f"{name}.mrc", data, like=Tomogram(data))
    picks = Particles(
        np.full((3, 3), 120.0), rotations=np.tile(np.eye(3), (3, 1, 1)), voxel_size=10.0,
        tomograms=np.full(3, "TS_01", dtype=object), shape_zyx=(24, 32, 32),
    )  # fmt: skip
    write_particles(tmp_path / "picks.star", picks)
    (tmp_path / "plain.csv").write_text("x,y,z\n12,12,12\n")
    write_stack(tmp_path / "picks.zarr", np.stack([ball] * 3), picks, [Wedge()], np.zeros(3, dtype=int), 10.0)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("match TS_01.mrc unsaid/map.mrc -o out --tilt -60,60", "--template-voxel-size"),
        ("match unsaid/TS_01.mrc map.mrc -o out --tilt -60,60", "--voxel-size"),
        ("mapback TS_01.mrc --average unsaid/map.mrc --coordinates picks.star -o out", "--average-voxel-size"),
        ("mapback unsaid/TS_01.mrc --average map.mrc --coordinates picks.star -o out", "--voxel-size"),
        ("subtomo align picks.zarr --reference unsaid/map.mrc -o out.star", "--reference-voxel-size"),
        ("subtomo extract unsaid/TS_01.mrc --coordinates picks.star --box 8 -o out.zarr", "--tomogram-voxel-size"),
        (
            "subtomo extract unsaid/TS_01.mrc --coordinates picks.star --box 8 --voxel-size 20 --tilt 0,9 -o out.zarr",
            "--tomogram-voxel-size",
        ),
        ("subtomo extract unsaid/TS_01.mrc --coordinates plain.csv --box 8 -o out.zarr", "--tomogram-voxel-size"),
        ("subtomo simulate --template unsaid/map.mrc -o out.zarr", "ais-app convert --voxel-size"),
        ("dog unsaid/TS_01.mrc -o out", "--voxel-size"),
    ],
)
def test_the_remedy_is_an_option_of_the_command(folder, monkeypatch, ais, words, option):
    monkeypatch.chdir(folder)
    code, _, said = ais(*words.split())
    assert code == 1
    assert "voxel size is not known" in said or "does not say how large" in said
    assert f" {option}" in " ".join(said.split("; ")[-1].split())
    if option.startswith("--"):  # and there is such an option
        monkeypatch.setenv("COLUMNS", "200")
        assert f" {option} " in ais(*words.split()[: 2 if words.startswith("subtomo") else 1], "--help")[1]

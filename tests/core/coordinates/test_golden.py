"""Files as they must be, byte for byte: a change of what others will read is never an accident.

``AIS_APP_WRITE_GOLDEN=1 pytest tests/core/coordinates/test_golden.py`` writes them anew; look at the difference.
"""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

from ais_app.core import geometry
from ais_app.core.coordinates import Particles, coordinate_formats, read_particles, write_particles

from .examples import DATA, READ, WRITE, read_options

# indices 0-based, chosen to be told from their neighbours in every convention
INDEX_XYZ = np.array([[0.0, 0.0, 0.0], [10.25, 20.5, 30.75], [95.0, 127.0, 60.0]])
ANGLES = np.array([[0.0, 0.0, 0.0], [30.0, 60.0, 75.0], [-120.0, 180.0, 0.0]])


def golden_particles() -> Particles:
    return Particles(
        positions_zyx=INDEX_XYZ[:, ::-1] * 10.0,
        rotations=geometry.relion_to_matrices(ANGLES),
        scores=np.array([0.5, 0.75, 1.0]),
        tomograms=np.full(3, "TS_01", dtype=object),
        voxel_size=10.0,
        shape_zyx=(61, 128, 96),
        table=pd.DataFrame({"aisParticleSize": [100, 200, 300]}),
    )


@pytest.mark.parametrize("name", READ)
def test_golden(tmp_path, name):
    file = f"golden_{name}{coordinate_formats()[name].suffix}"
    write_particles(tmp_path / file, golden_particles(), name, **WRITE.get(name, {}))
    for made in tmp_path.iterdir():
        kept = DATA / "golden" / made.name
        if os.environ.get("AIS_APP_WRITE_GOLDEN"):
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(made.read_bytes())
        assert made.read_bytes() == kept.read_bytes()
    found = read_particles(DATA / "golden" / file, name, **read_options(name, 10.0))
    assert np.allclose(found.positions_zyx, INDEX_XYZ[:, ::-1] * 10.0, atol=1e-4)
    assert np.allclose(found.rotations, geometry.relion_to_matrices(ANGLES), atol=1e-5)


@pytest.mark.parametrize(
    "name, words",
    [
        ("star", ["10.250000", "20.500000", "30.750000", "30.000000", "60.000000", "75.000000"]),
        ("dynamo", ["11.250000", "21.500000", "31.750000"]),  # counts from 1
        ("stopgap", ["11.250000", "21.500000", "31.750000"]),
        ("relion5", ["-367.500000", "-425.000000", "12.500000"]),  # minus (96/2 - 1, 128/2 - 1, 61/2 - 1) x 10 Å
        ("csv", ["102.500000", "205.000000", "307.500000"]),
        ("copick", ["102.5", "205.0", "307.5"]),
    ],
)
def test_golden_numbers_by_hand(name, words):
    text = (DATA / "golden" / f"golden_{name}{coordinate_formats()[name].suffix}").read_text()
    assert all(word in text for word in words)


def test_golden_binary_numbers_by_hand():
    rows = np.frombuffer((DATA / "golden/golden_motl.em").read_bytes()[512:], "<f4").reshape(3, 20)
    assert rows[1, 7:10].tolist() == [11.25, 21.5, 31.75]
    content = (DATA / "golden/golden_imod.mod").read_bytes()
    start = content.index(b"CONT") + 20
    points = np.frombuffer(content[start : start + 36], ">f4").reshape(3, 3)
    assert points[1].tolist() == [10.75, 21.0, 30.75]  # half a voxel in x and y, none in z

"""Particles to write and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ais_app.core.coordinates import Particles

DATA = Path(__file__).parents[2] / "data" / "coordinates"

# what a format needs to be told to read its own file back
READ = {
    "star": {}, "csv": {}, "tsv": {}, "relion3": {}, "relion4": {}, "relion5": {}, "warp": {}, "dynamo": {},
    "copick": {}, "imod": {}, "motl": {"voxel_size"}, "stopgap": {"voxel_size"},
}  # fmt: skip
WRITE = {"imod": {"slicer_angles": True}}
ONE_TOMOGRAM = {"imod", "copick"}
# float32 files: the rounding of an index of up to a thousand, in voxels
TOLERANCE_VOXELS = {"imod": 1e-4, "motl": 1e-4}
TOLERANCE_ROTATION = {"imod": 1e-5, "motl": 1e-5}


def read_options(name: str, voxel_size: float) -> dict[str, float]:
    return {"voxel_size": voxel_size} if READ[name] else {}


def particles(count: int = 6, voxel_size: float = 10.0, seed: int = 0, tomograms: int = 2) -> Particles:
    random = np.random.default_rng(seed)
    shape = (61, 128, 96)
    return Particles(
        positions_zyx=random.uniform(0, 1, (count, 3)) * shape * voxel_size,
        rotations=Rotation.from_quat(random.normal(size=(count, 4))).as_matrix() if count else np.empty((0, 3, 3)),
        scores=np.round(random.uniform(0, 1, count), 3),
        tomograms=np.array([f"TS_{1 + number % tomograms:02d}" for number in range(count)], dtype=object),
        voxel_size=voxel_size,
        shape_zyx=shape,
        table=pd.DataFrame({"aisParticleSize": random.integers(100, 900, count), "note": ["a b"] * count}),
    )


rotation = st.tuples(
    st.floats(-180, 180), st.one_of(st.sampled_from([0.0, 180.0, 90.0, -90.0]), st.floats(0, 180)), st.floats(-180, 180)
)

"""Volumes with a geometry worth keeping, and MRC headers with odd fields."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mrcfile.dtypes import HEADER_DTYPE

from ais_app.core.tomogram import Tomogram


@pytest.fixture
def placed(rng: np.random.Generator) -> Tomogram:
    """A small volume with three voxel sizes, an origin and a start."""
    grey = rng.normal(0, 30, (6, 7, 9)).astype(np.float32)
    return Tomogram(grey, (12.0, 11.0, 10.5), (-512.0, 30.5, 4.0), (-3, 2, 1))


@pytest.fixture
def mrc(tmp_path: Path) -> Callable[..., Path]:
    """Write an MRC file field by field: ``mrc(voxels, mode=1, order=">", nz=5, extended=b"...", tail=b"...")``."""

    def write(
        voxels: np.ndarray, name: str = "odd.mrc", order: str = "<", extended: bytes = b"", tail: bytes = b"", **fields
    ) -> Path:
        modes = {"i1": 0, "i2": 1, "f4": 2, "c8": 4, "u2": 6, "f2": 12}
        header = np.zeros((), HEADER_DTYPE.newbyteorder(order))
        header["nz"], header["ny"], header["nx"] = header["mz"], header["my"], header["mx"] = voxels.shape
        header["mode"] = modes[voxels.dtype.str[1:]]
        header["cella"] = tuple(10.0 * n for n in voxels.shape[::-1])
        header["cellb"] = (90, 90, 90)
        header["mapc"], header["mapr"], header["maps"] = 1, 2, 3
        header["map"], header["machst"] = b"MAP ", (0x44, 0x44, 0, 0) if order == "<" else (0x11, 0x11, 0, 0)
        header["nsymbt"] = len(extended)
        for field, value in fields.items():
            header[field] = value
        path = tmp_path / name
        path.write_bytes(header.tobytes() + extended + voxels.astype(voxels.dtype.newbyteorder(order)).tobytes() + tail)
        return path

    return write

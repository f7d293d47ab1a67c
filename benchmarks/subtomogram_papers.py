"""What the papers on networks of subtomograms simulated and reached; see subtomogram_networks.py."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from scipy.ndimage import center_of_mass

from ais_app.core.simulate.templates import Template, load_template, template_names, template_of

IN_MEMBRANES = "ampa_receptor"
# complex of the papers -> map in --maps, and what brings it to electrons per voxel of 10 Å
STAND_INS = {
    "1F1B": ("pdb_assembly_10A/1f1b_10A", 1.0),
    "1W6T": ("pdb_assembly_10A/1w6t_10A", 1.0),
    "1YG6": ("pdb_assembly_10A/1yg6_10A", 1.0),
    "2BO9": ("pdb_assembly_10A/2bo9_10A", 1.0),
    "2BYU": ("pdb_assembly_10A/2byu_10A", 1.0),
    "2GHO": ("pdb_assembly_10A/2gho_10A", 1.0),
    "2H12": ("pdb_assembly_10A/2h12_10A", 1.0),
    # the same kind of complex
    "3DY4 -> 3J9I, 20S proteasome": ("pdb_assembly_10A/3j9i_10A", 1.0),
    "1FNT -> 3IPM, 20S with activator": ("polnet_10A/3ipm", 1.37),
    "4V4Q -> 4V5A, 70S ribosome": ("pdb_assembly_10A/4v5a_10A", 1.0),
    "1LB3 -> 6PXM, ferritin": ("polnet_10A/6pxm", 17.5),
    "1KP8 -> 4V94, chaperonin": ("polnet_10A/derived_4v94_half", 1.37),
    # others of some 60 to 520 kDa
    "1A1S -> 2CG9": ("pdb_assembly_10A/2cg9_10A", 1.0),
    "1BXR -> 1BXN": ("pdb_assembly_10A/1bxn_10A", 1.0),
    "1EQR -> 3H84": ("pdb_assembly_10A/3h84_10A", 1.0),
    "1GYT -> 7N4Y": ("polnet_10A/7n4y", 17.5),
    "1QO1 -> 1U6G": ("pdb_assembly_10A/1u6g_10A", 1.0),
    "1VPX -> 1F4A": ("polnet_10A/1f4a", 17.5),
    "1VRG -> 1QVR": ("pdb_assembly_10A/1qvr_10A", 1.0),
    "2GLS -> 2LDB": ("pdb_assembly_10A/2ldb_10A", 1.0),
    "2IDB -> 3D2F": ("pdb_assembly_10A/3d2f_10A", 1.0),
    "2REC -> 3CF3": ("pdb_assembly_10A/3cf3_10A", 1.0),
}
# Xu et al. (2017), Bioinformatics 33, i13, table 2: SNR -> accuracy at ±60°, ±50° and ±40°
TILTS = (60.0, 50.0, 40.0)
PAPER = {
    "dsrf3d": {
        1000: (0.990, 0.978, 0.991),
        0.5: (0.972, 0.967, 0.951),
        0.1: (0.891, 0.873, 0.866),
        0.05: (0.767, 0.728, 0.684),
        0.03: (0.658, 0.604, 0.556),
    },
    "inception3d": {
        1000: (0.993, 0.994, 0.983),
        0.5: (0.975, 0.964, 0.931),
        0.1: (0.851, 0.807, 0.809),
        0.05: (0.757, 0.682, 0.637),
        0.03: (0.608, 0.516, 0.473),
    },
}
PAPER_FOUND = {"inception3d": "16 of 22", "dsrf3d": "18 of 22"}  # section 3.3; of what is left out
# Liu et al. (2018), semantic segmentation of subtomograms: pixel accuracy in % and mean IoU
PAPER_SSN3D = {
    "ssn3d_v1": {0.5: (98.28, 70.10)},
    "ssn3d_v2": {0.5: (99.30, 85.30)},
    "ssn3d_ed": {0.5: (99.35, 86.40), 0.06: (98.84, 83.04), 0.01: (97.94, 73.78)},
}


def templates(folder: Path | None) -> list[Template]:
    if folder is None:
        return [load_template(name) for name in template_names() if name != IN_MEMBRANES]
    return [
        template_of(_electrons(folder / f"{file}.mrc.gz", factor), 10.0, name)
        for name, (file, factor) in STAND_INS.items()
    ]


def _electrons(path: Path, factor: float) -> np.ndarray:
    raw = gzip.decompress(path.read_bytes())
    nx, ny, nz, mode = np.frombuffer(raw, "<i4", 4)
    extended = int(np.frombuffer(raw, "<i4", 1, offset=92)[0])
    kind = {0: "i1", 1: "<i2", 2: "<f4"}[int(mode)]
    density = np.frombuffer(raw, kind, nx * ny * nz, offset=1024 + extended).reshape(nz, ny, nx)
    n = 2 * max(density.shape)
    cube = np.zeros((n, n, n), np.float32)
    centre = np.rint(center_of_mass(density.clip(0))).astype(int)
    cube[tuple(slice(n // 2 - c, n // 2 - c + side) for c, side in zip(centre, density.shape, strict=True))] = density
    size = max(np.abs(np.argwhere(cube > 0) - n // 2).max() + 2, 8)
    inner = slice(n // 2 - size, n // 2 + size)
    return cube[inner, inner, inner].clip(0) * np.float32(factor)

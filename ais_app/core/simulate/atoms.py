"""Density maps from atoms: coordinates of the Protein Data Bank become templates.

    .pdb .ent .cif .npz ─► read_atoms ─► positions and atomic numbers ─► density_of_atoms ─► electrons per voxel

What is in the file is taken as it is: for a whole complex give the file of the biological assembly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.files import read_text
from ais_app.core.simulate.templates import Template, template_of

SUFFIXES = (".pdb", ".ent", ".cif", ".npz")
_FINEST = 2.5  # Å, of the grid that atoms are put on
_LARGEST = 512  # voxels of the fine grid along an axis
_ELEMENTS = {
    "H": 1, "D": 1, "C": 6, "N": 7, "O": 8, "F": 9, "NA": 11, "MG": 12, "P": 15, "S": 16, "CL": 17, "K": 19, "CA": 20,
    "MN": 25, "FE": 26, "CO": 27, "NI": 28, "CU": 29, "ZN": 30, "SE": 34, "BR": 35, "CD": 48, "I": 53,
}  # fmt: skip
_WATER = {"HOH", "DOD", "WAT"}


@dataclass(frozen=True)
class Atoms:
    """Where atoms are: (n, 3) Å, x y z, and how many electrons each has, (n,)."""

    positions_xyz: np.ndarray
    electrons: np.ndarray


def read_atoms(path: str | Path) -> Atoms:
    """Read the atoms of a structure, without water and without alternate places; of models the first.

    Parameters
    ----------
    path
        PDB (``.pdb``, ``.ent``, also packed with gzip), mmCIF (``.cif``), or ``.npz`` with ``xyz`` (n, 3; Å) or
        ``xyz_0p1A`` (tenths of Å) and ``Z`` (n,).

    Raises
    ------
    FileProblem
        The file is missing, damaged, of another kind, or holds no atoms.
    """
    path = Path(path)
    kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if kind.lower() not in SUFFIXES:
        raise FileProblem(path, "is no file of atoms that is known", f"give one of {' '.join(SUFFIXES)}")
    if kind.lower() == ".npz":
        return _from_arrays(path)
    rows = _cif_rows(path) if kind.lower() == ".cif" else _pdb_rows(path)
    if not rows:
        raise FileProblem(path, "holds no atoms", "is it another kind of file?")
    places = np.array([row[1:] for row in rows], dtype=float)
    if not np.isfinite(places).all():
        raise FileProblem(path, "holds places that are no numbers")
    return Atoms(places, np.array([_ELEMENTS.get(row[0], 6) for row in rows], dtype=float))


def density_of_atoms(atoms: Atoms, voxel_size: float, resolution: float) -> np.ndarray:
    """Return the density of atoms, each a Gaussian of sigma ``resolution / (π √2)``.

    Parameters
    ----------
    atoms
        Of the whole complex.
    voxel_size
        Å.
    resolution
        Å; not finer than twice a grid of 2.5 Å or of the voxels shows.

    Returns
    -------
    ndarray
        (n, n, n) float32, z y x, electrons per voxel, n even; the centre of charge is at voxel ``n // 2``.

    Raises
    ------
    ParameterProblem
        A number is not positive, or the map would be too large.
    """
    from scipy.ndimage import gaussian_filter

    if not voxel_size > 0 or not resolution > 0:
        raise ParameterProblem("resolution", f"{resolution:g} Å in voxels of {voxel_size:g} Å", "give positive numbers")
    centre = np.average(atoms.positions_xyz, axis=0, weights=atoms.electrons)
    places = atoms.positions_xyz - centre
    sigma = resolution / (math.pi * math.sqrt(2))
    fine = max(1, math.ceil(voxel_size / _FINEST))
    step = voxel_size / fine
    half = math.ceil((np.abs(places).max() + 4 * sigma) / voxel_size) + 1
    side = 2 * half * fine
    if side > _LARGEST:
        raise ParameterProblem("voxel_size", f"the map would have {side // fine} voxels a side", "take larger voxels")
    # the middle of a block of `fine` small voxels is the centre of a voxel
    at = places[:, ::-1] / step + half * fine + (fine - 1) / 2
    grid = gaussian_filter(_deposited(at, atoms.electrons, side), sigma / step, mode="constant", truncate=5.0)
    blocks = grid.reshape(2 * half, fine, 2 * half, fine, 2 * half, fine).sum((1, 3, 5))
    return np.ascontiguousarray(blocks, dtype=np.float32)


def template_of_atoms(path: str | Path, voxel_size: float = 5.0, resolution: float = 15.0, name: str = "") -> Template:
    """Return a template made of the atoms in a file; see `read_atoms` and `density_of_atoms`."""
    atoms = read_atoms(path)
    density = density_of_atoms(atoms, voxel_size, resolution)
    label = name or Path(path).name.split(".")[0].removesuffix("_atoms")
    # a protein has 499 electrons in atoms other than hydrogen a kDa
    return template_of(density, voxel_size, label, kilodalton=float(atoms.electrons.sum()) / 499, source=str(path))


def _deposited(at: np.ndarray, weights: np.ndarray, side: int) -> np.ndarray:
    """Share weights among the eight voxels around each place."""
    low = np.floor(at).astype(np.int64)
    part = at - low
    grid = np.zeros(side**3)
    for corner in np.ndindex(2, 2, 2):
        share = np.prod(np.where(corner, part, 1 - part), axis=1)
        index = np.ravel_multi_index(tuple((low + corner).T), (side,) * 3)
        grid += np.bincount(index, weights * share, side**3)
    return grid.reshape((side,) * 3)


def _from_arrays(path: Path) -> Atoms:
    try:
        with np.load(path, allow_pickle=False) as content:
            tenths = "xyz_0p1A" in content
            places = content["xyz_0p1A" if tenths else "xyz"] * (0.1 if tenths else 1.0)
            electrons = content["Z"].astype(float)
    except (OSError, ValueError, KeyError) as error:
        raise FileProblem(path, f"holds no atoms ({error})", "it needs xyz (n, 3) and Z (n,)") from error
    if places.ndim != 2 or places.shape[1:] != (3,) or len(places) != len(electrons) or not len(places):
        raise FileProblem(path, f"xyz is {places.shape}, Z {electrons.shape}", "it needs xyz (n, 3) and Z (n,)")
    return Atoms(places, electrons)


Row = tuple[str, float, float, float]


def _pdb_rows(path: Path) -> list[Row]:
    rows: list[Row] = []
    for line in read_text(path).splitlines():
        if line.startswith("ENDMDL") and rows:
            break
        if not line.startswith(("ATOM", "HETATM")) or line[17:20].strip() in _WATER or line[16:17] not in " A1":
            continue
        element = line[76:78].strip().upper() or line[12:14].strip(" 0123456789").upper()[:1]
        rows.append(_row(path, element, line[30:38], line[38:46], line[46:54]))
    return rows


def _cif_rows(path: Path) -> list[Row]:
    """Read the loop of ``_atom_site``: a row a line, as the archives write it."""
    names: list[str] = []
    rows: list[Row] = []
    model = ""
    for line in read_text(path).splitlines():
        if line.startswith("_atom_site."):
            names.append(line.split()[0].removeprefix("_atom_site."))
            continue
        if not names or not line.startswith(("ATOM", "HETATM")):
            continue
        cell = dict(zip(names, line.split(), strict=False))
        model = model or cell.get("pdbx_PDB_model_num", "")
        if cell.get("pdbx_PDB_model_num", "") != model or cell.get("label_comp_id") in _WATER:
            continue
        if cell.get("label_alt_id", ".") in ".?A1":
            places = (cell.get(f"Cartn_{axis}", "") for axis in "xyz")
            rows.append(_row(path, cell.get("type_symbol", "C").upper(), *places))
    return rows


def _row(path: Path, element: str, x: str, y: str, z: str) -> Row:
    try:
        return element, float(x), float(y), float(z)
    except ValueError:
        raise FileProblem(path, f"{x!r}, {y!r}, {z!r} is no place", "is it another kind of file?") from None

"""Density from atoms: place, amount and width; the readers."""

import numpy as np
import pytest

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.simulate.atoms import Atoms, density_of_atoms, read_atoms, template_of_atoms

PDB = """\
HEADER    TEST
ATOM      1  N   ALA A   1      10.000  20.000  30.000  1.00  0.00           N
ATOM      2  CA AALA A   1      11.500  20.000  30.000  0.50  0.00           C
ATOM      3  CA BALA A   1      99.000  20.000  30.000  0.50  0.00           C
HETATM    4  O   HOH A   2      50.000  50.000  50.000  1.00  0.00           O
HETATM    5 ZN    ZN A   3      10.000  24.000  30.000  1.00  0.00          ZN
ENDMDL
ATOM      6  N   ALA A   1      10.000  20.000  30.000  1.00  0.00           N
"""
CIF = """\
data_test
loop_
_atom_site.group_PDB
_atom_site.type_symbol
_atom_site.label_alt_id
_atom_site.label_comp_id
_atom_site.Cartn_x
_atom_site.Cartn_y
_atom_site.Cartn_z
_atom_site.pdbx_PDB_model_num
ATOM N . ALA 10.0 20.0 30.0 1
ATOM C A ALA 11.5 20.0 30.0 1
ATOM C B ALA 99.0 20.0 30.0 1
HETATM O . HOH 50.0 50.0 50.0 1
HETATM ZN . ZN 10.0 24.0 30.0 1
ATOM N . ALA 10.0 20.0 30.0 2
#
"""


@pytest.mark.parametrize(("name", "text"), [("a.pdb", PDB), ("a.ent", PDB), ("a.cif", CIF)])
def test_readers(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    atoms = read_atoms(tmp_path / name)
    np.testing.assert_array_equal(atoms.electrons, [7, 6, 30])
    np.testing.assert_allclose(atoms.positions_xyz, [[10, 20, 30], [11.5, 20, 30], [10, 24, 30]])


def test_arrays(tmp_path):
    np.savez(tmp_path / "a.npz", xyz_0p1A=np.array([[10, 20, 30]], np.int16), Z=np.array([6], np.uint8))
    np.testing.assert_allclose(read_atoms(tmp_path / "a.npz").positions_xyz, [[1, 2, 3]])


@pytest.mark.parametrize("resolution", [30.0, 40.0])
def test_a_density_has_the_place_amount_and_width_of_its_atoms(voxel_size, resolution):
    places = np.array([[0.0, 0, 0], [60.0, 0, 0], [0, 90.0, 0], [0, 0, 120.0]])
    electrons = np.array([6.0, 7, 8, 30])
    density = density_of_atoms(Atoms(places, electrons), voxel_size, resolution)
    assert density.shape[0] == density.shape[1] == density.shape[2] and density.shape[0] % 2 == 0
    assert density.sum() == pytest.approx(electrons.sum(), rel=1e-3)
    grid = np.indices(density.shape) - density.shape[0] // 2
    middle = [(density * axis).sum() / density.sum() * voxel_size for axis in grid]
    np.testing.assert_allclose(middle, 0, atol=0.1 * voxel_size)
    one = density_of_atoms(Atoms(places[:1], electrons[:1]), voxel_size, resolution)
    spread = (one * (np.indices(one.shape)[2] - one.shape[0] // 2) ** 2).sum() / one.sum() * voxel_size**2
    # the voxels themselves add a box of their width
    expected = (resolution / (np.pi * 2**0.5)) ** 2 + voxel_size**2 / 12
    assert spread**0.5 == pytest.approx(expected**0.5, rel=0.1)


def test_axes_are_not_mixed_up():
    density = density_of_atoms(Atoms(np.array([[-50.0, 0, 0], [50.0, 0, 0], [0, 20, 0]]), np.array([6.0, 6, 6])), 5, 15)
    z, y, x = np.argwhere(density > 0.3 * density.max()).std(axis=0)
    assert x > y > z


def test_a_template_of_atoms(tmp_path):
    random = np.random.default_rng(0)
    np.savez(tmp_path / "1abc_atoms.npz", xyz=random.normal(scale=20, size=(4000, 3)), Z=np.full(4000, 7))
    template = template_of_atoms(tmp_path / "1abc_atoms.npz", voxel_size=8.0, resolution=20.0)
    assert template.name == "1abc" and template.voxel_size == 4.0
    assert template.kilodalton == pytest.approx(4000 * 7 / 499)
    assert 30 < template.radius < 80


@pytest.mark.parametrize(
    ("name", "text"), [("a.pdb", "HEADER\n"), ("a.cif", "data_x\n"), ("a.npz", "PK"), ("a.mol", PDB)]
)
def test_files_without_atoms(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(FileProblem):
        read_atoms(tmp_path / name)


@pytest.mark.parametrize(("voxel_size", "resolution"), [(0, 10), (5, 0), (5, float("nan")), (0.01, 10)])
def test_numbers_out_of_bounds(voxel_size, resolution):
    with pytest.raises(ParameterProblem):
        density_of_atoms(Atoms(np.eye(3) * 30, np.ones(3)), voxel_size, resolution)

"""What a specimen holds: as asked for, without overlap, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from ais_app import SimulateParams, make_phantom
from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.simulate.membranes import bilayer_density
from ais_app.core.simulate.templates import load_template, template_names

from .scenes import only


def test_the_same_seed_gives_the_same_phantom_and_another_seed_another() -> None:
    params = SimulateParams(shape=(48, 90, 90), n_microtubules=1, n_sheets=0, n_double_membranes=0, n_vesicles=1)
    first, again, other = (make_phantom(params, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.tomogram_data, again.tomogram_data)
    np.testing.assert_array_equal(first.label_volume, again.label_volume)
    assert not np.array_equal(first.label_volume, other.label_volume)


def test_one_kind_does_not_disturb_those_laid_out_before_it() -> None:
    few, many = (make_phantom(only(shape=(40, 90, 90), n_vesicles=1, n_beads=n), 7) for n in (0, 4))
    vesicle = few.mask("membrane")
    assert vesicle.any()
    np.testing.assert_array_equal(vesicle, many.mask("membrane"))


@pytest.mark.parametrize("occupancy", [0.05, 0.3])
def test_occupancy_is_reached_without_overlap(occupancy: float) -> None:
    names = ("ribosome", "proteasome", "clpp")
    phantom = make_phantom(only(shape=(60, 90, 90), complexes=names, occupancy=occupancy, keep_instances=True), 8)
    assert phantom.metadata["occupancy"] == pytest.approx(occupancy, abs=0.1 * occupancy)
    assert phantom.instances is not None
    # every complex has all the voxels of its map: nothing was painted over it
    sizes = np.bincount(phantom.instances.ravel())[1:]
    wanted = [load_template(name).volume / 1000 for name in names for _ in range(len(phantom.particles[name]))]
    np.testing.assert_allclose(sizes, wanted, rtol=0.06)


def test_copies_can_be_given_by_number() -> None:
    phantom = make_phantom(only(shape=(50, 90, 90), complexes=("tric=3", "p97=5")), 9)
    assert {name: len(found) for name, found in phantom.particles.items()} == {"tric": 3, "p97": 5}


def test_orientations_are_uniform() -> None:
    phantom = make_phantom(only(shape=(60, 150, 150), complexes=("clpp=150",)), 10)
    rotations = phantom.particles["clpp"].rotations
    assert rotations is not None
    # each axis of a uniform rotation has a mean of 0 and a second moment of a third
    np.testing.assert_allclose(rotations.mean(0), 0, atol=0.2)
    np.testing.assert_allclose((rotations**2).mean(0), 1 / 3, atol=0.12)


def test_actin_bends_like_a_worm_like_chain() -> None:
    persistence = 5000.0
    params = only(shape=(120, 300, 300), voxel_size=10, n_actin=25, actin_persistence=persistence, tilt=0, snr=np.inf)
    phantom = make_phantom(params, 12)
    cosines = []
    for filament in phantom.filaments:
        steps = np.diff(filament.axis_zyx, axis=0)
        tangents = steps / np.linalg.norm(steps, axis=1, keepdims=True)
        np.testing.assert_allclose(np.linalg.norm(steps, axis=1), 20, rtol=1e-6)
        cosines += list((tangents[25:] * tangents[:-25]).sum(1))
    # <cos> = exp(-s / P) over s = 500 Å
    assert np.mean(cosines) == pytest.approx(np.exp(-500 / persistence), abs=0.03)


def test_filaments_stay_inside_and_their_axes_are_smooth() -> None:
    phantom = make_phantom(only(shape=(60, 160, 160), n_microtubules=2, n_actin=3), 13)
    extent = (np.array(phantom.label_volume.shape) - 1) * phantom.voxel_size
    assert [f.kind for f in phantom.filaments] == ["microtubule"] * 2 + ["actin"] * 3
    for filament in phantom.filaments:
        assert (filament.axis_zyx >= 0).all() and (filament.axis_zyx <= extent).all()


def test_what_finds_no_room_is_said_and_counted() -> None:
    with pytest.warns(DataWarning, match="microtubule 0 of 2"):
        phantom = make_phantom(only(shape=(12, 40, 40), n_microtubules=2), 1)
    assert phantom.metadata["placed"]["microtubule"] == 0
    assert phantom.metadata["requested"]["microtubule"] == 2


def test_an_occupancy_that_cannot_be_reached_is_said() -> None:
    with pytest.warns(DataWarning, match=r"complexes fill 0\.\d+ of 0\.300"):
        make_phantom(only(shape=(34, 40, 40), complexes=("ribosome",), occupancy=0.3), 1)


def test_nothing_but_ice_is_a_phantom_too() -> None:
    phantom = make_phantom(only(shape=(16, 24, 20)), 1)
    assert phantom.features == []
    assert phantom.tomogram_data.std() == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("thickness", [30.0, 40.0, 50.0])
def test_a_bilayer_has_two_leaflets_and_keeps_its_charge_at_every_voxel_size(thickness: float) -> None:
    distance = np.linspace(-100, 100, 2001)
    fine = bilayer_density(distance, thickness, 2.0)
    assert abs(distance[np.argmax(fine)]) == pytest.approx(thickness / 2, abs=1.5)
    assert fine[1000] < 0.3 * fine.max()
    for voxel_size in (8.0, 15.0):
        coarse = bilayer_density(distance, thickness, voxel_size)
        assert coarse.sum() == pytest.approx(fine.sum(), rel=0.02)


@pytest.mark.parametrize("name", template_names())
def test_every_map_is_centred_and_on_the_electron_scale(name: str) -> None:
    template = load_template(name)
    n = template.density.shape[0]
    grid = np.indices(template.density.shape) - n // 2
    centre = (grid * template.density).sum((1, 2, 3)) / template.density.sum()
    np.testing.assert_allclose(centre, 0, atol=0.05)
    # electrons above ice per Da of protein or ribosome
    per_dalton = template.density.sum() * template.voxel_size**3 / (template.kilodalton * 1000)
    assert 0.12 < per_dalton < 0.2
    assert 0.5 < template.volume / (template.kilodalton * 1000 * 2) < 1.6
    assert template.source and template.licence


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"complexes": ("ribozome",)}, "known: "),
        ({"complexes": ("clpp", "clpp=3")}, "twice"),
        ({"complexes": ("clpp=-1",)}, "number of copies"),
        ({"complexes": ("clpp=1e9",)}, "number of copies"),
    ],
)
def test_a_wrong_complex_is_refused(values: dict[str, tuple[str, ...]], said: str) -> None:
    with pytest.raises(ParameterProblem, match=said):
        make_phantom(only(shape=(16, 16, 16), **values))


@pytest.mark.parametrize(
    "values",
    [
        {"shape": (4, 64, 64)},
        {"shape": (64, 64)},
        {"shape": (4000, 4000, 4000)},
        {"voxel_size": float("nan")},
        {"snr": 0.0},
        {"vesicle_radius": (400.0, 200.0)},
        {"occupancy": 0.5},
        {"tilt_step": 0.0},
    ],
)
def test_parameters_out_of_bounds_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ParameterProblem):
        SimulateParams(**values)  # type: ignore[arg-type]


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ParameterProblem, match="seed"):
        make_phantom(only(shape=(16, 16, 16)), -1)

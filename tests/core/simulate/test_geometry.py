"""The truth and the tomogram agree on where things are and how they are turned."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import affine_transform, distance_transform_edt
from scipy.spatial import cKDTree

from ais_app import Phantom, make_phantom
from ais_app.core.simulate.templates import load_template

from .scenes import only, perfect


def _around(position_voxels: np.ndarray, half: int, shape: tuple[int, ...]) -> tuple[slice, ...] | None:
    centre = np.rint(position_voxels).astype(int)
    if (centre < half).any() or (centre + half >= shape).any():
        return None
    return tuple(slice(c - half, c + half + 1) for c in centre)


def test_a_bead_lies_where_the_truth_says_within_a_tenth_of_a_voxel(voxel_size: float) -> None:
    shape = (45, 70, 62)
    phantom = make_phantom(perfect(shape=shape, voxel_size=voxel_size, n_beads=3, bead_diameter=9 * voxel_size), 4)
    beads = phantom.particles["gold"]
    assert len(beads) == 3
    for position in beads.positions_zyx / voxel_size:
        where = _around(position, 8, shape)
        if where is None:
            continue
        grid = np.stack(np.meshgrid(*(np.arange(s.start, s.stop) for s in where), indexing="ij"), -1)
        dark = -phantom.tomogram_data[where]
        weight = np.where((dark > 0.3 * dark.max()) & (np.linalg.norm(grid - position, axis=-1) < 6.5), dark, 0)
        centre = (weight[..., None] * grid).sum((0, 1, 2)) / weight.sum()
        np.testing.assert_allclose(centre, position, atol=0.1)


def _correlation(phantom: Phantom, name: str, position_zyx: np.ndarray, rotation_xyz: np.ndarray) -> float:
    """Correlate the map, turned by scipy from its x y z matrix, with the tomogram around a place."""
    template, size = load_template(name), phantom.voxel_size
    half = int(1.1 * template.radius / size)
    where = _around(position_zyx / size, half, phantom.tomogram_data.shape)
    if where is None:
        return float("nan")
    corner = np.array([s.start for s in where])
    # scipy asks where an output voxel comes from: back by the transpose, with z y x in place of x y z
    matrix = rotation_xyz[::-1, ::-1].T * (size / template.voxel_size)
    offset = template.density.shape[0] // 2 + matrix @ (corner - position_zyx / size)
    turned = affine_transform(template.density, matrix, offset, output_shape=(2 * half + 1,) * 3, order=1)
    grid = np.indices(turned.shape) - half
    ball = np.sqrt((grid**2).sum(0)) <= half
    return float(np.corrcoef(turned[ball], -phantom.tomogram_data[where][ball])[0, 1])


def test_a_map_turned_by_the_written_matrix_fits_the_tomogram_and_no_other_matrix_does(voxel_size: float) -> None:
    params = perfect(shape=(48, 90, 90), voxel_size=voxel_size, complexes=("ribosome=4",))
    phantom = make_phantom(params, 11)
    ribosomes = phantom.particles["ribosome"]
    assert ribosomes.rotations is not None
    np.testing.assert_allclose(np.linalg.det(ribosomes.rotations), 1)
    tried = 0
    for position, rotation in zip(ribosomes.positions_zyx, ribosomes.rotations, strict=True):
        right = _correlation(phantom, "ribosome", position, rotation)
        if np.isnan(right):
            continue
        tried += 1
        assert right > 0.93
        wrong = [rotation.T, rotation[::-1, ::-1], *(r for r in ribosomes.rotations if r is not rotation)]
        far = [r for r in wrong if np.trace(r @ rotation.T) < 2]  # more than 60° away
        assert right > 0.1 + max(_correlation(phantom, "ribosome", position, r) for r in far)
        shifted = position + np.array([0, 0, 2 * voxel_size])
        assert right > 0.05 + _correlation(phantom, "ribosome", shifted, rotation)
    assert tried


def test_labels_cover_the_dark_density() -> None:
    params = perfect(shape=(48, 96, 96), n_microtubules=1, n_vesicles=1, complexes=("ribosome=6",), n_beads=2)
    phantom = make_phantom(params, 2)
    assert set(phantom.features) == {"microtubule", "membrane", "ribosome", "gold"}
    ice = phantom.tomogram_data[distance_transform_edt(phantom.label_volume == 0) > 4]
    for name in phantom.features:
        inside = phantom.tomogram_data[phantom.mask(name) > 0]
        assert inside.mean() < ice.mean() - 5 * ice.std() / np.sqrt(len(inside))
    # nearly all of what is clearly darker than ice is labelled
    dark = phantom.tomogram_data < ice.mean() - 6 * ice.std()
    near = distance_transform_edt(phantom.label_volume == 0) <= 1.5
    assert near[dark].mean() > 0.97


def test_masks_are_the_label_volume_taken_apart() -> None:
    phantom = make_phantom(only(shape=(40, 64, 64), n_beads=2, complexes=("clpp=5", "tric=2")), 3)
    joined = sum(mask.astype(int) * phantom.label_values[name] for name, mask in phantom.labels.items())
    np.testing.assert_array_equal(joined, phantom.label_volume)
    assert {int(value) for mask in phantom.labels.values() for value in np.unique(mask)} == {0, 1}


def test_a_microtubule_is_a_hollow_tube_about_its_axis(voxel_size: float) -> None:
    shape = tuple(int(n * 10 / voxel_size) for n in (48, 110, 110))
    phantom = make_phantom(perfect(shape=shape, voxel_size=voxel_size, n_microtubules=1), 5)
    (tube,) = phantom.filaments
    assert tube.length > 400
    axis = tube.axis_zyx / voxel_size
    voxels = np.argwhere(np.ones(shape, bool))
    distance, nearest = cKDTree(axis).query(voxels)
    middle = (nearest > 3) & (nearest < len(axis) - 4)
    radius, dark = distance[middle] * voxel_size, -phantom.tomogram_data.ravel()[middle]
    profile = [dark[(radius >= r) & (radius < r + 10)].mean() for r in range(0, 180, 10)]
    assert 90 <= 10 * int(np.argmax(profile)) <= 120  # the wall, whose middle is at 112 Å
    assert np.mean(profile[:5]) < 0.25 * max(profile)  # the lumen
    inside = phantom.mask("microtubule").ravel()[middle] > 0
    assert inside[radius < 125].all()
    assert not inside[radius > 137].any()


def test_a_receptor_stands_across_the_bilayer(voxel_size: float) -> None:
    params = perfect(shape=(60, 90, 90), voxel_size=voxel_size, n_vesicles=1, n_membrane_proteins=5)
    phantom = make_phantom(params, 6)
    receptors = phantom.particles["ampa_receptor"]
    offset = load_template("ampa_receptor").membrane_offset
    assert offset is not None and receptors.rotations is not None and len(receptors) >= 4
    # the middle of the membrane: the offset along the template's z axis, turned
    feet = receptors.positions_zyx + offset * receptors.rotations[:, ::-1, 2]
    index = np.rint(feet / voxel_size).astype(int)
    depth = distance_transform_edt(
        np.isin(phantom.label_volume, [phantom.label_values[name] for name in ("membrane", "ampa_receptor")])
    )
    inside = (index >= 0).all(1) & (index < params.shape).all(1)
    assert (depth[tuple(index[inside].T)] * voxel_size >= 10).all()

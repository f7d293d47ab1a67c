from pathlib import Path

import numpy as np
import pytest

from ais_app.core.errors import DataWarning, ModelProblem, ParameterProblem
from ais_app.core.prediction.normalise import KINDS, Normalisation, check_contrast
from ais_app.core.tomogram import Statistics, Tomogram

VOLUME = np.random.default_rng(1).normal(140, 25, (6, 20, 24)).astype(np.float32)
TOMOGRAM = Tomogram(VOLUME)


def test_a_crop_is_scaled_like_the_whole():
    recipe = Normalisation()
    whole = recipe.apply(VOLUME, TOMOGRAM.statistics)
    crop = recipe.apply(TOMOGRAM.slab(3, region=(slice(2, 9), slice(5, 6))), TOMOGRAM.statistics)
    np.testing.assert_array_equal(crop[0], whole[3, 2:9, 5:6])
    assert abs(whole.mean()) < 1e-5
    assert abs(whole.std() - 1) < 1e-5


def test_slice_recipe_scales_every_slice_by_itself():
    recipe = Normalisation("slice")
    assert recipe.whole_slices
    scaled = recipe.apply(VOLUME * np.arange(1, 7)[:, None, None])
    np.testing.assert_allclose(scaled.std(axis=(1, 2)), 1, rtol=1e-5)
    np.testing.assert_allclose(scaled.mean(axis=(1, 2)), 0, atol=1e-5)


@pytest.mark.parametrize("kind", ["tomogram", "slice"])
def test_a_blank_tomogram_becomes_zeros(kind):
    assert not Normalisation(kind).apply(np.full((1, 4, 4), 7.0), Statistics(7.0, 0.0)).any()


def test_integers_are_read_as_they_are_and_the_input_is_left_alone():
    grey = np.array([[[-120, 119]]], dtype=np.int8)
    scaled = Normalisation("none").apply(grey)
    scaled += 1
    assert grey.tolist() == [[[-120, 119]]]
    np.testing.assert_allclose(Normalisation().apply(grey, Statistics(-0.5, 119.5)), [[[-1, 1]]])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_holes_count_as_the_mean_and_are_said(kind, hole):
    grey = VOLUME.copy()
    grey[2, :3, :4] = hole
    with pytest.warns(DataWarning, match="TS_01.mrc: holds voxels that are no finite number"):
        scaled = Normalisation(kind).apply(grey, TOMOGRAM.statistics, "TS_01.mrc")
    assert not scaled[2, :3, :4].any()
    if kind == "slice":
        rest = np.delete(VOLUME[2].ravel(), [24 * y + x for y in range(3) for x in range(4)])
        np.testing.assert_allclose(scaled[2, 5], (VOLUME[2, 5] - rest.mean()) / rest.std(), atol=1e-4)
    else:
        np.testing.assert_array_equal(scaled[3], Normalisation(kind).apply(VOLUME, TOMOGRAM.statistics)[3])


def test_statistics_that_are_no_numbers_are_refused():
    with pytest.raises(ParameterProblem, match="TS_01.mrc: mean nan"):
        Normalisation().apply(VOLUME, Statistics(np.nan, 1.0), "TS_01.mrc")


@pytest.mark.parametrize(
    ("value", "words"),
    [(7, "all its voxels are 7"), (np.nan, "no voxel is a finite number"), (-np.inf, "no voxel is a finite number")],
)
def test_a_blank_tomogram_is_refused_by_name(value, words):
    blank = Tomogram(np.full((3, 8, 9), value, np.float32), path=Path("TS_01.mrc"))
    with pytest.raises(ParameterProblem, match=f"TS_01.mrc: {words}.*write it again"):
        check_contrast(blank)


@pytest.mark.parametrize("value", [0.0, np.nan])
@pytest.mark.parametrize("left", [0, 17, 39])
def test_blank_slices_are_fine_while_something_is_there(value, left):
    padded = np.full((40, 8, 9), value, np.float32)
    padded[left, 2, 3:5] = 1, 2
    check_contrast(Tomogram(padded))
    check_contrast(Tomogram(np.arange(4, dtype=np.int8).reshape(1, 2, 2)))


@pytest.mark.parametrize("kind", KINDS)
def test_recipes_survive_storage(kind):
    assert Normalisation.from_dict(Normalisation(kind).to_dict()) == Normalisation(kind)


@pytest.mark.parametrize("values", [{"kind": "median"}, {}, {"kind": "slice", "clip": 3}])
def test_unknown_recipes_are_refused(values):
    with pytest.raises(ModelProblem, match="normalisation"):
        Normalisation.from_dict(values)

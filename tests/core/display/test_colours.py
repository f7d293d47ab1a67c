"""Pictures of probabilities and labels, pixel by pixel."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ais_app.core.display.colours import FEATURE_COLOURS, composite, labels_rgba, probability_rgba, rgb
from ais_app.core.errors import ParameterProblem

ORANGE = "#e69f00"


def test_features_get_colours_that_differ():
    assert FEATURE_COLOURS[:3] == ("#E69F00", "#56B4E9", "#009E73")
    assert len({colour.upper() for colour in FEATURE_COLOURS}) == len(FEATURE_COLOURS) == 21
    apart = [np.abs(np.subtract(rgb(a), rgb(b))).sum() for a, b in itertools.combinations(FEATURE_COLOURS, 2)]
    assert min(apart) > 30


def test_an_overlay_goes_from_nothing_to_the_full_colour():
    prob = np.array([[0, 0.39, 0.4, 0.7, 1.0]], np.float32)
    picture = probability_rgba(prob, ORANGE, threshold=0.4, opacity=0.8)
    assert picture.dtype == np.uint8
    assert picture.shape == (1, 5, 4)
    np.testing.assert_array_equal(picture[0, :, :3], [[230, 159, 0]] * 5)
    np.testing.assert_allclose(picture[0, :, 3], [0, 0, 0, 102, 204], atol=1)


def test_heat_is_dark_then_coloured_then_light():
    picture = probability_rgba(np.array([[0.45, 0.55, 0.75, 1.0]]), ORANGE, 0.5, 1.0, "heat")[0]
    assert picture[0, 3] == 0
    assert 0 < picture[1, 3] < 255
    assert picture[2, 3] == picture[3, 3] == 255
    brightness = picture[:, :3].sum(axis=1)
    assert brightness[1] < brightness[2] < brightness[3]
    np.testing.assert_allclose(picture[2, :3], rgb(ORANGE), atol=4)


def test_a_contour_is_a_line_inside_the_area():
    prob = np.zeros((9, 9), np.float32)
    prob[2:7, 2:7] = 0.9
    prob[:, 8] = 0.9  # at the edge of the picture no line is drawn along it
    picture = probability_rgba(prob, ORANGE, 0.5, 1.0, "contour")
    line = np.zeros((9, 9), bool)
    line[2:7, 2:7] = True
    line[3:6, 3:6] = False
    line[:, 8] = True
    np.testing.assert_array_equal(picture[..., 3], 255 * line)
    assert not probability_rgba(np.ones((5, 5)), ORANGE, 0.5, 1.0, "contour")[..., 3].any()


@pytest.mark.parametrize("mode", ["overlay", "contour", "heat"])
def test_what_is_no_probability_is_clipped(mode):
    with np.errstate(all="raise"):
        picture = probability_rgba(np.array([[np.nan, -3, 7, np.inf]], np.float32), ORANGE, 0.5, 1.0, mode)
    assert picture[0, :2, 3].tolist() == [0, 0]
    if mode != "contour":
        assert picture[0, 2:, 3].tolist() == [255, 255]


@settings(max_examples=50, deadline=None)
@given(threshold=st.floats(0, 1), mode=st.sampled_from(["overlay", "heat"]), opacity=st.floats(0, 1))
def test_more_probable_is_never_less_opaque(threshold, mode, opacity):
    prob = np.linspace(0, 1, 301)[None]
    alpha = probability_rgba(prob, ORANGE, threshold, opacity, mode)[0, :, 3].astype(int)
    assert (np.diff(alpha) >= 0).all()
    assert not alpha[prob[0] < threshold - 1 / 255].any()
    assert alpha[-1] == pytest.approx(255 * opacity, abs=0.51)


def test_labels_are_filled_with_a_line_around():
    labels = np.zeros((10, 12), np.uint8)
    labels[2:8, 3:9] = 1
    picture = labels_rgba(labels, ORANGE, 0.4)
    np.testing.assert_array_equal(picture[labels == 1][:, :3], [[230, 159, 0]] * 36)
    assert not picture[labels == 0][:, 3].any()
    assert (picture[3:7, 4:8, 3] == 102).all()
    assert (picture[2, 3:9, 3] == 204).all()
    assert (picture[2:8, 8, 3] == 204).all()
    outline = labels_rgba(labels, ORANGE, 0.4, "outline")[..., 3]
    assert not outline[3:7, 4:8].any()
    np.testing.assert_array_equal(outline > 0, picture[..., 3] == 204)


def test_ignored_areas_are_hatched():
    labels = np.zeros((40, 40), np.uint8)
    labels[5:35, 5:35] = 2
    picture = labels_rgba(labels, ORANGE, 0.4)
    inside = picture[6:34, 6:34, 3]
    assert set(np.unique(inside)) == {0, 204}
    assert 0.15 < (inside > 0).mean() < 0.35
    np.testing.assert_array_equal(inside[1:, :-1], inside[:-1, 1:])  # along diagonals
    assert (picture[5, 5:35, 3] == 204).all()
    assert not picture[labels == 0][:, 3].any()


@pytest.mark.parametrize("style", ["fill", "outline"])
def test_a_part_is_drawn_as_in_the_whole(style, rng):
    """So that a stroke redraws no more than what it touched."""
    labels = np.kron(rng.integers(0, 3, (12, 300 // 5)), np.ones((5, 5))).astype(np.uint8)
    whole = labels_rgba(labels, ORANGE, 0.5, style)
    part = labels_rgba(labels[7:41, 261:290], ORANGE, 0.5, style, (7, 261))
    np.testing.assert_array_equal(part[1:-1, 1:-1], whole[8:40, 262:289])


def over(below, above):
    """Porter and Duff in floats, for one pixel."""
    a, b = above[3] / 255, below[3] / 255
    alpha = a + b * (1 - a)
    if alpha == 0:
        return below
    colour = (np.array(above[:3]) * a + np.array(below[:3]) * b * (1 - a)) / alpha
    return np.append(colour, 255 * alpha)


def test_layers_are_laid_over_each_other(rng):
    layers = [rng.integers(0, 256, (6, 7, 4), dtype=np.uint8) for _ in range(3)]
    layers[0][:2, :, 3], layers[1][1:4, :, 3], layers[2][:, :3, 3] = 0, 0, 255
    before = [layer.copy() for layer in layers]
    found = composite(layers)
    for y, x in np.ndindex(6, 7):
        truth = over(over(layers[0][y, x].astype(float), layers[1][y, x]), layers[2][y, x])
        assert found[y, x, 3] == pytest.approx(truth[3], abs=1.1)
        if truth[3] > 20:
            np.testing.assert_allclose(found[y, x, :3], truth[:3], atol=4)
    for layer, old in zip(layers, before, strict=True):
        np.testing.assert_array_equal(layer, old)


def test_one_layer_is_itself_and_a_copy():
    layer = np.full((2, 3, 4), 9, np.uint8)
    found = composite([layer])
    np.testing.assert_array_equal(found, layer)
    assert not np.shares_memory(found, layer)


@pytest.mark.parametrize(
    "call",
    [
        lambda p: probability_rgba(p, "orange"),
        lambda p: probability_rgba(p, ORANGE, 1.5),
        lambda p: probability_rgba(p, ORANGE, 0.5, float("nan")),
        lambda p: probability_rgba(p, ORANGE, mode="rainbow"),
        lambda p: labels_rgba(p.astype(np.uint8), ORANGE, 2),
        lambda p: labels_rgba(p.astype(np.uint8), ORANGE, style="dots"),
        lambda p: composite([]),
        lambda p: composite([np.zeros((2, 2, 4), np.uint8), np.zeros((2, 3, 4), np.uint8)]),
    ],
)
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(ParameterProblem):
        call(np.zeros((3, 3)))

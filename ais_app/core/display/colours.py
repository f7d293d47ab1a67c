"""Colours of features, and pictures of probabilities and labels to lay over a slice.

probability ──► 0…255 ──► table of 256 colours ──► (h, w, 4) uint8, not premultiplied
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from ais_app.core.annotation.labels import FEATURE, IGNORE
from ais_app.core.errors import ParameterProblem

# Okabe and Ito (2008), https://jfly.uni-koeln.de/color: told apart with any colour vision. Their black is left out
# (tomograms are dark), and yellow comes late (it hides on bright slices).
OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#D55E00", "#0072B2", "#F0E442")

Mode = Literal["overlay", "contour", "heat"]
Style = Literal["fill", "outline"]

_HATCH = 8  # pixels from stripe to stripe
_STRIPE = 2  # pixels wide


def _mixed(colour: str, other: tuple[int, int, int], share: float) -> str:
    """Return a colour with a share of another, as #RRGGBB."""
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in zip(rgb(colour), other, strict=True))


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0…255, of ``#rrggbb``.

    Raises
    ------
    ParameterProblem
        It is not a colour.
    """
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", colour):
        raise ParameterProblem("colour", f"{colour!r} is not a colour", "give it as #rrggbb")
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


# What features get in the order in which they are made: the sequence, then lighter and darker steps of it.
FEATURE_COLOURS = (
    *OKABE_ITO,
    *(_mixed(colour, (255, 255, 255), 0.5) for colour in OKABE_ITO),
    *(_mixed(colour, (0, 0, 0), 0.4) for colour in OKABE_ITO),
)


def probability_rgba(
    prob: np.ndarray, colour: str, threshold: float = 0.5, opacity: float = 0.7, mode: Mode = "overlay"
) -> np.ndarray:
    """Colour a plane of probabilities.

    Parameters
    ----------
    prob
        (h, w) 0 to 1, real; NaN counts as 0. Shown in steps of 1/255.
    colour
        ``#rrggbb`` of the feature.
    threshold
        Below it nothing is shown.
    opacity
        0 to 1, at the highest probability.
    mode
        ``"overlay"``: from transparent at the threshold to the full colour at 1; ``"contour"``: a line of one pixel
        along the threshold; ``"heat"``: from dark through the colour to nearly white, opaque soon after the threshold.

    Returns
    -------
    ndarray
        (h, w, 4) uint8, red green blue alpha, not premultiplied.

    Raises
    ------
    ParameterProblem
        Threshold, opacity, mode or colour is none.
    """
    _check_share("threshold", threshold)
    _check_share("opacity", opacity)
    if mode not in get_args(Mode):
        raise ParameterProblem("mode", f"{mode!r} is not known", f"choose one of {', '.join(get_args(Mode))}")
    steps = _steps(prob)
    if mode == "contour":
        line = _rim(steps >= int(threshold * 255 + 0.5))
        return _coloured(line.view(np.uint8), _flat_table(colour, (0, round(255 * opacity))))
    return _coloured(steps, _table(colour, threshold, opacity, mode))


def labels_rgba(
    labels: np.ndarray,
    colour: str,
    opacity: float = 0.4,
    style: Style = "fill",
    origin_yx: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """Colour a plane of labels.

    Parameters
    ----------
    labels
        (h, w) uint8: 0 background, 1 feature, 2 ignore, which is hatched.
    colour
        ``#rrggbb`` of the feature.
    opacity
        0 to 1; the line around a filled area is twice as opaque.
    style
        ``"fill"``: flat colour with a thin line around it; ``"outline"``: the line alone.
    origin_yx
        Where the first pixel lies in the plane, for a part of it: the hatching goes on as if it were drawn at once.
        Lines are drawn inside an area, where it ends within the array; give one pixel more around a part.

    Returns
    -------
    ndarray
        (h, w, 4) uint8, red green blue alpha, not premultiplied.

    Raises
    ------
    ParameterProblem
        Opacity, style or colour is none.
    """
    _check_share("opacity", opacity)
    if style not in get_args(Style):
        raise ParameterProblem("style", f"{style!r} is not known", f"choose one of {', '.join(get_args(Style))}")
    fill = round(255 * opacity)
    line = min(255, 2 * fill)
    feature = labels == FEATURE
    codes = feature.view(np.uint8) + _rim(feature)
    ignored = labels == IGNORE
    if ignored.any():
        codes |= (_stripes(labels.shape, origin_yx) & ignored | _rim(ignored)).view(np.uint8) << 1
    return _coloured(codes, _flat_table(colour, (0, fill if style == "fill" else 0, line)))


def composite(layers: Sequence[np.ndarray]) -> np.ndarray:
    """Lay pictures over each other.

    Parameters
    ----------
    layers
        One or more (h, w, 4) uint8, not premultiplied, the lowest first.

    Returns
    -------
    ndarray
        (h, w, 4) uint8, not premultiplied, a new array.

    Raises
    ------
    ParameterProblem
        There is none, or their shapes differ.
    """
    if not layers or any(layer.shape != layers[0].shape for layer in layers):
        raise ParameterProblem("layers", "are none, or of different shapes", "give pictures of one shape")
    result = np.array(layers[0], dtype=np.uint8, order="C")
    if len(layers) > 1:
        from ais_app.core.display.blending import lay_over  # one layer alone needs no compiler

        for layer in layers[1:]:
            lay_over(result.reshape(-1, 4), np.ascontiguousarray(layer, dtype=np.uint8).reshape(-1, 4))
    return result


def _packed(pixels: np.ndarray) -> np.ndarray:
    """Return pixels as one number each: a table look-up or a copy then moves four bytes at once."""
    return pixels.reshape(-1).view(np.uint32)


def _unpacked(pixels: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    return pixels.view(np.uint8).reshape(*shape[:2], 4)


def _coloured(codes: np.ndarray, table: np.ndarray) -> np.ndarray:
    return _unpacked(np.take(table, codes.reshape(-1)), codes.shape)


def _steps(prob: np.ndarray) -> np.ndarray:
    """Return probabilities as 0…255, uint8; NaN is 0."""
    scaled = np.multiply(prob, np.float32(255), dtype=np.float32)
    np.fmax(scaled, 0, out=scaled)
    np.fmin(scaled, 255, out=scaled)
    scaled += np.float32(0.5)
    return scaled.astype(np.uint8)


@lru_cache(maxsize=256)
def _table(colour: str, threshold: float, opacity: float, mode: Mode) -> np.ndarray:
    """Return the colours of the 256 steps, packed."""
    value = np.arange(256) / 255
    above = np.clip((value - threshold) / max(1 - threshold, 1e-9), 0, 1)
    base = np.array(rgb(colour), dtype=float)
    if mode == "overlay":
        red_green_blue = np.tile(base, (256, 1))
        alpha = above * opacity
    else:
        places = [0.0, 0.5, 1.0]
        stops = np.stack([base * 0.25, base, base + 0.8 * (255 - base)])
        red_green_blue = np.stack([np.interp(above, places, stops[:, channel]) for channel in range(3)], axis=1)
        alpha = np.clip(above * 5, 0, 1) * opacity
    alpha[255] = opacity  # also with a threshold of 1
    table = np.concatenate([red_green_blue, 255 * alpha[:, None]], axis=1)
    return _packed(np.rint(table).astype(np.uint8))


@lru_cache(maxsize=256)
def _flat_table(colour: str, alphas: tuple[int, ...]) -> np.ndarray:
    """Return one colour with several opacities, packed; code 0 is transparent."""
    return _packed(np.array([(*rgb(colour), alpha) for alpha in alphas], dtype=np.uint8))


def _rim(area: np.ndarray) -> np.ndarray:
    """Return the pixels of an area with a neighbour, left, right, above or below, that is not of it."""
    inner = area.copy()
    inner[1:] &= area[:-1]
    inner[:-1] &= area[1:]
    inner[:, 1:] &= area[:, :-1]
    inner[:, :-1] &= area[:, 1:]
    return np.asarray(area ^ inner)


def _stripes(shape: Sequence[int], origin_yx: tuple[int, int]) -> np.ndarray:
    """Return which pixels lie on a stripe, (h, w) bool."""
    # bytes: eight times as fast as whole numbers of 64 bits, and 256 is a multiple of the distance of stripes
    rows, columns = ((np.arange(n) + first).astype(np.uint8) for n, first in zip(shape, origin_yx, strict=True))
    return np.asarray((rows[:, None] + columns) % np.uint8(_HATCH) < _STRIPE)


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ParameterProblem(name, f"{value:g} is out of bounds", "choose 0 to 1")

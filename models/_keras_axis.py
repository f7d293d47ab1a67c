"""What the layers of a Keras network do along one axis: how long the result is, and what it is computed from.

The length of every intermediate result is ``ratio * n + offset``, where n is the length of the input, a multiple of the
network's stride. So the padding that Keras works out at run time (``same`` pads what is missing, the odd pixel behind)
is the same for all lengths, and known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

Interval: TypeAlias = "tuple[int, int] | None"  # first and last index; None: nothing


@dataclass(frozen=True)
class Extent:
    """A length, ``ratio * n + offset``."""

    ratio: Fraction = Fraction(1)
    offset: int = 0


@dataclass(frozen=True)
class Step:
    """A layer along one axis.

    Parameters
    ----------
    extent
        Of its result.
    source
        From the first and the last index of a stretch of the result to those of the input that it is computed from,
        far from the ends.
    before, after
        What is added in front and behind (of the input of a window, of the full result of `spread`); negative: cut off.
    """

    extent: Extent
    source: Callable[[int, int], Interval]
    before: int = 0
    after: int = 0


def pointwise(extent: Extent) -> Step:
    """Return a layer that looks at single pixels."""
    return Step(extent, lambda first, last: (first, last))


def window(extent: Extent, size: int, stride: int, same: bool) -> Step:
    """Return a convolution or pooling.

    Parameters
    ----------
    extent
        Of its input.
    size
        Pixels from the first to the last that it looks at, gaps of a dilation included.
    stride
        Of the window.
    same
        Pad so that the result has one pixel for each stride, else use whole windows only.
    """
    before = after = 0
    if same:
        # the last window starts at the last multiple of the stride
        missing = max(size - (extent.offset % stride or stride), 0)
        before, after = missing // 2, missing - missing // 2
        offset = -(-extent.offset // stride)
    else:
        offset = (extent.offset - size) // stride + 1

    def source(first: int, last: int) -> Interval:
        return first * stride - before, last * stride - before + size - 1

    return Step(Extent(extent.ratio / stride, offset), source, before, after)


def spread(extent: Extent, size: int, stride: int, same: bool, extra: int | None = None) -> Step:
    """Return a transposed convolution: every pixel is spread over `size` pixels, `stride` apart.

    The full result has ``(m - 1) * stride + size`` pixels for m; Keras cuts it, or fills it up with zeros behind.

    Parameters
    ----------
    extent, size, stride
        As for `window`.
    same
        Cut to m * stride pixels, the odd pixel behind.
    extra
        Keras's ``output_padding``; ``None``: a length of its own choice.
    """
    if extra is not None:
        wanted = size - stride + extra - (2 * (size // 2) if same else 0)
    else:
        wanted = 0 if same else max(size - stride, 0)
    surplus = size - stride - wanted  # beyond m * stride + wanted
    before = surplus // 2 if same and surplus > 0 else 0

    def source(first: int, last: int) -> Interval:
        low, high = -((size - 1 - first - before) // stride), (last + before) // stride
        return (low, high) if low <= high else None

    return Step(Extent(extent.ratio * stride, extent.offset * stride + wanted), source, -before, -(surplus - before))


def repeat(extent: Extent, times: int, linear: bool) -> Step:
    """Return an up-sampling by repetition, or by linear interpolation between the centres of pixels."""

    def source(first: int, last: int) -> Interval:
        if not linear:
            return first // times, last // times
        # the centre of pixel i lies at (i + 1/2) / times - 1/2
        low, high = ((2 * index + 1 - times, 2 * times) for index in (first, last))
        return low[0] // low[1], -(-high[0] // high[1])

    return Step(Extent(extent.ratio * times, extent.offset * times), source)


def shift(extent: Extent, before: int, after: int) -> Step:
    """Return a padding with zeros, or a cropping where the numbers are negative."""
    return Step(
        Extent(extent.ratio, extent.offset + before + after),
        lambda first, last: (first - before, last - before),
        before,
        after,
    )

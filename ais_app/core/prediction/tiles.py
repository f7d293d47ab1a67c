"""Cut a slice into windows a network can compute, so that the joined result does not depend on the cut.

    slice        0 ─────────────────────────────────────── size
    extent  ┌────┼─────────────────────────────────────────┼────┐   mirrored border, a multiple of the stride
    window  └───────────── seen ───────────┘
                 └──────── kept ──────┘
    window                       └───────────── seen ────────────┘
                                      └──────── kept ──────┘

Three rules make it exact: windows start at multiples of the stride counted from the slice's first pixel, so that
pooling cells fall alike; a window sees `halo` pixels more than it keeps, at least as far as the network looks; and
a window that ends where the extent ends has the same zero padding there as the whole extent would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ais_app.core.errors import ParameterProblem

BORDER = 16  # mirrored pixels outside the slice; keeps the zero padding of convolutions away from the data


@dataclass(frozen=True)
class Lens:
    """What limits the windows of a network.

    Parameters
    ----------
    stride
        Sizes of windows are multiples of this.
    receptive_field
        Pixels across that can influence one output pixel.
    """

    stride: int
    receptive_field: int

    @property
    def halo(self) -> int:
        """Pixels that a window sees beyond what it keeps, a multiple of the stride.

        One stride more than half the receptive field: a pixel at the edge of its pooling cell looks that much
        further to one side.
        """
        return _up(self.receptive_field // 2 + self.stride, self.stride)

    @property
    def border(self) -> int:
        """Mirrored pixels on every side of the slice, a multiple of the stride."""
        return min(self.halo, _up(BORDER, self.stride))

    @property
    def smallest(self) -> int:
        """Smallest edge of a window that still keeps something."""
        return 2 * self.halo + self.stride


@dataclass(frozen=True)
class Stretch:
    """One axis of a window, as pixel indices of the slice; `seen` may reach into the border."""

    seen: slice
    kept: slice


@dataclass(frozen=True)
class Layout:
    """One axis of a slice cut into stretches, all of the same length.

    Parameters
    ----------
    wanted
        Pixels to predict.
    extent
        Pixels that are needed for it; may reach into the border.
    stretches
        They keep every wanted pixel exactly once.
    """

    wanted: slice
    extent: slice
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True)
class Window:
    """A rectangle of the slice that goes through the network at once."""

    rows: Stretch
    columns: Stretch


def windows(rows: Layout, columns: Layout) -> Iterator[Window]:
    """Yield the windows row by row."""
    for row in rows.stretches:
        for column in columns.stretches:
            yield Window(row, column)


def layout(size: int, wanted: slice, lens: Lens, limit: int) -> Layout:
    """Cut one axis of a slice.

    Parameters
    ----------
    size
        Pixels of the slice along this axis.
    wanted
        Range of pixels to predict, not empty, within the slice.
    lens
        The network's stride and receptive field.
    limit
        Longest window, pixels.

    Raises
    ------
    ParameterProblem
        The limit is too small for the network.
    """
    stride, halo = lens.stride, lens.halo
    low = max(-lens.border, _down(wanted.start - halo, stride))
    high = min(_up(size + lens.border, stride), _up(wanted.stop + halo, stride))
    if high - low <= limit:
        return Layout(wanted, slice(low, high), (Stretch(slice(low, high), wanted),))
    if limit < lens.smallest:
        remedy = f"give at least {lens.smallest}, or 0 for automatic"
        raise ParameterProblem("tile", f"{limit} pixels are too few for this network", remedy)
    # as few windows as the limit allows, then as short as that number allows
    core = _down(limit, stride) - 2 * halo
    count = -(-(high - low - 2 * halo) // core)
    length = _up(-(-(high - low + (count - 1) * 2 * halo) // count), stride)
    steps = [(high - low - length) * k / (count - 1) for k in range(count)]
    starts = [low + int(round(step / stride)) * stride for step in steps]
    cuts = [(left + length + right) // 2 for left, right in zip(starts[:-1], starts[1:], strict=True)]
    edges = [wanted.start, *cuts, wanted.stop]
    stretches = tuple(Stretch(slice(s, s + length), slice(edges[k], edges[k + 1])) for k, s in enumerate(starts))
    return Layout(wanted, slice(low, high), stretches)


def mirrored(extent: slice, size: int) -> np.ndarray:
    """Return the pixel of the slice that stands at each place of `extent`, mirrored at the first and last pixel.

    >>> mirrored(slice(-2, 6), 4).tolist()
    [2, 1, 0, 1, 2, 3, 2, 1]
    """
    if size == 1:
        return np.zeros(extent.stop - extent.start, dtype=np.intp)
    period = 2 * (size - 1)
    places = np.abs(np.arange(extent.start, extent.stop)) % period
    return np.minimum(places, period - places)


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def _down(value: int, step: int) -> int:
    return value // step * step

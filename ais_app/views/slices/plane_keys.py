"""What planes are called in the cache: equal keys mean equal planes."""

from __future__ import annotations

from collections.abc import Hashable

from ais_app.core.tomogram import Region
from ais_app.state.resolve import ACROSS_UP, PaneView

LabelKey = tuple[str, int, int, str, int, int]


def image_key(view: PaneView) -> Hashable:
    """Return the key of the image that a pane asks for."""
    return "image", view.tomogram, view.request


def histogram_key(view: PaneView) -> Hashable:
    """Return the key of the histogram of that image."""
    return "histogram", view.tomogram, view.request


def label_key(view: PaneView, feature: int, version: int) -> LabelKey:
    """Return the key of a feature's labels in the plane of a pane."""
    assert view.tomogram is not None and view.request is not None  # asked for a pane with an image
    return "labels", view.tomogram, feature, view.axis, view.request.index, version


def key_after(tomogram: int, feature: int, region: Region, version: int, key: Hashable) -> Hashable | None:
    """Return the key of a plane after labels have changed in a region; ``None`` when the plane is stale."""
    if not isinstance(key, tuple) or key[:3] != ("labels", tomogram, feature):
        return key
    axis, index, before = key[3:]
    # a plane of an older version missed a change before this one
    return None if before != version - 1 or meets(region, axis, index) else (*key[:5], version)


def meets(region: Region, axis: str, index: int) -> bool:
    """Return whether a plane crosses a region."""
    part = region["zyx".index(axis)]
    return bool(part.start <= index < part.stop)


def rows_and_columns(region: Region, axis: str, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the part of a pane's plane, (up, across) of `shape`, that a region covers."""
    across, up = ACROSS_UP[axis]
    rows, columns = (
        slice(max(part.start, 0), min(part.stop, length))
        for part, length in zip((region["zyx".index(name)] for name in (up, across)), shape, strict=True)
    )
    return rows, columns


def region_of(axis: str, index: int, rows: slice, columns: slice) -> Region:
    """Return the region of the tomogram that part of a pane's plane is."""
    across, up = ACROSS_UP[axis]
    spans = {axis: slice(index, index + 1), up: rows, across: columns}
    return spans["z"], spans["y"], spans["x"]

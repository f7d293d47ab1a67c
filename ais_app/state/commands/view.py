"""Commands about what is seen: contrast, filters, slab, crop region, planes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ais_app.core.display.view_slice import FilterSetting
from ais_app.core.errors import ParameterProblem
from ais_app.core.filters import filter_named
from ais_app.core.params import Params
from ais_app.state.commands import tomograms
from ais_app.state.log import command
from ais_app.state.session import Session

SMALLEST_CROP = 16  # voxels
MOST_SLAB = 101  # slices


def toggle(session: Session, field: str) -> None:
    """Switch one field of the view on or off."""
    setattr(session.view, field, not getattr(session.view, field))


def set_contrast(session: Session, low: float, high: float) -> None:
    """Choose which grey values are black and white.

    Raises
    ------
    ParameterProblem
        `low` is not below `high`.
    """
    if not low < high:
        raise ParameterProblem("contrast", f"{low:g} to {high:g} is no range", "choose low below high")
    session.view.contrast = (float(low), float(high))


def auto_contrast(session: Session) -> None:
    """Choose black and white from the slice in view."""
    if session.view.contrast is None:
        session.view.events.contrast.emit(None, None)  # automatic already: look at the slice again
    session.view.contrast = None


def lock_contrast(session: Session, locked: bool, limits: tuple[float, float] | None = None) -> None:
    """Keep the grey values for other tomograms too; `limits` are those in use where they are automatic."""
    if locked and session.view.contrast is None and limits is not None:
        session.view.contrast = limits
    session.view.contrast_locked = locked


def set_slab(session: Session, slices: int) -> None:
    """Average so many slices for display; an even number becomes the next odd one."""
    session.view.slab = min(max(int(slices) // 2 * 2 + 1, 1), MOST_SLAB)


def set_planes(session: Session, planes: str) -> None:
    """Show XY alone (``"xy"``), or XZ and YZ beside it (``"xyz"``)."""
    if planes not in ("xy", "xyz"):
        raise ParameterProblem("planes", f"{planes!r} is not known", "choose xy or xyz")
    session.view.planes = planes


# display filters


@command("Set the display filters")
def set_filters(session: Session, filters: Sequence[Mapping[str, Any]]) -> None:
    """Replace the chain of display filters; each is a mapping with name, params and enabled.

    Raises
    ------
    ParameterProblem
        A filter or a parameter is not known or out of bounds.
    """
    settings = [FilterSetting.from_dict(values) for values in filters]
    for setting in settings:
        setting.parameters()
    session.view.filters = tuple(setting.to_dict() for setting in settings)


@command("Add the filter {name}")
def add_filter(session: Session, name: str) -> None:
    """Put a filter at the end of the chain, and let filters act."""
    setting = FilterSetting(name, filter_named(name).params().to_dict())
    session.view.filters = (*session.view.filters, setting.to_dict())
    session.view.filters_on = True


@command("Remove filter {place}")
def remove_filter(session: Session, place: int) -> None:
    """Take a filter out of the chain; places count from 0."""
    kept = list(session.view.filters)
    del kept[_checked_place(session, place)]
    session.view.filters = tuple(kept)


@command("Move filter {place} to {to}")
def move_filter(session: Session, place: int, to: int) -> None:
    """Let a filter act earlier or later."""
    order = list(session.view.filters)
    moved = order.pop(_checked_place(session, place))
    order.insert(min(max(to, 0), len(order)), moved)
    session.view.filters = tuple(order)


def change_filter(session: Session, place: int, params: Params | None = None, enabled: bool | None = None) -> None:
    """Change the parameters of a filter, or switch it on and off."""
    settings = list(session.view.filters)
    setting = dict(settings[_checked_place(session, place)])
    if params is not None:
        setting["params"] = params.to_dict()
    if enabled is not None:
        setting["enabled"] = enabled
    settings[place] = setting
    session.view.filters = tuple(settings)


def _checked_place(session: Session, place: int) -> int:
    count = len(session.view.filters)
    if not 0 <= place < count:
        raise ParameterProblem("filter", f"there is none at place {place}", f"there are {count}, counted from 0")
    return place


# the region that prediction and export are restricted to


@command("Restrict to y, x = {crop}")
def set_crop(session: Session, crop: tuple[int, int, int, int] | None) -> None:
    """Restrict prediction and export to (y0, y1, x0, x1) voxels; ``None`` for all of the slice.

    What lies outside the tomogram is cut off, and a region is at least 16 voxels wide.
    """
    session.view.crop = None if crop is None else fitted_crop(session, crop)


def fitted_crop(session: Session, crop: Sequence[float]) -> tuple[int, int, int, int]:
    """Return the region nearest to `crop` that lies inside the tomogram in view."""
    entry = session.tomogram
    if entry is None:
        raise ParameterProblem("crop", "there is no tomogram in view", "open one first")
    (y0, y1), (x0, x1) = (
        _fitted_span(low, high, length)
        for low, high, length in zip(crop[::2], crop[1::2], entry.shape[1:], strict=True)
    )
    return y0, y1, x0, x1


def _fitted_span(low: float, high: float, length: int) -> tuple[int, int]:
    least = min(SMALLEST_CROP, length)
    first, last = sorted((round(low), round(high)))
    first = min(max(first, 0), length - least)
    return first, min(max(last, first + least), length)


def start_crop(session: Session) -> None:
    """Restrict to the middle four fifths of the slice, to be changed from there."""
    entry = session.tomogram
    if entry is not None:
        _, height, width = entry.shape
        set_crop(session, (height // 10, height - height // 10, width // 10, width - width // 10))


def toggle_crop(session: Session) -> None:
    """Take the crop region in the hand, a new one where there is none, or lay it down; the region stays."""
    if session.view.tool == "crop":
        session.view.tool = "brush"
        return
    if session.view.crop is None:
        start_crop(session)
    session.view.tool = "crop"


@command("Restrict to slices {z_range}")
def set_z_range(session: Session, z_range: tuple[int, int] | None) -> None:
    """Restrict export to slices (first, last + 1); ``None`` for all."""
    entry = session.tomogram
    if z_range is None or entry is None:
        session.view.z_range = None
        return
    first, last = sorted(z_range)
    first = min(max(int(first), 0), entry.shape[0] - 1)
    session.view.z_range = (first, min(max(int(last), first + 1), entry.shape[0]))


# moving


def go_to_annotated(session: Session, step: int) -> None:
    """Go to the next (1) or previous (-1) slice on which the chosen feature is annotated."""
    view = session.view
    if view.tomogram is None or view.feature is None:
        return
    slices = session.project.labels(view.tomogram, view.feature).annotated_slices()
    beyond = [z for z in slices if (z - view.z) * step > 0]
    if beyond:
        tomograms.go_to(session, z=min(beyond) if step > 0 else max(beyond))

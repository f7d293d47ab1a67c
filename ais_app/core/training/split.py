"""What is held out: tomograms, else a slab of slices with a gap, else a strip of every slice with a gap; never boxes.

Boxes of one slice show the same particles and the same noise; a network measured on neighbours of what it learned
from looks better than it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ais_app.core.annotation.labels import FEATURE
from ais_app.core.errors import ParameterProblem
from ais_app.core.training.data import Ground
from ais_app.core.training.parameters import TrainParams

SMALLEST_GAP_VOXELS = 8  # kept between training and held-out slices where the annotation is tall enough
FEWEST_SLICES = 3  # below this a slab of slices would cost half of the annotation


@dataclass(frozen=True)
class Area:
    """Part of a tomogram that boxes may come from.

    Parameters
    ----------
    ground
        The tomogram.
    slices
        z of the slices, annotated ones and those with boxes.
    columns
        x from and to (exclusive).
    """

    ground: Ground
    slices: tuple[int, ...]
    columns: tuple[int, int]


Part = tuple[Area, Area, str]  # to learn from, held out, in words
Cut = Callable[[Area, TrainParams, bool], Part | None]


@dataclass(frozen=True)
class Split:
    """What to learn from, what to measure on, and how they were divided, in words."""

    training: tuple[Area, ...]
    held_out: tuple[Area, ...]
    words: str


def split(grounds: Sequence[Ground], params: TrainParams) -> Split:
    """Divide labelled tomograms into training and held-out areas.

    Raises
    ------
    ParameterProblem
        The division that was asked for cannot be made from this annotation.
    """
    areas = [Area(ground, _slices(ground), (0, ground.shape[2])) for ground in grounds]
    areas = [area for area in areas if area.slices]
    if params.validation == "none":
        return Split(tuple(areas), (), "nothing is held out, as asked")
    ways = {"tomogram": _by_tomogram, "slab": _by_slab, "area": _by_strip}
    if params.validation != "auto":
        found = ways[params.validation](areas, params)
        if found is None:
            problem = f"{params.validation!r} cannot be held out of this annotation"
            raise ParameterProblem("validation", problem, "annotate more, or choose auto")
        return found
    for way in ways.values():
        found = way(areas, params)
        if found is not None:
            return found
    return Split(tuple(areas), (), "nothing is held out: the annotation is too small to divide")


def _slices(ground: Ground) -> tuple[int, ...]:
    return tuple(sorted({*ground.slices, *(box[0] for box in ground.boxes)}))


def _by_tomogram(areas: list[Area], params: TrainParams) -> Split | None:
    if len(areas) < 2 or sum(map(_has_feature, areas)) == 1:
        return None
    areas = sorted(areas, key=_has_feature)  # without the feature nothing can be measured: those are learned from
    count = min(len(areas) - 1, max(1, round(params.validation_share * len(areas))))
    names = ", ".join(area.ground.source.name for area in areas[-count:])
    return Split(tuple(areas[:-count]), tuple(areas[-count:]), f"held out by tomogram: {names}")


def _by_slab(areas: list[Area], params: TrainParams) -> Split | None:
    parts = _parted(areas, params, _slab)
    return None if parts is None else _joined("held out by slab: ", parts)


def _by_strip(areas: list[Area], params: TrainParams) -> Split | None:
    parts = _parted(areas, params, _strip)
    few = f"held out by area, because fewer than {FEWEST_SLICES} slices are annotated: "
    enough = params.validation == "area" or all(len(area.slices) >= FEWEST_SLICES for area in areas)
    return None if parts is None else _joined("held out by area: " if enough else few, parts)


def _parted(
    areas: list[Area], params: TrainParams, cut: Callable[[Area, TrainParams, bool], Part | None]
) -> list[Part] | None:
    """Cut every area at its last or its first end: where both parts show the feature, if it has any."""
    parts = []
    for area in areas:
        ends = [part for part in (cut(area, params, last) for last in (True, False)) if part is not None]
        telling = [part for part in ends if _has_feature(part[0]) and _has_feature(part[1])]
        found = next(iter(telling if _has_feature(area) else ends), None)
        if found is None:
            return None
        parts.append(found)
    return parts


def _joined(title: str, parts: list[Part]) -> Split:
    training, held_out, words = zip(*parts, strict=True)
    return Split(training, held_out, title + "; ".join(words))


def _slab(area: Area, params: TrainParams, last: bool) -> Part | None:
    """Hold the last or the first slices out; ``None`` where too few would be left to learn from."""
    slices = area.slices
    if len(slices) < FEWEST_SLICES:
        return None
    height = slices[-1] - slices[0] + 1
    gap = max(params.depth, min(SMALLEST_GAP_VOXELS, height // 8))
    count = max(1, round(params.validation_share * len(slices)))
    held = slices[-count:] if last else slices[:count]
    kept = tuple(z for z in slices if (z < held[0] - gap if last else z > held[-1] + gap))
    if 2 * len(kept) < len(slices):
        return None
    between = held[0] - kept[-1] - 1 if last else kept[0] - held[-1] - 1
    place = f"slices from {held[0]}" if last else f"slices to {held[-1]}"
    words = f"{place} of {area.ground.source.name}, {between} slices of gap"
    return Area(area.ground, kept, area.columns), Area(area.ground, held, area.columns), words


def _has_feature(area: Area) -> bool:
    low, high = area.columns
    return any(bool((area.ground.plane(z)[:, low:high] == FEATURE).any()) for z in area.slices)


def _strip(area: Area, params: TrainParams, last: bool) -> Part | None:
    """Hold the columns at the end or at the start out; ``None`` where too few would be left to learn from."""
    width = area.columns[1]
    gap = params.margin + params.box_size // 4
    strip = max(params.box_size, round(params.validation_share * width))
    if width < strip + gap + params.box_size:
        return None
    kept, held = (0, width - strip - gap), (width - strip, width)
    if not last:
        kept, held = (strip + gap, width), (0, strip)
    place = f"x from {held[0]}" if last else f"x to {held[1] - 1}"
    words = f"{place} of {area.ground.source.name}, {gap} voxels of gap"
    return Area(area.ground, area.slices, kept), Area(area.ground, area.slices, held), words

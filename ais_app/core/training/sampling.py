"""Where boxes go: those a person placed, and others placed on the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ais_app.core.annotation.labels import FEATURE, IGNORE
from ais_app.core.training.data import Ground
from ais_app.core.training.split import Area

MOST_SLICES = 64  # of one tomogram that are looked at to place boxes; enough to spread a few hundred
MOST_IGNORED = 0.9  # of a box without the feature; the rest is worth learning from
TRIES = 20  # random positions looked at for every box without the feature that is wanted


@dataclass(frozen=True)
class Site:
    """Where a box is cut.

    Parameters
    ----------
    ground
        The tomogram.
    z, y, x
        Voxel at its centre.
    trusted
        Edge of the square whose labels hold; ``None``: the whole slice is annotated.
    slices
        Slices whose labels may be learned from; of use to boxes that are deeper than one.
    """

    ground: Ground
    z: int
    y: int
    x: int
    trusted: int | None = None
    slices: tuple[int, ...] = ()


def person_sites(areas: Sequence[Area], size: int) -> list[Site]:
    """Return the boxes that a person placed and that lie in the areas as a whole; those across an edge are left out."""
    sites = []
    for area in areas:
        low, high = area.columns
        everything = (low, high) == (0, area.ground.shape[2])
        for z, y, x, edge in area.ground.boxes:
            inside = low <= x - size // 2 and x - size // 2 + size <= high
            if z in area.slices and (inside or everything):
                sites.append(Site(area.ground, z, y, x, edge or size, area.slices))
    return sites


def placed_sites(areas: Sequence[Area], count: int, negatives: float, size: int, seed: int) -> list[Site]:
    """Place boxes on the annotated slices of areas, the same number in each area as far as that goes.

    Parameters
    ----------
    areas
        Where boxes may lie.
    count
        How many.
    negatives
        Boxes without the feature for each one with it. Where there is no room for so many, others take their place.
    size
        Edge in voxels.
    seed
        The same seed gives the same boxes.

    Returns
    -------
    list of Site
        With the feature: each centred near a voxel of the feature that no earlier box covers, until all is covered,
        then again from the start; moved at random by up to a quarter of the edge. Slices take turns. Without: half
        where the image has most contrast, because that is what a network takes for the feature, half anywhere.
    """
    areas = [area for area in areas if any(z in area.ground.slices for z in area.slices)]
    sites: list[Site] = []
    for number, area in enumerate(areas):
        random = np.random.default_rng((seed, number))
        slices = _spread([z for z in area.slices if z in area.ground.slices])
        part = count * (number + 1) // len(areas) - count * number // len(areas)
        without = _off_feature(area, slices, part - max(1, round(part / (1 + negatives))), size, random)
        sites += _on_feature(area, slices, part - len(without), size, random) + without
    return sites


def tiled_sites(areas: Sequence[Area], size: int, most: int, seed: int, deep: int = 1) -> list[Site]:
    """Return boxes side by side on the annotated slices of areas, `deep` slices apart: all, or a random `most`."""
    sites = []
    for area in areas:
        height, (low, high) = area.ground.shape[1], area.columns
        for z in _spread(_apart([z for z in area.slices if z in area.ground.slices], deep)):
            rows = range(size // 2, max(size // 2 + 1, height - size + size // 2 + 1), size)
            columns = range(low + size // 2, max(low + size // 2 + 1, high - size + size // 2 + 1), size)
            sites += [Site(area.ground, z, y, x, None, area.slices) for y in rows for x in columns]
    if len(sites) <= most:
        return sites
    chosen = np.random.default_rng(seed).permutation(len(sites))[:most]
    return [sites[i] for i in sorted(chosen)]


def _apart(slices: list[int], deep: int) -> list[int]:
    """Return the middle one of the slices in each layer of so many, counted from the first."""
    layers: dict[int, list[int]] = {}
    for z in slices:
        layers.setdefault((z - slices[0]) // deep, []).append(z)
    return [layer[len(layer) // 2] for layer in layers.values()]


def _spread(slices: list[int]) -> list[int]:
    """Return at most `MOST_SLICES` of the slices, evenly."""
    if len(slices) <= MOST_SLICES:
        return slices
    return [slices[i] for i in np.linspace(0, len(slices) - 1, MOST_SLICES).round().astype(int)]


def _limits(area: Area, size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the range of centres in y and in x for which a box lies inside the area, or its middle if none does."""
    spans = ((0, area.ground.shape[1]), area.columns)
    found = []
    for low, high in spans:
        first, last = low + size // 2, high - size + size // 2
        found.append((first, last) if first <= last else ((low + high) // 2,) * 2)
    return found[0], found[1]


def _on_feature(area: Area, slices: list[int], count: int, size: int, random: np.random.Generator) -> list[Site]:
    (y_low, y_high), (x_low, x_high) = _limits(area, size)
    low, high = area.columns
    full = {z: np.flatnonzero(area.ground.plane(z)[:, low:high] == FEATURE) for z in slices}
    uncovered = {z: pixels for z, pixels in full.items() if len(pixels)}
    order = [z for z in slices if z in uncovered]
    random.shuffle(order)
    sites: list[Site] = []
    while order and len(sites) < count:
        z = order[len(sites) % len(order)]
        if not len(uncovered[z]):
            uncovered[z] = full[z]
        row, column = divmod(int(random.choice(uncovered[z])), high - low)
        jitter = random.integers(-(size // 4), size // 4 + 1, 2)
        y = int(np.clip(row + jitter[0], y_low, y_high))
        x = int(np.clip(column + low + jitter[1], x_low, x_high))
        sites.append(Site(area.ground, z, y, x, None, area.slices))
        rows, columns = np.divmod(uncovered[z], high - low)
        covered = (abs(rows - y) <= size // 2) & (abs(columns + low - x) <= size // 2)
        uncovered[z] = uncovered[z][~covered]
    return sites


def _off_feature(area: Area, slices: list[int], count: int, size: int, random: np.random.Generator) -> list[Site]:
    if count < 1 or not slices:
        return []
    (y_low, y_high), (x_low, x_high) = _limits(area, size)
    found: list[tuple[float, Site]] = []
    for _ in range(TRIES * count):
        z = int(random.choice(slices))
        y, x = int(random.integers(y_low, y_high + 1)), int(random.integers(x_low, x_high + 1))
        window = (
            slice(max(0, y - size // 2), y - size // 2 + size),
            slice(max(0, x - size // 2), x - size // 2 + size),
        )
        labels = area.ground.plane(z)[window]
        if (labels == FEATURE).any() or (labels == IGNORE).mean() > MOST_IGNORED:
            continue
        if all(abs(y - s.y) + abs(x - s.x) >= size // 2 for _, s in found if s.z == z):
            site = Site(area.ground, z, y, x, None, area.slices)
            found.append((_contrast(area.ground, z, *window), site))
        if len(found) >= 4 * count:
            break
    striking = sorted(range(len(found)), key=lambda i: -found[i][0])[: (count + 1) // 2]
    others = [i for i in random.permutation(len(found)) if i not in striking][: count - len(striking)]
    return [found[i][1] for i in [*striking, *others]]


def _contrast(ground: Ground, z: int, ys: slice, xs: slice) -> float:
    """Return the variance of a window after averaging 4 x 4 voxels, which takes most of the noise away."""
    image = ground.tomogram.slab(z, 1, (ys, xs))[0]
    height, width = (n // 4 * 4 for n in image.shape)
    if not height or not width:
        return 0.0
    return float(image[:height, :width].reshape(height // 4, 4, width // 4, 4).mean((1, 3)).var())

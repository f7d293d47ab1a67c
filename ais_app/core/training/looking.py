"""A few slices of a tomogram as networks see them: where they are unsure, and what it looks like there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from ais_app.core.jobs import Job, Progress
from ais_app.core.model.package import Model
from ais_app.core.prediction.field import Field, field_of, joined
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.tomogram import Tomogram
from ais_app.core.training.diversity import describe
from ais_app.core.training.suggest_parameters import SuggestParams
from ais_app.core.training.uncertainty import best_squares, top_mean, uncertainty
from ais_app.core.volume.binning import bin_mean

BIN = 4  # pixels along each axis that are averaged before anything is measured: single noisy ones shall not count
BOXES = 4  # of one slice
COVERED = 2  # annotated slices of a tomogram that are looked at too, to know what has been seen


@dataclass(frozen=True)
class Candidate:
    """A tomogram in which something may be suggested.

    Parameters
    ----------
    key
        Its name.
    open
        Opens it; called when it is its turn.
    annotated
        z of slices that need no suggestion.
    """

    key: str
    open: Callable[[], Tomogram]
    annotated: Collection[int] = ()


@dataclass(frozen=True)
class Example:
    """A slice, a part of it or a box, as networks see it.

    Parameters
    ----------
    tomogram
        Key of its candidate.
    z, rows, columns
        Where it is, voxels.
    whole
        Whether it is a whole slice.
    worth
        How uncertain its most uncertain part is, 0 to 1.
    feature
        The feature that is least certain there.
    description
        What it shows, 1D.
    covered
        Whether it is annotated already.
    """

    tomogram: str
    z: int
    rows: slice
    columns: slice
    whole: bool
    worth: float
    feature: str
    description: np.ndarray = field(repr=False)
    covered: bool = False

    def beside(self, other: Example) -> bool:
        """Return whether they share no pixel of the plane."""
        return any(
            one.stop <= two.start or two.stop <= one.start
            for one, two in ((self.rows, other.rows), (self.columns, other.columns))
        )


def look_job(
    candidate: Candidate,
    models: Sequence[Model],
    params: SuggestParams,
    prediction: PredictionParams,
    random: np.random.Generator,
) -> Job[list[Example]]:
    """Look at a few slices of one tomogram, drawn evenly over those far enough from what is annotated.

    Yields
    ------
    Progress
        For every slice and every feature.

    Returns
    -------
    list of Example
        By z.
    """
    tomogram = candidate.open()
    names = list(dict.fromkeys(model.card.feature for model in models))
    fields: dict[str, list[Field]] = {name: [] for name in names}
    for model in models:
        fields[model.card.feature].append(field_of(model, tomogram, prediction, None, len(models)))
    disagreement = prediction.tta > 1 or all(len(several) > 1 for several in fields.values())
    annotated = sorted({z for z in candidate.annotated if 0 <= z < tomogram.shape[0]})
    known = _spread(annotated, COVERED)
    drawn = sorted({*known, *_drawn(tomogram.shape[0], annotated, params, random)})
    examples = []
    for number, z in enumerate(drawn):
        rows, columns = (_part(size, params.window, random) for size in tomogram.shape[1:])
        view = _View(candidate.key, z, rows, columns, (rows.stop - rows.start, columns.stop - columns.start))
        view.whole = view.size == tomogram.shape[1:]
        for done, name in enumerate(names):
            message = f"{candidate.key}: slice {z}, {name}"
            yield Progress(number + done / len(names), len(drawn), message)
            view.add(name, *joined(fields[name], (slice(z, z + 1), rows, columns), variance=disagreement))
        grey = tomogram.slab(z, region=(rows, columns))[0]
        examples += view.examples(grey, params, covered=z in known)
    return examples


def _spread(items: Sequence[int], count: int) -> list[int]:
    """Return at most so many of the items, evenly."""
    return [items[len(items) * (2 * at + 1) // (2 * count)] for at in range(count)] if len(items) > count else [*items]


def _drawn(depth: int, annotated: Sequence[int], params: SuggestParams, random: np.random.Generator) -> list[int]:
    """Draw one slice from each of as many layers as slices are wanted, so that they are spread and yet by chance."""
    free = np.ones(depth, bool)
    for z in annotated:
        free[max(0, z - params.apart + 1) : z + params.apart] = False
    places = np.flatnonzero(free)
    layers = np.array_split(places, min(params.slices, len(places))) if len(places) else []
    return [int(random.choice(layer)) for layer in layers]


def _part(size: int, window: int, random: np.random.Generator) -> slice:
    if window == 0 or size <= window:
        return slice(0, size)
    start = int(random.integers(0, size - window + 1))
    return slice(start, start + window)


@dataclass
class _View:
    """A part of a slice, and binned maps of what networks say about it."""

    key: str
    z: int
    rows: slice
    columns: slice
    size: tuple[int, int]
    whole: bool = False
    probability: dict[str, np.ndarray] = field(default_factory=dict)
    doubt: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, feature: str, probability: np.ndarray, variance: np.ndarray | None) -> None:
        """Note what the networks of a feature say."""
        self.probability[feature] = bin_mean(probability[None], BIN)[0]
        self.doubt[feature] = bin_mean(uncertainty(probability, variance)[None], BIN)[0]

    def examples(self, grey: np.ndarray, params: SuggestParams, *, covered: bool) -> list[Example]:
        """Return the slice, or its most uncertain boxes."""
        if params.kind == "slices":
            return [self._example(grey, (slice(None), slice(None)), (self.rows, self.columns), params, covered)]
        doubt = np.max(list(self.doubt.values()), axis=0)
        edge = max(1, min(params.box_size // BIN, *doubt.shape))
        found = []
        for corner in best_squares(doubt, edge, BOXES):
            bins = tuple(slice(at, at + edge) for at in corner)
            lengths = [min(params.box_size, size) for size in self.size]
            starts = [min(at * BIN, size - n) for at, size, n in zip(corner, self.size, lengths, strict=True)]
            inside = tuple(slice(start, start + n) for start, n in zip(starts, lengths, strict=True))
            place = [
                slice(p.start + i.start, p.start + i.stop)
                for p, i in zip((self.rows, self.columns), inside, strict=True)
            ]
            found.append(self._example(grey[inside], (bins[0], bins[1]), (place[0], place[1]), params, covered))
        return found

    def _example(
        self,
        grey: np.ndarray,
        bins: tuple[slice, slice],
        place: tuple[slice, slice],
        params: SuggestParams,
        covered: bool,
    ) -> Example:
        worths = {name: top_mean(doubt[bins], params.fraction) for name, doubt in self.doubt.items()}
        feature = max(worths, key=lambda name: worths[name])
        as_slice = params.kind == "slices"
        shown = describe(grey, [plane[bins] for plane in self.probability.values()], layout=as_slice)
        whole = as_slice and self.whole
        return Example(self.key, self.z, *place, whole, worths[feature], feature, shown, covered)

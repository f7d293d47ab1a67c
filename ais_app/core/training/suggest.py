"""What to annotate next: the slices or boxes of all tomograms that networks are unsure of and that differ.

    tomograms ─► a few slices of each ─► networks ─► uncertainty, description ─► greedy choice ─► suggestions

Uncertainty after Settles (2009), see `uncertainty`; diversity after Sener and Savarese (2018), see `diversity`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ais_app.core.errors import AisAppError, DataWarning, ModelProblem, ParameterProblem
from ais_app.core.jobs import Job, Progress
from ais_app.core.model.package import Model
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.training.diversity import Choice, choose
from ais_app.core.training.looking import Candidate, Example, look_job
from ais_app.core.training.suggest_parameters import SuggestParams

__all__ = ["Candidate", "SuggestParams", "Suggestion", "suggest_job"]

FAIR_SHARE = 2  # a tomogram may have so many times its even share of the suggestions, while others have some left


@dataclass(frozen=True)
class Suggestion:
    """A slice or a box worth annotating.

    Parameters
    ----------
    tomogram
        Its key.
    z
        Index of the slice.
    centre_yx
        Voxel at the centre of the box, or of the part of the slice that was looked at; ``None``: the whole slice.
    size_yx
        Voxels along y and x of that box or part; ``None``: the whole slice.
    score
        What it was chosen by, 0 to 1: uncertainty and novelty together, given what is suggested before it.
    uncertainty
        0 to 1, of its most uncertain part.
    feature
        The feature that is least certain there.
    novelty
        0 to 1, how different it is from everything that is annotated or suggested before it.
    """

    tomogram: str
    z: int
    centre_yx: tuple[int, int] | None
    size_yx: tuple[int, int] | None
    score: float
    uncertainty: float
    feature: str
    novelty: float

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return asdict(self)


def suggest_job(
    candidates: Sequence[Candidate],
    models: Sequence[Model],
    params: SuggestParams | None = None,
    prediction: PredictionParams | None = None,
) -> Job[list[Suggestion]]:
    """Rank slices or boxes of all tomograms by how much annotating them would teach.

    Parameters
    ----------
    candidates
        The tomograms.
    models
        Those that are to become better; models of one feature are averaged, and their disagreement counts.
    params
        What to look at, and what to suggest.
    prediction
        How networks are applied; with `tta` the disagreement of symmetries counts. Interactions are not applied.

    Yields
    ------
    Progress
        For every slice and every feature.

    Returns
    -------
    list of Suggestion
        Best first; the same for the same tomograms, models, parameters and seed on the same machine. No two of them
        and no annotated slice are within `apart` slices of one tomogram, boxes beside each other excepted. Fewer than
        wanted where there are not so many.

    Raises
    ------
    ParameterProblem
        No models or no tomograms.
    AisAppError
        What was wrong with the first tomogram, if all of them failed; one that fails is left out with a
        `DataWarning`.
    ModelProblem
        The engine cannot compute a network.
    """
    params, prediction = params or SuggestParams(), prediction or PredictionParams()
    for name, given in (("models", models), ("tomograms", candidates)):
        if not given:
            raise ParameterProblem(name, "there are none", "give at least one")
    drawn = _drawn(candidates, params)
    found: list[Example] = []
    failed: list[AisAppError] = []
    for number, (stream, candidate) in enumerate(drawn):
        yield Progress(number, len(drawn), candidate.key)
        random = np.random.default_rng([params.seed, stream])
        try:
            found += yield from _part_of(look_job(candidate, models, params, prediction, random), number, len(drawn))
        except ModelProblem:
            raise
        except AisAppError as error:
            failed.append(error)
            warnings.warn(DataWarning(f"{error}; {candidate.key} is left out"), stacklevel=2)
    if len(failed) == len(drawn):
        raise failed[0]
    yield Progress(len(drawn), len(drawn), "choosing")
    return _chosen(found, params, len(drawn) - len(failed))


def _drawn(candidates: Sequence[Candidate], params: SuggestParams) -> list[tuple[int, Candidate]]:
    """Return the tomograms to look at in their order, each with its own stream of random numbers."""
    numbered = list(enumerate(candidates))
    if not 0 < params.tomograms < len(numbered):
        return numbered
    random = np.random.default_rng(params.seed)
    return [numbered[at] for at in sorted(random.choice(len(numbered), params.tomograms, replace=False))]


def _part_of(job: Job[list[Example]], number: int, total: int) -> Job[list[Example]]:
    """Pass the progress within one tomogram on as a part of all."""
    while True:
        try:
            step = next(job)
        except StopIteration as finished:
            return list(finished.value)
        yield Progress(number + step.done / max(1.0, step.total), total, step.message)


def _chosen(found: Sequence[Example], params: SuggestParams, tomograms: int) -> list[Suggestion]:
    free = [example for example in found if not example.covered]
    if not free:
        return []
    covered = [example.description for example in found if example.covered]
    share = -(-FAIR_SHARE * params.count // tomograms)

    def apart(chosen: Sequence[int], number: int) -> bool:
        one = free[number]
        near = (free[n] for n in chosen if free[n].tomogram == one.tomogram and abs(free[n].z - one.z) < params.apart)
        return all(params.kind == "boxes" and one.beside(other) for other in near)

    def fair(chosen: Sequence[int], number: int) -> bool:
        same = sum(free[n].tomogram == free[number].tomogram for n in chosen)
        return same < share and apart(chosen, number)

    choices = choose(
        np.array([example.worth for example in free]),
        np.stack([example.description for example in free]),
        params.count,
        covered=covered,
        weight=params.diversity,
        rules=(fair, apart),
    )
    return [_suggestion(free[choice.number], choice) for choice in choices]


def _suggestion(example: Example, choice: Choice) -> Suggestion:
    rows, columns = example.rows, example.columns
    return Suggestion(
        example.tomogram,
        example.z,
        None if example.whole else ((rows.start + rows.stop) // 2, (columns.start + columns.stop) // 2),
        None if example.whole else (rows.stop - rows.start, columns.stop - columns.start),
        round(choice.score, 6),
        round(example.worth, 6),
        example.feature,
        round(choice.novelty, 6),
    )

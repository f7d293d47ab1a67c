"""The missing wedge that the tomograms of a gallery share, estimated from their voxels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ais_app.core.errors import AisAppError, ParameterProblem
from ais_app.core.jobs import Job, Progress, retold
from ais_app.core.particles.wedge import Wedge
from ais_app.core.particles.wedge_estimate import WedgeEstimate, estimate_wedge_job
from ais_app.core.tomogram import Tomogram

AGREES = 5.0  # degrees
REMEDY = "type the tilts; -90 and 90 if none is missing"


@dataclass(frozen=True)
class WedgeFound:
    """The wedge of some tomograms.

    Parameters
    ----------
    wedge
        The medians of the limits of those where it is seen.
    words
        How sure that is.
    doubtful
        Whether a person should look at it: it is seen weakly or not in all, or they differ.
    """

    wedge: Wedge
    words: str
    doubtful: bool


def shared_wedge_job(tomograms: Sequence[tuple[str, Callable[[], Tomogram]]]) -> Job[WedgeFound]:
    """Estimate the wedge of tomograms that were tilted alike.

    Parameters
    ----------
    tomograms
        Name, and what opens it.

    Raises
    ------
    ParameterProblem
        There is none, no missing wedge is seen in any, or they were tilted about different axes.
    FileProblem, ProjectProblem
        None of them can be read.
    """
    if not tomograms:
        raise ParameterProblem("tilts", "none of the particles has its tomogram here", REMEDY)
    seen: dict[str, WedgeEstimate] = {}
    unseen, errors = [], []
    for number, (name, opened) in enumerate(tomograms):
        yield Progress(number, len(tomograms), name)
        try:
            found = yield from retold(estimate_wedge_job(opened()), partial(_of_all, number, len(tomograms), name))
        except AisAppError as error:
            errors.append(error)
            continue
        if found is None or not found.seen:
            unseen.append(name)
        else:
            seen[name] = found
    if not seen and errors:
        raise errors[0]
    if not seen:
        raise ParameterProblem("tilts", f"no missing wedge is seen in {_listed(unseen)}", REMEDY)
    return _joined(seen, unseen, len(errors))


def _of_all(number: int, count: int, name: str, step: Progress) -> Progress:
    share = step.done / step.total if step.total else 0.0
    return Progress(number + share, count, f"{name}: {step.message}", step.values)


def _joined(seen: dict[str, WedgeEstimate], unseen: list[str], unread: int) -> WedgeFound:
    axes = Counter((each.wedge.tilt_axis, each.wedge.beam_axis) for each in seen.values())
    if len(axes) > 1:
        about = "; ".join(f"{name} about {each.wedge.tilt_axis}" for name, each in seen.items())
        raise ParameterProblem("tilts", f"the tomograms were not tilted alike: {about}", "choose some of them in From")
    ((tilt_axis, beam_axis),) = axes
    limits = np.array([(each.wedge.tilt_min, each.wedge.tilt_max) for each in seen.values()])
    low, high = (round(float(value), 1) for value in np.median(limits, axis=0))
    apart = float(np.ptp(limits, axis=0).max())
    weak = [name for name, each in seen.items() if each.certainty != "clear"]
    parts = [f"Seen {'weakly' if weak else 'clearly'} in {_listed(list(seen))}"]
    if apart > AGREES:
        each = zip(seen, limits.tolist(), strict=True)
        parts.append("they differ: " + ", ".join(f"{name} {a:g} to {b:g}°" for name, (a, b) in each))
    elif len(seen) > 1:
        parts.append(f"within {apart:.1f}° of each other")
    parts += [f"not seen in {_listed(unseen)}"] * bool(unseen) + [f"{unread} could not be read"] * bool(unread)
    doubtful = bool(weak or unseen or unread) or apart > AGREES
    return WedgeFound(Wedge(low, high, tilt_axis, beam_axis), "; ".join(parts), doubtful)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} tomograms"

"""What a network says of the subtomograms of a stack; kept while it is asked, so that a stopped job goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ais_app.core.jobs import Job
from ais_app.core.particles.classify import Answers, answers_job
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.operations.unfinished import Unfinished

if TYPE_CHECKING:
    from ais_app.core.model.package import Model


def kept_answers_job(
    stack: SubtomogramStack,
    network: Model,
    unfinished: Unfinished,
    *,
    with_features: bool,
    batch: int | None = None,
    device: str = "cpu",
    resume: bool = True,
) -> Job[Answers]:
    """Ask a network about all subtomograms, a job; who calls removes what is kept once its results are written.

    Parameters
    ----------
    stack, network, with_features, batch, device
        See `answers_job`.
    unfinished
        Where answers are kept; made for this stack, this network and `with_features`.
    resume
        Go on after the subtomograms that were asked about when the same job was stopped.

    Raises
    ------
    FileProblem
        What is kept is damaged, or cannot be written.
    ModelProblem
        As of `answers_job`.
    """

    def keep(answers: Answers) -> None:
        arrays = {"logits": answers.logits}
        if answers.features is not None:
            arrays["features"] = answers.features
        unfinished.write(arrays, None)

    before = unfinished.read() if resume else None
    known = None if before is None else Answers.of(before[0]["logits"], before[0].get("features"))
    options = {"with_features": with_features, "batch": batch, "device": device}
    return (yield from answers_job(network, stack.cubes, **options, known=known, keep=keep))

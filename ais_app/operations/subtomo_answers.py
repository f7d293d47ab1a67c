"""What a network says of the subtomograms of a stack; kept while it is asked, so that a stopped job goes on."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from ais_app.core.jobs import Job
from ais_app.core.params import Params
from ais_app.core.particles.classify import Answers, answers_job
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.operations.subtomo_outputs import stack_parts
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
        Where answers are kept; see `unfinished_answers`.
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
    return (
        yield from answers_job(
            network, stack.cubes, with_features=with_features, batch=batch, device=device, known=known, keep=keep
        )
    )


def unfinished_answers(
    path: Path, stack: str | Path, model: str | Path, params: Params, *, with_features: bool
) -> Unfinished:
    """Return where answers are kept; what a network says depends on none of the parameters."""
    asked = {"stack": str(stack), "model": str(model), "params": params, "features": with_features}
    return Unfinished(path, asked, [*stack_parts(stack), Path(model)], [field.name for field in fields(params)])

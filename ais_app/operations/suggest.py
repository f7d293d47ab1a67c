"""What to annotate next in a project: slices or boxes that its networks are unsure of and that differ."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ais_app.core.errors import ProjectProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.model.package import Model, load_model
from ais_app.core.prediction.engines import engine_for
from ais_app.core.prediction.parameters import PredictionParams
from ais_app.core.training.suggest import Candidate, Suggestion, SuggestParams
from ais_app.core.training.suggest import suggest_job as looking_job
from ais_app.state.project import Project


def suggest_job(
    project: str | Path,
    models: Sequence[str | Path] = (),
    params: SuggestParams | None = None,
    prediction: PredictionParams | None = None,
    *,
    trust_source: bool = False,
) -> Job[list[Suggestion]]:
    """Rank slices or boxes of all tomograms of a project by how much annotating them would teach its networks.

    Parameters
    ----------
    project
        The project file; it is only read.
    models
        Model packages; the networks of the project where none is given. Models of one feature are averaged, and
        their disagreement counts.
    params
        What to look at, and what to suggest.
    prediction
        How networks are applied; with `tta` the disagreement of symmetries counts.
    trust_source
        Run architectures that are packed with the models; see `load_model`.

    Returns
    -------
    list of Suggestion
        Best first. Slices are left out that are annotated for a feature of the models (for any feature where the
        project has none of theirs), and those next to them.

    Raises
    ------
    ProjectProblem
        The project has no tomograms, or no networks while none is given.
    FileProblem
        The project or a model cannot be read. A tomogram that cannot be is left out, with a `DataWarning`.
    ModelProblem
        A model is damaged, or an engine asked for by name cannot compute it.
    """
    prediction = prediction or PredictionParams()
    with Project.open(project, read_only=True) as opened:
        paths = [Path(path) for path in models] or [entry.path for entry in opened.models]
        if not paths:
            problem = "has no networks, so nothing can be unsure"
            raise ProjectProblem(opened.path, problem, "give a model with -m, or train one first")
        loaded = []
        for path in paths:
            yield Progress(0, 0, f"loading {path.name}")
            loaded.append(load_model(path, trust_source=trust_source))
            engine_for(loaded[-1].network, prediction.engine, prediction.precision)
        candidates = _candidates(opened, loaded)
        if not candidates:
            raise ProjectProblem(opened.path, "has no tomograms", "ais-app project add PROJECT TOMOGRAM")
        return (yield from looking_job(candidates, loaded, params, prediction))


suggest = direct(suggest_job)


def _candidates(project: Project, models: Sequence[Model]) -> list[Candidate]:
    wanted = {model.card.feature for model in models}
    features = [feature for feature in project.features if feature.name in wanted] or project.features
    return [
        Candidate(
            entry.name,
            partial(project.open_tomogram, entry),
            {z for feature in features for z in project.labels(entry, feature).annotated_slices()},
        )
        for entry in project.tomograms
    ]

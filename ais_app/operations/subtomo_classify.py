"""Sort subtomograms into the classes of a network."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.coordinates import write_particles
from ais_app.core.errors import DataWarning
from ais_app.core.files import write_text
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.model.package import Model, load_model
from ais_app.core.particle_set import Particles
from ais_app.core.particles.choice import empty_cubes
from ais_app.core.particles.classify import Answers, ClassifyParams, class_names
from ais_app.core.particles.labels import COLUMN, NO_CLASS
from ais_app.core.particles.open_set import UNKNOWN, known_classes
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.operations.subtomo_answers import kept_answers_job, unfinished_answers
from ais_app.operations.subtomo_inputs import replace_labels, replaced_line
from ais_app.operations.subtomo_outputs import check_outputs, save_array, stack_parts

PROBABILITY = "class_probability"


@dataclass(frozen=True)
class Classified:
    """What a network said of a stack.

    Parameters
    ----------
    table, star
        One line a subtomogram: its class and the probability of each; the particles with their class.
    arrays
        ``.npy`` of logits and features, where they were asked for.
    classes
        (n,) int64, −1 where unknown.
    probability
        (n,) float32, of the class.
    names
        Of the classes.
    replaced
        A table of the classes that the stack had before; none where it had none, or keeps them.
    """

    table: Path
    star: Path
    arrays: tuple[Path, ...]
    classes: np.ndarray
    probability: np.ndarray
    names: tuple[str, ...]
    replaced: Path | None = None

    def __str__(self) -> str:
        counts = [f"{name} {int((self.classes == number).sum()):,}" for number, name in enumerate(self.names)]
        rest = int((self.classes == NO_CLASS).sum())
        words = ", ".join([*counts, *([f"{UNKNOWN} {rest:,}"] if rest else [])])
        return "\n".join([f"{words} -> {self.table}, {self.star}", *replaced_line(self.replaced)])


def subtomo_classify_job(
    stack: str | Path,
    model: str | Path,
    out_dir: str | Path,
    params: ClassifyParams | None = None,
    *,
    save: bool = False,
    trust_source: bool = False,
    resume: bool = True,
) -> Job[Classified]:
    """Sort the subtomograms of a stack; those whose cubes are the same everywhere are unknown, which is warned of.

    Parameters
    ----------
    stack
        The stack.
    model
        A model package of a network that classifies, or encodes with a classifier.
    out_dir
        Folder of ``<stack>_classes.csv``, ``<stack>_classes.star`` and ``<stack>_logits.npy``; made where missing.
    params
        See `ClassifyParams`.
    save
        Keep the classes in the stack too, where other commands and the window find them; those that they replace are
        left as ``starting_classes.csv``.
    trust_source
        Run the source of an architecture that is packed with the model.
    resume
        Go on where the same call was stopped: what the network says of subtomograms is kept until all is done.

    Raises
    ------
    FileProblem
        A file cannot be read or written.
    ModelProblem
        The network does not classify, or not cubes of this size; or open sets are asked for and it knows no distances.
    """
    from ais_app.core.particles.correlation import compute_device

    params, folder, stack = params or ClassifyParams(), Path(out_dir), Path(stack)
    yield Progress(0, 0, "reading")
    opened, network = SubtomogramStack.open(stack), load_model(model, trust_source=trust_source)
    check_outputs(folder, stack if save else None)
    check_scale(opened, network)
    empty = empty_cubes(opened, UNKNOWN)
    known = known_classes(network, model) if params.open_set else None
    features = params.keep in ("features", "both") or params.open_set
    kept = folder / f".{stack.stem}_classify.unfinished.npz"
    unfinished = unfinished_answers(kept, stack, model, params, with_features=features)
    options: dict[str, Any] = {"batch": params.batch, "device": compute_device(params.device).type}
    answers = yield from kept_answers_job(opened, network, unfinished, with_features=features, resume=resume, **options)
    classes, probability = answers.probability.argmax(1), answers.probability.max(1)
    refused, distance = probability < params.least, None
    if known is not None:
        assert answers.features is not None  # asked for above
        distance = known.distance(answers.features)[0]
        refused = refused | (distance > known.threshold(params.accepted))
    classes = np.where(refused | empty, NO_CLASS, classes).astype(np.int64)
    names = tuple(class_names(network))
    arguments: dict[str, Any] = {"stack": str(stack), "model": str(model), "out_dir": str(folder), "params": params}
    arguments |= {"save": False, "trust_source": trust_source}  # made again to compare, it leaves the stack alone
    inputs = [*stack_parts(stack), Path(model)]
    found = _written(stack, opened, answers, classes, distance, names, params, folder)
    for path in (found.table, found.star, *found.arrays):
        provenance.record("subtomo_classify", path, arguments, inputs, _notes(found)).write(path)
    if save:
        found = replace(found, replaced=replace_labels(opened, classes, names, folder, None))
    unfinished.remove()
    return found


subtomo_classify = direct(subtomo_classify_job)


def check_scale(stack: SubtomogramStack, model: Model) -> None:
    """Warn where a network was trained on cubes of another voxel size than those of a stack."""
    if not model.card.fits((stack.voxel_size,) * 3):
        text = f"the network was trained on voxels of {model.card.voxel_size:g} Å, these have {stack.voxel_size:g} Å"
        warnings.warn(DataWarning(f"{stack.path}: {text}; extract with --voxel-size to match"), stacklevel=2)


def _written(
    stack: Path,
    opened: SubtomogramStack,
    answers: Answers,
    classes: np.ndarray,
    distance: np.ndarray | None,
    names: tuple[str, ...],
    params: ClassifyParams,
    folder: Path,
) -> Classified:
    probability = answers.probability.max(1)
    called = [UNKNOWN if label < 0 else names[label] for label in classes]
    table = write_text(
        folder / f"{stack.stem}_classes.csv", _csv(opened.particles, called, classes, answers, distance, names)
    )
    placed = opened.placed()
    columns = placed.table.assign(
        **{"rlnClassNumber": classes + 1, COLUMN: called, PROBABILITY: np.round(probability, 6)}
    )
    star = write_particles(folder / f"{stack.stem}_classes.star", with_voxels(replace(placed, table=columns), opened))
    arrays = []
    for kind in ("logits", "features"):
        if params.keep in (kind, "both"):
            arrays.append(save_array(folder / f"{stack.stem}_{kind}.npy", getattr(answers, kind)))
    return Classified(table, star, tuple(arrays), classes, probability, names)


def with_voxels(particles: Particles, stack: SubtomogramStack) -> Particles:
    """Return particles with the voxel size of their tomogram, or that of the cubes where it is not known."""
    return particles if particles.voxel_size is not None else replace(particles, voxel_size=stack.voxel_size)


def _csv(
    particles: Particles,
    called: Sequence[str],
    classes: np.ndarray,
    answers: Answers,
    distance: np.ndarray | None,
    names: Sequence[str],
) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    extra = [] if distance is None else ["distance"]
    writer.writerow(
        ["row", "tomogram", "x", "y", "z", "class", COLUMN, "probability", *extra, *(f"p {n}" for n in names)]
    )
    for row, (name, number) in enumerate(zip(called, classes, strict=True)):
        z, y, x = particles.positions_zyx[row]
        shares = answers.probability[row]
        line = [row, particles.tomograms[row], *(f"{v:.2f}" for v in (x, y, z)), int(number), name]
        line += [f"{shares.max():.5f}", *([] if distance is None else [f"{distance[row]:.5f}"])]
        writer.writerow([*line, *(f"{share:.5f}" for share in shares)])
    return text.getvalue()


def _notes(found: Classified) -> dict[str, Any]:
    counts = {name: int((found.classes == number).sum()) for number, name in enumerate(found.names)}
    return {"classes": counts, UNKNOWN: int((found.classes == NO_CLASS).sum())}

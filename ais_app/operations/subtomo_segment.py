"""Mark the particle in each subtomogram with a network of volumes, and put its neighbours out of the way."""

from __future__ import annotations

import csv
import io
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.files import check_not_input, check_writable, write_text
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.model.package import load_model
from ais_app.core.particles.labels import class_names_of
from ais_app.core.particles.particle_masks import ParticleMaskParams, own_and_others, probabilities_job, without_others
from ais_app.core.particles.stack import StackWriter, SubtomogramStack, create_stack

_BATCH = 32


@dataclass(frozen=True)
class Segmented:
    """What was marked.

    Parameters
    ----------
    masks
        A stack like the one that was given: 1 in the particle, 0 elsewhere.
    cleaned
        The stack without neighbours; ``None`` where it was not asked for.
    table
        One line a subtomogram: the volume of its particle and of what lies beside it, Å³.
    empty
        Subtomograms without a particle.
    """

    masks: Path
    cleaned: Path | None
    table: Path
    empty: int

    def __str__(self) -> str:
        rest = f", {self.empty:,} without a particle" if self.empty else ""
        return f"{self.masks}{'' if self.cleaned is None else f', {self.cleaned}'}, {self.table}{rest}"


def subtomo_segment_job(
    stack: str | Path,
    model: str | Path,
    out_dir: str | Path,
    params: ParticleMaskParams | None = None,
    *,
    clean: bool = False,
    trust_source: bool = False,
) -> Job[Segmented]:
    """Mark the particle in each subtomogram of a stack.

    Parameters
    ----------
    stack
        The stack.
    model
        A network of volumes: SSN3D, EDSS3D as `subtomo_teach` makes it, U-Net 3D.
    out_dir
        Folder of ``<stack>_masks.zarr``, ``<stack>_masks.csv`` and, with `clean`, ``<stack>_clean.zarr``.
    params
        See `ParticleMaskParams`.
    clean
        Also write the subtomograms with their neighbours replaced by the mean of the background.
    trust_source
        Run the source of an architecture that is packed with the model.

    Raises
    ------
    ModelProblem
        The network does not mark particles in cubes.
    ParameterProblem
        An output is an input, or lies in it.
    FileProblem
        A file cannot be read or written.
    """
    params, folder, stack = params or ParticleMaskParams(), Path(out_dir), Path(stack)
    opened, network = SubtomogramStack.open(stack), load_model(model, trust_source=trust_source)
    masks, cleaned = folder / f"{stack.stem}_masks.zarr", folder / f"{stack.stem}_clean.zarr"
    check_not_input([masks, cleaned], [stack, model])
    check_writable(folder)
    arguments: dict[str, Any] = {"stack": str(stack), "model": str(model), "out_dir": str(folder), "params": params}
    arguments |= {"clean": clean, "trust_source": trust_source}
    volumes = np.zeros((len(opened), 2))
    with ExitStack() as outputs:
        to_masks = outputs.enter_context(_like(masks, opened, {"masks of": stack.name}))
        notes = {"neighbours": "replaced by the mean of the background"}
        to_cleaned = outputs.enter_context(_like(cleaned, opened, notes)) if clean else None
        for low in range(0, len(opened), _BATCH):
            rows = np.arange(low, min(low + _BATCH, len(opened)))
            cubes = opened.read(rows)
            found = yield from probabilities_job(network, cubes, opened.voxel_size, params.device)
            parts = [own_and_others(probability, params) for probability in found]
            volumes[rows] = [(own.sum(), others.sum()) for own, others in parts]
            to_masks.write(rows, np.array([own for own, _ in parts], np.float32))
            if to_cleaned is not None:
                clear = [without_others(cube, *part, params.soft) for cube, part in zip(cubes, parts, strict=True)]
                to_cleaned.write(rows, np.array(clear))
            yield Progress(low + len(rows), len(opened), "telling particles from neighbours")
    table = write_text(folder / f"{stack.stem}_masks.csv", _csv(volumes * opened.voxel_size**3))
    result = Segmented(masks, cleaned if clean else None, table, int((volumes[:, 0] == 0).sum()))
    for path in (masks, table, *((cleaned,) if clean else ())):
        record = provenance.record("subtomo_segment", path, arguments, [stack, Path(model)], {"empty": result.empty})
        record.write(path)
    return result


subtomo_segment = direct(subtomo_segment_job)


def _like(path: Path, stack: SubtomogramStack, notes: dict[str, Any]) -> AbstractContextManager[StackWriter]:
    """Begin a stack with other cubes of the same particles."""
    notes = {**stack.notes, **notes, "class_names": list(class_names_of(stack))}
    return create_stack(
        path, stack.edge, stack.particles, stack.wedges, stack.wedge_of, stack.voxel_size,
        poses=stack.poses, classes=stack.classes, notes=notes,
    )  # fmt: skip


def _csv(volumes: np.ndarray) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", "particle A3", "beside A3"])
    writer.writerows([row, f"{own:.0f}", f"{beside:.0f}"] for row, (own, beside) in enumerate(volumes))
    return text.getvalue()

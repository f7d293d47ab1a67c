"""Models of Ais become model packages: ``.scnm`` one, ``.scnmgroup`` several with their interactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ais_app.core import provenance
from ais_app.core.ais.model import GROUP, AisModel, is_ais_model, read_ais_model, read_ais_model_group
from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.keras.network import SIGMOID
from ais_app.core.model.package import load_card, save_model

PACKAGE = ".aismodel"


@dataclass(frozen=True)
class Imported:
    """What an import leaves.

    Parameters
    ----------
    models
        The model packages; ``<model>.json`` beside each says where it came from.
    interactions
        How they act on each other, for ``ais-app segment --interactions``; ``None`` where they do not.
    notes
        What should be known about each model, in words.
    """

    models: tuple[Path, ...]
    interactions: Path | None
    notes: tuple[str, ...]


def import_model_job(file: str | Path, out: str | Path, *, member: int | None = None) -> Job[Imported]:
    """Import a model of Ais, or a group of them.

    Parameters
    ----------
    file
        ``NAME.scnm`` or ``NAME.scnmgroup``.
    out
        ``NAME.aismodel`` to write, or a folder for ``<feature>.aismodel``, which never takes the place of another
        network. For a group a folder, which gets all models and ``<group>_interactions.json``.
    member
        Take only this model of a group, counted from 1; `out` is then a file.

    Returns
    -------
    Imported
        Files, and what should be known about them.

    Raises
    ------
    FileProblem
        It is missing, damaged or no such file, or cannot be written.
    ModelProblem
        A network has a layer that cannot be carried over, which is named.
    ParameterProblem
        The file is neither by its name, or the group has no such member.
    """
    file, out = Path(file), Path(out)
    if not is_ais_model(file):
        raise ParameterProblem(file, "is no model of Ais by its name", "give a .scnm or .scnmgroup file")
    yield Progress(0, 1, f"reading {file.name}")
    if file.suffix.lower() != GROUP:
        return _single(read_ais_model(file), out, file, None)
    group = read_ais_model_group(file)
    if member is not None:
        if not 1 <= member <= len(group.models):
            raise ParameterProblem("member", f"{member} of {len(group.models)}", "count from 1")
        return _single(group.models[member - 1], out, file, member)
    _check_folder(out, "a group becomes several")
    written: list[Path] = []
    for number, each in enumerate(group.models, start=1):
        target = _free(out, each, written)
        yield Progress(number - 1, len(group.models), f"writing {target.name}")
        written.append(_written(each, target, file, number))
    interactions = group.interactions.save(out / f"{file.stem}_interactions.json") if group.interactions.steps else None
    return Imported(tuple(written), interactions, _notes(group.models))


import_model = direct(import_model_job)


def _single(found: AisModel, out: Path, file: Path, member: int | None) -> Imported:
    if out.suffix != PACKAGE:
        _check_folder(out, "it is no name of a model package")
        out = _free(out, found, [])
    return Imported((_written(found, out, file, member),), None, _notes([found]))


def _check_folder(out: Path, why: str) -> None:
    if out.suffix and not out.is_dir():
        raise ParameterProblem(out, f"is no folder, and {why}", f"give a folder, or for one network NAME{PACKAGE}")


def _free(folder: Path, found: AisModel, written: Sequence[Path]) -> Path:
    """Return a name after the feature that no other network has; the same network again takes its old place."""
    card = found.model.card
    for number in count(1):
        path = folder / f"{card.feature}{f' {number}' if number > 1 else ''}{PACKAGE}"
        if path not in written and (not path.exists() or load_card(path) == card):
            return path
    raise AssertionError  # count does not end


def _notes(models: Sequence[AisModel]) -> tuple[str, ...]:
    """Say of each model that ends in something else than a sigmoid how it was taken."""
    cards = [each.model.card for each in models]
    return tuple(
        f"{card.feature} ends in {card.training['output']}" for card in cards if card.training["output"] != SIGMOID
    )


def _written(found: AisModel, out: Path, file: Path, member: int | None) -> Path:
    path = save_model(found.model, out, preview=found.preview)
    arguments = {"file": str(file), "out": out.name, "member": member}
    notes = {name: found.model.card.training[name] for name in ("title", "keras_version", "output")}
    provenance.record("import_model", path, arguments, [file], notes).write(path)
    return path

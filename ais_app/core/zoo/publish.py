"""A network into a zoo: package, picture and card first, the index last, so that visitors never see half of it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.files import read_text, replacing, write_text
from ais_app.core.model.card import ModelCard
from ais_app.core.model.package import load_card, load_preview, load_source
from ais_app.core.zoo.index import INDEX, ZooEntry, ZooIndex, read_index, sound_name
from ais_app.core.zoo.reading import is_address


@dataclass(frozen=True)
class Description:
    """What only the person knows about a network.

    Parameters
    ----------
    title, description, filtering, data, limits, authors, licence
        See `ZooEntry`.
    scores
        Added to those of its training on held-out boxes.
    """

    title: str = ""
    description: str = ""
    filtering: str = ""
    data: str = ""
    limits: str = ""
    authors: str = ""
    licence: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)


def publish(
    model: str | Path,
    zoo: str | Path,
    name: str | None = None,
    about: Description | None = None,
    *,
    replace_it: bool = False,
    zoo_title: str = "",
) -> ZooEntry:
    """Put a network into a zoo that is a folder; a folder without an index becomes one.

    Parameters
    ----------
    model
        Package.
    zoo
        Folder.
    name
        In the zoo; the package's own when ``None``.
    about
        What only the person knows.
    replace_it
        Take the place of the network of this name.
    zoo_title
        Title of a new zoo.

    Raises
    ------
    FileProblem, ModelProblem
        The package cannot be read, or the folder not written; the name is taken; another publishes at the moment.
    ParameterProblem
        The name cannot be one, or the place is an address.
    """
    if is_address(str(zoo)):
        raise ParameterProblem("zoo", f"{zoo} is an address", "publish into the folder that its server shows")
    model, folder = Path(model), Path(zoo)
    name = model.stem.replace(" ", "-") if name is None else name
    if not sound_name(name):
        raise ParameterProblem("name", f"{name!r} is not of letters, digits and . _ -", "give another with --name")
    card, preview = load_card(model), load_preview(model)
    about = about or Description()
    with _only_writer(folder):
        index = _index(folder, zoo_title)
        if index.entry(name) is not None and not replace_it:
            raise FileProblem(folder / INDEX, f"has a network {name!r}", "give another --name, or --replace it")
        with replacing(folder / f"{name}.aismodel") as part:
            shutil.copyfile(model, part)
            entry = _entry(name, part, card, about, bool(load_source(model)))
        if preview is not None:
            with replacing(folder / f"{name}.png") as part:
                part.write_bytes(preview)
            entry = replace(entry, preview=f"{name}.png")
        write_text(folder / f"{name}.md", card_page(entry))
        entry = replace(entry, card=f"{name}.md")
        others = [known for known in index.entries if known.name != name]
        write_text(folder / INDEX, ZooIndex(index.title, [*others, entry]).to_text())
    return entry


def card_page(entry: ZooEntry) -> str:
    """Return the page about a network, Markdown."""
    voxel = f"{entry.voxel_size:g} Å" if entry.voxel_size else "not known"
    rows = [("feature", entry.feature), ("architecture", entry.architecture), ("voxel size", voxel)]
    rows += [("filtering", entry.filtering), ("authors", entry.authors), ("licence", entry.licence)]
    rows += [("published", entry.published), ("size", f"{entry.size:,} bytes"), ("SHA-256", f"`{entry.sha256}`")]
    listed = "\n".join(f"- {name}: {value}" for name, value in rows if value)
    parts = [f"# {entry.title}", entry.description]
    if entry.own_program:
        parts.append("It brings its own architecture as a Python program, which runs only after your yes.")
    if entry.scores:
        scores = "\n".join(f"- {name.replace('_', ' ')}: {value:.3f}" for name, value in entry.scores.items())
        parts.append(f"## Scores\n\n{scores}")
    for heading, text in (("Data", entry.data), ("Limits", entry.limits)):
        if text:
            parts.append(f"## {heading}\n\n{text}")
    parts.append(f"## Details\n\n{listed}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _entry(name: str, package: Path, card: ModelCard, about: Description, own_program: bool) -> ZooEntry:
    content = package.read_bytes()
    measured = card.training.get("metrics", {})
    kept = ("dice", "average_precision", "precision", "recall")
    scores = {key: float(measured[key]) for key in kept if isinstance(measured.get(key), (int, float))}
    return ZooEntry(
        name=name,
        file=f"{name}.aismodel",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        title=about.title or name,
        description=about.description,
        feature=card.feature,
        architecture=card.architecture,
        voxel_size=card.voxel_size,
        filtering=about.filtering,
        data=about.data or _data_words(card),
        limits=about.limits,
        scores=scores | dict(about.scores),
        authors=about.authors,
        licence=about.licence,
        published=datetime.now(timezone.utc).date().isoformat(),
        own_program=own_program,
    )


def _data_words(card: ModelCard) -> str:
    """Say in words what the card records about its training; names of tomograms are the lab's own and stay there."""
    data = card.training.get("data", {})
    if not isinstance(data, Mapping) or not isinstance(data.get("tomograms"), list):
        return ""
    boxes = data.get("boxes", {})
    count = boxes.get("with the feature") if isinstance(boxes, Mapping) else None
    words = f"{len(data['tomograms'])} tomograms"
    return words + (f", {count} boxes with the feature" if count is not None else "")


def _index(folder: Path, title: str) -> ZooIndex:
    path = folder / INDEX
    if path.exists():
        return read_index(read_text(path), str(path))
    return ZooIndex(title or folder.resolve().name, [])


@contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    """Keep others from publishing into the same folder at the same time, also from other machines."""
    path = folder / f".{INDEX}.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError as error:
        if not folder.is_dir():
            raise FileProblem(folder, "is a file, not a folder", "choose a folder") from error
        problem = "another program publishes into this folder at the moment"
        raise FileProblem(folder, problem, f"wait; if none does, remove {path.name}") from error
    except OSError as error:
        raise FileProblem(folder, f"cannot be written ({error.strerror or error})", "choose another folder") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)

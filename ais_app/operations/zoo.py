"""Networks to start from: search all zoos, bring one home, publish one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ais_app.core.errors import AisAppError, FileProblem
from ais_app.core.jobs import Job, Progress, run
from ais_app.core.model.package import load_card
from ais_app.core.registry import models_folder
from ais_app.core.zoo import publish as publishing
from ais_app.core.zoo.client import Zoo
from ais_app.core.zoo.index import ZooEntry
from ais_app.core.zoo.places import shipped_folder, zoos

log = logging.getLogger(__name__)
SHIPPED, YOURS = "shipped", "yours"


@dataclass(frozen=True)
class Offer:
    """A network that can be had.

    Parameters
    ----------
    entry
        What its zoo says about it.
    zoo
        Where it is; ``None`` for those of the person's own models folder.
    origin
        ``"shipped"``, ``"yours"``, or the zoo's title.
    path
        Of its file, where that is on this machine already.
    """

    entry: ZooEntry
    zoo: Zoo | None
    origin: str
    path: Path | None = None


@dataclass(frozen=True)
class Offers:
    """What a search found.

    Parameters
    ----------
    found
        Shipped networks first, then the person's own, then zoo by zoo.
    problems
        Zoo, or file, to the reason why it was left out.
    """

    found: list[Offer]
    problems: dict[str, str]


def search_networks(words: str = "", places: Sequence[str] = ()) -> Offers:
    """Find networks: shipped ones, the person's own, and those of zoos.

    Parameters
    ----------
    words
        All of them must stand in what is said about a network; all networks when empty.
    places
        Folders or addresses of zoos; those that are remembered, with the shipped one, when empty.

    Returns
    -------
    Offers
        A zoo that cannot be read is named; the others are searched.
    """
    return run(search_job(words, places))


def search_job(words: str = "", places: Sequence[str] = ()) -> Job[Offers]:
    """Search as a job; see `search_networks`."""
    known = [Zoo(place) for place in places] if places else zoos()
    offers, problems = [], {}
    for count, zoo in enumerate(known):
        yield Progress(count, len(known), zoo.place)
        try:
            offers += _offers(zoo)
        except AisAppError as error:
            problems[zoo.place] = f"{error.problem}; {error.remedy}"
            log.warning("zoo %s", error)
    if not places:
        own, broken = _own()
        shipped = [offer for offer in offers if offer.origin == SHIPPED]
        offers = [*shipped, *own, *(offer for offer in offers if offer.origin != SHIPPED)]
        problems |= broken
    return Offers([offer for offer in offers if offer.entry.matches(words)], problems)


def download_network(name: str, out: str | Path | None = None, places: Sequence[str] = ()) -> Path:
    """Bring a network home; see `download_job`."""
    return run(download_job(name, out, places))


def download_job(name: str, out: str | Path | None = None, places: Sequence[str] = ()) -> Job[Path]:
    """Bring a network home as a job: checked against its checksum, resumed where it was interrupted.

    Parameters
    ----------
    name
        In its zoo.
    out
        Folder; the person's models folder when ``None``.
    places
        Folders or addresses of zoos, the first that has it is taken; see `search_networks`.

    Returns
    -------
    Path
        The model package.

    Raises
    ------
    FileProblem
        No zoo has it, or it does not arrive as its zoo lists it.
    """
    known = [Zoo(place) for place in places] if places else zoos()
    problems = []
    for zoo in known:
        yield Progress(0, 0, zoo.place)
        try:
            found = zoo.index().entry(name)
        except AisAppError as error:
            problems.append(str(error))
            continue
        if found is not None:
            return (yield from zoo.download_job(found, models_folder() if out is None else out))
    where = ", ".join(zoo.place for zoo in known) or "no zoo is known"
    remedy = "; ".join(problems) or "ais-app models search lists what there is"
    raise FileProblem(name, f"is in no zoo that was looked into ({where})", remedy)


def publish_network(
    model: str | Path,
    zoo: str | Path,
    name: str | None = None,
    about: publishing.Description | None = None,
    *,
    replace_it: bool = False,
    zoo_title: str = "",
) -> ZooEntry:
    """Put a network into a zoo; see `ais_app.core.zoo.publish.publish`."""
    return publishing.publish(model, zoo, name, about, replace_it=replace_it, zoo_title=zoo_title)


def _offers(zoo: Zoo) -> list[Offer]:
    index = zoo.index()
    here = not zoo.is_remote
    origin = SHIPPED if here and Path(zoo.place) == shipped_folder() else index.title or zoo.place
    return [Offer(entry, zoo, origin, Path(zoo.place) / entry.file if here else None) for entry in index.entries]


def _own() -> tuple[list[Offer], dict[str, str]]:
    """Return the networks in the person's models folder, and those files there that are none."""
    found, problems = [], {}
    for path in sorted(models_folder().glob("[!.]*.aismodel")):
        try:
            card = load_card(path)
        except AisAppError as error:
            problems[str(path)] = error.problem
            continue
        entry = ZooEntry(
            name=path.stem,
            file=path.name,
            size=path.stat().st_size,
            sha256="",
            title=path.stem,
            feature=card.feature,
            architecture=card.architecture,
            voxel_size=card.voxel_size,
        )
        found.append(Offer(entry, None, YOURS, path))
    return found, problems

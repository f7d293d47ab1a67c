"""Which zoos there are: the shipped one, the person's own networks, and addresses that are remembered."""

from __future__ import annotations

from pathlib import Path

from ais_app import resources
from ais_app.core.errors import FileProblem
from ais_app.core.files import read_json, write_json
from ais_app.core.registry import models_folder
from ais_app.core.zoo.client import Zoo
from ais_app.core.zoo.index import INDEX
from ais_app.core.zoo.reading import is_address

ZOOS = "zoos.json"
SHIPPED = "shipped"


def shipped_folder() -> Path:
    """Return the folder of the networks that come with the program."""
    return Path(resources.__path__[0]) / "networks"


def shipped_zoo() -> Zoo:
    """Return the networks that come with the program; needs no connection."""
    return Zoo(str(shipped_folder()))


def zoos() -> list[Zoo]:
    """Return all that are known: the shipped one, where there is one, then those that are remembered."""
    shipped = [shipped_zoo()] if (shipped_folder() / INDEX).exists() else []
    return [*shipped, *map(Zoo, remembered())]


def remembered() -> list[str]:
    """Return the places that the person added, from ``zoos.json`` in the models folder."""
    path = models_folder() / ZOOS
    values = read_json(path) if path.exists() else []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise FileProblem(path, "is not a list of addresses", "remove it, and add your zoos again")
    return values


def remember(place: str) -> None:
    """Add a zoo, once it is seen to be one; a folder is kept by its whole path.

    Raises
    ------
    FileProblem
        It is no zoo.
    """
    zoo = Zoo(place if is_address(place) else str(Path(place).expanduser().resolve()))
    zoo.index()
    if zoo.place not in remembered():
        write_json(models_folder() / ZOOS, [*remembered(), zoo.place])


def forget_place(place: str) -> None:
    """Take a zoo off the list; what was downloaded stays."""
    same = {Zoo(place).place, str(Path(place).expanduser().resolve())}
    write_json(models_folder() / ZOOS, [known for known in remembered() if known not in same])

"""Keys: presets that are like other programs, and clashes between them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from ais_app.core.files import read_json


@cache
def preset_keys(name: str) -> Mapping[str, str]:
    """Return action to key where a preset differs from the default: ``"default"``, ``"napari"`` or ``"3dmod"``."""
    if name == "default":
        return MappingProxyType({})
    content = read_json(files("ais_app.resources") / "keys" / f"{name}.json")  # type: ignore[arg-type]
    return MappingProxyType({str(id): str(key) for id, key in content.items()})


def clashes(keys: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return (key, one action, another) for each key that two actions have.

    Parameters
    ----------
    keys
        Action to its keys, several separated by ``"; "``.
    """
    owner: dict[str, str] = {}
    found = []
    for id, several in keys.items():
        for key in filter(None, several.split("; ")):
            if key in owner:
                found.append((key, owner[key], id))
            owner[key] = id
    return found

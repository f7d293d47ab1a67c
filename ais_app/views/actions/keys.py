"""Keys: presets that are like other programs, a person's own choices over them, and clashes between them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from PyQt6.QtGui import QKeySequence

from ais_app.core.errors import ParameterProblem
from ais_app.core.files import read_json
from ais_app.state.settings import Settings
from ais_app.views.actions.action import ActionTable

BETWEEN = "; "  # several keys of one action


@cache
def preset_keys(name: str) -> Mapping[str, str]:
    """Return action to key where a preset differs from the default: ``"default"``, ``"napari"`` or ``"3dmod"``."""
    if name == "default":
        return MappingProxyType({})
    content = read_json(files("ais_app.resources") / "keys" / f"{name}.json")  # type: ignore[arg-type]
    return MappingProxyType({str(id): str(key) for id, key in content.items()})


def key_of(table: ActionTable, settings: Settings, id: str) -> str:
    """Return the keys of an action as they are now; empty when it has none."""
    if id in settings.keys:
        return _normal(settings.keys[id])
    return _preset_key(table, settings, id)


def _preset_key(table: ActionTable, settings: Settings, id: str) -> str:
    return _normal(preset_keys(settings.key_preset).get(id, table[id].key))


def _normal(several: str) -> str:
    """Return keys as Qt spells them, so that "Ctrl+Delete" and "Ctrl+Del" are the same."""
    found = (QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText) for key in several.split(BETWEEN))
    return BETWEEN.join(filter(None, found))


def all_keys(table: ActionTable, settings: Settings) -> dict[str, str]:
    """Return the keys of every action as they are now."""
    return {action.id: key_of(table, settings, action.id) for action in table}


def owner_of(table: ActionTable, settings: Settings, key: str) -> str | None:
    """Return the id of the action that has a key now, or ``None``."""
    for id, several in all_keys(table, settings).items():
        if key in several.split(BETWEEN):
            return id
    return None


def assign(table: ActionTable, settings: Settings, id: str, key: str) -> None:
    """Give an action a key in place of those it has; an empty one takes them away.

    Raises
    ------
    ParameterProblem
        Another action has this key.
    """
    _check_free(table, settings, id, key)
    settings.keys = {**settings.keys, id: key}


def reset(table: ActionTable, settings: Settings, id: str) -> None:
    """Give an action the key of the preset back.

    Raises
    ------
    ParameterProblem
        Another action was given that key.
    """
    _check_free(table, settings, id, _preset_key(table, settings, id))
    settings.keys = {known: key for known, key in settings.keys.items() if known != id}


def reset_all(settings: Settings) -> None:
    """Give every action the key of the preset back."""
    settings.keys = {}


def choose_preset(settings: Settings, name: str) -> None:
    """Use another preset; a person's own keys go, since they were chosen around the other keys."""
    settings.keys = {}
    settings.key_preset = name


def _check_free(table: ActionTable, settings: Settings, id: str, key: str) -> None:
    for part in filter(None, key.split(BETWEEN)):
        owner = owner_of(table, settings, part)
        if owner is not None and owner != id:
            name = table[owner].text.replace("&", "")
            raise ParameterProblem(part, f"belongs to “{name}”", "take it away from there first, or press another key")


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
        for key in filter(None, _normal(several).split(BETWEEN)):
            if key in owner:
                found.append((key, owner[key], id))
            owner[key] = id
    return found

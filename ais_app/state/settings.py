"""What a person set for every project: theme, keys, recent files. One JSON file, read leniently, written whole."""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from platformdirs import user_config_dir, user_data_dir
from psygnal import SignalGroupDescriptor

from ais_app.core.errors import AisAppError
from ais_app.core.files import read_json, write_json

log = logging.getLogger(__name__)

FILE_NAME = "settings.json"
VERSION = 1
MOST_RECENT = 12
THEMES = ("system", "dark", "light")
KEY_PRESETS = ("default", "napari", "3dmod")


@dataclass
class Settings:
    """Settings of one person on one machine; each field has an event: ``settings.events.theme.connect(...)``.

    Parameters
    ----------
    theme
        ``"system"``, ``"dark"`` or ``"light"``.
    key_preset
        Which keys are the defaults.
    keys
        Action to key, where a person has chosen another one than the preset's; an empty key takes it away.
    recent
        Projects and volumes opened last, newest first.
    window
        Geometry and layout of the window, as the window understands it.
    feature_styles
        The feature library: name to colour, brush radius, opacity, box size.
    console
        Show the Python console.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    theme: str = "system"
    key_preset: str = "default"
    keys: dict[str, str] = field(default_factory=dict)
    recent: list[str] = field(default_factory=list)
    window: dict[str, Any] = field(default_factory=dict)
    feature_styles: dict[str, dict[str, Any]] = field(default_factory=dict)
    console: bool = False

    def note_recent(self, path: str | Path) -> None:
        """Put a file at the head of the recent ones."""
        text = str(Path(path).resolve())
        self.recent = [text, *(entry for entry in self.recent if entry != text)][:MOST_RECENT]


def settings_folder() -> Path:
    """Return the folder that holds a person's settings."""
    return Path(user_config_dir("ais-app", appauthor=False))


def drafts_folder() -> Path:
    """Return the folder of projects that have not been given a place yet."""
    return Path(user_data_dir("ais-app", appauthor=False)) / "drafts"


def load_settings(folder: str | Path | None = None) -> Settings:
    """Read the settings; what is missing, unknown or of the wrong kind gets its default and a line in the log.

    Parameters
    ----------
    folder
        Where the file is; the person's own when ``None``.
    """
    path = Path(folder or settings_folder()) / FILE_NAME
    settings = Settings()
    if not path.exists():
        return settings
    try:
        content = read_json(path)
    except AisAppError as error:
        log.warning("the settings start afresh: %s", error)
        return settings
    if not isinstance(content, dict):
        log.warning("the settings start afresh: %s holds no settings", path)
        return settings
    for known in dataclasses.fields(Settings):
        value = content.get(known.name, getattr(settings, known.name))
        if _fits(known.name, value, getattr(settings, known.name)):
            setattr(settings, known.name, value)
        else:
            log.warning("%s: %s = %r cannot be; its default is used", path, known.name, value)
    return settings


def save_settings(settings: Settings, folder: str | Path | None = None) -> Path:
    """Write the settings and return their file.

    Raises
    ------
    FileProblem
        The folder cannot be written.
    """
    path = Path(folder or settings_folder()) / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {known.name: getattr(settings, known.name) for known in dataclasses.fields(Settings)}
    return write_json(path, {"version": VERSION, **content})


def _fits(name: str, value: Any, default: Any) -> bool:
    if name == "theme":
        return value in THEMES
    if name == "key_preset":
        return value in KEY_PRESETS
    if name == "recent":
        return isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    if name == "keys":
        return isinstance(value, dict) and all(isinstance(entry, str) for entry in value.values())
    return isinstance(value, type(default))

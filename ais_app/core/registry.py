"""Plug-ins: one file, one thing; found by looking into a folder.

A plug-in folder is a package whose modules each define one record under an agreed name (``FORMAT``, ``PICKER``,
``FILTER``, ``ARCHITECTURE``). Installed packages add theirs through entry points in the group
``ais_app.<folder>``; architectures also come from files in a folder of the person (see `models_folder`). What does
not load is named with its error; the others go on.
"""

from __future__ import annotations

import difflib
import importlib
import logging
import os
import pkgutil
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from platformdirs import user_data_dir

from ais_app.core.errors import ParameterProblem

log = logging.getLogger(__name__)
R = TypeVar("R")

MODELS_VARIABLE = "AIS_APP_MODELS"
BUILT_IN = "built in"


@dataclass(frozen=True)
class Discovered:
    """What looking for plug-ins has found.

    Parameters
    ----------
    records
        Name to record, in order of the name.
    origins
        Name to where it comes from: ``"built in"``, ``"package NAME"``, or the file's path.
    sources
        Name to the source of its file, for those of the person's own folder.
    problems
        File or entry point to the reason why it was left out.
    """

    records: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def _take(self, record: Any, origin: str, place: str) -> bool:
        """Add a record of strangers, unless it is none or its name is taken; return whether it was added."""
        kinds = {type(known) for known in self.records.values()}  # those built in, which are there first
        name = getattr(record, "name", None)
        if not isinstance(name, str) or not name:
            self._refuse(place, "defines no record with a name")
        elif kinds and not isinstance(record, tuple(kinds)):
            wanted = " or ".join(sorted(kind.__name__ for kind in kinds))
            self._refuse(place, f"defines a {type(record).__name__}, not a {wanted}")
        elif name in self.records:
            self._refuse(place, f"the name {name!r} is taken ({self.origins[name]})")
        else:
            self.records[name], self.origins[name] = record, origin
            return True
        return False

    def _refuse(self, place: str, reason: str) -> None:
        self.problems[place] = reason
        log.warning("plug-in %s is left out: %s", place, reason)


def models_folder() -> Path:
    """Return the person's folder of architectures (``*.py``) and networks (``*.aismodel``); it need not exist.

    The environment variable ``AIS_APP_MODELS`` chooses another one.
    """
    chosen = os.environ.get(MODELS_VARIABLE)
    return Path(chosen) if chosen else Path(user_data_dir("ais-app", appauthor=False)) / "models"


def plugins(package: str, attribute: str) -> dict[str, Any]:
    """Return every record of a plug-in folder by its name.

    Parameters
    ----------
    package
        Dotted name of the folder, such as ``"ais_app.core.io"``.
    attribute
        Name of the record in each module, such as ``"FORMAT"``. Modules without it are helpers and are left out.

    Returns
    -------
    dict
        ``record.name`` to record, in order of the name.
    """
    return discover(package, attribute).records


def named(known: Mapping[str, R], kind: str, name: str) -> R:
    """Return the record of a name; `kind` says in errors what it is.

    Raises
    ------
    ParameterProblem
        There is none of that name; the nearest is suggested.
    """
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        raise ParameterProblem(kind, f"{name!r} is not known", remedy)
    return known[name]


def discover(package: str, attribute: str) -> Discovered:
    """Return what `plugins` does, with origins and with what was left out and why."""
    return _discover(package, attribute, models_folder() if package == "ais_app.models" else None)


def forget() -> None:
    """Look again at the next call: a file was added or changed."""
    _discover.cache_clear()


@cache
def _discover(package: str, attribute: str, folder: Path | None) -> Discovered:
    found = Discovered()
    modules = importlib.import_module(package)
    for module_info in pkgutil.iter_modules(modules.__path__, package + "."):
        if module_info.name.rpartition(".")[2].startswith("_"):
            continue  # a helper of others
        record = getattr(importlib.import_module(module_info.name), attribute, None)
        if record is not None:
            found.records[record.name], found.origins[record.name] = record, BUILT_IN
    _from_packages(found, "ais_app." + package.rsplit(".", 1)[-1])
    if folder is not None:
        _from_folder(found, folder, attribute)
    return Discovered(dict(sorted(found.records.items())), found.origins, found.sources, found.problems)


def _from_packages(found: Discovered, group: str) -> None:
    for entry in entry_points(group=group):
        place = f"{entry.name} ({entry.value})"
        try:
            record = entry.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - code of strangers may raise anything; it is named
            found._refuse(place, f"does not load ({_words(error)})")
            continue
        found._take(record, f"package {entry.dist.name if entry.dist else entry.value}", place)


def _from_folder(found: Discovered, folder: Path, attribute: str) -> None:
    for path in sorted(folder.glob("[!_.]*.py")):
        try:
            source = path.read_text(encoding="utf-8")
            record = getattr(run_source(source, path.stem, str(path)), attribute, None)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
            found._refuse(str(path), f"does not load ({_words(error)})")
            continue
        if record is None:
            found._refuse(str(path), f"does not define {attribute}")
        elif found._take(record, str(path), str(path)):
            found.sources[record.name] = source


def run_source(source: str, name: str, file: str) -> types.ModuleType:
    """Run a file's source as a module of its own and return it; raises whatever the source raises.

    The module stands in ``sys.modules``, where dataclasses look for the names in their annotations.
    """
    module = types.ModuleType(f"ais_app_plugin_{name}")
    module.__file__ = file
    sys.modules[module.__name__] = module
    exec(compile(source, file, "exec"), module.__dict__)  # noqa: S102 - a person's own file, or one they trust
    return module


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__

"""Plug-ins: one file, one thing; found by looking into a folder.

A plug-in folder is a package whose modules each define one record under an agreed name (``FORMAT``, ``PICKER``,
``FILTER``, ``ARCHITECTURE``). Installed packages add theirs through entry points in the group
``ais_app.<folder>``. A file that does not load is named with its error; the others go on.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from typing import Any

log = logging.getLogger(__name__)


@cache
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
    folder = importlib.import_module(package)
    found = {}
    for module_info in pkgutil.iter_modules(folder.__path__, package + "."):
        record = getattr(importlib.import_module(module_info.name), attribute, None)
        if record is not None:
            found[record.name] = record
    for entry in entry_points(group="ais_app." + package.rsplit(".", 1)[-1]):
        try:
            record = entry.load()
        except Exception as error:  # noqa: BLE001 - code of strangers may raise anything; it is named and left out
            log.warning("plug-in %s (%s) does not load: %s", entry.name, entry.value, error)
            continue
        found[record.name] = record
    return dict(sorted(found.items()))

"""What was computed from a tomogram and is shown again and again: its thumbnail and its preflight.

Not part of the history, and bound to the fingerprint of the file: what belongs to another content is not given out.
"""

from __future__ import annotations

from typing import Any

from ais_app.core.errors import ParameterProblem
from ais_app.state.database import Database
from ais_app.state.display_table import DisplayTable
from ais_app.state.records import TomogramEntry

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES = 2**20  # a thumbnail, not a picture: 500 of them are read when a project opens


def thumbnail(database: Database, entry: TomogramEntry) -> bytes | None:
    """Return the stored PNG, or ``None`` when there is none of this content."""
    where = "tomogram = ? AND fingerprint = ?"
    rows = database.rows(f"SELECT png FROM thumbnail WHERE {where}", (entry.id, entry.fingerprint))
    return bytes(rows[0][0]) if rows else None


def set_thumbnail(database: Database, entry: TomogramEntry, png: bytes) -> None:
    """Store a PNG of at most 1 MiB.

    Raises
    ------
    ParameterProblem
        It is no PNG, or too large.
    """
    if not png.startswith(_PNG) or len(png) > _MOST_BYTES:
        raise ParameterProblem("thumbnail", f"{len(png):,} bytes that are no small PNG", "give a PNG of up to 1 MiB")
    statement = "INSERT OR REPLACE INTO thumbnail (tomogram, fingerprint, png) VALUES (?, ?, ?)"
    with database.transaction():
        database.execute(statement, (entry.id, entry.fingerprint, png))


def preflight(display: DisplayTable, entry: TomogramEntry) -> Any:
    """Return what was found when the tomogram was looked through, or ``None`` when it was not."""
    stored = display.get(f"preflight/{entry.id}", {})
    return stored["findings"] if stored.get("fingerprint") == entry.fingerprint else None


def set_preflight(display: DisplayTable, entry: TomogramEntry, findings: Any) -> None:
    """Keep what was found, JSON-able."""
    display.put(f"preflight/{entry.id}", {"fingerprint": entry.fingerprint, "findings": findings})

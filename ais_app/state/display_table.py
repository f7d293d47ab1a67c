"""How things are shown: JSON under names, kept in the project but not in its history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ais_app.core.errors import FileProblem
from ais_app.state.database import Database
from ais_app.state.json_text import from_text, to_text


class DisplayTable:
    """Display settings by name; written at once, and only where they differ.

    In a project that is open read-only they can be changed for as long as it is open: whoever may only look can
    still hide a feature.

    Parameters
    ----------
    database
        The open project file.
    announce
        Called with the name of what has changed.
    """

    def __init__(self, database: Database, announce: Callable[[str], None]) -> None:
        self._database, self._announce = database, announce
        self._own: dict[str, str | None] = {}  # what was set while the project is open read-only

    def get(self, name: str, default: Any = None) -> Any:
        """Return what is stored under a name."""
        text = self._text(name)
        return default if text is None else from_text(text, self._database.path, f"display setting {name}")

    def put(self, name: str, content: Any) -> None:
        """Store JSON-able values under a name; ``None`` removes them."""
        text = None if content is None else to_text(content, name)
        if text == self._text(name):
            return
        if self._database.read_only:
            self._own[name] = text
        elif text is None:
            with self._database.transaction():
                self._database.execute("DELETE FROM display WHERE name = ?", (name,))
        else:
            with self._database.transaction():
                self._database.execute("INSERT OR REPLACE INTO display (name, content) VALUES (?, ?)", (name, text))
        self._announce(name)

    def starting_with(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Return the mappings stored under all names that start with `prefix`, by the rest of the name."""
        where = "name >= ? AND name < ?"
        rows = self._database.rows(f"SELECT name, content FROM display WHERE {where}", (prefix, f"{prefix}\uffff"))
        texts = {**dict(rows), **{name: text for name, text in self._own.items() if name.startswith(prefix)}}
        found = {}
        for name, text in texts.items():
            if text is not None:
                content = from_text(text, self._database.path, f"display setting {name}")
                if not isinstance(content, dict):
                    remedy = "restore the project from a copy"
                    raise FileProblem(self._database.path, f"its display setting {name} is damaged", remedy)
                found[name.removeprefix(prefix)] = content
        return found

    def _text(self, name: str) -> str | None:
        if name in self._own:
            return self._own[name]
        rows = self._database.rows("SELECT content FROM display WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

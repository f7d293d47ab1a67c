"""The part of a project that keeps networks, trainings, the interaction graph and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ais_app.state import model_table, run_table
from ais_app.state.json_text import from_text, to_text
from ais_app.state.part import ProjectPart
from ais_app.state.records import ModelEntry, Run


class RecordPart(ProjectPart):
    """Models, runs, interactions, documents and display settings; see `Project`."""

    @property
    def models(self) -> list[ModelEntry]:
        """The networks the project uses."""
        return model_table.entries(self._history, self.folder)

    def add_model(self, path: str | Path, name: str | None = None) -> ModelEntry:
        """Note a network file; the same content again returns its entry."""
        return model_table.add(self._history, self.folder, Path(path), name)

    def remove_model(self, model: ModelEntry) -> None:
        """Take a network out of the project; its file stays."""
        model_table.remove(self._history, model)

    # trainings: not part of the history, an undo does not make one undone

    @property
    def runs(self) -> list[Run]:
        """The trainings in the order in which they were started."""
        return run_table.entries(self._database, self.folder)

    def run(self, which: int | Run) -> Run:
        """Return a training as it is now, or raise `ProjectProblem`."""
        return run_table.find(self._database, self.folder, which)

    def add_run(self, name: str, **fields: Any) -> Run:
        """Note a training; its state is ``"training"`` unless given.

        Parameters
        ----------
        name
            What a person calls it.
        **fields
            feature (id), parameters, scores, parent (id), checkpoint, model, state, message: see `Run`.
        """
        id = run_table.add(self._database, self.folder, {"name": name, **fields})
        self.events.runs.emit()
        return self.run(id)

    def update_run(self, which: int | Run, **fields: Any) -> Run:
        """Change some fields of a training, as in `add_run`, and return it.

        Raises
        ------
        ParameterProblem
            A field is not known, or cannot have this value.
        FileProblem
            The model is not there.
        """
        run = self.run(which)
        run_table.update(self._database, self.folder, run, fields)
        self.events.runs.emit()
        return self.run(run.id)

    def remove_run(self, which: int | Run) -> None:
        """Forget a training; its files stay."""
        run_table.remove(self._database, self.run(which))
        self.events.runs.emit()

    # the interaction graph, settings

    @property
    def interactions(self) -> Any:
        """The interaction graph as JSON-able values; ``None`` when there is none."""
        return self.document("interactions")

    @interactions.setter
    def interactions(self, graph: Any) -> None:
        self.set_document("interactions", graph)

    def document(self, name: str, default: Any = None) -> Any:
        """Return what was stored under a name with `set_document`."""
        row = self._history.get("document", (name,))
        return default if row is None else from_text(row[0], self.path, f"document {name}")

    def document_names(self, start: str) -> list[str]:
        """Return the names of the documents that begin so."""
        rows = self._history.database.rows(
            "SELECT name FROM document WHERE substr(name, 1, ?) = ? ORDER BY name", (len(start), start)
        )
        return [name for (name,) in rows]

    def set_document(self, name: str, content: Any) -> None:
        """Store JSON-able values under a name; ``None`` removes them. Can be undone."""
        row = None if content is None else (to_text(content, name),)
        with self._history.command(f"Change {name}"):
            self._history.put("document", (name,), row)

    def display(self, name: str, default: Any = None) -> Any:
        """Return what was stored under a name with `set_display`."""
        return self._display.get(name, default)

    def set_display(self, name: str, content: Any) -> None:
        """Store how something is shown: JSON-able values, ``None`` removes them. Saved at once, not in the history.

        In a project that is open read-only it is kept until that is closed. ``draft`` and names that start with
        ``feature/`` or ``preflight/`` are taken.
        """
        self._display.put(name, content)

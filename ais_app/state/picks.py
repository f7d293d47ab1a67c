"""The picks of one set, to read and to edit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ParameterProblem, ProjectProblem
from ais_app.state import pick_table
from ais_app.state.history import History
from ais_app.state.pick_blocks import BLOCK, Columns, Picks, chosen, joined, pack, records_of, unpack
from ais_app.state.records import PickSet, TomogramEntry

if TYPE_CHECKING:  # pandas, below it, takes a second to import
    from ais_app.core.particle_set import Particles

Ids = Sequence[int] | np.ndarray


class PickStore:
    """Picks that are in the file as soon as they are placed; each call that changes them is one step of undo."""

    def __init__(self, history: History, tomogram: TomogramEntry, id: int) -> None:
        self.tomogram, self.id = tomogram, id
        self._history = history

    @property
    def entry(self) -> PickSet:
        """The set as it is now: name, feature, count."""
        return pick_table.find(self._history, self.id)

    def read(self) -> Picks:
        """Return all picks."""
        return Picks(*joined(pick_table.blocks(self._history, self.entry)))

    def particles(self) -> Particles:
        """Return all picks as `Particles`, with their other columns."""
        return self.read().particles(self.tomogram)

    def add(self, particles: Particles, radius: float | None = None) -> np.ndarray:
        """Add picks, Å from the centre of voxel (0, 0, 0), with a radius in Å; return their ids, (n,).

        Raises
        ------
        ParameterProblem
            They are of several tomograms, or a position is no number.
        """
        _check(particles, radius)
        entry, first = self.entry, pick_table.next_pick(self._history, self.id)
        records, columns = records_of(particles, first, radius)
        with self._history.command(f"Add {len(records)} picks to {entry.name} on {self.tomogram.name}"):
            for number, rows in _by_block(records["id"]):
                part = (records[rows], chosen(columns, rows))
                self._put(number, *joined([*self._block(number), part]))
            pick_table.count(self._history, self.id, entry.count + len(records), first + len(records))
        return records["id"]

    def remove(self, ids: Ids) -> None:
        """Remove picks by their ids.

        Raises
        ------
        ProjectProblem
            One is not there.
        """
        ids, entry = np.unique(np.asarray(ids, dtype=np.int64)), self.entry
        with self._history.command(f"Remove {len(ids)} picks from {entry.name} on {self.tomogram.name}"):
            for number, rows in _by_block(ids):
                records, columns = self._joined(number)
                keep = np.delete(np.arange(len(records)), _places(records, ids[rows]))
                self._put(number, records[keep], chosen(columns, keep))
            after = entry.count - len(ids)
            pick_table.count(self._history, self.id, after, pick_table.next_pick(self._history, self.id))

    def change(
        self,
        ids: Ids,
        *,
        positions_zyx: np.ndarray | None = None,
        rotations: np.ndarray | None = None,
        scores: np.ndarray | float | None = None,
        radii: np.ndarray | float | None = None,
        columns: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        """Move or turn picks, or give them other scores, radii or columns; what is ``None`` stays.

        Parameters
        ----------
        ids
            (n,), of picks of this set.
        positions_zyx
            (n, 3), Å from the centre of voxel (0, 0, 0).
        rotations
            (n, 3, 3), as in `Particles`.
        scores, radii
            (n,) or one for all; radii in Å.
        columns
            Name to n values, such as ``"class_name"``; other columns, and those of other picks, stay.

        Raises
        ------
        ProjectProblem
            One is not there.
        ParameterProblem
            There are not as many values as ids, or a position is no number.
        """
        ids, name = np.asarray(ids, dtype=np.int64), self.entry.name
        given = {"zyx": positions_zyx, "rotation": rotations, "score": scores, "radius": radii}
        fresh = {key: _fitting(key, value, len(ids)) for key, value in given.items() if value is not None}
        for key, column in (columns or {}).items():
            _check_length(key, len(column), len(ids))
        verb = "Move" if list(fresh) == ["zyx"] and not columns else "Change"
        with self._history.command(f"{verb} {len(ids)} picks of {name} on {self.tomogram.name}"):
            for number, rows in _by_block(ids):
                records, others = self._joined(number)
                places = _places(records, ids[rows])
                for key, values in fresh.items():
                    records[key][places] = values[rows]
                for key, column in (columns or {}).items():
                    kept = others.setdefault(key, [None] * len(records))
                    for place, row in zip(places.tolist(), rows.tolist(), strict=True):
                        kept[place] = column[row]
                self._put(number, records, others)

    def clear(self) -> None:
        """Remove all picks; the set stays."""
        entry = self.entry
        with self._history.command(f"Remove all picks of {entry.name} on {self.tomogram.name}"):
            for number in pick_table.numbers(self._history, entry):
                self._history.put("pick_block", self._key(number), None)
            pick_table.count(self._history, self.id, 0, pick_table.next_pick(self._history, self.id))

    def _key(self, number: int) -> tuple[int, int, int]:
        return self.tomogram.id, self.id, number

    def _block(self, number: int) -> list[tuple[np.ndarray, Columns]]:
        row = self._history.get("pick_block", self._key(number))
        return [] if row is None else [unpack(row[0], self._history.database.path)]

    def _joined(self, number: int) -> tuple[np.ndarray, Columns]:
        return joined(self._block(number))

    def _put(self, number: int, records: np.ndarray, columns: Columns) -> None:
        self._history.put("pick_block", self._key(number), (pack(records, columns),) if len(records) else None)


def _by_block(ids: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Give the number of each block and the indices of its ids."""
    numbers = ids // BLOCK
    order = np.argsort(numbers, kind="stable")
    found, starts = np.unique(numbers[order], return_index=True)
    # of no ids np.split makes one empty piece
    yield from zip(found.tolist(), np.split(order, starts[1:]), strict=False)


def _places(records: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return the rows of ids in a block."""
    places = np.searchsorted(records["id"], ids)
    there = places < len(records)
    there[there] = records["id"][places[there]] == ids[there]
    if not there.all():
        raise ProjectProblem(f"pick {ids[~there][0]}", "is not in the set", "it was removed: undo brings it back")
    return places


def _check(particles: Particles, radius: float | None) -> None:
    if len(particles.names) > 1:
        first, second, *_ = particles.names
        remedy = "add those of one tomogram: particles[particles.tomograms == name]"
        raise ParameterProblem("picks", f"are of several tomograms ({first}, {second} ...)", remedy)
    _fitting("zyx", particles.positions_zyx, len(particles))
    if radius is not None:
        _fitting("radius", radius, 1)


def _check_length(key: str, given: int, count: int) -> None:
    if given != count:
        raise ParameterProblem("picks", f"{given} values of {key} for {count} picks", "give one for each")


def _fitting(key: str, values: Any, count: int) -> np.ndarray:
    """Return values for `count` picks, after making sure that they can be."""
    shape = {"zyx": (count, 3), "rotation": (count, 3, 3)}.get(key, (count,))
    values = np.asarray(values, dtype=float)
    if values.ndim and values.shape != shape or not values.ndim and len(shape) > 1:
        raise ParameterProblem("picks", f"{key} of shape {values.shape} for {count} picks", f"give {shape}")
    if key == "zyx" and not np.isfinite(values).all():
        raise ParameterProblem("picks", "a position is not finite", "leave out positions that are no numbers")
    if key == "radius" and not (values > 0).all():
        raise ParameterProblem("picks", "a radius is not above 0", "give Å")
    return np.broadcast_to(values, shape)

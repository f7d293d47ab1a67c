"""Join particles of several files of RELION, whose optics groups are numbered independently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from ais_app.core.particle_set import Particles

_GROUP, _NAME = "rlnOpticsGroup", "rlnOpticsGroupName"


def merged(parts: Sequence[Particles]) -> Particles:
    """Join sets of particles; optics groups that are alike become one, the others get new numbers.

    Where only some sets have optics groups they are dropped, and the writer makes a new one.
    """
    filled = [part for part in parts if len(part)]
    if len(filled) < 2:
        return Particles.concatenate(parts)
    optics = [_optics(part) for part in filled]
    if all(table is None for table in optics):
        return Particles.concatenate(parts)
    if any(table is None for table in optics):
        return Particles.concatenate([_without_optics(part) for part in filled])
    rows: list[dict] = []
    renumbered = []
    for part, table in zip(filled, optics, strict=True):
        assert table is not None  # those without went another way
        numbers = {row[_GROUP]: _number(rows, row) for row in table.to_dict("records")}
        renumbered.append(replace(part, table=part.table.assign(**{_GROUP: part.table[_GROUP].map(numbers)})))
    joined = Particles.concatenate(renumbered)
    return replace(joined, blocks={**joined.blocks, "optics": pd.DataFrame(rows)})


def _optics(part: Particles) -> pd.DataFrame | None:
    table = part.blocks.get("optics")
    if not isinstance(table, pd.DataFrame) or _GROUP not in table.columns or _GROUP not in part.table.columns:
        return None
    return table


def _number(rows: list[dict], row: dict) -> int:
    """Return the new number of an optics group, which is added to `rows` unless one like it is there."""
    for known in rows:
        if {**known, _GROUP: 0} == {**row, _GROUP: 0}:
            return int(known[_GROUP])
    number = len(rows) + 1
    row = {**row, _GROUP: number}
    if any(known.get(_NAME) == row.get(_NAME) for known in rows):
        row[_NAME] = f"{row.get(_NAME)}_{number}"
    rows.append(row)
    return number


def _without_optics(part: Particles) -> Particles:
    blocks = {name: block for name, block in part.blocks.items() if name != "optics"}
    return replace(part, blocks=blocks, table=part.table.drop(columns=_GROUP, errors="ignore"))

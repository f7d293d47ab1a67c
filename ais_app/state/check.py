"""Looking through a whole project file for damage."""

from __future__ import annotations

from collections.abc import Iterator

from ais_app.core.annotation.labels import unpack
from ais_app.core.errors import AisAppError
from ais_app.state import pick_blocks
from ais_app.state.database import Database


def problems(database: Database) -> list[str]:
    """Return what is wrong, in words: SQLite's own check, labels and picks without an owner or that cannot be read."""
    found = database.problems()
    if found:
        return found
    names = dict(database.rows("SELECT id, name FROM tomogram"))
    return [*_tiles(database, names), *_picks(database, names)]


def _tiles(database: Database, tomograms: dict[int, str]) -> Iterator[str]:
    features = dict(database.rows("SELECT id, name FROM feature"))
    for tomogram, feature, z, y, x in database.rows("SELECT tomogram, feature, z, y, x FROM tile"):
        of, on = features.get(feature, "no feature"), tomograms.get(tomogram, "no tomogram")
        where = f"tile {z}, {y}, {x} of {of} on {on}"
        if tomogram not in tomograms or feature not in features:
            yield f"{where}: its owner is gone"
            continue
        key = "tomogram = ? AND feature = ? AND z = ? AND y = ? AND x = ?"
        ((packed,),) = database.rows(f"SELECT data FROM tile WHERE {key}", (tomogram, feature, z, y, x))
        try:
            unpack(packed)
        except AisAppError as error:
            yield f"{where}: {error.problem}"


def _picks(database: Database, tomograms: dict[int, str]) -> Iterator[str]:
    sets = {id: (tomogram, name) for id, tomogram, name in database.rows("SELECT id, tomogram, name FROM pick_set")}
    for tomogram, pick_set, number in database.rows("SELECT tomogram, pick_set, number FROM pick_block"):
        owner, name = sets.get(pick_set, (None, "no set"))
        where = f"block {number} of picks {name} on {tomograms.get(tomogram, 'no tomogram')}"
        if owner != tomogram or tomogram not in tomograms:
            yield f"{where}: its owner is gone"
            continue
        key = "tomogram = ? AND pick_set = ? AND number = ?"
        ((packed,),) = database.rows(f"SELECT data FROM pick_block WHERE {key}", (tomogram, pick_set, number))
        try:
            pick_blocks.unpack(packed, database.path)
        except AisAppError as error:
            yield f"{where}: {error.problem}"

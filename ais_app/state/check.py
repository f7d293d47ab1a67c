"""Looking through a whole project file for damage."""

from __future__ import annotations

from ais_app.core.annotation.labels import unpack
from ais_app.core.errors import AisAppError
from ais_app.state.database import Database


def problems(database: Database) -> list[str]:
    """Return what is wrong, in words: SQLite's own check, tiles that cannot be read, rows without an owner."""
    found = database.problems()
    if found:
        return found
    names = dict(database.rows("SELECT id, name FROM tomogram"))
    features = dict(database.rows("SELECT id, name FROM feature"))
    for tomogram, feature, z, y, x in database.rows("SELECT tomogram, feature, z, y, x FROM tile"):
        where = f"tile {z}, {y}, {x} of {features.get(feature, 'no feature')} on {names.get(tomogram, 'no tomogram')}"
        if tomogram not in names or feature not in features:
            found.append(f"{where}: its owner is gone")
            continue
        key = "tomogram = ? AND feature = ? AND z = ? AND y = ? AND x = ?"
        ((packed,),) = database.rows(f"SELECT data FROM tile WHERE {key}", (tomogram, feature, z, y, x))
        try:
            unpack(packed)
        except AisAppError as error:
            found.append(f"{where}: {error.problem}")
    return found

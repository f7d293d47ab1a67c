"""The tables of a project file, and the steps from each version of the format to the next.

The pragma ``user_version`` counts the steps that a file has been through. A step that has been released is never
edited: what changes is added as another step.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

APPLICATION_ID = 0x41495350  # "AISP": file(1) and SQLite tools show it, so no other SQLite file is taken for a project

_STEP_1 = """
CREATE TABLE tomogram (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,              -- relative to the project's folder, with forward slashes
    last_seen TEXT NOT NULL,         -- absolute, on the machine that last found it
    fingerprint TEXT NOT NULL,
    bytes INTEGER NOT NULL,          -- size of the file; 0 for a folder
    nz INTEGER NOT NULL, ny INTEGER NOT NULL, nx INTEGER NOT NULL,
    voxel_z REAL, voxel_y REAL, voxel_x REAL,                               -- angstroms; NULL when not known
    origin_z REAL NOT NULL, origin_y REAL NOT NULL, origin_x REAL NOT NULL, -- angstroms
    nstart_z INTEGER NOT NULL, nstart_y INTEGER NOT NULL, nstart_x INTEGER NOT NULL
);
CREATE TABLE feature (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    colour TEXT NOT NULL,            -- #rrggbb
    box_size INTEGER NOT NULL        -- voxels
);
CREATE TABLE tile (
    tomogram INTEGER NOT NULL, feature INTEGER NOT NULL,
    z INTEGER NOT NULL, y INTEGER NOT NULL, x INTEGER NOT NULL,            -- index of the tile, not of a voxel
    data BLOB NOT NULL,              -- zlib of 8 x 64 x 64 bytes
    PRIMARY KEY (tomogram, feature, z, y, x)
);
CREATE TABLE plane (
    tomogram INTEGER NOT NULL, feature INTEGER NOT NULL,
    axis TEXT NOT NULL CHECK (axis IN ('z', 'y', 'x')), position INTEGER NOT NULL,
    PRIMARY KEY (tomogram, feature, axis, position)
) WITHOUT ROWID;
CREATE TABLE box (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tomogram INTEGER NOT NULL, feature INTEGER NOT NULL,
    z REAL NOT NULL, y REAL NOT NULL, x REAL NOT NULL,                     -- voxels
    size INTEGER
);
CREATE INDEX box_of ON box (tomogram, feature);
CREATE TABLE model (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    fingerprint TEXT NOT NULL
);
CREATE TABLE document (              -- JSON: the interaction graph, display settings
    name TEXT PRIMARY KEY,
    content TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE command (               -- what a person did, in order
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    made TEXT NOT NULL,              -- time, UTC
    undone INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE change (                -- the other state of each row that a command touched
    command INTEGER NOT NULL, number INTEGER NOT NULL,
    kind TEXT NOT NULL,              -- name of the table
    key TEXT NOT NULL,               -- JSON array
    image BLOB,                      -- JSON object, of a tile its data; NULL: the row was not there
    PRIMARY KEY (command, number)
);
"""

_STEP_2 = """
ALTER TABLE feature ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE feature ADD COLUMN position INTEGER; -- in the list, among the ids of the others; NULL: its own id
CREATE TABLE pick_set (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tomogram INTEGER NOT NULL,
    name TEXT NOT NULL,
    feature INTEGER,
    source TEXT NOT NULL,            -- JSON: how they were made
    count INTEGER NOT NULL,
    next_pick INTEGER NOT NULL       -- the id that the next pick gets; a set counts its picks from 0
);
CREATE INDEX pick_set_of ON pick_set (tomogram);
CREATE TABLE pick_block (            -- the picks with ids from 128 * number on
    tomogram INTEGER NOT NULL, pick_set INTEGER NOT NULL, number INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (tomogram, pick_set, number)
);
CREATE TABLE run (                   -- trainings; not part of the history
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    feature INTEGER,
    created TEXT NOT NULL,           -- time, UTC
    parameters TEXT NOT NULL,        -- JSON
    scores TEXT NOT NULL,            -- JSON
    model_path TEXT, model_last_seen TEXT, model_fingerprint TEXT,         -- as in the table model
    checkpoint_path TEXT, checkpoint_last_seen TEXT,
    parent INTEGER,                  -- the run it went on from
    state TEXT NOT NULL,             -- training, finished, stopped, failed, interrupted
    message TEXT NOT NULL,
    process TEXT                     -- mark of the process that trains it
);
CREATE TABLE display (               -- JSON: how things are shown; not part of the history
    name TEXT PRIMARY KEY,
    content TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE thumbnail (             -- not part of the history
    tomogram INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    png BLOB NOT NULL
);
CREATE TRIGGER thumbnail_goes AFTER DELETE ON tomogram BEGIN DELETE FROM thumbnail WHERE tomogram = old.id; END;
CREATE INDEX command_undone ON command (undone, id);
"""

STEPS: tuple[str, ...] = (_STEP_1, _STEP_2)
VERSION = len(STEPS)


def migrate(
    connection: sqlite3.Connection, steps: Sequence[str] = STEPS, *, application_id: int = APPLICATION_ID
) -> None:
    """Bring a file to the newest version, all steps or none.

    The connection must be in autocommit mode; a new, empty file gets all steps.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == len(steps):
        return
    script = "".join(steps[version:])
    # the pragmas take part in the transaction: a killed migration leaves the old version whole
    marks = f"PRAGMA application_id = {application_id}; PRAGMA user_version = {len(steps)};"
    try:
        connection.executescript(f"BEGIN IMMEDIATE; {script} {marks} COMMIT;")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise

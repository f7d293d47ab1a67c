"""The tables of a queue file, and the steps from each version of the format to the next, as in `state.schema`."""

from __future__ import annotations

import sqlite3

from ais_app.state import schema as of_projects

APPLICATION_ID = 0x41495351  # "AISQ"

_STEP_1 = """
CREATE TABLE item (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    position INTEGER NOT NULL,         -- workers take the lowest first
    operation TEXT NOT NULL,           -- name of an operation of ais-app
    arguments TEXT NOT NULL,           -- JSON object; {"@path": "..."} is a path relative to the queue's folder
    subject TEXT NOT NULL,             -- the tomogram it is about
    title TEXT NOT NULL,
    outputs TEXT NOT NULL,             -- JSON array of paths: those planned, then those made
    skip_existing INTEGER NOT NULL,    -- leave it out where the outputs are there and were made the same way
    added REAL NOT NULL,               -- times are seconds since 1970, UTC
    state TEXT NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled', 'skipped')),
    reason TEXT NOT NULL DEFAULT '',   -- why it failed or was cancelled, in words
    remedy TEXT NOT NULL DEFAULT '',
    details TEXT NOT NULL DEFAULT '',  -- traceback of what nobody foresaw
    message TEXT NOT NULL DEFAULT '',  -- what was found: "612 particles"
    doing TEXT NOT NULL DEFAULT '',
    fraction REAL NOT NULL DEFAULT 0,  -- 0 to 1
    started REAL, finished REAL,
    attempts INTEGER NOT NULL DEFAULT 0,    -- workers that died while running it
    cancelling INTEGER NOT NULL DEFAULT 0,  -- its worker is asked to stop it
    cause INTEGER,                     -- the item whose failure keeps it from running
    worker INTEGER                     -- who runs it, or ran it last
);
CREATE INDEX item_state ON item (state, position);
CREATE INDEX item_cause ON item (cause) WHERE cause NOTNULL;
CREATE TABLE dependency (
    item INTEGER NOT NULL,
    needs INTEGER NOT NULL,            -- must be done or skipped before
    PRIMARY KEY (item, needs)
) WITHOUT ROWID;
CREATE INDEX dependency_needs ON dependency (needs);
CREATE TABLE worker (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started REAL NOT NULL,
    heartbeat REAL NOT NULL,           -- written every 15 s
    ended REAL
);
CREATE TABLE setting (
    name TEXT PRIMARY KEY,             -- paused
    value TEXT NOT NULL
) WITHOUT ROWID;
"""

STEPS: tuple[str, ...] = (_STEP_1,)
VERSION = len(STEPS)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a queue file to the newest version, all steps or none."""
    of_projects.migrate(connection, STEPS, application_id=APPLICATION_ID)

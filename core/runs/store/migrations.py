"""The run store's schema, step by step: named, transactional, recorded (as in sqlite-utils). Torch-free.

A step that has been released is never edited; the next change is a new entry at the end.
"""

import json
import sqlite3
import time

from core import errors
from core.runs.kinds.table import read_spec

MIGRATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "0001 runs and uploads",
        (
            """
            CREATE TABLE runs (
                id TEXT PRIMARY KEY,
                visitor TEXT NOT NULL,
                title TEXT NOT NULL,
                spec TEXT NOT NULL,
                state TEXT NOT NULL
                    CHECK (state IN ('queued', 'running', 'stopping', 'finished', 'failed', 'stopped')),
                priority INTEGER NOT NULL DEFAULT 0,
                place INTEGER NOT NULL,
                control TEXT,
                control_of TEXT,
                created REAL NOT NULL,
                started REAL,
                finished REAL,
                stop_requested REAL,
                error TEXT,
                summary TEXT,
                claim TEXT,
                heartbeat REAL,
                host TEXT,
                pid INTEGER,
                attempts INTEGER NOT NULL DEFAULT 0
            )
            """,
            "CREATE INDEX runs_by_visitor ON runs (visitor, created)",
            "CREATE INDEX runs_by_state ON runs (state, priority, place)",
            """
            CREATE TABLE uploads (
                token TEXT PRIMARY KEY,
                visitor TEXT NOT NULL,
                name TEXT NOT NULL,
                sha256 TEXT NOT NULL,
                bytes INTEGER NOT NULL,
                created REAL NOT NULL,
                UNIQUE (visitor, sha256)
            )
            """,
        ),
    ),
    (
        "0002 settings, shared links, and what a fair queue asks for",
        (
            "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
            "ALTER TABLE runs ADD COLUMN share TEXT",
            "CREATE UNIQUE INDEX runs_by_share ON runs (share)",
            "CREATE INDEX runs_by_end ON runs (state, finished)",
            "CREATE INDEX uploads_by_age ON uploads (created)",
        ),
    ),
    (
        "0003 when a visitor was last served, without reading all their runs",
        ("CREATE INDEX runs_by_turn ON runs (visitor, priority, started)",),
    ),
    (
        "0004 what a run's files take on the disk",
        (
            "ALTER TABLE runs ADD COLUMN bytes INTEGER",
            "CREATE INDEX runs_by_size ON runs (visitor, bytes)",
        ),
    ),
    (
        "0005 visitors' own weights, which take room as their pictures do",
        (
            """
            CREATE TABLE weights (
                visitor TEXT NOT NULL,
                sha256 TEXT NOT NULL,
                name TEXT NOT NULL,
                bytes INTEGER NOT NULL,
                created REAL NOT NULL,
                PRIMARY KEY (visitor, sha256)
            )
            """,
            "CREATE INDEX weights_by_age ON weights (created)",
        ),
    ),
    (
        "0006 which network a run was asked for from, as a keyed hash of its address",
        ("ALTER TABLE runs ADD COLUMN network TEXT NOT NULL DEFAULT ''",),
    ),
    (
        "0007 kinds and lanes of runs, and what tells whether two do the same",
        (
            "ALTER TABLE runs ADD COLUMN kind TEXT NOT NULL DEFAULT 'finetune'",
            "UPDATE runs SET kind = coalesce(json_extract(spec, '$.kind'), 'finetune')",
            "ALTER TABLE runs ADD COLUMN lane TEXT NOT NULL DEFAULT 'training'",
            "ALTER TABLE runs ADD COLUMN hash TEXT NOT NULL DEFAULT ''",
            "UPDATE runs SET hash = spec_hash(spec)",
            "CREATE INDEX runs_by_hash ON runs (visitor, hash)",
            "DROP INDEX runs_by_turn",
            "CREATE INDEX runs_by_turn ON runs (visitor, lane, priority, started)",
            "DROP INDEX runs_by_end",
            "CREATE INDEX runs_by_end ON runs (state, lane, finished)",
        ),
    ),
    (
        "0008 how long a run is expected to take, and how long it was worked on before its last break",
        (
            "ALTER TABLE runs ADD COLUMN expected REAL",
            "ALTER TABLE runs ADD COLUMN worked REAL NOT NULL DEFAULT 0",
        ),
    ),
)


def migrate(connection: sqlite3.Connection) -> None:
    """Apply every step that is not yet recorded; each in one transaction, so that none is half done."""
    connection.create_function("spec_hash", 1, _hash, deterministic=True)
    connection.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied REAL NOT NULL)")
    recorded = "SELECT 1 FROM migrations WHERE name = ?"
    for name, statements in MIGRATIONS:
        if connection.execute(recorded, (name,)).fetchone() is not None:  # mostly, and without a lock
            continue
        connection.execute("BEGIN IMMEDIATE")
        try:
            if connection.execute(recorded, (name,)).fetchone() is None:
                for statement in statements:
                    connection.execute(statement)
                connection.execute("INSERT INTO migrations VALUES (?, ?)", (name, time.time()))
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def _hash(spec: str) -> str:
    """Work out `RunSpec.hash` of a stored specification; empty for one that cannot be read any more."""
    try:
        return read_spec(json.loads(spec)).hash
    except (errors.LabError, ValueError, TypeError, KeyError):
        return ""

"""Where the desk remembers: one SQLite file, or memory when it need not survive.

Documents are kept as the JSON that Slack would send; the columns beside them are what we search
by. Writes are small and local, so they happen on the event loop: a laptop's desk has one reader.
"""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from infrastructure.local.desk.shapes import Json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS conversations (id TEXT PRIMARY KEY, doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    channel TEXT NOT NULL, ts TEXT NOT NULL, thread_ts TEXT, only_for TEXT, doc TEXT NOT NULL,
    PRIMARY KEY (channel, ts));
CREATE INDEX IF NOT EXISTS threads ON messages (channel, thread_ts, ts);
CREATE TABLE IF NOT EXISTS views (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, kind TEXT NOT NULL, position INTEGER NOT NULL,
    doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS reads (
    user TEXT NOT NULL, channel TEXT NOT NULL, ts TEXT NOT NULL, PRIMARY KEY (user, channel));
CREATE TABLE IF NOT EXISTS response_urls (token TEXT PRIMARY KEY, doc TEXT NOT NULL);
"""


class Store:
    """One SQLite database; opened when made, closed by `close`."""

    def __init__(self, home: Path | None) -> None:
        if home is not None:
            home.mkdir(parents=True, exist_ok=True)
        path = ":memory:" if home is None else str(home / "desk.sqlite3")
        # The server may run in a thread of its own; it is then the only one to use this.
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; the desk cannot be used afterwards."""
        self._db.close()

    def run(self, sql: str, *values: str | int | None) -> int:
        """Change something; return how many rows changed."""
        return self._db.execute(sql, values).rowcount

    def rows(self, sql: str, *values: str | int | None) -> list[tuple[str, ...]]:
        """Return every row of a question."""
        return self._db.execute(sql, values).fetchall()

    def docs(self, sql: str, *values: str | int | None) -> Iterator[Json]:
        """Yield the documents of a question whose first column is `doc`."""
        for row in self.rows(sql, *values):
            yield json.loads(row[0])

    def doc(self, sql: str, *values: str | int | None) -> Json | None:
        """Return the first document of a question, or None."""
        return next(self.docs(sql, *values), None)

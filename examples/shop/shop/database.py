"""The database: SQLite with nothing to set up, or PostgreSQL; several processes write to either."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import configure_mappers
from sqlalchemy.pool import ConnectionPoolEntry

from shop.models import Base

BUSY_TIMEOUT_MS = 15_000
ADVISORY_LOCK = 0x73686F70  # "shop"

db = SQLAlchemy(model_class=Base)


def init_app(app: Flask) -> None:
    """Bind *app*; an SQLite database gets its tables now, PostgreSQL by `flask --app shop init-db`."""
    db.init_app(app)
    # SQLAlchemy would do it at the first query: in each worker for itself, when they are forked from here.
    configure_mappers()
    with app.app_context():
        if db.engine.dialect.name != "sqlite":
            return
        event.listen(db.engine, "connect", _configure_sqlite)
        create_tables(db.engine)
        # With preload the workers are forked from here: an SQLite connection must not cross a fork.
        db.engine.dispose()


def create_tables(engine: Engine) -> None:
    with exclusive(engine) as connection:
        if engine.dialect.name == "sqlite":
            # It stays set in the file. The switch may fail as busy in spite of the timeout, hence only here.
            connection.execute(text("PRAGMA journal_mode=WAL"))
        Base.metadata.create_all(connection)


@contextlib.contextmanager
def exclusive(engine: Engine) -> Iterator[Connection]:
    """A transaction that only one process at a time is in, whatever it finds in the database."""
    with contextlib.ExitStack() as stack:
        if engine.dialect.name == "sqlite":
            if engine.url.database in {None, "", ":memory:"}:
                raise RuntimeError("SQLALCHEMY_DATABASE_URI: should name a file, for workers to share")
            lock = stack.enter_context(Path(f"{engine.url.database}.lock").open("w", encoding="ascii"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        connection = stack.enter_context(engine.begin())
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
        yield connection


def _configure_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA foreign_keys=ON")
    # In WAL mode this loses nothing when a process dies, and saves an fsync a commit.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()

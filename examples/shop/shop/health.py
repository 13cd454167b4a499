"""Readiness checks: callables that raise when something the shop needs does not answer."""

from sqlalchemy import text

from shop.database import db


def database() -> None:
    """Ask the database for one row; needs an application context."""
    with db.engine.connect() as connection:
        connection.execute(text("SELECT 1"))

"""The database's side of the plan, as PgBouncer and compose need it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gunwale.errors import ConfigurationError, Problem
from gunwale.plan import budget

if TYPE_CHECKING:
    from gunwale.plan.budget import Connections
    from gunwale.render.deployment import Deployment

PGBOUNCER_PORT = 6432
_KEYS = ("pool_size", "max_overflow", "others", "max_connections", "pooler")


class Pool(NamedTuple):
    """What a pooler keeps to the database, and the arithmetic."""

    size: int
    why: str


def is_declared(deployment: Deployment) -> bool:
    """Whether the plan tells of a database at all."""
    return any(deployment.is_set(f"database.{key}") for key in _KEYS)


def clients(deployment: Deployment) -> Connections:
    """Return the connections that the application opens at most, a roll-out included."""
    database, rollout = deployment.plan.database, deployment.plan.rollout
    return budget.connections(
        deployment.workers,
        database.pool_size + database.max_overflow,
        max(rollout.tasks, rollout.max_tasks or 0),
        rollout.max_percent,
        database.others,
        None,
    )


def pool(deployment: Deployment) -> Pool:
    """Return what a pooler may open; ConfigurationError where the plan does not tell the database's limit."""
    database = deployment.plan.database
    limit = database.max_connections
    where = "database.max_connections"
    if limit is None:
        hint = "write max_connections under [tool.gunwale.database]: SHOW max_connections tells it"
        raise ConfigurationError(
            Problem(where=where, message="not declared, and a pool has to fit in", hint=hint)
        )
    size = limit - database.reserved - database.others
    why = f"max_connections {limit} − reserved {database.reserved} − others {database.others} = {size}"
    if size < 1:
        raise ConfigurationError(Problem(where=where, message=f"nothing is left for the pool: {why}"))
    return Pool(size, why)

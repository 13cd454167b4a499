"""deploy/pgbouncer.ini: transaction pooling inside what the database allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.plan.sections import PLATFORMS
from gunwale.render import budget
from gunwale.render.artifact import Artifact
from gunwale.render.words import told, whole

if TYPE_CHECKING:
    from gunwale.render.deployment import Deployment

PATHS = ("deploy/pgbouncer.ini",)
NEEDS = PLATFORMS


def fits(deployment: Deployment) -> bool:
    """Whether the plan names it."""
    return deployment.plan.database.pooler == "pgbouncer"


def render(deployment: Deployment) -> list[Artifact]:
    """Render pgbouncer.ini."""
    plan = deployment.plan
    held, wanted = budget.pool(deployment), budget.clients(deployment)
    server = "db" if plan.rollout.platform == "docker" else "127.0.0.1"
    lines = [
        "[databases]",
        "# >>> yours: databases",
        f"{plan.name} = host={server} port=5432 dbname={plan.name}",
        "# <<< yours: databases",
        "",
        "[pgbouncer]",
        f"listen_addr = {'*' if plan.rollout.platform == 'docker' else '127.0.0.1'}",
        f"listen_port = {budget.PGBOUNCER_PORT}",
        "# A connection is lent for one transaction: no SET, LISTEN or advisory lock outlives it.",
        "pool_mode = transaction",
        *told(f"default_pool_size {held.size}: {held.why}"),
        f"default_pool_size = {held.size}",
        f"max_db_connections = {held.size}",
        *told(f"max_client_conn {wanted.used}: {wanted.why}"),
        f"max_client_conn = {wanted.used}",
        *told(deployment.because("serve.request_timeout")),
        "# Who waited that long for a connection has lost its request anyway.",
        f"query_wait_timeout = {whole(plan.serve.request_timeout)}",
        "# Statements that a driver prepares itself (psycopg 3): PgBouncer 1.21 and newer.",
        "max_prepared_statements = 200",
        "auth_type = scram-sha-256",
        "auth_file = /etc/pgbouncer/userlist.txt",
        "ignore_startup_parameters = extra_float_digits",
        "# >>> yours: pgbouncer",
        "# <<< yours: pgbouncer",
    ]
    return [Artifact(target="pgbouncer", path=PATHS[0], body="\n".join(lines))]

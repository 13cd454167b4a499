"""compose.yaml: application, front, PostgreSQL and PgBouncer, each started when the one before is well."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from gunwale.plan import chain
from gunwale.render import budget, front, start
from gunwale.render.artifact import Artifact
from gunwale.render.words import number, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gunwale.render.deployment import Deployment

PATHS = ("compose.yaml",)
NEEDS = ("docker",)
_FRONTS = {
    "nginx": ("nginx:1.29", "nginx.conf", "/etc/nginx/conf.d/default.conf"),
    "caddy": ("caddy:2.11", "Caddyfile", "/etc/caddy/Caddyfile"),
}
_PASSWORD = "${POSTGRES_PASSWORD:?}"  # noqa: S105 - a name


def fits(deployment: Deployment) -> bool:
    """Whether the platform is Docker itself."""
    return deployment.plan.rollout.platform in NEEDS


def render(deployment: Deployment) -> list[Artifact]:
    """Render compose.yaml."""
    lines = [f"name: {_text(deployment.plan.name.lower())}", "services:", *_app(deployment)]
    lines += [*_release(deployment), *_processes(deployment), *_front(deployment), *_database(deployment)]
    lines += [
        "  # >>> yours: services",
        "  # <<< yours: services",
        *_networks(deployment),
        *_volumes(deployment),
    ]
    lines += _secrets(deployment)
    return [Artifact(target="compose", path=PATHS[0], body="\n".join(lines))]


def _text(value: str) -> str:
    """Quote *value* for YAML, and for compose, which expands $ itself."""
    return json.dumps(value, ensure_ascii=False).replace("$", "$$")


def _words(words: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, words))}]"


def _product(deployment: Deployment) -> str:
    layers = chain.layers(deployment.plan.proxies.chain)
    return next((each for each in _FRONTS if layers and front.is_product(layers[-1], each)), "")


def _app(deployment: Deployment) -> Iterator[str]:
    plan = deployment.plan
    yield "  app:"
    yield from _process(deployment)
    yield "    restart: unless-stopped"
    yield from told(deployment.stop_sum(), "    ")
    yield f"    stop_grace_period: {number(plan.rollout.stop_timeout)}s"
    yield "    healthcheck:"
    yield "      # Readiness, where the image asks for liveness: the front is started when this is well."
    words = start.health(deployment, plan.health.readiness_path)
    yield f"      test: {_words(['CMD', *words])}"
    yield from told(deployment.because("health.interval"), "      ")
    yield f"      interval: {number(plan.health.interval)}s"
    yield from told(deployment.because("health.timeout"), "      ")
    yield f"      timeout: {number(plan.health.timeout + 1)}s"
    yield from told(deployment.because("rollout.ready_timeout"), "      ")
    yield f"      start_period: {number(plan.rollout.ready_timeout)}s"
    yield "      start_interval: 1s"
    waits = {"release": "service_completed_successfully"} if plan.rollout.release_command else {}
    yield from _depends({**waits, **_database_first(deployment)})
    if not _product(deployment):
        port = start.listener(deployment).port
        yield "    # No front is rendered: only this machine may come in."
        yield f'    ports: ["127.0.0.1:{port}:{port}"]'
    yield from _limits(deployment)
    yield "    # >>> yours: app"
    yield "    # <<< yours: app"


def _process(deployment: Deployment) -> Iterator[str]:
    plan = deployment.plan
    yield "    build: ."
    yield f"    image: {_text(plan.name.lower())}"
    yield from told(deployment.because("image.uid"), "    ")
    yield f'    user: "{plan.image.uid}:{plan.image.uid}"'
    yield "    read_only: true"
    yield "    tmpfs: [/tmp]"
    yield "    cap_drop: [ALL]"
    yield '    security_opt: ["no-new-privileges:true"]'
    names = [name for name in plan.environment.required if name != "DATABASE_URL"]
    needs_database = budget.is_declared(deployment)
    if names:
        yield from told(deployment.because("environment.required"), "    ")
    if names or needs_database:
        yield "    environment:"
        yield from (f"      {name}: ${{{name}:?}}" for name in names)
    if needs_database:
        host = f"pgbouncer:{budget.PGBOUNCER_PORT}" if plan.database.pooler == "pgbouncer" else "db:5432"
        yield f"      DATABASE_URL: postgresql://{plan.name}:{_PASSWORD}@{host}/{plan.name}"
    if found := _files(deployment):
        yield f"    secrets: [{', '.join(found)}]"
    yield f"    networks: [{', '.join(_nets(deployment))}]"


def _limits(deployment: Deployment) -> Iterator[str]:
    resources = deployment.plan.resources
    if deployment.is_set("resources.cpu"):
        yield from told(deployment.because("resources.cpu"), "    ")
        yield f"    cpus: {number(resources.cpu)}"
    if deployment.is_set("resources.memory") and resources.memory is not None:
        yield from told(deployment.because("resources.memory"), "    ")
        yield f"    mem_limit: {resources.memory}b"


def _release(deployment: Deployment) -> Iterator[str]:
    command = deployment.plan.rollout.release_command
    if not command:
        return
    yield "  release:"
    yield from told(deployment.because("rollout.release_command"), "    ")
    yield f"    command: {_text(command)}"
    yield from _process(deployment)
    yield '    restart: "no"'
    yield "    healthcheck: {disable: true}"
    yield from _depends(_database_first(deployment))


def _processes(deployment: Deployment) -> Iterator[str]:
    plan = deployment.plan
    for name, command in plan.rollout.processes.items():
        yield f"  {name}:"
        yield "    # rollout.processes: started, and stopped by SIGTERM; what it promises is its own."
        yield "    # Its connections belong into database.others."
        yield f"    command: {_text(command)}"
        yield from _process(deployment)
        yield "    restart: unless-stopped"
        yield f"    stop_grace_period: {number(plan.rollout.stop_timeout)}s"
        yield "    healthcheck: {disable: true}"
        waits = {"release": "service_completed_successfully"} if plan.rollout.release_command else {}
        yield from _depends({**waits, **_database_first(deployment)})


def _front(deployment: Deployment) -> Iterator[str]:
    product = _product(deployment)
    if not product:
        return
    image, name, place = _FRONTS[product]
    layer = chain.layers(deployment.plan.proxies.chain)[-1]
    yield "  front:"
    yield f"    image: {image}"
    yield "    restart: unless-stopped"
    yield f'    ports: ["80:80"{", " + chr(34) + "443:443" + chr(34) if layer.tls else ""}]'
    yield "    volumes:"
    yield f"      - ./deploy/{name}:{place}:ro"
    if layer.tls:
        yield (
            "      - front-data:/data"
            if product == "caddy"
            else "      - /etc/letsencrypt:/etc/letsencrypt:ro"
        )
    yield from told(deployment.because("serve.request_timeout"), "    ")
    if product == "nginx":
        yield "    stop_signal: SIGQUIT"
    yield f"    stop_grace_period: {math.ceil(deployment.plan.serve.request_timeout) + 3}s"
    yield "    networks: [front]"
    yield from _depends({"app": "service_healthy"})


def _database(deployment: Deployment) -> Iterator[str]:
    plan = deployment.plan
    if not budget.is_declared(deployment):
        return
    yield "  db:"
    yield "    image: postgres:18"
    yield "    restart: unless-stopped"
    if plan.database.max_connections is not None:
        yield from told(deployment.because("database.max_connections"), "    ")
        yield from told(deployment.because("database.reserved"), "    ")
        reserved = f"superuser_reserved_connections={plan.database.reserved}"
        words = ["postgres", "-c", f"max_connections={plan.database.max_connections}", "-c", reserved]
        yield f"    command: {_words(words)}"
    yield "    environment:"
    yield f"      POSTGRES_DB: {_text(plan.name)}"
    yield f"      POSTGRES_USER: {_text(plan.name)}"
    yield f"      POSTGRES_PASSWORD: {_PASSWORD}"
    yield "    # The image's own default is SIGINT: fast, without waiting for clients."
    yield "    stop_grace_period: 60s"
    yield "    healthcheck:"
    yield f"      test: {_words(['CMD', 'pg_isready', '-U', plan.name, '-d', plan.name])}"
    yield "      interval: 5s"
    yield "      start_period: 60s"
    yield "      start_interval: 1s"
    yield "    volumes: [db-data:/var/lib/postgresql]"
    yield "    networks: [back]"
    if plan.database.pooler == "pgbouncer":
        yield from _pgbouncer()


def _pgbouncer() -> Iterator[str]:
    yield "  pgbouncer:"
    yield "    image: edoburu/pgbouncer:v1.24.1-p1"
    yield "    restart: unless-stopped"
    yield "    # Since 1.23 SIGTERM waits for every client to leave; a pool of the application's never does."
    yield "    stop_signal: SIGINT"
    yield "    volumes:"
    yield "      - ./deploy/pgbouncer.ini:/etc/pgbouncer/pgbouncer.ini:ro"
    yield '      # One line a user: "name" "password". Keep it out of the repository.'
    yield "      - ./userlist.txt:/etc/pgbouncer/userlist.txt:ro"
    yield "    networks: [back]"
    yield from _depends({"db": "service_healthy"})


def _database_first(deployment: Deployment) -> dict[str, str]:
    if not budget.is_declared(deployment):
        return {}
    pooled = {"pgbouncer": "service_started"} if deployment.plan.database.pooler == "pgbouncer" else {}
    return {"db": "service_healthy", **pooled}


def _depends(conditions: dict[str, str]) -> Iterator[str]:
    if conditions:
        yield "    depends_on:"
        yield from (f"      {name}: {{condition: {each}}}" for name, each in conditions.items())


def _nets(deployment: Deployment) -> list[str]:
    return ["front", *(["back"] if budget.is_declared(deployment) else [])]


def _networks(deployment: Deployment) -> Iterator[str]:
    yield "networks:"
    yield "  front:"
    if "back" in _nets(deployment):
        yield "  back:"
        yield "    internal: true"


def _volumes(deployment: Deployment) -> Iterator[str]:
    layers = chain.layers(deployment.plan.proxies.chain)
    names = ["front-data"] if _product(deployment) == "caddy" and layers[-1].tls else []
    names += ["db-data"] if budget.is_declared(deployment) else []
    if names:
        yield "volumes:"
        yield from (f"  {name}:" for name in names)


def _files(deployment: Deployment) -> dict[str, str]:
    """Return the secrets that are files; an ARN means nothing to compose."""
    given = deployment.plan.environment.secrets
    return {name: place for name, place in given.items() if not place.startswith("arn:")}


def _secrets(deployment: Deployment) -> list[str]:
    found = _files(deployment)
    return (
        ["secrets:", *(f"  {name}: {{file: {_text(place)}}}" for name, place in found.items())]
        if found
        else []
    )

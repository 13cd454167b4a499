"""The plan's settings: one frozen dataclass a section of DESIGN.md §1's table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gunwale.plan import kinds, shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.plan.kinds import Kind

PLATFORMS = ("none", "host", "docker", "ecs", "kubernetes")


def setting(kind: Kind, meaning: str, default: object = None, why: str = "") -> Any:
    """Declare a setting with a fixed default and its reason."""
    metadata = {"kind": kind, "meaning": meaning, "default": default, "why": why}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


def derived(kind: Kind, meaning: str) -> Any:
    """Declare a setting that is computed from others when nobody sets it."""
    return field(default=None, metadata={"kind": kind, "meaning": meaning, "default": None, "why": ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Serve:
    """The server and its clock."""

    server: str = setting(
        kinds.text("the name of a server", r"[a-z][a-z0-9_]*"),
        "the WSGI server",
        "gunicorn",
        "the server most Flask applications run on",
    )
    worker_class: str = derived(
        kinds.text("a worker class such as sync, gthread or gevent", r"[\w.]+"),
        "how a worker runs its requests",
    )
    workers: int | str = setting(
        kinds.or_word(kinds.integer(1, 4096), "auto"),
        "worker processes; auto computes them from CPU and memory",
        "auto",
        "from CPU quota and memory limit, with the first worker measured",
    )
    threads: int = derived(kinds.integer(1, 4096), "threads of a worker")
    bind: tuple[str, ...] = derived(kinds.listing(kinds.ADDRESS, "addresses"), "addresses to listen on")
    admin_bind: str = derived(kinds.or_word(kinds.ADDRESS, "off"), "address of health, readiness and metrics")
    request_timeout: float = setting(
        kinds.duration(above_zero=True), "seconds after which one request is given up", 30.0, "Gunicorn's own"
    )
    drain_timeout: float = derived(kinds.duration(), "seconds to finish what was accepted, when stopping")
    lame_duck: float = derived(
        kinds.duration(), "seconds of serving on while readiness says no, when stopping"
    )
    keepalive: float = derived(kinds.duration(), "seconds an idle connection is kept")
    access_log: str = setting(
        kinds.choice("json", "combined", "off"),
        "the form of the access log on stdout",
        "json",
        "one object a line: no field can be forged",
    )
    log_level: str = setting(
        kinds.choice("debug", "info", "warning", "error", "critical"),
        "the least severe message logged",
        "info",
        "starts, stops and reloads are seen, requests are the access log's",
    )
    max_requests: int = setting(
        kinds.integer(), "requests after which a worker is replaced; 0: never", 0, "a leak should be mended"
    )
    max_requests_jitter: int = derived(kinds.integer(), "spread of max_requests between workers")
    preload: bool = setting(
        kinds.boolean(),
        "load the application once, before the workers fork",
        default=False,
        why="Gunicorn's own",
    )
    on_worker_exit: str | None = setting(
        shapes.IMPORT_STRING,
        "a callable of no arguments, called in each worker as it exits",
        None,
        "none is declared",
    )
    steering: str = setting(
        kinds.choice("auto", "off"),
        "whether serve steers connections between generations itself",
        "auto",
        "where the kernel does not, the server's own drain is used",
    )
    backlog: int = setting(
        kinds.integer(1, 65535),
        "connections the kernel queues before a worker takes them",
        2048,
        "Gunicorn's own",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """What stands between the client and the server."""

    chain: tuple[object, ...] = setting(
        shapes.CHAIN, "the layers in front, client's side first", (), "none is declared"
    )
    doors: tuple[object, ...] = setting(
        shapes.DOORS, "other ways in, each a chain of its own; [] is a direct one", (), "none is declared"
    )
    hops: Mapping[str, int] | None = derived(
        shapes.HOPS, "which value of each forwarded field, from the right, no client can forge"
    )
    networks: tuple[str, ...] = setting(
        shapes.NETWORKS,
        "networks the last proxy connects from",
        shapes.PRIVATE_NETWORKS,
        "private and loopback ranges; every network only when written out",
    )
    request_id: Mapping[str, str] | None = derived(shapes.REQUEST_ID, "the field of the chain's request id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Liveness and readiness."""

    liveness_path: str = setting(shapes.URL_PATH, "restart me if this fails", "/health", "the common name")
    readiness_path: str = setting(
        shapes.URL_PATH, "send me traffic if this is well", "/ready", "the common name"
    )
    checks: tuple[str, ...] = setting(
        kinds.listing(shapes.IMPORT_STRING, "import strings"),
        "callables asked for readiness",
        (),
        "none is declared",
    )
    interval: float = setting(
        kinds.duration(above_zero=True),
        "seconds between two runs of the checks",
        5.0,
        "one thread in one worker",
    )
    timeout: float = setting(
        kinds.duration(above_zero=True), "seconds a check may take", 2.0, "well inside one interval"
    )
    after_ready: str = derived(
        kinds.choice("503", "report"), "what a dependency failing after the first readiness does"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """What the application should refuse and how its cookies travel."""

    trusted_hosts: tuple[str, ...] | None = setting(
        kinds.listing(kinds.text("a host name", r"[\w.:\[\]-]+"), "host names"),
        "host names the application answers to",
        None,
        "not declared: the application's own stands",
    )
    cookies: Mapping[str, object] = derived(shapes.COOKIES, "attributes of the session cookie")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What has to be in the environment before serving starts."""

    required: tuple[str, ...] = setting(
        kinds.listing(shapes.ENVIRONMENT_NAME, "names"), "variables that must be set", (), "none is declared"
    )
    secrets: Mapping[str, str] = setting(
        shapes.SECRETS, "secrets by name, each with its ARN or file", {}, "none is declared"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the machine or container gives."""

    cpu: float = derived(kinds.number(), "CPUs this process may use")
    memory: int | None = derived(kinds.size(), "bytes this process may use")
    worker_memory: int | None = setting(
        kinds.size(), "private bytes of a booted worker, with its margin", None, "not measured"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The connection budget."""

    pool_size: int = setting(kinds.integer(), "connections of a worker's pool", 5, "SQLAlchemy's QueuePool")
    max_overflow: int = setting(kinds.integer(), "connections beyond the pool", 10, "SQLAlchemy's QueuePool")
    others: int = setting(
        kinds.integer(), "connections of Celery, other binds, consoles", 0, "none is declared"
    )
    max_connections: int | None = setting(
        kinds.integer(1), "what the database allows", None, "not declared: the budget is not checked"
    )
    reserved: int = setting(
        kinds.integer(),
        "connections kept for administrators",
        3,
        "PostgreSQL's superuser_reserved_connections",
    )
    pooler: str = setting(
        kinds.choice("none", "pgbouncer", "rds-proxy"),
        "what pools in front of the database",
        "none",
        "none is declared",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """How a new version replaces the old."""

    platform: str = setting(kinds.choice(*PLATFORMS), "where it runs", "none", "none is declared")
    tasks: int = setting(kinds.integer(1), "running copies", 1, "one machine")
    max_tasks: int | None = setting(
        kinds.integer(1), "running copies under load, where the platform scales", None, "it does not scale"
    )
    surge: int = setting(
        kinds.integer(1), "tasks started beside the old ones at once", 1, "the least that loses none"
    )
    min_percent: int = setting(
        kinds.integer(0, 100), "least tasks during a roll-out", 100, "no capacity is given up"
    )
    max_percent: int = setting(kinds.integer(100, 200), "most tasks during a roll-out", 200, "ECS's own")
    ready_timeout: float = setting(
        kinds.duration(above_zero=True),
        "seconds a new task has to become ready",
        60.0,
        "imports and first connections",
    )
    deregistration_delay: float | None = derived(
        kinds.duration(), "seconds the load balancer drains a target before its process is stopped"
    )
    stop_timeout: float = derived(kinds.duration(above_zero=True), "seconds from SIGTERM to SIGKILL")
    bake_time: float = setting(
        kinds.duration(), "seconds the old tasks stay after the shift", 0.0, "the old ones drain at once"
    )
    command: str = setting(
        kinds.choice("gunwale", "gunicorn"),
        "what the rendered files start: gunwale serve, or Gunicorn with a rendered gunicorn.conf.py",
        "gunwale",
        "stops and reloads without losing a request",
    )
    processes: Mapping[str, str] = setting(
        shapes.PROCESSES,
        "other processes of the project (Celery and the like) by name, rendered and started, not drained",
        {},
        "none is declared",
    )
    release_command: str | None = setting(
        kinds.text("a command"), "run once, before the first new task (migrations)", None, "none is declared"
    )
    before_command: str | None = setting(
        kinds.text("a command"),
        "run before anything of a roll-out; it can refuse it",
        None,
        "none is declared",
    )
    after_command: str | None = setting(
        kinds.text("a command"), "run after a roll-out that succeeded", None, "none is declared"
    )
    failure_command: str | None = setting(
        kinds.text("a command"), "run after a roll-out that failed", None, "none is declared"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The container image."""

    python: str = setting(
        kinds.text("a version such as 3.13", r"3\.\d+"), "the interpreter", "3.13", "the newest tested"
    )
    base: str = setting(
        kinds.text("the suffix of an image tag", r"[a-z0-9.-]+"),
        "variant of the python image",
        "slim",
        "glibc, small",
    )
    uid: int = setting(
        kinds.integer(1, 65533), "the user it runs as", 10001, "above the uids distributions give out"
    )
    system_packages: tuple[str, ...] = setting(
        kinds.listing(kinds.text("a package", r"[a-z0-9.+-]+"), "packages"),
        "packages it needs to run",
        (),
        "none",
    )
    build_packages: tuple[str, ...] = setting(
        kinds.listing(kinds.text("a package", r"[a-z0-9.+-]+"), "packages"),
        "packages it needs to build",
        (),
        "none",
    )
    cache_mounts: bool = setting(
        kinds.boolean(),
        "keep the package manager's cache between builds (RUN --mount)",
        default=False,
        why="not every builder can: RUN --mount needs BuildKit",
    )

"""What a rule says: where something is wrong, what, why elsewhere, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gunwale.project.facts import Place


class Topic(StrEnum):
    """The closed list of topics; the first twenty are the production checklist's items."""

    DEV_SERVER = "dev-server"
    NO_WSGI = "no-wsgi"
    WORKERS_1 = "workers-1"
    WORKERS_MEM = "workers-mem"
    GEVENT = "gevent"
    ROOT = "root"
    BIND_ALL = "bind-all"
    ACCESS_LOG = "access-log"
    TIMEOUTS = "timeouts"
    PROXYFIX = "proxyfix"
    COOKIE_SECURE = "cookie-secure"
    TRUSTED_HOSTS = "trusted-hosts"
    IMAGE = "image"
    PID1 = "pid1"
    HEALTHCHECK = "healthcheck"
    DOCKERIGNORE = "dockerignore"
    SECRETS = "secrets"
    DB_POOL = "db-pool"
    PROBES = "probes"
    DEBUG = "debug"
    ASYNC = "async"
    SERVER = "server"
    START = "start"
    CAPACITY = "capacity"
    TRUST = "trust"


class Severity(StrEnum):
    """How bad: an error will break or expose production, a warning usually does, a note is advice."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Confidence(StrEnum):
    """How sure: the files say so; they say so as good as; or only a default of something else does."""

    CERTAIN = "certain"
    LIKELY = "likely"
    DEFAULT = "default"


class Because(NamedTuple):
    """A related place, and what stands there that makes the finding one."""

    at: Place
    message: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A mechanical change of one file: lines *first* to *last* become *text*; last < first inserts before."""

    path: str
    first: int
    last: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, *at* the place to mend it.

    *message*: one line, names the value, never a secret's; *hint*: what to do. *severity* and *confidence*
    are the rule's where None.
    """

    at: Place
    message: str
    hint: str = ""
    because: tuple[Because, ...] = ()
    fix: Fix | None = None
    severity: Severity | None = None
    confidence: Confidence | None = None

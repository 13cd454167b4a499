"""What the application's own sources give the plan: hosts, cookies, hop counts, the pool of connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.database import limits, pool
from gunwale.project.facts import Given
from gunwale.project.observed import Observed
from gunwale.project.python.client_facts import COUNTED, proxy_fixes
from gunwale.project.python.configuration import named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

_COOKIES = {"SECURE": "secure", "HTTPONLY": "httponly", "SAMESITE": "samesite"}


def observed_in_sources(project: Project) -> Iterator[Observed]:
    """Yield what production's sources say."""
    yield from _of_settings(project)
    for fix in project.derive(proxy_fixes):
        counts = {f"x_{name}": count for name in COUNTED if (count := fix.hops(name)) is not None}
        yield Observed("proxies.hops", counts, fix.at)
    connections, allowed = project.derive(pool), project.derive(limits)
    if connections is not None:
        yield Observed("database.pool_size + max_overflow", connections.size, connections.at)
    if allowed is not None:
        yield Observed("database.max_connections", allowed.allowed, allowed.at)


def _of_settings(project: Project) -> Iterator[Observed]:
    for each in named(project, "TRUSTED_HOSTS"):
        value = each.value
        if isinstance(value, Given) and isinstance(value.value, list | tuple) and not value.variables:
            yield Observed("security.trusted_hosts", frozenset(map(str, value.value)), each.at)
    for name, key in _COOKIES.items():
        for each in named(project, f"SESSION_COOKIE_{name}"):
            if isinstance(each.value, Given) and not each.value.variables:
                yield Observed(f"security.cookies.{key}", each.value.value, each.at)

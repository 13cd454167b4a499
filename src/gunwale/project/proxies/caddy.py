"""Caddy: every reverse_proxy of a Caddyfile, with what header_up changes."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from gunwale import units
from gunwale.project.expand import expand
from gunwale.project.facts import Given
from gunwale.project.passage import BY_FIELD, Passage, target
from gunwale.project.readers.caddyfile import Caddyfile, Statement, walk
from gunwale.project.roles import of_production
from gunwale.project.services import environment, service_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.readers.compose import Service

_VARIABLE = re.compile(r"\{(?:\$|env\.)(\w+)(?::([^}]*))?\}")
_OWN = re.compile(r"\{(?:remote_host|remote|scheme|host|port|hostport|http\.request\.\w+(?:\.\w+)*)\}")
_CLIENTS = re.compile(r"\{(?:header\.|http\.request\.header\.)")


def passages(project: Project) -> Iterator[Passage]:
    """Yield each reverse_proxy of the files of production."""
    files = {each.path: each for each in project.of(Caddyfile)}
    for path in of_production(files):
        service = service_of(project, path)
        every = files[path].statements
        # Of the global options: then a peer of theirs is believed, whoever that is.
        trusts = any(each.name == "trusted_proxies" for each in walk(every))
        for site in every:
            is_tls = not any(word.startswith(("http://", ":80")) for word in site.words)
            for each in walk((site,)):
                if each.name == "reverse_proxy":
                    yield _passage(each, service, is_tls=is_tls, trusts=trusts)


def _passage(found: Statement, service: Service | None, *, is_tls: bool, trusts: bool) -> Passage:
    words = [each for each in found.words[1:] if not each.startswith(("/", "@", "*"))]
    words += [each for inner in found.block or () if inner.name == "to" for each in inner.words[1:]]
    operations, sends, keeps = {}, {}, True
    for each in found.block or ():
        if each.name != "header_up" or len(each.words) < 2:
            continue
        name, value = each.words[1].lower(), " ".join(each.words[2:])
        sends[name.lstrip("+-")] = each.at
        if name == "host":
            keeps = "upstream" not in value
        elif (field := BY_FIELD.get(name.lstrip("+-"))) is not None:
            operations[field] = "drop" if name.startswith("-") else _operation(value)
    known = environment(service)
    texts = [expand(_VARIABLE.sub(lambda m: known.get(m[1], m[2] or m[0]), word), {}).text for word in words]
    return Passage(
        proxy="Caddy",
        like="caddy-trusted" if trusts else "caddy",
        at=found.at,
        targets=tuple(target(text) for text in texts),
        operations=operations,
        sends=sends,
        keeps_host=keeps,
        is_tls=is_tls,
        service=service,
        idle_timeout=_idle(found),
    )


def _idle(found: Statement) -> Given[float] | None:
    """Return how long the transport keeps a connection to the application; None where the file is silent."""
    for each in walk(found.block or ()):
        if each.name == "keepalive" and len(each.words) == 2:
            with contextlib.suppress(ValueError):
                value = 0.0 if each.words[1] == "off" else units.seconds(each.words[1])
                return Given(value, each.at)
    return None


def _operation(value: str) -> str:
    if _CLIENTS.search(value):
        return "pass"
    return "overwrite" if not value.count("{") - len(_OWN.findall(value)) else "unknown"

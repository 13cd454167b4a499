"""nginx: every proxy_pass with what is in force there, by includes, the blocks around it, and maps."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale import units
from gunwale.project import nginx_values
from gunwale.project.facts import Given
from gunwale.project.passage import BY_FIELD, Passage, Target, target
from gunwale.project.readers.nginx import Directive, Nginx, walk
from gunwale.project.roles import of_production
from gunwale.project.services import environment, service_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gunwale.project.model import Project
    from gunwale.project.readers.compose import Service

# Includes that set no field of a request.
_HARMLESS = re.compile(r"mime|ssl|tls|letsencrypt|gzip|fastcgi|uwsgi_params|scgi|security|modules|cors|error")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_KEPT = 60.0  # seconds; keepalive_timeout of ngx_http_upstream_module where it is not written
# Debian's /etc/nginx/proxy_params.
_PROXY_PARAMS = (
    ("Host", "$http_host"),
    ("X-Real-IP", "$remote_addr"),
    ("X-Forwarded-For", "$proxy_add_x_forwarded_for"),
    ("X-Forwarded-Proto", "$scheme"),
)


class Scope(NamedTuple):
    """One block around a place: its *head*, what stands in it with includes put in, what could not be."""

    head: Directive | None
    directives: tuple[Directive, ...]
    unsure: str = ""

    def all(self, name: str) -> list[Directive]:
        """Return the directives of that *name* directly inside."""
        return [each for each in self.directives if each.name == name]


class _Files(NamedTuple):
    """The files of a project, by path, and the ones that others include by name."""

    by_path: Mapping[str, Nginx]
    included: frozenset[str]


def passages(project: Project) -> Iterator[Passage]:
    """Yield each proxy_pass of the files of production."""
    files = {each.path: each for each in project.of(Nginx)}
    included = {
        path
        for file in files.values()
        for each in walk(file.directives)
        if each.name == "include" and each.words and (path := _find(project, file.path, each.words[0]))
    }
    for path in of_production(files):
        if path not in included:
            outer = _outer(project, files[path], files)
            service = service_of(project, path)
            block = _scope(project, None, files[path], files[path].directives)
            for found, scopes in _ways(project, files[path], (*outer, block)):
                yield _passage(files, files[path], service, found, scopes)


def _ways(
    project: Project, file: Nginx, scopes: tuple[Scope, ...]
) -> Iterator[tuple[Directive, tuple[Scope, ...]]]:
    """Yield every proxy_pass with the scopes around it, the outermost first."""
    for each in scopes[-1].directives:
        if each.name == "proxy_pass" and each.words:
            yield each, scopes
        elif each.block is not None and each.name in ("http", "server", "location", "if"):
            yield from _ways(project, file, (*scopes, _scope(project, each, file, each.block)))


def _outer(project: Project, file: Nginx, files: Mapping[str, Nginx]) -> tuple[Scope, ...]:
    """Return the http block that includes *file* by a pattern, as nginx.conf does conf.d/*.conf."""
    if any(each.name == "http" for each in file.directives):
        return ()
    name = file.path.rpartition("/")[2]
    for other in files.values():
        for http in (each for each in other.directives if each.name == "http" and other is not file):
            patterns = [each.words[0].rpartition("/")[2] for each in http.all("include") if each.words]
            if any("*" in each and fnmatch.fnmatch(name, each) for each in patterns):
                return (_scope(project, http, other, http.block or ()),)
    return ()


def _find(project: Project, near: str, pattern: str) -> str | None:
    """Return the one file of the project that an include of *pattern* means."""
    name = pattern.rpartition("/")[2]
    if "*" in name:
        return None
    found = [path for path in project.tree.files if path.rpartition("/")[2] in (name, f"{name}.template")]
    folder = near.rpartition("/")[0]
    few = [path for path in found if path.rpartition("/")[0] == folder] or found
    return few[0] if len(few) == 1 and few[0] != near else None


def _scope(
    project: Project, head: Directive | None, file: Nginx, block: tuple[Directive, ...], depth: int = 0
) -> Scope:
    """Put the includes of *block* in."""
    directives: list[Directive] = []
    unsure = "it is a template with conditions" if file.is_template else ""
    for each in block:
        if each.name != "include" or not each.words:
            directives.append(each)
            continue
        found = _find(project, file.path, each.words[0]) if depth < 5 else None
        other = project.one(Nginx, found) if found else None
        name = each.words[0].rpartition("/")[2]
        if other is not None:
            inner = _scope(project, head, other, other.directives, depth + 1)
            directives += inner.directives
            unsure = unsure or inner.unsure
        elif name == "proxy_params":
            directives += [Directive("proxy_set_header", pair, each.at) for pair in _PROXY_PARAMS]
        elif "*" not in name and not _HARMLESS.search(name):
            unsure = unsure or f"{each.words[0]} is not in the project"
    return Scope(head, tuple(directives), unsure)


def _in_force(scopes: tuple[Scope, ...], name: str) -> list[Directive]:
    """Return the directives of *name* that count: the innermost block with any; outer ones do not add."""
    return next((found for scope in reversed(scopes) if (found := scope.all(name))), [])


def _passage(
    files: Mapping[str, Nginx],
    file: Nginx,
    service: Service | None,
    found: Directive,
    scopes: tuple[Scope, ...],
) -> Passage:
    fields = {each.words[0].lower(): each for each in _in_force(scopes, "proxy_set_header") if each.words}
    resolves = bool(_in_force(scopes, "set_real_ip_from"))
    maps = {each.words[1]: each for scope in scopes for each in scope.all("map") if len(each.words) == 2}
    operations, sends = {}, {}
    for name, each in fields.items():
        value = each.words[1] if len(each.words) > 1 else ""
        if name in BY_FIELD:
            operations[BY_FIELD[name]] = nginx_values.operation(
                BY_FIELD[name], value, maps, resolves=resolves
            )
        sends[name] = each.at
    host = fields.get("host")
    location = next((s.head for s in reversed(scopes) if s.head and s.head.name == "location"), None)
    return Passage(
        proxy="nginx",
        like="nginx",
        at=found.at,
        targets=_targets(files, file, service, found, scopes),
        operations=operations,
        sends=sends,
        keeps_host=nginx_values.keeps_host(host.words[1] if host and len(host.words) > 1 else "$proxy_host"),
        is_tls=_is_tls(scopes),
        takes_any_host=_takes_any_host(scopes),
        unsure=next((scope.unsure for scope in scopes if scope.unsure), ""),
        path=location.words[-1] if location and location.words else "/",
        service=service,
        read_timeout=_seconds(_in_force(scopes, "proxy_read_timeout")),
        max_body=_size(_in_force(scopes, "client_max_body_size")),
        idle_timeout=_idle(_upstream(files, file, target(found.words[0]).host)),
    )


def _takes_any_host(scopes: tuple[Scope, ...]) -> bool:
    names = {word for scope in scopes for each in scope.all("server_name") for word in each.words}
    has_server = any(scope.head is not None and scope.head.name == "server" for scope in scopes)
    return has_server and names <= {"_", ""}


def _is_tls(scopes: tuple[Scope, ...]) -> bool:
    listens = [each.words for scope in scopes for each in scope.all("listen")]
    return any("ssl" in words or (words[:1] and words[0].rpartition(":")[2] == "443") for words in listens)


def _targets(
    files: Mapping[str, Nginx],
    file: Nginx,
    service: Service | None,
    found: Directive,
    scopes: tuple[Scope, ...],
) -> tuple[Target, ...]:
    sets = {
        each.words[0].lstrip("$"): each.words[1]
        for scope in scopes
        for each in scope.all("set")
        if len(each.words) == 2
    }
    known = {**environment(service), **sets}
    text = _VARIABLE.sub(lambda match: known.get(match[1] or match[2], match[0]), found.words[0])
    goal = target(text)
    upstream = _upstream(files, file, goal.host)
    if upstream is None:
        return (goal,)
    servers = [each.words[0] for each in upstream.all("server") if each.words]
    return tuple(
        target(_VARIABLE.sub(lambda match: known.get(match[1] or match[2], match[0]), each))
        for each in servers
    )


def _upstream(files: Mapping[str, Nginx], file: Nginx, name: str) -> Directive | None:
    """Return the upstream block of that *name*, the file's own first."""
    blocks = (each for other in (file, *files.values()) for each in walk(other.directives))
    return next((each for each in blocks if each.name == "upstream" and each.words[:1] == (name,)), None)


def _idle(upstream: Directive | None) -> Given[float] | None:
    """Return how long connections to the upstream are kept; None where it is not told to keep any."""
    kept = upstream.all("keepalive") if upstream is not None else []
    if upstream is None or not kept:
        return None
    return _seconds(upstream.all("keepalive_timeout")) or Given(_KEPT, kept[-1].at)


def _seconds(found: list[Directive]) -> Given[float] | None:
    try:
        return Given(units.seconds(found[-1].words[0]), found[-1].at) if found else None
    except (ValueError, IndexError):
        return None


def _size(found: list[Directive]) -> Given[int] | None:
    try:
        return Given(units.size(found[-1].words[0]), found[-1].at) if found else None
    except (ValueError, IndexError):
        return None

"""What the platforms' health checks ask of the application: their paths, and the functions that answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.health import checks
from gunwale.project.ports import is_alone, listeners
from gunwale.project.python.hooks import is_answered_before
from gunwale.project.python.routes import Route, brings_others, prefixes, routes
from gunwale.project.python.values import text
from gunwale.project.readers.python import PythonFile
from gunwale.project.start_path import web_starts
from gunwale.project.target_groups import behind, target_groups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.health import Check
    from gunwale.project.model import Project
    from gunwale.project.start import Start
    from gunwale.project.target_groups import TargetGroup

TARGET_GROUP = "the target group"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """One request that tells whether *start* is healthy: its *path*, *by* whom, and where that is written.

    *host* is the Host that it sends: "" for the address of what it asks, None where that is not known.
    *is_own*: the files say that it asks the application's own server for just this path. It is a *check*'s,
    or a target *group*'s.
    """

    path: str
    at: Place
    by: str
    start: Start
    host: str | None
    is_own: bool
    check: Check | None = None
    group: TargetGroup | None = None

    @property
    def sent(self) -> str:
        """All that a check says of its request; a target group can be told no more than the path."""
        return self.check.sent if self.check is not None else ""


def asked_anywhere(project: Project) -> tuple[Asked, ...]:
    """Return every request of a check, and of a target group, to whichever host."""
    return (*_of_checks(project), *_of_target_groups(project))


def asked(project: Project) -> tuple[Asked, ...]:
    """Return every request for a known path of the application's own server."""
    return tuple(each for each in project.derive(asked_anywhere) if each.is_own)


def reaching(project: Project) -> tuple[Asked, ...]:
    """Return what is asked and left to the routes: no hook and no middleware may answer it."""
    return tuple(each for each in project.derive(asked) if not is_answered_before(project, each.path))


def answering(project: Project, each: Asked) -> list[Route] | None:
    """Return the routes that may answer; None where what answers is not all known."""
    image = each.start.launch.image
    folder = f"{image.context}/" if image is not None and image.context not in ("", ".") else ""
    ours = [route for route in project.derive(routes) if route.file.path.startswith(folder)]
    if not ours or project.derive(brings_others) or any(route.rule is None for route in ours):
        return None
    known = project.derive(prefixes)
    return [route for route in ours if route.answers(each.path, known)]


def views(project: Project, *by: str) -> Iterator[tuple[Asked, Route]]:
    """Yield what is asked *by* one of these with each route that may answer it, where all are known."""
    for each in project.derive(asked):
        for route in (answering(project, each) or ()) if each.by in by else ():
            yield each, route


def redirecting(project: Project, each: Asked) -> Route | None:
    """Return the route that sends the path on to itself with a slash, where no other answers it."""
    known, answers = project.derive(prefixes), answering(project, each)
    if known is None or not answers:
        return None
    if any("strict_slashes" in file.source.text for file in project.of(PythonFile)):
        return None
    if not all(any(route.redirects(each.path, prefix) for prefix in known) for route in answers):
        return None
    # A prefix is the route's own where the same file gives it; another blueprint's it need not have.
    own = [route for route in answers if any(route.redirects(each.path, one) for one in _own(project, route))]
    return own[0] if own else None


def _own(project: Project, route: Route) -> set[str]:
    nodes = [call.argument("url_prefix") for call in route.file.calls]
    written = [text(project, route.file, node) for node in nodes if node is not None]
    return {"", *(each.rstrip("/") for each in written if each)}


def _of_checks(project: Project) -> Iterator[Asked]:
    for start in project.derive(web_starts):
        ports = {each.port for each in listeners(start) or ()}
        for each in checks(start):
            request = each.request
            if request is None:
                continue
            is_own = is_alone(start) and request.is_local and "$" not in request.path
            yield Asked(
                path=request.path,
                at=each.at,
                by=each.by,
                start=start,
                host=None if "$" in request.host or each.sends_host else request.host,
                is_own=is_own and (not ports or not request.port or request.port in ports),
                check=each,
            )


def _of_target_groups(project: Project) -> Iterator[Asked]:
    """The Host of a target group's request is the target's address, and cannot be set."""
    for group in project.derive(target_groups):
        start, path = behind(project, group), (group.path.text or "") if group.path else "/"
        if start is not None and path.startswith("/"):
            yield Asked(
                path=path,
                at=group.path.at if group.path else group.at,
                by=TARGET_GROUP,
                start=start,
                host="" if group.asks_by_http else None,
                is_own=group.path is not None,
                group=group,
            )

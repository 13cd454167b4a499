"""Measuring a proxy chain from outside: every way in examined, every field judged, nothing assumed."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from gunwale.errors import GunwaleError, Problem, StartError
from gunwale.measure import hops_http2, hops_report
from gunwale.measure.hops_examine import Examination, examine, replay
from gunwale.measure.hops_fields import COUNT_NAMES, COUNTED, FIELDS, OTHERS
from gunwale.measure.hops_http import Asker, Protocol, ways
from gunwale.measure.hops_judge import judge
from gunwale.measure.hops_questions import RedirectError
from gunwale.measure.hops_report import Door, Result
from gunwale.measure.hops_verdict import decide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gunwale.measure.hops_http import Way
    from gunwale.measure.hops_questions import Token

ECHO_PATH = "/.gunwale/echo"


class Request(NamedTuple):
    """What is to be measured, and how it is asked.

    *configured* are the counts in force, None where no plan declares a chain. *address* is the prober's
    own as the front sees it, *sources* the local addresses to ask from; both are found when None.
    """

    url: str
    doors: tuple[str, ...] = ()
    token: Token | None = None
    configured: Mapping[str, int] | None = None
    address: str | None = None
    sources: tuple[str, ...] | None = None
    is_insecure: bool = False
    progress: Callable[[str, int, int], None] = lambda *_: None


def measure(request: Request) -> Result:
    """Measure the chain; StartError when the URL cannot be reached or nothing can be concluded."""
    main, notes = _main(request)
    examinations, doors = list(main), []
    trusted = {name: min(judge(each, name).trusted for each in main) for name in FIELDS}
    for url in request.doors:
        for way in ways(_echo_url(url, request.token)):
            spoken, unseen = _spoken(way)
            notes += unseen
            for each in spoken:
                found = _door(request, each)
                if isinstance(found, Door):
                    doors.append(found)
                    continue
                examinations.append(found)
                through = {name: judge(found, name).trusted for name in FIELDS}
                doors.append(hops_report.door(found, through, trusted))
    configured, own = _in_force(request, main)
    unknown = [f"door {each.url}: {each.state}" for each in doors if each.is_open]
    judgements = tuple(decide(examinations, name, configured, unknown) for name in (*FIELDS, *OTHERS))
    told = [note for each in judgements for note in each.notes]
    told += [*own, *notes, *hops_report.vantage_notes(examinations)]
    told += ["closed means closed to the doors tried, from here"] if request.doors else _no_doors()
    protocols = {each.way.protocol for each in examinations}
    return Result(
        url=request.url,
        judgements=judgements,
        doors=tuple(doors),
        configured=configured,
        notes=tuple(told),
        protocols=tuple(each for each in Protocol if each in protocols),
        token=request.token,
        is_insecure=request.is_insecure,
    )


def _in_force(
    request: Request, examinations: Sequence[Examination]
) -> tuple[Mapping[str, int] | None, list[str]]:
    """Return the counts in force, the plan's or the application's own ProxyFix's, and a note of whose."""
    if request.configured is not None:
        return request.configured, []
    found = examinations[0].bases()[0].proxy_fix
    if len(found) > 1:
        return None, [f"the application has {len(found)} ProxyFix, one in the other: take all but one out"]
    return (found[0], ["held against the counts of the application's own ProxyFix"]) if found else (None, [])


def _no_doors() -> list[str]:
    return ["no --door was tried: whether the application can be reached past the proxies is not known"]


def _spoken(way: Way) -> tuple[list[Way], list[str]]:
    """Return *way* over each protocol that it speaks and we do, and a note on what is left out."""
    with Asker(way) as asker:
        if not asker.offers_http2():
            return [way], []
    if not hops_http2.is_installed():
        note = f"HTTP/2, which {way.label} speaks, was not looked at: install {hops_http2.EXTRA}"
        return [way], [note]
    return [way, replace(way, protocol=Protocol.HTTP2)], []


def _main(request: Request) -> tuple[list[Examination], list[str]]:
    """Examine the URL over each address family; the families that do not answer are noted."""
    found, notes, errors = [], [], []
    for way in ways(_echo_url(request.url, request.token)):
        spoken, unseen = _spoken(way)
        try:
            found += [_examined(request, each) for each in spoken]
        except _UnreachedError as error:
            errors.append(error)
            notes.append(f"not looked at: {error.problems[0]}")
            continue
        notes += unseen
    if not found:
        raise errors[0]
    return found, notes


def _examined(request: Request, way: Way) -> Examination:
    with Asker(way, is_verified=not request.is_insecure) as asker:
        return _examine(request, asker)


class _UnreachedError(StartError):
    """One address family does not answer at all."""


def _examine(request: Request, asker: Asker) -> Examination:
    try:
        asker.connect(None).close()
    except OSError as error:
        if not isinstance(error, ssl.SSLError):
            message = f"cannot be reached: {error.strerror or error}"
            raise _UnreachedError(
                Problem(where=asker.way.label, message=message, hint="is it up?")
            ) from error
    found = examine(
        asker,
        token=request.token,
        address=request.address,
        sources=_sources(request, asker.way),
        progress=request.progress,
    )
    counts = {name: max(judge(found, name).hops, _configured(request, found, name)) for name in COUNTED}
    return replay(asker, found, counts, token=request.token)


def _configured(request: Request, found: Examination, name: str) -> int:
    configured, _ = _in_force(request, [found])
    return (configured or {}).get(COUNT_NAMES[name], 0)


def _sources(request: Request, way: Way) -> tuple[str | None, ...] | None:
    is_v6 = way.family is socket.AF_INET6
    chosen = tuple(each for each in request.sources or () if (":" in each) is is_v6)
    return chosen or None


def _door(request: Request, way: Way) -> Examination | Door:
    try:
        return _examined(request, way)
    except GunwaleError as error:
        state = f"{error.problems[0].message}; nothing is known of it"
        is_reached = not isinstance(error, _UnreachedError)
        if not is_reached:
            state = f"closed from here: {error.problems[0].message}"
        elif isinstance(error, RedirectError):
            state = f"{error.problems[0].message}: {error.problems[0].hint}"
        is_open = is_reached and not isinstance(error, RedirectError)
        return Door(url=way.label, reached=is_reached, state=state, trusted={}, is_open=is_open)


def _echo_url(url: str, token: Token | None) -> str:
    """Give the runtime's own echo where a token is given and the URL names only the site."""
    try:
        is_site = urlsplit(url).path in {"", "/"}
    except ValueError:
        return url
    return url.rstrip("/") + ECHO_PATH if token and is_site else url

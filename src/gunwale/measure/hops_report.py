"""What ``gunwale hops`` says: the JSON, the table, the curl commands, and the ProxyFix line."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import ip_address
from shlex import quote
from typing import TYPE_CHECKING

from gunwale.measure.hops_fields import COUNT_NAMES, COUNTED, FORWARDED
from gunwale.measure.hops_http import Protocol
from gunwale.measure.hops_judge import is_direct, is_maybe_direct
from gunwale.measure.hops_questions import TOKEN_FIELD, TOKEN_PARAMETER
from gunwale.measure.hops_verdict import Judgement, Spoof, Verdict
from gunwale.measure.hops_wanted import FOR, PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gunwale.measure.hops_examine import Examination
    from gunwale.measure.hops_questions import Token

_IN_SHORT = {"never reaches the application": True, "the client's own, if it sends any": False}
# Without them curl takes what the TLS handshake offers.
_CURL = {
    ("https", Protocol.HTTP1): "--http1.1",
    ("https", Protocol.HTTP2): "--http2",
    ("http", Protocol.HTTP2): "--http2-prior-knowledge",
}
_HEAD = ("field", "mode", "trusted", "position", "hops", "verdict")


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A way in beside the URL: *state* is direct, proxied, or why no application was found behind it.

    *is_open*: somebody answers there, and it is not known what; no count is proven with it.
    """

    url: str
    reached: bool
    state: str
    trusted: Mapping[str, int]
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The whole measurement; *configured* is None where no plan declares a chain."""

    url: str
    judgements: tuple[Judgement, ...]
    doors: tuple[Door, ...]
    configured: Mapping[str, int] | None
    notes: tuple[str, ...]
    protocols: tuple[str, ...] = ()
    token: Token | None = None
    is_insecure: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """The measured counts, by their names in the plan; what is undecided is left out.

        Forwarded is counted only where X-Forwarded-For does not give the client's address.
        """
        found = {
            COUNT_NAMES[each.name]: each.hops
            for each in self.judgements
            if each.name in COUNT_NAMES and each.verdict is not Verdict.UNDECIDED
        }
        forwarded = found.pop(FORWARDED, 0)
        if not forwarded or found.get(COUNT_NAMES[FOR]):
            return found
        return {name: 0 if name != COUNT_NAMES[PREFIX] else count for name, count in found.items()} | {
            FORWARDED: forwarded
        }

    @property
    def undecided(self) -> tuple[str, ...]:
        """The fields on which nothing could be concluded."""
        return tuple(each.name for each in self.judgements if each.verdict is Verdict.UNDECIDED)

    @property
    def exit_code(self) -> int:
        """1 when anything is unsafe, 3 when something could not be concluded, else 0."""
        if any(each.verdict is Verdict.UNSAFE for each in self.judgements):
            return 1
        return 3 if self.undecided else 0

    @property
    def spoofs(self) -> list[str]:
        """The curl commands of every request that spoofs."""
        found = [
            curl(spoof, self.token, is_insecure=self.is_insecure)
            for each in self.judgements
            if each.verdict is Verdict.UNSAFE
            for spoof in each.spoofs
        ]
        return list(dict.fromkeys(found))


def as_json(result: Result) -> dict[str, object]:
    """Return the result as issue 4 lays it down, and beside it the notes."""
    return {
        "url": result.url,
        "fields": {
            each.name: {
                "mode": each.mode,
                "trusted": each.trusted,
                "position": each.position,
                "hops": each.hops,
                "verdict": each.verdict.value,
                "removable": each.removable,
                "alias": each.alias,
            }
            for each in result.judgements
        },
        "doors": [
            {"url": each.url, "reached": each.reached, "state": each.state, "trusted": dict(each.trusted)}
            for each in result.doors
        ],
        "configured": dict(result.configured or {}),
        "spoofs": result.spoofs,
        "protocols": list(result.protocols),
        "notes": list(result.notes),
    }


def table(result: Result) -> list[str]:
    """Return the lines for people: the counted fields first, of the others those that arrive."""
    shown = [each for each in result.judgements if _is_shown(each)]
    rows = [_HEAD, *(_row(each) for each in shown)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(_HEAD))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    for said, mode in _IN_SHORT.items():
        rest = [
            each.name for each in result.judgements if each not in shown and (each.mode == "absent") is mode
        ]
        lines += ["", f"{said}: {', '.join(rest)}"] if rest else []
    for door in result.doors:
        lines += ["", f"door {door.url}: {door.state}"]
    lines += ["", f"asked over {' and '.join(result.protocols)}"]
    if result.notes:
        lines += ["", *(f"- {note}" for note in result.notes)]
    for spoof in result.spoofs:
        lines += ["", "this request spoofs:", f"  {spoof}"]
    return [*lines, "", *proxy_fix(result)]


def _is_shown(judgement: Judgement) -> bool:
    return (
        judgement.name in COUNTED
        or judgement.verdict in {Verdict.UNSAFE, Verdict.UNDECIDED}
        or judgement.mode not in {"absent", "passed"}
    )


def _row(judgement: Judgement) -> tuple[str, ...]:
    mode = judgement.mode + (", removable" if judgement.removable else "")
    mode += f", as {judgement.alias!r} too" if judgement.alias else ""
    numbers = (judgement.trusted, judgement.position, judgement.hops)
    return (judgement.name, mode, *(str(number) for number in numbers), judgement.verdict.value)


def proxy_fix(result: Result) -> list[str]:
    """Return the exact line for those who keep Werkzeug's ProxyFix."""
    if result.counts.get(FORWARDED):
        return ["Werkzeug's ProxyFix has no line for this chain: it does not read Forwarded"]
    arguments = ", ".join(
        f"{COUNT_NAMES[name]}={result.counts.get(COUNT_NAMES[name], 0)}" for name in COUNTED
    )
    line = f"Werkzeug's ProxyFix for these counts: app.wsgi_app = ProxyFix(app.wsgi_app, {arguments})"
    left_out = [name for name in COUNTED if name in result.undecided]
    return [line, f"  0 for want of a conclusion: {', '.join(left_out)}"] if left_out else [line]


def curl(spoof: Spoof, token: Token | None, *, is_insecure: bool) -> str:
    """Write a request as a curl command; the token stays a variable of the reader's shell."""
    way, words = spoof.examination.way, ["curl", "-sS"]
    words += ["--insecure"] if is_insecure and way.scheme == "https" else []
    if way.scheme == "https" or way.protocol is Protocol.HTTP2:
        words += [_CURL[way.scheme, way.protocol]]
    words += ["--ipv6"] if way.family is socket.AF_INET6 and not _is_address(way.name) else []
    for name, value in spoof.observation.probe.lines:
        words += ["-H", f"{name}: {value}" if value else f"{name};"]
    line = " ".join(quote(word) for word in words)
    if token is None:
        return f"{line} {quote(way.url)}"
    if not token.is_in_query:
        return f'{line} -H "{TOKEN_FIELD}: $TOKEN" {quote(way.url)}'
    mark = "&" if "?" in way.url else "?"
    return f'{line} {quote(f"{way.url}{mark}{TOKEN_PARAMETER}=")}"$TOKEN"'


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def door(examination: Examination, trusted: Mapping[str, int], url: Mapping[str, int]) -> Door:
    """Describe a door that was examined; *url* are the trusted suffixes of the URL itself."""
    if is_direct(examination):
        state = "direct: the application's own port can be reached past every proxy"
    elif is_maybe_direct(examination):
        state = "direct, or a proxy on this very machine: ask from another one to tell"
    elif trusted[FOR] < url[FOR]:
        state = f"past a layer: {trusted[FOR]} unforgeable values of X-Forwarded-For, not {url[FOR]}"
    else:
        state = "proxied"
    return Door(url=examination.way.label, reached=True, state=state, trusted=trusted)


def vantage_notes(examinations: Sequence[Examination]) -> list[str]:
    """Return what this place cannot see: proxies may trust the range it is in."""
    clients = {client for each in examinations for client in each.clients.values() if client}
    if any(not ip_address(client).is_global for client in clients):
        return ["inside view: asked from a private address, and a proxy may treat those of outside otherwise"]
    return []

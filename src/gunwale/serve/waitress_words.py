"""The user's own ``waitress-serve`` command: what the plan takes, what Waitress keeps, what is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.errors import Problem
from gunwale.plan.origin import Candidate, Origin, Source
from gunwale.serve.own_command import Own

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

WORDS = "-- waitress-serve "  # how places in the command begin
_PLAN = {"threads": "serve.threads", "backlog": "serve.backlog", "channel-timeout": "serve.keepalive"}
_ADDRESS = ("host", "port", "listen", "unix-socket")
_KEPT = (
    *("ident", "url-scheme", "url-prefix", "server-name", "recv-bytes", "send-bytes", "outbuf-overflow"),
    *("outbuf-high-watermark", "inbuf-overflow", "connection-limit", "cleanup-interval"),
    *("max-request-header-size", "max-request-body-size", "channel-request-lookahead"),
)
_KEPT_FLAGS = ("log-socket-errors",)
_PROXIES = "serve reads the forwarded fields itself; declare proxies.chain in the plan"
_REFUSED = {
    "trusted-proxy": _PROXIES,
    "trusted-proxy-count": _PROXIES,
    "trusted-proxy-headers": _PROXIES,
    "sockets": "give the address: --listen",
    "unix-socket-perms": "serve's socket is open to every user: the folder it is in says who may come in",
}
_REFUSED_FLAGS = {
    "expose-tracebacks": "it shows the application's source to any client; the traceback is in the log",
    "log-untrusted-proxy-headers": _PROXIES,
    "clear-untrusted-proxy-headers": _PROXIES,
    "ipv4": "give the address of the family: --listen 0.0.0.0:8080",
    "ipv6": "give the address of the family: --listen [::]:8080",
    "help": "run waitress-serve --help",
}
_LOOP = "serve's own loop stands"
_INSTEAD = {"asyncore-loop-timeout": _LOOP}
_INSTEAD_FLAGS = {"asyncore-use-poll": _LOOP}
_FLAGS = {*_KEPT_FLAGS, *_REFUSED_FLAGS, *_INSTEAD_FLAGS, "call"}


def own(words: Sequence[str], _environ: Mapping[str, str], _directory: Path, *, is_command: bool) -> Own:
    """Read a ``waitress-serve`` command of *words*; there is no configuration file."""
    result = Own()
    if not is_command:
        return result
    given, applications = _options(words, result.refused)
    found: list[Candidate] = []
    kept: list[str] = []
    for name, value in given:
        place = f"{WORDS}--{name}"
        plain = name.removeprefix("no-")
        if plain in _REFUSED or (plain in _REFUSED_FLAGS and (plain == name or plain[:3] == "ipv")):
            hint = _REFUSED.get(plain) or _REFUSED_FLAGS[plain]
            result.refused.append(Problem(where=place, message="cannot be honoured", hint=hint))
        elif plain in _INSTEAD or plain in _INSTEAD_FLAGS:
            result.said.append(f"{place}: {_LOOP}")
        elif name in _PLAN:
            found.append(_candidate(_PLAN[name], value, place))
        elif plain in _KEPT or plain in _KEPT_FLAGS:
            state = "false" if plain != name else value or "true"
            kept.append(f"{plain.replace('-', '_')}={state}")
    found.append(_bind(given, result))
    found += _application(applications, result, is_factory=("call", "") in given)
    result.words, result.settings = tuple(kept), tuple(found)
    return result


def _candidate(key: str, value: object, place: str) -> Candidate:
    origin = Origin(source=Source.COMMAND_LINE, place=place)
    return Candidate(key=key, value=value, origin=origin, is_text=isinstance(value, str))


def _options(words: Sequence[str], refused: list[Problem]) -> tuple[list[tuple[str, str]], list[str]]:
    """Tell (option, value) pairs from applications; what Waitress would not read is *refused*."""
    given, rest = [], list(words)
    takes_value = {*_PLAN, *_ADDRESS, *_KEPT, *_REFUSED, *_INSTEAD}
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word == "--":
            break
        name, equals, value = word.removeprefix("--").partition("=")
        if name in takes_value:
            if not equals and not rest:
                refused.append(Problem(where=WORDS + word, message="has no value"))
                continue
            given.append((name, value if equals else rest.pop(0)))
        elif name.removeprefix("no-") in _FLAGS and not equals:
            given.append((name, ""))
        else:
            hint = "waitress-serve --help lists them, here in full; gunwale's own go before the --"
            refused.append(Problem(where=WORDS + word, message="is no option of waitress-serve", hint=hint))
    return given, rest


def _bind(given: Sequence[tuple[str, str]], result: Own) -> Candidate:
    """Give the addresses, or Waitress's own default: clients and proxies ask there."""
    listed = [each for name, value in given if name == "listen" for each in value.split()]
    path = dict(given).get("unix-socket")
    if path:
        listed, place = [f"unix:{path}"], "--unix-socket"
    elif listed:
        place = "--listen"
    else:
        host, port = (dict(given).get(name) for name in ("host", "port"))
        listed = [f"{_bracketed(host or '0.0.0.0')}:{port or 8080}"]  # noqa: S104 - Waitress's own default
        place = "--port" if port else "--host" if host else "(its own address)"
    # Waitress's wildcard: both families.
    listed = [each.replace("*:", "[::]:") if each.startswith("*:") else each for each in listed]
    listed = [
        each if re.search(r":\d+$", each) or each.startswith("unix:") else f"{each}:8080" for each in listed
    ]
    result.said.append(
        f"{WORDS}{place} {', '.join(listed)}: serve listens there itself, and hands sockets to Waitress"
    )
    return _candidate("serve.bind", listed, WORDS + place)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _application(applications: Sequence[str], result: Own, *, is_factory: bool) -> list[Candidate]:
    if len(applications) > 1:
        message = f"one application is served, not {len(applications)}: {' '.join(applications)!r}"
        result.refused.append(Problem(where=f"{WORDS}APP", message=message, hint="options go before it"))
    return [
        _candidate("app", f"{name}()" if is_factory else name, f"{WORDS}APP") for name in applications[:1]
    ]

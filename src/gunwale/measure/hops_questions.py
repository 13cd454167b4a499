"""One request to an echo and its end: its own answer, a refusal, or none; nothing is judged yet."""

from __future__ import annotations

import json
import secrets
import ssl
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from gunwale.errors import Problem, StartError
from gunwale.measure.hops_probes import UNFORGED, Probe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.measure.hops_exchange import Answer
    from gunwale.measure.hops_http import Asker

_NONCE = "gunwale-probe"
TOKEN_FIELD, TOKEN_PARAMETER = "Gunwale-Echo-Token", "gunwale-echo-token"
_TRIES = 3
_PAUSE = 0.3  # seconds before a failed request is tried again, doubled each time
_LONGEST_PAUSE = 5.0


class Outcome(StrEnum):
    """How one probe ended."""

    ANSWERED = "answered"
    REFUSED = "refused"  # an answer that is not the echo's: 400, 403, a redirect
    FAILED = "failed"  # no answer, 429 or 5xx, after several tries


class Token(NamedTuple):
    """What opens the echo; in the query where a front drops fields that it does not know."""

    value: str
    is_in_query: bool = False


class Observation(NamedTuple):
    """One probe and its end; *raw* and *seen* are the echo's, before and after the parser.

    *is_marked*: the parser said that it refused a forwarded value. *proxy_fix* are the counts of each
    ProxyFix of the application's own, outermost first.
    """

    probe: Probe
    source: str | None
    outcome: Outcome
    status: int
    raw: Mapping[str, str]
    seen: Mapping[str, str]
    is_marked: bool = False
    proxy_fix: tuple[Mapping[str, int], ...] = ()


class RedirectError(StartError):
    """The way in leads elsewhere: no application answers here."""


class Questions:
    """Asks one way, and tells an echo's answer to this very request from everything else."""

    def __init__(self, asker: Asker, token: Token | None) -> None:
        self._asker = asker
        is_in_query = token is not None and token.is_in_query
        self._token = ((TOKEN_FIELD, token.value),) if token and not is_in_query else ()
        self._query = f"&{TOKEN_PARAMETER}={quote(token.value, safe='')}" if token and is_in_query else ""

    def first(self) -> Observation:
        """Ask once, and say what is wrong when no echo answers."""
        url = self._asker.way.label
        try:
            answer, nonce = self._send(UNFORGED, None)
        except ssl.SSLCertVerificationError as error:
            message = f"the certificate is not trusted: {error.verify_message}"
            raise _start(url, message, "use the name it was issued for, or --insecure") from error
        except OSError as error:
            raise _start(url, f"cannot be reached: {error.strerror or error}", "is it up?") from error
        found = self._read(UNFORGED, None, answer, nonce)
        if found.outcome is not Outcome.ANSWERED:
            kind = RedirectError if _leads_to(answer) else StartError
            raise _start(url, f"answers {answer.status}, not as an echo", _hint(answer), kind)
        return found

    def control(self, source: str | None, after: Probe) -> Observation:
        """Ask unforged; StartError when that is no longer answered."""
        found = self.ask(UNFORGED._replace(is_fresh=after is UNFORGED), source)
        if found.outcome is not Outcome.ANSWERED:
            what = f"after {after.form!r} in {after.field or 'several fields'}" if after.field else "unforged"
            message = f"refuses even unforged requests ({found.status or 'no answer'}, {what})"
            raise _start(
                self._asker.way.label, message, "nothing is concluded: let this machine's address pass"
            )
        return found

    def ask(self, probe: Probe, source: str | None) -> Observation:
        """Ask; failures are tried again, a refusal is an answer."""
        found = Observation(probe, source, Outcome.FAILED, 0, {}, {})
        for turn in range(_TRIES):
            pause = _PAUSE * 2**turn
            try:
                answer, nonce = self._send(probe, source)
            except OSError:
                answer = None
            if answer is not None:
                found = self._read(probe, source, answer, nonce)
                if found.outcome is not Outcome.FAILED:
                    return found
                pause = max(pause, _retry_after(answer))
            if turn + 1 < _TRIES:
                time.sleep(pause)
        return found

    def _send(self, probe: Probe, source: str | None) -> tuple[Answer, str]:
        nonce = secrets.token_hex(8)
        target = self._asker.way.target
        target += f"{'&' if '?' in target else '?'}{_NONCE}={nonce}{self._query}"
        lines = (("Gunwale-Probe", nonce), *self._token, *probe.lines)
        asked = self._asker.ask(target, lines, source=source, host=probe.host, is_fresh=probe.is_fresh)
        return asked, nonce

    def _read(self, probe: Probe, source: str | None, answer: Answer, nonce: str) -> Observation:
        if answer.status == 429 or answer.status >= 500:
            return Observation(probe, source, Outcome.FAILED, answer.status, {}, {})
        said = _echo(answer)
        if said is None:
            return Observation(probe, source, Outcome.REFUSED, answer.status, {}, {})
        raw, seen = said["raw"], said["seen"]
        asked = [
            part.removeprefix(f"{_NONCE}=")
            for part in str(raw.get("QUERY_STRING", "")).split("&")
            if part.startswith(f"{_NONCE}=")
        ]
        answers = {*asked, *filter(None, [raw.get("HTTP_GUNWALE_PROBE")])}
        if answers != {nonce}:
            message = "the answer is to another request: a cache stands in front of the echo"
            hint = "nothing is concluded: exclude the echo's path from the cache"
            if not answers:
                message = "neither the query nor our own field reaches the echo"
                hint = "nothing is concluded: let the front pass the query of this path"
            raise _start(self._asker.way.label, message, hint)
        return Observation(
            probe,
            source,
            Outcome.ANSWERED,
            answer.status,
            raw,
            seen,
            bool(said.get("refused")),
            tuple(said.get("proxy_fix") or ()),
        )


def _echo(answer: Answer) -> dict[str, Any] | None:
    try:
        said = json.loads(answer.body) if answer.status == 200 else None
    except ValueError:
        return None
    if not isinstance(said, dict) or not all(isinstance(said.get(key), dict) for key in ("raw", "seen")):
        return None
    return said


def _retry_after(answer: Answer) -> float:
    text = answer.fields.get("retry-after", "")
    return min(float(text), _LONGEST_PAUSE) if text.isascii() and text.isdigit() else 0.0


def _leads_to(answer: Answer) -> str:
    return answer.fields.get("location", "") if 300 <= answer.status < 400 else ""


def _hint(answer: Answer) -> str:
    if location := _leads_to(answer):
        return f"it redirects to {location[:200]!r}: give that address"
    if answer.status in {401, 403, 404}:
        return (
            "is the path the echo's, and the --token its own? If the front drops its field: --token-in-query"
        )
    return "put gunwale echo in the application's place, or give the path of its own echo and --token"


def _start(where: str, message: str, hint: str, kind: type[StartError] = StartError) -> StartError:
    return kind(Problem(where=where, message=message, hint=hint))

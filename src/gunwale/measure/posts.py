"""After a load: the ids of accepted POSTs against what the application stored. None lost, none doubled."""

from __future__ import annotations

import re
import shlex
import subprocess
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gunwale.errors import ConfigurationError, Problem, StartError
from gunwale.measure.load_profile import UNSAFE_TO_REPEAT
from gunwale.measure.load_report import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from gunwale.measure.load_report import Record

WAYS = ("callable", "command", "url", "sql")
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-[0-9]{8,}(?![0-9])")  # as the engine makes them
_TIMEOUT = 60.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """How to learn what was stored: exactly one of four ways, each of which lists ids or texts that hold one.

    *callable* "module:function", called in the application's context; *command*, one id a line of its
    output; *url*, a JSON list or one id a line ("/…" asks the load's own target); *sql*, its first column,
    from *database* or else the application's own. *paths*: the POSTs that store something; all, if empty.
    """

    callable: str = ""
    command: str = ""
    url: str = ""
    sql: str = ""
    database: str = ""
    paths: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Stored:
        """Read "callable:…", "command:…", "url:…" or "sql:…". Raises ConfigurationError."""
        way, colon, value = text.partition(":")
        if not colon or way not in WAYS or not value:
            message = f"should be WAY:VALUE, not {text!r}"
            hint = f"the ways are {', '.join(WAYS)}; for example callable:shop.audit:keys"
            raise ConfigurationError(Problem(where="stored", message=message, hint=hint))
        given: dict[str, Any] = {way: value}
        return cls(**given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What became of POSTs.

    *stored* is how many of those sent are there; *lost* were accepted and are not; *doubled* are there more
    than once, with how often. *unanswered* are there though their client never heard so, which harms nobody:
    a client that repeats its id is answered.
    """

    accepted: int
    stored: int
    lost: tuple[str, ...]
    doubled: Mapping[str, int]
    unanswered: int

    @property
    def is_whole(self) -> bool:
        """Whether something was accepted, and all of that is there, once."""
        return bool(self.accepted) and not self.lost and not self.doubled


def audit(records: Iterable[Record], stored: Iterable[str], paths: Iterable[str] = ()) -> Audit:
    """Compare the POSTs of *records*, those to *paths* if any are named, with the texts *stored*.

    Accepted is what was answered as expected and below 400: to a client, that is a promise.
    """
    wanted = frozenset(paths)
    sent: set[str] = set()
    accepted: set[str] = set()
    for record in records:
        if record.method in UNSAFE_TO_REPEAT and (not wanted or record.path.partition("?")[0] in wanted):
            sent.add(record.id)
            if record.outcome is Outcome.OK and record.status is not None and record.status < 400:
                accepted.add(record.id)
    # One text that holds an id twice is stored once.
    found = Counter(each for text in stored for each in set(_ID.findall(text)) if each in sent)
    return Audit(
        accepted=len(accepted),
        stored=len(found),
        lost=tuple(sorted(accepted - found.keys())),
        doubled={each: count for each, count in sorted(found.items()) if count > 1},
        unanswered=len(found.keys() - accepted),
    )


def read_stored(
    stored: Stored, *, app: str, directory: Path, target: str, env: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Return what the application says is stored. Raises StartError where nobody says."""
    from gunwale.measure.load_inside import ask

    if stored.command:
        return _output(stored.command, directory, env)
    if stored.url:
        return _fetched(f"{target}{stored.url}" if stored.url.startswith("/") else stored.url)
    way, value = ("callable", stored.callable) if stored.callable else ("sql", stored.sql)
    # A database that is named needs no application to be found by.
    words = ["ids", "" if stored.database else app, way, value, stored.database]
    return tuple(ask(words, where=f"{way}:{value}", directory=directory, env=env))


def _output(command: str, directory: Path, env: Mapping[str, str] | None) -> tuple[str, ...]:
    import os

    try:
        done = subprocess.run(
            shlex.split(command),
            cwd=directory,
            env=None if env is None else {**os.environ, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=_TIMEOUT,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        hint = str(getattr(error, "stderr", "") or "")[-500:]
        raise StartError(Problem(where=f"command:{command}", message=str(error), hint=hint)) from error
    return tuple(done.stdout.split("\n"))


def _fetched(url: str) -> tuple[str, ...]:
    import json

    if not url.startswith(("http://", "https://")):
        message = f"should begin with http:// or https://, or be a path of the target, not {url!r}"
        raise ConfigurationError(Problem(where="url", message=message))
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310 - the schemes are checked
            text = answer.read().decode("utf-8", "replace")
    except (OSError, urllib.error.URLError) as error:
        raise StartError(Problem(where=f"url:{url}", message=f"cannot be asked: {error}")) from error
    try:
        listed = json.loads(text)
    except ValueError:
        return tuple(text.split("\n"))
    return tuple(map(json.dumps, listed)) if isinstance(listed, list) else (text,)

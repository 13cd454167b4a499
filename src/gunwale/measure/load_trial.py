"""Each request of a mix asked once of a server that is well, before anything is made of how it is answered.

Routes and logs hold requests that a load cannot judge by: streams that never end, pages that were removed.
And a page that is there now, and a redirect to an error page later, is a request that failed.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from gunwale.measure.load import Load
from gunwale.measure.load_mix import EXPECTED, SAFE_METHODS
from gunwale.measure.load_profile import Ask, Profile
from gunwale.measure.load_report import Outcome

if TYPE_CHECKING:
    from gunwale.measure.load_mix import Mix
    from gunwale.measure.load_report import Record

Seconds = float

_AT_A_TIME = 4
_SHOWN = 3  # paths named for each reason


def tried(mix: Mix, target: str, *, patience: Seconds = 5.0) -> Mix:
    """Return *mix* without what is not answered as expected in *patience* seconds; the notes say what.

    Only what is safe is tried. What was answered, and has no statuses of its own to expect, is expected to
    be answered in the same class from now on.
    """
    safe = [ask for ask in mix.asks if ask.method in SAFE_METHODS]
    if not safe:
        return mix
    seen = _seen(safe, target, patience)
    out = [ask for ask in safe if _reason(seen.get(_key(ask)))]
    kept = tuple(_narrowed(ask, seen.get(_key(ask))) for ask in mix.asks if ask not in out)
    return replace(mix, asks=kept, notes=(*mix.notes, *_told(out, seen)))


def _key(ask: Ask) -> tuple[str, str]:
    return (ask.method, ask.path)


def _seen(asks: list[Ask], target: str, patience: Seconds) -> dict[tuple[str, str], Record]:
    each = tuple(replace(ask, weight=1, read_pace=0, send_pace=0) for ask in asks)
    profile = Profile(
        target=target,
        mix=each,
        keepalive_clients=min(_AT_A_TIME, len(each)),
        keepalive_spacing=0.0,
        connect_timeout=patience,
        response_timeout=patience,
    )
    # Closed loops: the server is to be asked, not to be loaded. Each waits for one that does not answer.
    until = time.monotonic() + patience * len(each) + patience
    with Load(profile) as load:
        while load.look().sent < len(each) and time.monotonic() < until:
            time.sleep(0.01)
        result = load.stop(grace=patience + 1)
    seen: dict[tuple[str, str], Record] = {}
    for record in result.records:
        seen.setdefault((record.method, record.path), record)
    return seen


def _narrowed(ask: Ask, record: Record | None) -> Ask:
    if record is None or record.status is None or ask.expect != EXPECTED:
        return ask
    return replace(ask, expect=(f"{record.status // 100}xx",))


def _told(out: list[Ask], seen: dict[tuple[str, str], Record]) -> list[str]:
    reasons = Counter(_reason(seen.get(_key(ask))) for ask in out)
    lines = []
    for reason, count in reasons.most_common():
        paths = [ask.path for ask in out if _reason(seen.get(_key(ask))) == reason]
        more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
        lines.append(f"left out: {', '.join(paths[:_SHOWN])}{more}, {reason} when tried")
    return lines


def _reason(record: Record | None) -> str:
    """Return why it cannot be judged by, "" where it can."""
    if record is None:
        return "not asked in time"
    if record.outcome is Outcome.OK:
        return ""
    if record.outcome is Outcome.STATUS_ERROR:
        return f"answered {record.status}"
    if record.outcome in {Outcome.TIMEOUT, Outcome.UNFINISHED} and record.status is not None:
        return "still streaming"
    return f"failed ({record.outcome})"

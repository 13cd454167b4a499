"""What was accepted against what was stored; and how long a roll-out may take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.measure import posts as audited
from gunwale.measure.rehearse.outcome import Posts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gunwale.deploy.events import Event
    from gunwale.measure.load_report import Record
    from gunwale.measure.posts import Stored
    from gunwale.measure.rehearse.outcome import Row

Seconds = float

_MARGIN = 2.0  # seconds that a roll-out may take beyond what nobody can save (issue 7)


def posts(
    records: Sequence[Record],
    stored: Stored | None,
    *,
    app: str,
    directory: Path,
    target: str,
    env: Mapping[str, str],
) -> Posts:
    """Compare the POSTs that were accepted with what is stored, where somebody can say."""
    if stored is None:
        return Posts(accepted=audited.audit(records, ()).accepted)
    ids = audited.read_stored(stored, app=app, directory=directory, target=target, env=env)
    found = audited.audit(records, ids, stored.paths)
    return Posts(
        accepted=found.accepted,
        stored=found.stored,
        lost=len(found.lost),
        doubled=len(found.doubled),
    )


def floor(events: Sequence[Event], rows: Sequence[Row], began: Seconds) -> Seconds:
    """Return what the roll-out of *events* may take: its slowest boot, its longest request, and 2 s."""
    started = {event.task: event.at for event in events if event.event == "task-started"}
    boots = [
        event.at - started[event.task]
        for event in events
        if event.event == "task-ready" and event.task in started
    ]
    first, last = events[0].at - began, events[-1].at - began
    longest = max((row.latency for row in rows if first <= row.intended <= last), default=0.0)
    return round(max(boots, default=0.0) + longest + _MARGIN, 3)

"""What the page's script reads: every request in compact columns, and words for those that are looked at.

Fifty thousand requests are about a megabyte this way: times are whole tenths of a millisecond, each
counted from the one before, and what repeats is a number into a table of words.
"""

from __future__ import annotations

import heapq
import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gunwale.measure.report.timeline import PHASES, end, lanes, spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gunwale.measure.rehearse.outcome import Rehearsal, Row

_TICK = 1e-4  # seconds
_SLOWEST = 200  # the requests beside the failed ones whose ids are kept: where somebody will look next
_WORDS = ("phase", "task", "outcome", "method", "path", "kind")


def payload(rehearsal: Rehearsal) -> str:
    """Return the JSON, safe inside a script element whatever a path or an error says."""
    runs = [rehearsal, *([rehearsal.against] if rehearsal.against else [])]
    document = {"phases": list(PHASES), "tick": _TICK, "runs": [_run(run) for run in runs]}
    return embedded(document)


def embedded(document: Any) -> str:
    """Return JSON that no HTML parser takes for markup: a path may well be ``</script>``."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _run(rehearsal: Rehearsal) -> dict[str, Any]:
    rows = sorted(rehearsal.rows, key=lambda row: row.intended)
    indexed = {name: _indexed(str(getattr(row, name)) for row in rows) for name in _WORDS}
    return {
        # Upwards: the last request to end is on the page's axis.
        "end": math.ceil(end(rehearsal) * 1000) / 1000,
        "spans": [asdict(span) for span in spans(rehearsal)],
        "steps": [
            [round(float(event["at"]), 4), _step(event)] for event in rehearsal.events if event["at"] >= 0
        ],
        "lanes": [asdict(lane) for lane in lanes(rehearsal)],
        "words": {name: words for name, (words, _) in indexed.items()},
        "columns": {name: numbers for name, (_, numbers) in indexed.items()}
        | {
            "at": _deltas([row.intended for row in rows]),
            "took": [max(round(row.latency / _TICK), 0) for row in rows],
            "status": [row.status or 0 for row in rows],
        },
        "told": _told(rows),
    }


def _step(event: Mapping[str, Any]) -> str:
    if event["event"] == "step":
        return f"{event['phase']} begins"
    return f"{event['event']} {event['task']}" if event["task"] else str(event["event"])


def _indexed(words: Iterable[str]) -> tuple[list[str], list[int]]:
    """Return the different words in the order they came, and each word's number."""
    numbers: dict[str, int] = {}
    column = [numbers.setdefault(word, len(numbers)) for word in words]
    return list(numbers), column


def _deltas(times: Sequence[float]) -> list[int]:
    ticks = [round(time / _TICK) for time in times]
    return [now - before for before, now in zip([0, *ticks], ticks, strict=False)]


def _told(rows: Sequence[Row]) -> dict[int, list[str]]:
    """Return id and exact error of each failed request, and of the slowest others."""
    slowest = heapq.nlargest(_SLOWEST, range(len(rows)), key=lambda index: rows[index].latency)
    chosen = sorted({index for index, row in enumerate(rows) if row.is_failed} | set(slowest))
    return {index: [rows[index].request_id, rows[index].error] for index in chosen}

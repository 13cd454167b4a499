"""A rehearsal in words, for somebody who has to decide on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.measure.load_report import percentile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gunwale.measure.rehearse.outcome import Rehearsal, Row

_SHOWN = 10  # failures listed; all of them are in the JSON


def lines(found: Rehearsal) -> Iterator[str]:
    """Return the whole outcome, its verdict last."""
    yield from _one(found)
    if found.against is not None:
        yield ""
        yield from _one(found.against)
        yield ""
        yield _beside(found, found.against)
    yield ""
    yield verdict(found)


def verdict(found: Rehearsal) -> str:
    """Return the one line that everything else explains."""
    asked, failed = len(found.rows), len(found.failed)
    posts = found.posts
    stored = ""
    if posts.is_audited:
        stored = f"; of {posts.accepted} POSTs accepted {posts.lost} lost, {posts.doubled} doubled"
    elif posts.accepted:
        stored = f"; {posts.accepted} POSTs accepted, whether they were stored was not looked at"
    count = f"{failed} of {asked} requests failed{stored}"
    if found.unproven and not found.failed and not posts.is_harmed:
        return f"NOT PROVEN: {'; '.join(found.unproven)}; {count}"
    if found.verdict == "zero-loss" and found.has_rolled:
        return f"ZERO LOSS: {count}"
    if found.verdict == "zero-loss":
        is_whole = all(roll.is_whole for roll in found.rolls)
        old = "the old version serves on" if is_whole else "and NOT ALL of the old version is back"
        return f"NOT ROLLED OUT: {old}; {count}"
    return f"LOST: {count}"


def _one(found: Rehearsal) -> Iterator[str]:
    factor = f", clocks divided by {found.factor:g}" if found.factor != 1 else ""
    fault = f", fault {found.fault}" if found.fault else ""
    yield f"{found.title}: {found.server} behind {found.front}, as {found.platform}{factor}{fault}"
    yield f"{len(found.rows)} requests in {found.seconds:.0f} s from {found.started}, {_versions(found)}"
    yield from (f"note: {note}" for note in found.notes)
    yield ""
    yield from _table(("phase", "requests", "failed", "p50 ms", "p99 ms", "max ms"), _phases(found))
    yield ""
    yield from _table(("task", "requests", "failed", "boot s", "from s", "to s"), _tasks(found))
    yield ""
    for roll in found.rolls:
        floor = f" (boot + longest request + 2 s: {roll.floor:.1f} s)" if roll.floor is not None else ""
        end = "" if roll.succeeded else f"rolled back: {f'{roll.task} ' if roll.task else ''}{roll.reason}"
        yield f"roll-out {roll.number}: {roll.seconds:.1f} s{floor}{f', {end}' if end else ''}"
        if roll.log_tail:
            yield from ("  | " + line for line in roll.log_tail.splitlines())
    yield from _failures(found.failed)


def _versions(found: Rehearsal) -> str:
    return ", ".join(f"{name} {version}" for name, version in found.versions.items() if name != "system")


def _phases(found: Rehearsal) -> Iterator[tuple[str, ...]]:
    for phase, counts in found.by_phase().items():
        rows = [row for row in found.rows if row.phase == phase and row.status is not None]
        times = [row.latency * 1e3 for row in rows if not row.is_paced]
        shown = (
            f"{percentile(times, 0.5):.0f}",
            f"{percentile(times, 0.99):.0f}",
            f"{max(times, default=0):.0f}",
        )
        yield (phase, str(counts["requests"]), str(counts["failed"]), *shown)


def _tasks(found: Rehearsal) -> Iterator[tuple[str, ...]]:
    for task in found.tasks:
        asked = [row for row in found.rows if row.task == task.name]
        boot = f"{task.ready - task.started:.1f}" if task.ready is not None else "never ready"
        end = f"{task.stopped:.1f}" if task.stopped is not None else "ran on"
        failed = sum(row.is_failed for row in asked)
        yield task.name, str(len(asked)), str(failed), boot, f"{task.started:.1f}", end


def _failures(failed: Sequence[Row]) -> Iterator[str]:
    for row in failed[:_SHOWN]:
        said = row.error or (str(row.status) if row.status else "")
        task = f" by {row.task}" if row.task else ""
        yield (
            f"failed at {row.finished:.2f} s ({row.phase}){task}: {row.method} {row.path} "
            f"{row.outcome} {said} id={row.request_id}"
        )
    if len(failed) > _SHOWN:
        yield f"… and {len(failed) - _SHOWN} more: --format json has them all"


def _beside(ours: Rehearsal, naive: Rehearsal) -> str:
    return (
        f"the naive way failed {len(naive.failed)} of {len(naive.rows)} requests, "
        f"gunwale serve {len(ours.failed)} of {len(ours.rows)}"
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Align: the first column to the left, the others to the right."""
    table = [head, *rows]
    widths = [max(len(row[index]) for row in table) for index in range(len(head))]
    for row in table:
        cells = [row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in range(1, len(head)))]
        yield "  ".join(cells).rstrip()

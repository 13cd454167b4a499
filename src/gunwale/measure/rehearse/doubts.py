"""Why a rehearsal in which nothing failed proves nothing all the same: what was never put to the test."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.measure.rehearse.outcome import Rehearsal

_SHOWN = 3  # paths named


def found_in(rehearsal: Rehearsal) -> Iterator[str]:
    """Yield each reason not to believe it, in a sentence without its end."""
    yield from rehearsal.doubts
    if not rehearsal.rows:
        yield "nothing was asked"
        return
    yield from _strangers(rehearsal)
    yield from _unasked(rehearsal)
    posts = rehearsal.posts
    if posts.is_audited and not posts.accepted:
        yield "no POST was accepted, so what is stored proves nothing"


def _strangers(rehearsal: Rehearsal) -> Iterator[str]:
    """Answers that look well and were given by no task: a proxy can answer by itself, and even with 200."""
    tasks = {task.name for task in rehearsal.tasks}
    paths = Counter(row.path for row in rehearsal.rows if not row.is_failed and row.task not in tasks)
    if paths:
        shown = ", ".join(path for path, _ in paths.most_common(_SHOWN))
        yield f"{paths.total()} answers came from no task, but from something in front of them ({shown})"


def _unasked(rehearsal: Rehearsal) -> Iterator[str]:
    """Releases that were given traffic, and of which nobody asked anything.

    Where the roll-out was taken back, that may be as it should: nothing is claimed of the new one then.
    """
    if not rehearsal.has_rolled:
        return
    releases = {task.name: task.release for task in rehearsal.tasks}
    answered = {releases.get(row.task) for row in rehearsal.rows if not row.is_failed}
    shifted = (event.get("task") for event in rehearsal.events if event.get("event") == "task-shifted")
    for release in dict.fromkeys(releases.get(task) for task in shifted if task is not None):
        if release is not None and release not in answered:
            yield f"{release} was given traffic, and no request was answered by it"

"""Waitress: one process with threads, which takes requests in and gives responses out in one of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from gunwale.plan.server import Traits
from gunwale.serve import waitress_words
from gunwale.serve.command import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.plan.capacity import Capacity

TRAITS = Traits(
    worker_classes=("threads",),
    default_why="Waitress has no other",
    threaded=("threads",),
    one_process="Waitress is one process: it has threads, not workers",
    is_extra=True,
)
PROGRAM = "waitress-serve"
own = waitress_words.own
CONNECTIONS = 1000


def command(plan: Mapping[str, Any], _capacity: Capacity, *, left_to_server: frozenset[str]) -> Command:  # noqa: ARG001 - one signature for all servers
    """Start our launcher; the plan reaches it in the hand-over."""
    return Command(
        argv=(
            sys.executable,
            "-P",  # the project's files must not hide the standard library's
            "-m",
            "gunwale.runtime.servers.waitress",
            *plan.get("serve.words", ()),  # Adjustments of the user's own command
        ),
        slots=1,
        concurrency=plan["serve.threads"],
        buffered=CONNECTIONS,
        steers=plan["serve.steers"],
    )

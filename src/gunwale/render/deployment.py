"""What every target renders from: the plan as it is written down, and the project's own files.

A rendered file must come out the same on every machine: neither this machine's CPUs and memory nor its
environment are asked, only the plan's file and the project's own gunicorn.conf.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.plan.capacity import Capacity
from gunwale.plan.derive import workers
from gunwale.plan.load import load
from gunwale.plan.origin import Source
from gunwale.render.words import number, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gunwale.plan.model import Plan
    from gunwale.plan.server import Traits

ASSUMED = Capacity(
    cpu=1.0,
    memory=None,
    cpu_why="assumed: resources.cpu is not in the plan",
    memory_why="resources.memory is not in the plan",
    is_assumed=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A *plan* that is to be rendered for the project in *directory*; *values* are its own by their keys."""

    plan: Plan
    directory: Path
    values: Mapping[str, object]

    @property
    def workers(self) -> int:
        """The number of workers: what "auto" comes to by the plan's own CPUs and memory."""
        planned = self.plan.serve.workers
        return workers(dict(self.values)).number if isinstance(planned, str) else planned

    def is_set(self, key: str) -> bool:
        """Whether somebody wrote the value of *key*."""
        return self.plan.origins[key].source not in (Source.DERIVED, Source.DEFAULT)

    def because(self, key: str) -> str:
        """Tell the value of *key* and where it comes from, on one line: "serve.keepalive 75: above …"."""
        value = self.values[key]
        origin = self.plan.origins[key]
        why = origin.why
        if key == "serve.workers" and value == "auto":
            value, why = self.workers, workers(dict(self.values)).why
        elif origin.source is Source.FILE:
            why = f"written in {origin.place.partition(':')[0]}"
        elif self.is_set(key):
            why = origin.place
        return one_line(f"{key} {_shown(value)}: {why or origin.source.value}")

    def stop_sum(self) -> str:
        """Tell what the stop timeout is made of: "stop_timeout 60: lame_duck 0 + drain_timeout 57 + 3"."""
        serve, stop = self.plan.serve, self.plan.rollout.stop_timeout
        rest = stop - serve.lame_duck - serve.drain_timeout
        return (
            f"stop_timeout {number(stop)}: lame_duck {number(serve.lame_duck)} + "
            f"drain_timeout {number(serve.drain_timeout)} + {number(rest)}"
        )


def load_deployment(
    directory: Path, config_file: Path | None, servers: Mapping[str, Traits], sets: Sequence[str] = ()
) -> Deployment:
    """Load the plan of the project in *directory* as it is written down, wherever this runs."""
    plan = load(
        directory,
        environ={},
        config_file=config_file,
        capacity=ASSUMED,
        in_container="",
        servers=servers,
        sets=sets,
    )
    return Deployment(plan=plan, directory=directory, values=plan.flat())


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, list | tuple):
        return ", ".join(str(each["name"] if isinstance(each, dict) else each) for each in value) or "none"
    return "none" if value is None else str(value)

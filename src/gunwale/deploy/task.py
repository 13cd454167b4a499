"""A task: one running copy of one release."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A copy of *release* by its *name*, release and number ("v3.1"), where a balancer dials *address*.

    The name is the same word in events, records, reports and logs.
    """

    name: str
    release: str
    address: str

    @property
    def number(self) -> int:
        """The number in its name: 1 of "v3.1"."""
        return int(self.name.rpartition(".")[2])


def name_of(release: str, number: int) -> str:
    """Return the name of task *number* of *release*."""
    return f"{release}.{number}"

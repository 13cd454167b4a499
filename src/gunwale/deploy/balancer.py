"""What a roll-out asks of a balancer, whichever product it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunwale.deploy.task import Task


class Balancer(Protocol):
    """A reverse proxy whose targets are set while it runs."""

    @property
    def url(self) -> str:
        """Where clients ask: "http://127.0.0.1:PORT"."""

    def start(self) -> None:
        """Run until stop(); StartError with the end of its log where it does not come up."""

    def stop(self) -> None:
        """End it."""

    def set_targets(self, tasks: Sequence[Task]) -> None:
        """Let *tasks* and no others get new requests; returns when that is in force."""

    def in_flight(self, task: Task) -> int | None:
        """Count the requests that *task* still answers, also once it is no target; None: cannot say."""

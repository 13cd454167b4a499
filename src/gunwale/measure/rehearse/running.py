"""One task of a rehearsal: its process, its addresses, and what it says of itself."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunwale.measure.rehearse.ask import ask

if TYPE_CHECKING:
    from gunwale.deploy.task import Task
    from gunwale.measure.process import OwnedProcess

Seconds = float

_TAIL = 20  # lines of a log that are shown


@dataclass(slots=True, kw_only=True)
class Running:
    """A *task* and its *process*; *ready_at* is where readiness is asked, *well* how often it was well."""

    task: Task
    process: OwnedProcess
    ready_at: tuple[str, str]
    is_bare: bool = False
    well: int = 0
    asked: Seconds = field(default=0.0)
    said: str = "nothing yet"

    def is_due(self, interval: Seconds) -> bool:
        """Whether the next check's time has come."""
        return time.monotonic() - self.asked >= interval

    def check(self, timeout: Seconds = 1.0) -> bool:
        """Ask for readiness once; count how often in a row it was well."""
        self.asked = time.monotonic()
        answer = ask(*self.ready_at, timeout)
        # A bare server has no readiness: whatever it answers by itself has to do.
        is_well = answer.status == 200 or (self.is_bare and 0 < answer.status < 500)
        self.well = self.well + 1 if is_well else 0
        if answer.status:
            self.said = f"{answer.status} {answer.body[:300]}".strip()
        return is_well

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self.process.poll() is None

    def how_it_ended(self) -> str:
        """Return a word for its exit status."""
        status = self.process.poll()
        if status is not None and status < 0:
            return f"was killed by {signal.Signals(-status).name}"
        return f"exited with {status}"

    def log_tail(self) -> str:
        """Return the last lines it wrote."""
        return "\n".join(self.process.log_text().splitlines()[-_TAIL:])

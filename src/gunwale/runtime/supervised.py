"""What the supervisor handed down to a server's process, for every server's half."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any

from gunwale.runtime.scoreboard import Scoreboard, Slot

if TYPE_CHECKING:
    from collections.abc import Mapping


class Supervised:
    """What the supervisor handed down, and this process's own slot once it has one."""

    def __init__(self) -> None:
        told = json.loads(os.environ["GUNWALE_SUPERVISED"])
        self.generation: int = told["generation"]
        self.listeners: list[int] = told["listeners"]
        self.lifeline: int = told["lifeline"]
        self.wakeup: int = told["wakeup"]
        self.boot_log: int = told["boot_log"]
        self.board = Scoreboard.attach(told["scoreboard"])
        handover = told["handover"]
        self.plan: Mapping[str, Any] = json.loads(os.pread(handover, os.fstat(handover).st_size, 0))["plan"]
        self.slot: Slot | None = None

    def wake(self) -> None:
        """Tell the supervisor to look at the scoreboard."""
        with contextlib.suppress(BlockingIOError):  # unread wake-ups are waiting already
            os.write(self.wakeup, b"\0")


def leave_systemd_to_the_supervisor() -> None:
    """Take the variables of the supervisor's conversations with systemd away from the server."""
    for name in ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID"):
        os.environ.pop(name, None)

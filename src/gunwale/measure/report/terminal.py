"""A rehearsal while it runs: a few lines that change on a terminal, plain lines elsewhere.

It knows what the events and the load's counters say, and nothing else.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Self

from gunwale.deploy.events import Phase

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rich.console import Group
    from rich.text import Text

    from gunwale.deploy.events import Event
    from gunwale.measure.load_clients import Progress as Counters

Seconds = float

_STATES = {
    "task-started": "boots",
    "task-ready": "ready",
    "task-shifted": "serves",
    "target-removed": "drains",
    "signalled": "stops",
    "task-stopped": "gone",
    "task-killed": "killed",
}
_STYLES = {"boots": "yellow", "ready": "cyan", "serves": "green", "killed": "bold red"}
_PATH = (Phase.START, Phase.READY, Phase.SHIFT, Phase.DRAIN, Phase.STOP)
_LOOK = 0.25  # seconds between two looks at the load's counters
_GONE = 4  # tasks that are gone and still named


@dataclass(slots=True)
class State:
    """What the events told so far: the phase, those gone through, and each task's state."""

    stage: str = ""
    phase: Phase = Phase.STEADY
    passed: list[Phase] = field(default_factory=list)
    tasks: dict[str, str] = field(default_factory=dict)

    def hear(self, event: Event) -> bool:
        """Take one event in; return whether another phase has begun."""
        if event.event == "roll-started":
            self.passed = []
            if not event.details.get("old"):  # the first of a run: what ran before it is another run's
                self.tasks.clear()
        if event.task is not None and event.event in _STATES:
            self.tasks.pop(event.task, None)
            self.tasks[event.task] = _STATES[event.event]
        is_over = event.event in {"roll-succeeded", "roll-failed"}
        following = Phase.STEADY if is_over else event.phase
        if following == self.phase:
            return False
        if self.phase is not Phase.STEADY and self.phase not in self.passed:
            self.passed.append(self.phase)
        if following is Phase.START and Phase.READY in self.passed:  # the next batch begins
            self.passed = []
        self.phase = following
        return True

    def shown(self) -> dict[str, str]:
        """Return the tasks that are there, and the last few that are not."""
        gone = [name for name, state in self.tasks.items() if state in {"gone", "killed"}]
        left_out = set(gone[:-_GONE])
        return {name: state for name, state in sorted(self.tasks.items()) if name not in left_out}


def counted(counters: Counters | None) -> str:
    """Say what the load has done so far."""
    if counters is None:
        return "no load yet"
    in_flight = counters.sent - counters.finished
    return f"{counters.sent:,} requests, {counters.failed:,} failed, {in_flight} in flight"


def line(event: Event, since: Seconds) -> str:
    """Return an event as a plain line."""
    release = event.details.get("release")
    about = event.task or (f"{release}" if release else "")
    reason = event.details.get("reason", "")
    told = f"{event.at - since:8.2f} s  {event.phase:<6}  {event.event} {about}".rstrip()
    return f"{told}: {reason}" if reason else told


class Progress:
    """Shows a rehearsal in *file* while it runs; *hear*, *say* and *follow* tell it how it goes."""

    def __init__(self, title: str, *, file: IO[str] | None = None) -> None:
        self._file = file or sys.stderr
        self._title = title
        self._began = time.monotonic()
        self._state = State()
        self._look: Callable[[], Counters] | None = None
        self._counters: Counters | None = None
        self._rate = 0.0
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._is_live = False

    def __enter__(self) -> Self:
        try:
            from rich.console import Console
            from rich.live import Live
        except ImportError:  # gunwale[measure] brings it; plain lines tell the same
            return self
        if self._file.isatty():
            console = Console(file=self._file)
            live = Live(console=console, get_renderable=self._render, refresh_per_second=8)
            self._stack.enter_context(live)
            self._is_live = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._look = None
        self._stack.close()

    def hear(self, event: Event) -> None:
        """Show an event of the roll-out."""
        is_another = self._state.hear(event)
        if self._is_live:
            return
        if event.event != "step":
            self._print(line(event, self._began))
        if is_another and self._look is not None:
            self._print(f"{'':10}  {self._state.phase:<6}  so far {counted(self._counts())}")

    def say(self, stage: str) -> None:
        """Show what is being done now."""
        self._state.stage = stage
        if not self._is_live:
            self._print(f"{time.monotonic() - self._began:8.2f} s  {stage}")

    def follow(self, look: Callable[[], Counters] | None) -> None:
        """Ask *look* for the load's counters from now on; with None once more, and then never again."""
        with self._lock:
            if look is None and self._look is not None:
                self._counters = self._look()
            elif look is not None:
                self._counters, self._rate = None, 0.0
            self._look = look

    def _print(self, text: str) -> None:
        print(text, file=self._file, flush=True)

    def _counts(self) -> Counters | None:
        """Look at the load, not too often; the rate is that since the last look."""
        with self._lock:
            last = self._counters
            if self._look is not None and (last is None or time.monotonic() - last.at >= _LOOK):
                self._counters = self._look()
                if last is not None:
                    asked = self._counters.sent - last.sent
                    self._rate = asked / max(self._counters.at - last.at, 1e-3)
            return self._counters

    def _render(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        state, counters = self._state, self._counts()
        seconds = f"{time.monotonic() - self._began:.1f} s"
        head = Text.assemble((self._title, "bold"), ("  ", ""), (seconds, "dim"), ("  ", ""), state.stage)
        tasks = Text("tasks  ")
        for name, task in state.shown().items():
            tasks.append(f"{name} ").append(task, style=_STYLES.get(task, "dim")).append("   ")
        return Group(head, self._path(), self._load(counters), tasks)

    def _path(self) -> Text:
        from rich.text import Text

        text, state = Text("phase  "), self._state
        back = (Phase.BACK,) if Phase.BACK in {state.phase, *state.passed} else ()
        for phase in (*_PATH, *back):
            if phase is state.phase:
                text.append(f"● {phase}   ", style="bold red" if phase is Phase.BACK else "bold cyan")
            else:
                is_done = phase in state.passed
                text.append(f"{'✓' if is_done else '○'} {phase}   ", style="green" if is_done else "dim")
        return text

    def _load(self, counters: Counters | None) -> Text:
        from rich.text import Text

        if counters is None:
            return Text("load   none yet", style="dim")
        in_flight = counters.sent - counters.finished
        return Text.assemble(
            f"load   {counters.sent:,} requests   {self._rate:.0f}/s   {in_flight} in flight   ",
            (f"{counters.failed:,} failed", "bold red" if counters.failed else "bold green"),
            (f"   own lag 99 % {counters.lag_p99 * 1e3:.1f} ms", "dim"),
        )

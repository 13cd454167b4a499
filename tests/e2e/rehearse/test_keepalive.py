"""The keep-alive race: a front sends on an idle connection that the application closes at that moment.

Whoever closes first must be the front: here it keeps idle connections for IDLE seconds, the application
for longer. Requests come in bursts, on connections that have been idle for about as long as either waits.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from itertools import cycle, product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gunwale.deploy.front import Settings
from gunwale.deploy.task import Task
from gunwale.measure.load import Ask, Load, Outcome, Profile
from gunwale.measure.process import OwnedProcess
from gunwale.measure.rehearse import fronts
from gunwale.measure.rehearse.ask import ask
from live import Live

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.deploy.balancer import Balancer

APP = Path(__file__).with_name("orders_app.py")
IDLE, KEPT = 2.0, 3.0  # seconds: the front's, and the application's, which must be longer
SPACINGS = (1.90, 1.98, 2.00, 2.02, 2.10, 2.90, 2.98, 3.00, 3.02, 3.10)
BURST = 12
SERVERS = {
    "gthread": ("-k", "gthread", "--threads", "8", "-w", "2"),
    "gevent": ("-k", "gevent", "-w", "2"),
    "waitress": ("--server", "waitress", "--threads", "8"),
}


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A front before a task."""

    name: str
    url: str
    result: Counter[str]

    def ask_in_bursts(self, seconds: float) -> None:
        """Open BURST connections at once, again and again, after each of SPACINGS in turn."""
        profile = Profile(target=self.url, rate=0.0, mix=(Ask(path="/", expect=("2xx",)),))
        until = time.monotonic() + seconds
        with Load(profile) as load:
            for spacing in cycle(SPACINGS):
                if time.monotonic() > until:
                    break
                load.burst(BURST)
                time.sleep(spacing)
            found = load.stop(5.0)
        self.result.update(
            str(r.outcome) if r.outcome is not Outcome.STATUS_ERROR else str(r.status) for r in found.records
        )


@contextlib.contextmanager
def stack(server: str, front: str, folder: Path, idle: float, kept: float) -> Iterator[Stack]:
    folder.mkdir()
    (folder / APP.name).write_text(APP.read_text())
    root = ["--allow-root"] if os.geteuid() == 0 else []
    words = [sys.executable, "-m", "gunwale", "serve", "orders_app:application", *SERVERS[server], *root]
    words += ["-b", f"unix:{folder}/app", "--admin-bind", "off", "--set", f"serve.keepalive={kept:g}"]
    if front == "caddy":
        from gunwale.deploy.balancers.caddy import Caddy
        from gunwale.deploy.caddy_config import Site

        balancer: Balancer = Caddy(folder / "f", Site(listen="127.0.0.1:0", idle_timeout=idle))
    else:
        balancer = fronts.PRODUCTS[front](
            folder / "f", launch=OwnedProcess, settings=Settings(idle_timeout=idle)
        )
    with Live(words, log=folder / "log", cwd=folder) as task, contextlib.ExitStack() as ending:
        task.wait_until(lambda: ask(f"unix:{folder}/app", "/").status == 200, 40, "the application answers")
        ending.callback(balancer.stop)
        balancer.start()
        balancer.set_targets([Task(name="v1.1", release="v1", address=f"unix:{folder}/app")])
        yield Stack(name=f"{server} behind {front}", url=balancer.url, result=Counter())


def race(
    stacks_of: tuple[tuple[str, ...], tuple[str, ...]],
    folder: Path,
    seconds: float,
    *,
    idle: float = IDLE,
    kept: float = KEPT,
) -> dict[str, Counter[str]]:
    """All of them side by side: most of the time nothing happens."""
    with contextlib.ExitStack() as all_of_them:
        stacks = [
            all_of_them.enter_context(stack(server, front, folder / str(number), idle, kept))
            for number, (server, front) in enumerate(product(*stacks_of))
        ]
        threads = [threading.Thread(target=each.ask_in_bursts, args=(seconds,)) for each in stacks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return {each.name: each.result for each in stacks}


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_requests_around_the_keep_alive_timeout_are_answered(short_path: Path) -> None:
    found = race((("gthread",), ("nginx", "envoy")), short_path, 20.0)

    assert {name: dict(each) for name, each in found.items()} == {
        name: {"ok": each.total()} for name, each in found.items()
    }
    assert all(each.total() >= 8 * BURST for each in found.values())


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_five_minutes_of_them_on_every_server_behind_every_front(short_path: Path) -> None:
    found = race((tuple(SERVERS), fronts.FRONTS), short_path, 300.0)

    print({name: dict(each) for name, each in found.items()})
    assert {name: set(each) for name, each in found.items()} == {name: {"ok"} for name in found}


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_where_the_application_closes_first_the_race_is_lost_now_and_then(short_path: Path) -> None:
    found = race((("gthread", "gevent"), ("nginx", "envoy")), short_path, 60.0, idle=60.0, kept=2.0)

    # Else the tests above could not fail.
    assert sum(each["502"] + each["503"] for each in found.values()) > 0

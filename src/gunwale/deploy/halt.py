"""Stopping a site's processes: for good, by `gunwale down`, or until the machine boots again, by systemd."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.deploy import keeper
from gunwale.deploy.balancers.caddy import Caddy
from gunwale.deploy.clock import RealClock
from gunwale.deploy.events import EventLog
from gunwale.deploy.platforms.host import Host
from gunwale.deploy.state import Paths, Role, State

if TYPE_CHECKING:
    from gunwale.deploy.state import Site

_KEEPER = 5.0


def halt(state: State, events: EventLog) -> None:
    """Stop the keeper, then Caddy when it has answered what it accepted, then the tasks."""
    paths, site = state.paths, state.read()
    if site is None:
        return
    if running := keeper.process(paths):
        running.send(signal.SIGTERM)
        if not running.wait_end(_KEEPER):
            running.send(signal.SIGKILL)
    caddy = Caddy(paths.run, site.caddy)
    caddy.stop()
    host = Host(state, caddy, events, RealClock())
    host.retire([paths.task(task) for task in site.tasks.values()])


def halt_until_boot(state: State, events: EventLog) -> None:
    """Stop everything, and leave written that it should run; what is being brought down is left to that."""
    before = state.read()
    if before is None or not before.is_up:
        return
    halt(state, events)
    with state.change() as site:
        _keep_serving(site, before)


def _keep_serving(site: Site, before: Site) -> None:
    for name, task in before.tasks.items():
        if task.role is Role.SERVING:
            site.tasks[name] = task


def main() -> None:
    """Stop the processes of the site whose folder is given, unless its keeper ended by itself.

    Then systemd has no main process to name, and starts it again.
    """
    if not sys.argv[2:]:
        return
    paths = Paths(Path(sys.argv[1]))
    halt_until_boot(State(paths), EventLog(paths.events, clock=RealClock()))


if __name__ == "__main__":
    main()

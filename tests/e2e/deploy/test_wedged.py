"""Tasks that run and answer no more: started again one after the other, and never for a dependency's sake."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

import pytest

from e2e.deploy.bed import PLAN, Clients
from gunwale.deploy import detached, launch
from gunwale.deploy.liveness import FAILURES
from live import wait_until

if TYPE_CHECKING:
    from e2e.deploy.bed import Bed

pytestmark = pytest.mark.slow

TWO = (
    PLAN
    + """tasks = 2
surge = 2
[health]
checks = ["app:database"]
interval = "600ms"
timeout = "500ms"
"""
)
CHECK = """
def database():
    with open("../asked", "a") as file:
        file.write(".")
    if os.path.exists("../down"):
        raise RuntimeError("the database is not there")
"""


def freeze(site: Bed, task: str) -> None:
    """Stop every process of a task: they are there, and answer nothing, not even SIGTERM."""
    for process in detached.marked(launch.MARK, launch.mark(site.paths, task)):
        process.send(signal.SIGSTOP)


def told(site: Bed) -> list[str]:
    """Return what the keeper told of tasks, in order."""
    events = [event for event in site.told() if event.phase == "steady" and event.task]
    return [f"{event.event.removeprefix('task-')} {event.task}" for event in events]


def wait_for(site: Bed, *words: str) -> None:
    seen = len(told(site))
    wait_until(lambda: set(words) <= set(told(site)[seen:]), 60, f"the keeper says {words}, not {told(site)}")


def test_task_that_is_not_ready_for_a_dependency_s_sake_is_never_started_again(site: Bed) -> None:
    site.up(site.release("r1", CHECK, TWO))
    before = site.serving()
    assert set(before) == {"v1.1", "v1.2"}
    asked = site.folder / "asked"

    (site.folder / "down").touch()
    wait_for(site, "not-ready v1.1", "not-ready v1.2")
    begin = asked.stat().st_size
    wait_until(lambda: asked.stat().st_size > begin + 2 * (FAILURES + 2), 20, "both were asked often enough")
    (site.folder / "down").unlink()
    wait_for(site, "ready v1.1", "ready v1.2")

    assert site.serving() == before
    assert not any(each.startswith(("wedged", "died", "restarted")) for each in told(site))


def test_wedged_tasks_are_started_again_one_at_a_time(site: Bed) -> None:
    site.up(site.release("r1", CHECK, TWO))
    before = site.serving()

    freeze(site, "v1.1")
    wait_for(site, "not-ready v1.1")
    with Clients(site.port) as clients:
        clients.wait_for(20, "the other one answers")
        wait_until(lambda: "wedged v1.1" in told(site), 20, "it is found to be wedged")
    assert not clients.failures

    # Now there is none left, and still they are not ended together.
    freeze(site, "v1.2")
    wait_for(site, "ready v1.2")
    order = [each for each in told(site) if not each.startswith("not-ready")]
    assert order == [f"{what} {task}" for task in before for what in ("wedged", "restarted", "ready")]
    after = site.serving()
    assert set(after) == set(before)
    assert not set(after.values()) & set(before.values())
    assert not set(site.processes()) & set(before.values())
    assert site.get() == "r1"

    why = r"alive, but /health did not answer, \d times in a row"
    assert all(re.fullmatch(why, task["trouble"]) for task in site.status()["tasks"])
    assert re.search(rf"v1\.1 .* started again 1 time, last \S+: {why}", site.run("status").stdout)
    kept = site.run("logs", "keeper").stdout
    assert re.search(rf"keeper \| gunwale: keeper: v1\.1: {why}: it is started again", kept)

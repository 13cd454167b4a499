"""Events and sites in words, for the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunwale.deploy import keeper, lock
from gunwale.deploy.balancers.caddy import Caddy
from gunwale.deploy.state import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.deploy.events import Event
    from gunwale.deploy.operate import Prepared
    from gunwale.deploy.policy import Policy
    from gunwale.deploy.state import Paths, Site


def line(event: Event, began: float) -> str | None:
    """Tell one event on a line, or None for one that says nothing to people."""
    details, task = event.details, event.task
    old = _listed(details.get("old")) or "nothing"
    words = {
        "roll-started": f"roll-out of {details.get('release')}, beside {old}",
        "task-started": f"{task} started, pid {details.get('pid')}",
        "task-ready": f"{task} is ready, through the proxy too",
        "task-shifted": f"{task} gets requests",
        "target-removed": f"{task} gets no more requests",
        "signalled": f"{task} {'has answered all' if details.get('idle') else 'is still busy'}: told to stop",
        "task-stopped": f"{task} stopped",
        "task-killed": f"{task} killed: it did not stop in time",
        "roll-succeeded": f"{details.get('release')} is live",
        "roll-failed": "failed: the way back is done" if details.get("whole", True) else "failed",
        "note": f"{task or 'note'}: {details.get('reason', '')}",
    }.get(event.event)
    if event.event == "step" and event.phase == "back":
        words = "the way back: the old tasks serve on, the new ones go"
    return None if words is None else f"{event.at - began:6.2f} s  {words}"


def steps(prepared: Prepared, site: Site | None) -> Iterator[str]:
    """Tell what a roll-out would do, with the plan's numbers."""
    rollout, policy, serve = prepared.plan.rollout, prepared.policy, prepared.plan.serve
    old = [task.name for task in site.serving()] if site else []
    release = site.next_release() if site else "v1"
    beside = _listed(old) or "nothing"
    yield f"{release} from {prepared.wanted.directory}, beside {beside}; nothing is done now"
    for number, words in enumerate(_steps(prepared, policy, release, old), 1):
        yield f"{number}. {words}"
    yield (
        f"a step that fails: the old tasks get the traffic back, {release} is stopped, exit 1"
        if old
        else "a step that fails: everything is stopped again, exit 1"
    )
    if rollout.failure_command:
        yield f"then failure_command: {rollout.failure_command}"
    yield f"server {serve.server} {serve.worker_class}, front {prepared.front.listen}"


def _steps(prepared: Prepared, policy: Policy, release: str, old: list[str]) -> Iterator[str]:
    rollout, serve = prepared.plan.rollout, prepared.plan.serve
    if rollout.before_command:
        yield f"before_command: {rollout.before_command}"
    if rollout.release_command:
        yield f"release_command, once: {rollout.release_command}"
    room = policy.tasks + policy.surge - len(old)
    batch = min(policy.tasks, max(1, room)) if old else policy.tasks
    yield (
        f"start {policy.tasks} task{'s' * (policy.tasks > 1)}, {batch} at once "
        f"(surge {policy.surge}, at least {policy.min_running} serve)"
    )
    yield f"wait at most {policy.ready_timeout:g} s until each is ready, by itself and through the proxy"
    yield f"shift the traffic to {release}" + (f", off {_listed(old)}" if old else "")
    if policy.bake_time:
        yield f"look at {release} for {policy.bake_time:g} s while the old tasks stay"
    if old:
        yield (
            f"drain: until nothing is in flight, at most {serve.request_timeout:g} s; SIGTERM, "
            f"lame duck {serve.lame_duck:g} s, drain at most {serve.drain_timeout:g} s; "
            f"SIGKILL after {rollout.stop_timeout:g} s"
        )
    if rollout.after_command:
        yield f"after_command: {rollout.after_command}"


def facts(paths: Paths, site: Site) -> dict[str, Any]:
    """Tell everything of a site that `gunwale status` shows."""
    caddy = Caddy(paths.run, site.caddy)
    front, kept = caddy.process, keeper.process(paths)
    return {
        "site": site.name,
        "up": site.is_up,
        "url": site.url,
        "live": site.live[-1] if site.live else None,
        "rolling": site.rolling if lock.is_held(paths.root) else None,
        "cut_short": site.rolling if site.rolling and not lock.is_held(paths.root) else None,
        "state": str(paths.root),
        "allow_root": site.is_up and site.allow_root,
        "caddy": front.pid if front else None,
        "keeper": kept.pid if kept else None,
        "tasks": [
            {
                "task": task.name,
                "release": task.release,
                "role": str(task.role),
                "pid": task.pid if task.is_alive else None,
                "ready": task.is_alive and not task.is_out,
                "in_flight": caddy.in_flight(paths.task(task)),
                "restarts": task.restarts,
                "restarted": task.restarted,
                "trouble": task.trouble,
            }
            for task in site.tasks.values()
        ],
        "releases": [
            {"release": name, "directory": each.directory, "created": each.created, "live": name in site.live}
            for name, each in site.releases.items()
        ],
    }


def status(found: dict[str, Any]) -> Iterator[str]:
    """Tell `facts` to people."""
    state = "up" if found["up"] else "down"
    yield f"{found['site']}  {state}  {found['url']}  {found['live'] or 'no release'}  {found['state']}"
    if found["rolling"]:
        yield f"a roll-out of {found['rolling']} is going on"
    if found["cut_short"]:
        yield f"a roll-out of {found['cut_short']} was cut short: gunwale deploy or rollback goes on"
    if found["up"]:
        for name in ("caddy", "keeper"):
            yield f"  {name:8} " + (f"pid {found[name]}" if found[name] else "not running")
    if found["allow_root"]:
        yield "  root     allowed; gunwale deploy --no-allow-root takes it back"
    for task in found["tasks"]:
        how = "ready" if task["ready"] else "not ready"
        if task["role"] != Role.SERVING:
            how = task["role"]
        pid = f"pid {task['pid']}" if task["pid"] else "not running"
        busy = "" if task["in_flight"] is None else f"  {task['in_flight']} in flight"
        yield f"  {task['task']:8} {how:10} {pid}{busy}{_past(task)}"


def _past(task: dict[str, Any]) -> str:
    """Tell what the keeper had to do with a task."""
    if not task["restarts"]:
        return f"  {task['trouble']}" if task["trouble"] else ""
    times = f"{task['restarts']} time" + "s" * (task["restarts"] > 1)
    return f"  started again {times}, last {task['restarted']}: {task['trouble']}"


def _listed(names: object) -> str:
    return ", ".join(names) if isinstance(names, list) else ""

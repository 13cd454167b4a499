"""What must hold between the values of the plan; each inequality says which numbers break it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gunwale.plan import budget, chain, fargate
from gunwale.plan.derive import workers
from gunwale.plan.origin import Source
from gunwale.units import show_size

if TYPE_CHECKING:
    from gunwale.plan.draft import Draft


def check(draft: Draft) -> None:
    """Name every inequality that does not hold; values that failed to load are not judged."""
    if draft.failed:
        return
    _command(draft)
    _health(draft)
    _drain(draft)
    _stop(draft)
    _proxies(draft)
    _memory(draft)
    _connections(draft)
    _roll(draft)
    _scale(draft)


def _command(draft: Draft) -> None:
    """Judge what is asked of Gunicorn where the rendered files start it alone."""
    values = draft.values
    if values["rollout.command"] != "gunicorn":
        return
    if values["serve.server"] != "gunicorn":
        draft.fail(
            "rollout.command",
            f'command is "gunicorn", and serve.server is {values["serve.server"]!r}',
            'leave command out: "gunwale" starts every server',
        )
    elif values["serve.access_log"] == "off":
        draft.warn(
            "serve.access_log",
            "access_log is off: an incident leaves nothing of who asked what, nor when",
            'leave access_log out, or write "combined"',
        )
    auto = workers({**values, "serve.workers": "auto"}).number
    if (auto if values["serve.workers"] == "auto" else values["serve.workers"]) == 1:
        draft.warn(
            "serve.workers",
            "one worker of Gunicorn's: while it starts again, nobody answers",
            f"raise workers to {max(2, auto)}, or serve with gunwale: the new one answers first",
        )


def _health(draft: Draft) -> None:
    interval, timeout = draft.values["health.interval"], draft.values["health.timeout"]
    if timeout >= interval:
        draft.warn(
            "health.timeout",
            f"timeout {timeout:g} s is not below interval {interval:g} s: no answer before the next question",
            f"raise interval above {timeout:g} s, or lower timeout",
        )


def _drain(draft: Draft) -> None:
    values = draft.values
    drain, request = values["serve.drain_timeout"], values["serve.request_timeout"]
    if drain >= request:
        return
    lame, stop = values["serve.lame_duck"], values["rollout.stop_timeout"]
    origin = draft.origins["serve.drain_timeout"]
    arithmetic = f" ({origin.why})" if origin.source is Source.DERIVED else ""
    message = f"drain_timeout {drain:g} s is below request_timeout {request:g} s{arithmetic}"
    key = "serve.request_timeout"
    if origin.source is Source.DERIVED:
        needed = budget.stop_needed(request, lame)
        hint = (
            f"set rollout.stop_timeout to {needed:g} s (now {stop:g}) and give the process that long, "
            f"or request_timeout to {drain:g} s at most"
        )
    else:
        key = "serve.drain_timeout"
        hint = f"set drain_timeout to {request:g} s at least, or request_timeout to {drain:g} s at most"
    # Gunicorn's own pair of settings worked before gunwale came: what would be cut is said, not refused.
    clock = ("serve.drain_timeout", "serve.request_timeout", "rollout.stop_timeout", "serve.lame_duck")
    if any(draft.is_gunwales(each) for each in clock):
        draft.fail(key, message, hint)
    else:
        draft.warn(key, message, hint)


def _stop(draft: Draft) -> None:
    values = draft.values
    drain, lame, stop = (
        values["serve.drain_timeout"],
        values["serve.lame_duck"],
        values["rollout.stop_timeout"],
    )
    needed = budget.stop_needed(drain, lame)
    if draft.is_set("serve.drain_timeout") and needed > stop:
        draft.fail(
            "serve.drain_timeout",
            f"drain_timeout {drain:g} + lame_duck {lame:g} + 3 s = {needed:g} s, stop_timeout is {stop:g} s",
            f"set rollout.stop_timeout to {needed:g} s, or drain_timeout to {max(0.0, stop - lame - 3):g} s",
        )
    if lame + budget.MARGIN_SECONDS >= stop:
        draft.fail(
            "serve.lame_duck",
            f"lame_duck {lame:g} + 3 s leaves nothing of stop_timeout {stop:g} s to drain in",
            "shorten lame_duck or raise rollout.stop_timeout",
        )
    if values["rollout.platform"] != "ecs":
        return
    _fargate(draft)
    least, most = budget.FARGATE_STOP_TIMEOUT
    if not least <= stop <= most:
        draft.fail(
            "rollout.stop_timeout",
            f"stop_timeout {stop:g} s is outside of Fargate's {least:g} to {most:g} s",
            f"write {most:g} s or less: lame_duck, drain_timeout and 3 s have to fit into it",
        )
    delay, request = values["rollout.deregistration_delay"], values["serve.request_timeout"]
    if delay is not None and request > delay:
        draft.warn(
            "rollout.deregistration_delay",
            f"request_timeout {request:g} s is longer than deregistration_delay {delay:g} s",
            "the load balancer cuts what lasts longer: raise the delay, or lower request_timeout",
        )


def _fargate(draft: Draft) -> None:
    cpu, memory = draft.values["resources.cpu"], draft.values["resources.memory"]
    if not (draft.is_set("resources.cpu") or draft.is_set("resources.memory")):
        return
    wanted = memory if draft.is_set("resources.memory") else None
    if fargate.exact(cpu, wanted) is None:
        shown = f"{cpu:g} CPUs" + (f" with {show_size(wanted)}" if wanted is not None else "")
        near = fargate.fitting(cpu, wanted)
        hint = (
            f'the least that holds it: cpu = {near.units / 1024:g}, memory = "{near.memory}MiB"'
            if near
            else ""
        )
        key = "resources.cpu" if draft.is_set("resources.cpu") else "resources.memory"
        draft.fail(key, f"Fargate has no task of {shown}", hint)


def _roll(draft: Draft) -> None:
    values = draft.values
    tasks, least, most = (values[f"rollout.{name}"] for name in ("tasks", "min_percent", "max_percent"))
    if values["rollout.platform"] != "ecs":
        return
    # ECS rounds the least up and the most down (CreateService: minimumHealthyPercent, maximumPercent).
    kept, allowed = math.ceil(tasks * least / 100), tasks * most // 100
    if kept >= allowed:
        draft.fail(
            "rollout.max_percent",
            f"no roll-out can begin: ⌈{tasks} × {least} %⌉ = {kept} tasks must run, and "
            f"⌊{tasks} × {most} %⌋ = {allowed} may",
            "raise max_percent to 200, or lower min_percent and lose that capacity meanwhile",
        )
    elif not kept:
        draft.warn(
            "rollout.min_percent",
            f"⌈{tasks} × {least} %⌉ = 0 tasks must run: a roll-out may stop all before a new one answers",
            f"raise min_percent to {math.ceil(100 / tasks)} at least",
        )


def _scale(draft: Draft) -> None:
    tasks, most = draft.values["rollout.tasks"], draft.values["rollout.max_tasks"]
    if most is not None and most < tasks:
        draft.fail(
            "rollout.max_tasks", f"max_tasks {most} is below tasks {tasks}", "raise it, or leave it out"
        )


def _proxies(draft: Draft) -> None:
    values = draft.values
    layers = chain.layers(values["proxies.chain"])
    keepalive, request = values["serve.keepalive"], values["serve.request_timeout"]
    if not layers:
        return
    last = layers[-1]
    # With threads, Gunicorn takes gthread for sync.
    is_sync = values["serve.worker_class"] == "sync" and values["serve.threads"] == 1
    if not is_sync and last.idle_timeout is not None and keepalive <= last.idle_timeout:
        draft.warn(
            "serve.keepalive",
            f"keepalive {keepalive:g} s is not above the {last.idle_timeout:g} s of {last.name}",
            "the server closes first and the proxy answers 502: raise keepalive",
        )
    for layer in layers:
        if layer.response_timeout is not None and request >= layer.response_timeout:
            draft.warn(
                "serve.request_timeout",
                f"request_timeout {request:g} s is not below {layer.name}'s {layer.response_timeout:g} s",
                f"{layer.name} gives up first, while the worker goes on: lower request_timeout",
            )
    if is_sync and last.buffers is False:
        draft.warn(
            "serve.worker_class",
            f"a sync worker reads slow clients itself: {last.name} does not buffer requests",
            "use gthread, or put a proxy that buffers in front",
        )


def _memory(draft: Draft) -> None:
    values = draft.values
    memory, each, number = (
        values["resources.memory"],
        values["resources.worker_memory"],
        values["serve.workers"],
    )
    if memory is None or each is None:
        return
    if number == "auto":
        found = workers(values)
        if 2 * each > budget.SHARE_OF_MEMORY * memory:
            draft.warn("resources.memory", f"a reload does not fit: {found.why}", "give it more memory")
        return
    needed = budget.memory_for(number, 0, each)
    if needed > memory:
        draft.warn(
            "serve.workers",
            f"{number} workers need {show_size(needed)} with a reload, {show_size(memory)} are there",
            f'"auto" would take {workers({**values, "serve.workers": "auto"}).number}',
        )


def _connections(draft: Draft) -> None:
    values = draft.values
    limit = values["database.max_connections"]
    if limit is None or values["database.pooler"] == "pgbouncer":
        return  # a pooler's own limit is rendered to fit
    number = values["serve.workers"]
    found = budget.connections(
        workers(values).number if number == "auto" else number,
        values["database.pool_size"] + values["database.max_overflow"],
        max(values["rollout.tasks"], values["rollout.max_tasks"] or 0),
        values["rollout.max_percent"],
        values["database.others"],
        limit - values["database.reserved"],
    )
    if not found.is_within:
        draft.warn(
            "database.max_connections",
            f"more connections than the database allows: {found.why}",
            "lower pool_size, max_overflow or workers, or put a pooler in front",
        )

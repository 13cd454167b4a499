"""The derived values, in the order in which they need one another."""

from __future__ import annotations

import math
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from gunwale.plan import app, budget, chain, shapes, trust
from gunwale.plan.budget import Derived
from gunwale.plan.origin import Origin, Source
from gunwale.plan.server import GUNICORN, Traits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gunwale.plan.capacity import Capacity
    from gunwale.plan.draft import Draft
    from gunwale.plan.layers import Layer

GUNICORNS_SYNC = ("sync", "gunicorn.workers.sync.SyncWorker")


class Surroundings(NamedTuple):
    """What the plan is derived from besides its own values.

    *container* and *kubernetes* are the evidence of running there, or ""; *has_command* says that the
    user's own server command was given, which may name the application itself; *servers* are all there are.
    """

    directory: Path
    capacity: Capacity
    container: str
    kubernetes: str
    has_command: bool = False
    servers: Mapping[str, Traits] = {"gunicorn": GUNICORN}


def derive(draft: Draft, around: Surroundings) -> None:
    """Fill in every value of *draft* that nobody gave."""
    _application(draft, around)
    _resources(draft, around.capacity)
    _addresses(draft, around)
    _gunicorns_threads(draft)
    _workers(draft, _server(draft, around.servers), around)
    _chain(draft)
    _clock(draft, around)
    _rest(draft)


def _application(draft: Draft, around: Surroundings) -> None:
    if "app" not in draft.values:
        if around.has_command or "app" in draft.left_to_server:
            draft.derive("app", Derived(None, "the command names it"))
        else:
            found = app.find(around.directory)
            draft.derive("app", Derived(found.app, found.why))
            if found.app is None:
                draft.warn("app", found.why, found.hint)
    name = re.sub(r"[^\w.-]+", "-", around.directory.resolve().name).strip("-") or "gunwale"
    draft.derive("name", Derived(name, "the directory's name"))


def _resources(draft: Draft, capacity: Capacity) -> None:
    draft.derive("resources.cpu", Derived(capacity.cpu, capacity.cpu_why or "detected"))
    draft.derive("resources.memory", Derived(capacity.memory, capacity.memory_why or "detected"))
    if capacity.is_assumed or draft.origins["resources.cpu"].source is not Source.FILE:
        return
    if draft.values["resources.cpu"] > capacity.cpu:
        draft.warn(
            "resources.cpu",
            f"{draft.values['resources.cpu']:g} CPUs are planned, {capacity.cpu:g} may be used here",
            f"{capacity.cpu_why}: give it more, or plan with less",
        )


def _addresses(draft: Draft, around: Surroundings) -> None:
    platform = draft.values["rollout.platform"]
    draft.derive("serve.bind", budget.bind(around.container, platform))
    binds = draft.values["serve.bind"]
    draft.derive("serve.admin_bind", budget.admin_bind(platform, binds, around.kubernetes))


def _server(draft: Draft, servers: Mapping[str, Traits]) -> Traits:
    name = draft.values["serve.server"]
    if name in servers:
        return servers[name]
    near = get_close_matches(name, servers, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(servers)}"
    draft.fail("serve.server", f"no server {name!r}", hint)
    return GUNICORN


def _gunicorns_threads(draft: Draft) -> None:
    """Take Gunicorn at its word: a sync worker with threads is a gthread worker there."""
    threads, worker_class = draft.origins.get("serve.threads"), draft.origins.get("serve.worker_class")
    if threads is None or not threads.is_gunicorns or draft.values["serve.threads"] == 1:
        return
    is_left = "serve.worker_class" in draft.left_to_server
    if not is_left and (
        worker_class is None
        or (worker_class.is_gunicorns and draft.values["serve.worker_class"] in GUNICORNS_SYNC)
    ):
        draft.values["serve.worker_class"] = "gthread"
        why = "Gunicorn runs threads with gthread"
        draft.origins["serve.worker_class"] = Origin(source=Source.GUNICORN, place=threads.place, why=why)


def _workers(draft: Draft, server: Traits, around: Surroundings) -> None:
    values = draft.values
    is_left = "serve.workers" in draft.left_to_server
    if around.has_command and not (server.one_process or is_left or draft.is_set("serve.workers")):
        # An application that was written for one process must not find itself in several.
        values["serve.workers"] = 1
        why = "the command gives none, and Gunicorn starts one; --workers auto computes them"
        draft.origins["serve.workers"] = Origin(source=Source.DERIVED, why=why)
    if server.one_process:
        _one_process(draft, server.one_process)
    elif alone := _lone_worker(draft):
        draft.derive("serve.worker_class", Derived("gthread", alone))
    draft.derive("serve.worker_class", Derived(server.worker_classes[0], server.default_why))
    worker_class = values["serve.worker_class"]
    draft.derive("serve.threads", budget.threads(worker_class, has_threads=worker_class in server.threaded))
    spread = math.ceil(values["serve.max_requests"] / 10)
    why = "a tenth of max_requests: workers are not replaced all at once"
    draft.derive("serve.max_requests_jitter", Derived(spread, why))


def _one_process(draft: Draft, why: str) -> None:
    asked = draft.values["serve.workers"]
    if asked == "auto":
        draft.values["serve.workers"] = 1
        draft.origins["serve.workers"] = Origin(source=Source.DERIVED, why=why)
    elif asked > 1:
        draft.fail("serve.workers", f"{asked} workers cannot be had: {why}", "set serve.workers to 1")


def _lone_worker(draft: Draft) -> str:
    """Tell why one worker is all that fits, or ""."""
    if draft.values["serve.workers"] != "auto" or draft.is_set("serve.threads"):
        return ""
    number, why, _ = workers(draft.values)
    return f"one worker is all that fits ({why}): with threads it answers while one request waits" * (
        number == 1
    )


def workers(values: dict[str, object], parent: int = 0) -> budget.Workers:
    """Compute what ``workers = "auto"`` comes to, from a plan's *values* by key."""
    cpu, memory, each = (values[f"resources.{name}"] for name in ("cpu", "memory", "worker_memory"))
    assert isinstance(cpu, float)
    assert isinstance(memory, int | None)
    assert isinstance(each, int | None)
    return budget.workers(cpu, memory, parent, each)


def _chain(draft: Draft) -> None:
    declared = chain.layers(draft.values["proxies.chain"])
    field = chain.request_id_field(declared)
    pattern = shapes.REQUEST_ID_FIELDS.get(field or "")
    request_id = {"field": field, "pattern": pattern} if field else None
    written = "a layer of the chain writes it" if field else "no layer of the chain is known to write one"
    draft.derive("proxies.request_id", Derived(request_id, written))
    last = declared[-1] if declared else None
    draft.derive(
        "serve.keepalive", budget.keepalive(last.idle_timeout if last else None, last.name if last else "")
    )
    _cookies(draft, has_tls=any(layer.tls for layer in declared), has_chain=bool(declared))
    _hops(draft, declared)


def _hops(draft: Draft, declared: Sequence[Layer]) -> None:
    doors = [chain.layers(door) for door in draft.values["proxies.doors"]]
    is_given = draft.is_set("proxies.hops")
    given = draft.values["proxies.hops"] if is_given else None
    draft.derive("proxies.hops", Derived(chain.hops(declared, doors), trust.why(declared, doors)))
    if doors and not declared:
        draft.warn(
            "proxies.doors", "doors are declared, but no chain", "declare the usual way in as proxies.chain"
        )
    for doubt in trust.doubts(declared, doors, given):
        draft.warn("proxies.chain", doubt.message, doubt.hint)
    for key, number in (given or {}).items():
        limit = trust.unforgeable(declared, doors, key) if declared else None
        if limit is not None and number > limit:
            message = f"{key} is {number}, but of the declared chain's values {limit} cannot be forged"
            hint = "lower it, or write the layer out as it was measured: see --explain proxies"
            draft.fail("proxies.hops", message, hint)


def _cookies(draft: Draft, *, has_tls: bool, has_chain: bool) -> None:
    why = (
        "TLS is in the chain"
        if has_tls
        else "not known whether TLS is in the chain: add tls = true to its layer"
    )
    cookies = {"secure": True if has_tls else None, "httponly": True, "samesite": "Lax"}
    if draft.is_set("security.cookies") and draft.values["security.cookies"]["secure"] is None:
        draft.values["security.cookies"] = {**draft.values["security.cookies"], "secure": cookies["secure"]}
    draft.derive("security.cookies", Derived(cookies, why if has_chain else "no chain is declared"))


def _clock(draft: Draft, around: Surroundings) -> None:
    values = draft.values
    platform = values["rollout.platform"]
    draft.derive("serve.lame_duck", budget.lame_duck(platform))
    lame = values["serve.lame_duck"]
    stop = budget.stop_timeout(platform, around.container)
    if draft.is_set("serve.drain_timeout"):
        stop = _stop_for(draft, stop)
    draft.derive("rollout.stop_timeout", stop)
    draft.derive("serve.drain_timeout", budget.drain_timeout(values["rollout.stop_timeout"], lame))
    delay = 300.0 if platform == "ecs" else None
    why = "AWS's default" if delay else "the platform has none that is known"
    draft.derive("rollout.deregistration_delay", Derived(delay, why))


def _stop_for(draft: Draft, usual: Derived) -> Derived:
    drain, lame = draft.values["serve.drain_timeout"], draft.values["serve.lame_duck"]
    needed = budget.stop_needed(drain, lame)
    assert isinstance(usual.value, float)
    if needed <= usual.value:
        return usual
    sum_ = f"drain_timeout {drain:g} + lame_duck {lame:g} + {budget.MARGIN_SECONDS:g} s = {needed:g} s"
    return Derived(needed, f"{sum_}, more than the usual {usual.value:g} s")


def _rest(draft: Draft) -> None:
    if draft.values["rollout.platform"] == "ecs":
        why = "ECS stops a task whose target check fails: a dependency's outage would restart every task"
        draft.derive("health.after_ready", Derived("report", why))
    draft.derive("health.after_ready", Derived("503", "the task gets no traffic while a dependency fails"))
    for key, why in draft.left_to_server.items():
        draft.note(key, f"left to Gunicorn: {why}", "gunwale does not guess it", key)

"""The derived numbers as pure functions.

The supervisor imports this module inside PID 1: standard library only, and as little of it as possible.
Every function returns its value with the arithmetic behind it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

SHARE_OF_MEMORY = 0.8  # the rest is page cache, bursts and what the kernel accounts to the group
WORKER_MARGIN = 1.3  # a booted worker grows with its first requests
MARGIN_SECONDS = 3.0  # the end of the process, after the last request: SIGTERM, SIGKILL, empty send queues
PROPAGATION_SECONDS = 5.0  # containers-roadmap#708: 3 to 5 s of traffic after SIGTERM
STOP_TIMEOUTS = {"host": 60.0, "docker": 40.0, "ecs": 60.0, "kubernetes": 60.0}
FARGATE_STOP_TIMEOUT = (2.0, 120.0)  # ECS API: ContainerDefinition.stopTimeout
_MIB = 2**20


class Derived(NamedTuple):
    """A derived value and *why* it is so, with its arithmetic."""

    value: object
    why: str


class Workers(NamedTuple):
    """The *number* of workers, *why*, and whether memory was what limited it."""

    number: int
    why: str
    is_limited_by_memory: bool = False


def workers(cpu: float, memory: int | None, parent: int, worker_memory: int | None) -> Workers:
    """Return the number of workers: as many as CPU can use and as memory can hold twice.

    ⌊(0.8 × memory − parent) / (2 × worker_memory)⌋ at most, since a reload runs two generations;
    ⌈2 × CPU⌉ at most; 1 at least (DESIGN.md §1). *memory*, *parent* (what runs once: supervisor, server's
    master) and *worker_memory* (private memory of a booted worker × 1.3) are in bytes.
    """
    by_cpu = max(1, math.ceil(round(2 * cpu, 6)))
    why = f"⌈2 × {cpu:g} CPUs⌉ = {by_cpu}"
    if memory is None:
        return Workers(by_cpu, f"{why}; no memory limit is known")
    if not worker_memory:
        return Workers(by_cpu, f"{why}; the memory of a worker is not measured")
    fits = math.floor((SHARE_OF_MEMORY * memory - parent) / (2 * worker_memory))
    sum_ = (
        f"⌊(0.8 × {memory / _MIB:.0f} − {parent / _MIB:.0f}) / (2 × {worker_memory / _MIB:.0f} MiB)⌋ = {fits}"
    )
    if fits >= by_cpu:
        return Workers(by_cpu, f"{why}; memory holds more: {sum_}")
    if fits < 1:
        return Workers(
            1, f"1 at least, although memory does not hold it twice: {sum_}", is_limited_by_memory=True
        )
    return Workers(fits, f"{sum_}, less than {why}", is_limited_by_memory=True)


def memory_for(number: int, parent: int, worker_memory: int) -> int:
    """Return the memory limit in bytes that *number* workers need, by the formula of `workers`."""
    return math.ceil((2 * number * worker_memory + parent) / SHARE_OF_MEMORY)


def stop_timeout(platform: str, container: str) -> Derived:
    """Return seconds from SIGTERM to SIGKILL; *container* is the evidence of being in one, or "".

    host, ecs and kubernetes 60, docker and compose 40: gunwale writes them into the files it renders
    (DESIGN.md §1). Where no platform is declared nothing enforces it that gunwale knows of: in a container
    Docker's, in its own shell a person's.
    """
    if platform in STOP_TIMEOUTS:
        return Derived(STOP_TIMEOUTS[platform], f"the stop time gunwale writes for {platform}")
    if container:
        return Derived(
            STOP_TIMEOUTS["docker"],
            f"in a container ({container}) and no platform is declared: start it with a stop time of 40 s "
            "(docker's own is 10 s)",
        )
    return Derived(STOP_TIMEOUTS["host"], "not in a container and no platform is declared: as on a host")


def lame_duck(platform: str, *, detection: float = 0.0, propagation: float = PROPAGATION_SECONDS) -> Derived:
    """Return seconds of serving on after SIGTERM while readiness says no.

    0 where traffic stops before the signal or the proxy is ours (none, host, docker). Kubernetes withdraws
    the endpoint while it signals, and ECS StopTask signals a task that is still a target
    (facts: ECS A7, kubernetes termination): *detection* plus *propagation*, at least 5 s.
    """
    if platform not in ("ecs", "kubernetes"):
        return Derived(0.0, f"on platform {platform} no traffic is steered away after the signal")
    value = max(PROPAGATION_SECONDS, detection + propagation)
    sender = (
        "StopTask signals a task that still gets traffic"
        if platform == "ecs"
        else "SIGTERM races the endpoints"
    )
    return Derived(
        value, f"{sender}: {detection:g} s detection + {propagation:g} s propagation, at least 5 s"
    )


def drain_timeout(stop: float, lame: float) -> Derived:
    """Return seconds to finish what was accepted: stop_timeout − lame_duck − 3 s (DESIGN.md §1)."""
    value = max(0.0, stop - lame - MARGIN_SECONDS)
    return Derived(value, f"stop_timeout {stop:g} − lame_duck {lame:g} − {MARGIN_SECONDS:g} s = {value:g} s")


def stop_needed(drain: float, lame: float) -> float:
    """Return the least stop_timeout in seconds that leaves room for *lame* and *drain*."""
    return drain + lame + MARGIN_SECONDS


def keepalive(idle_timeout: float | None, layer: str) -> Derived:
    """Return seconds to keep an idle connection: longer than *layer*, the last proxy, keeps it.

    Who closes first must be the proxy: else it sends a request into a closing connection and answers 502
    (AWS: the target's keep-alive must exceed the ALB's idle timeout, 60 s by default).
    """
    if idle_timeout is not None:
        value = max(5.0, idle_timeout + 15.0)
        return Derived(value, f"above the {idle_timeout:g} s after which {layer} closes, by 15 s")
    unknown = f"the idle timeout of {layer} is not known" if layer else "no chain is declared"
    return Derived(75.0, f"{unknown}; above the 60 s after which an ALB or nginx closes")


def threads(worker_class: str, *, has_threads: bool) -> Derived:
    """Return threads of a worker: 4 where the workers of *worker_class* have threads, else 1."""
    if has_threads:
        return Derived(4, f"a {worker_class} worker overlaps what waits")
    return Derived(1, f"a {worker_class} worker runs no threads of its own")


def bind(container: str, platform: str) -> Derived:
    """Return the addresses to listen on: every interface only inside a container (*container*: evidence)."""
    where = f"in a container ({container})" if container else f"platform {platform}"
    if container or platform in ("docker", "ecs", "kubernetes"):
        return Derived(("0.0.0.0:8000",), f"{where}: its network is its own")
    return Derived(("127.0.0.1:8000",), "loopback: a proxy on this machine reaches it, the network does not")


def admin_bind(platform: str, binds: tuple[str, ...], kubernetes: str) -> Derived:
    """Return the admin port's address; outside only where probes come from outside (Kubernetes).

    *kubernetes* is the evidence of running there, or "".
    """
    taken = {address.rpartition(":")[2] for address in binds}
    port = next(number for number in range(8001, 9000) if str(number) not in taken)
    if platform == "kubernetes" or kubernetes:
        why = f"the kubelet probes from outside the container ({kubernetes or 'platform kubernetes'})"
        return Derived(f"0.0.0.0:{port}", why)
    return Derived(f"127.0.0.1:{port}", "health and metrics are nobody else's business")


class Connections(NamedTuple):
    """The connections used at most, what may be used (None: not declared), and the arithmetic."""

    used: int
    allowed: int | None
    why: str

    @property
    def is_within(self) -> bool:
        """Whether the budget holds, or is not declared."""
        return self.allowed is None or self.used <= self.allowed


def connections(
    processes: int, pool: int, tasks: int, max_percent: int, others: int, allowed: int | None
) -> Connections:
    """Return the connection budget: *pool* is pool_size + max_overflow of a worker.

    workers × pool × tasks × max(2, max_percent/100) + others: a reload, or a roll-out, runs everything twice
    (DESIGN.md §1; facts A31). *allowed* is max_connections − reserved.
    """
    factor = max(2.0, max_percent / 100)
    used = math.ceil(processes * pool * tasks * factor) + others
    sum_ = f"{processes} workers × {pool} × {tasks} tasks × {factor:g} + {others} = {used}"
    return Connections(used, allowed, sum_ if allowed is None else f"{sum_}, allowed {allowed}")

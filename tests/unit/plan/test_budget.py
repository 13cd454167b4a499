from __future__ import annotations

import subprocess
import sys

import pytest

from gunwale.plan import budget

MIB = 2**20


@pytest.mark.parametrize(
    ("cpu", "memory", "parent", "worker", "expected"),
    [
        pytest.param(2.0, 4096, 40, 60, 4, id="CPU limits: ⌈2 × 2⌉"),
        pytest.param(0.5, 4096, 40, 60, 1, id="half a CPU: ⌈1⌉"),
        pytest.param(0.75, 4096, 40, 60, 2, id="three quarters of a CPU: ⌈1.5⌉"),
        pytest.param(1.0, 4096, 40, 60, 2, id="one CPU"),
        pytest.param(0.1, 4096, 40, 60, 1, id="a tenth of a CPU: at least one"),
        pytest.param(64.0, 512, 40, 60, 3, id="memory limits: ⌊(409.6 − 40) / 120⌋"),
        pytest.param(4.0, 256, 40, 60, 1, id="memory holds one, twice"),
        pytest.param(4.0, 64, 40, 60, 1, id="memory holds none: at least one"),
        pytest.param(4.0, None, 40, 60, 8, id="no memory limit"),
        pytest.param(4.0, 256, 40, None, 8, id="a worker that was not measured is not guessed"),
    ],
)
def test_worker_count(cpu: float, memory: int | None, parent: int, worker: int | None, expected: int) -> None:
    found = budget.workers(
        cpu, memory and memory * MIB, parent * MIB, worker * MIB if worker is not None else None
    )

    assert found.number == expected


def test_worker_count_tells_its_arithmetic() -> None:
    assert budget.workers(2.0, None, 0, None).why == "⌈2 × 2 CPUs⌉ = 4; no memory limit is known"
    assert "not measured" in budget.workers(2.0, MIB, 0, None).why

    limited = budget.workers(64.0, 512 * MIB, 40 * MIB, 60 * MIB)

    assert limited.why == "⌊(0.8 × 512 − 40) / (2 × 60 MiB)⌋ = 3, less than ⌈2 × 64 CPUs⌉ = 128"
    assert limited.is_limited_by_memory


@pytest.mark.parametrize("number", [1, 2, 3, 7, 32])
def test_memory_for_a_number_of_workers_is_the_least_that_gives_it(number: int) -> None:
    memory = budget.memory_for(number, 40 * MIB, 60 * MIB)

    assert budget.workers(64.0, memory, 40 * MIB, 60 * MIB).number == number
    assert budget.workers(64.0, memory - 2 * MIB, 40 * MIB, 60 * MIB).number == max(1, number - 1)


@pytest.mark.parametrize(
    ("platform", "container", "expected"),
    [
        ("host", "", 60.0),
        ("docker", "", 40.0),
        ("ecs", "/.dockerenv", 60.0),
        ("kubernetes", "KUBERNETES_SERVICE_HOST", 60.0),
        ("none", "", 60.0),
        ("none", "/.dockerenv", 40.0),
    ],
)
def test_stop_timeout(platform: str, container: str, expected: float) -> None:
    assert budget.stop_timeout(platform, container).value == expected


@pytest.mark.parametrize(
    ("platform", "expected"),
    [("none", 0.0), ("host", 0.0), ("docker", 0.0), ("ecs", 5.0), ("kubernetes", 5.0)],
)
def test_lame_duck_is_only_where_the_signal_comes_before_the_traffic_stops(
    platform: str, expected: float
) -> None:
    assert budget.lame_duck(platform).value == expected


def test_lame_duck_is_detection_and_propagation() -> None:
    assert budget.lame_duck("ecs", detection=12.0, propagation=3.0).value == 15.0
    assert budget.lame_duck("kubernetes", detection=0.0, propagation=1.0).value == 5.0


@pytest.mark.parametrize(
    ("stop", "lame", "expected"), [(60.0, 0.0, 57.0), (60.0, 5.0, 52.0), (40.0, 0.0, 37.0), (5.0, 5.0, 0.0)]
)
def test_drain_timeout_is_what_the_stop_leaves(stop: float, lame: float, expected: float) -> None:
    assert budget.drain_timeout(stop, lame).value == expected


def test_stop_needed_is_the_inverse_of_the_drain_timeout() -> None:
    assert budget.drain_timeout(budget.stop_needed(30.0, 5.0), 5.0).value == 30.0


@pytest.mark.parametrize(
    ("idle_timeout", "layer", "expected"),
    [
        (60.0, "alb", 75.0),
        (120.0, "caddy", 135.0),
        (None, "haproxy", 75.0),
        (None, "", 75.0),
        (5.0, "cloudfront", 20.0),
    ],
)
def test_keepalive_outlasts_the_last_proxy(idle_timeout: float | None, layer: str, expected: float) -> None:
    found = budget.keepalive(idle_timeout, layer)

    assert found.value == expected
    assert layer in found.why


@pytest.mark.parametrize(
    ("worker_class", "has_threads", "expected"), [("gthread", True, 4), ("sync", False, 1)]
)
def test_threads(worker_class: str, has_threads: bool, expected: int) -> None:
    found = budget.threads(worker_class, has_threads=has_threads)

    assert found.value == expected
    assert worker_class in found.why


@pytest.mark.parametrize(
    ("container", "platform", "expected"),
    [
        ("", "none", ("127.0.0.1:8000",)),
        ("", "host", ("127.0.0.1:8000",)),
        ("/.dockerenv", "none", ("0.0.0.0:8000",)),
        ("", "ecs", ("0.0.0.0:8000",)),
        ("", "kubernetes", ("0.0.0.0:8000",)),
    ],
)
def test_every_interface_is_bound_only_in_a_container(
    container: str, platform: str, expected: object
) -> None:
    assert budget.bind(container, platform).value == expected


@pytest.mark.parametrize(
    ("platform", "binds", "kubernetes", "expected"),
    [
        ("none", ("127.0.0.1:8000",), "", "127.0.0.1:8001"),
        ("docker", ("0.0.0.0:8000",), "", "127.0.0.1:8001"),
        ("kubernetes", ("0.0.0.0:8000",), "", "0.0.0.0:8001"),
        ("none", ("0.0.0.0:8000",), "KUBERNETES_SERVICE_HOST", "0.0.0.0:8001"),
        ("none", ("127.0.0.1:8001", "[::1]:8002"), "", "127.0.0.1:8003"),
        ("none", ("unix:/run/shop.sock",), "", "127.0.0.1:8001"),
    ],
)
def test_admin_port_is_local_and_free(
    platform: str, binds: tuple[str, ...], kubernetes: str, expected: str
) -> None:
    assert budget.admin_bind(platform, binds, kubernetes).value == expected


@pytest.mark.parametrize(
    ("processes", "pool", "tasks", "max_percent", "others", "used"),
    [
        pytest.param(4, 15, 1, 100, 0, 120, id="a reload runs two generations"),
        pytest.param(4, 15, 2, 200, 0, 240, id="a roll-out runs every task twice"),
        pytest.param(4, 15, 2, 150, 10, 250, id="a reload is twice even where a roll-out is less"),
    ],
)
def test_connections_count_what_runs_twice(
    processes: int, pool: int, tasks: int, max_percent: int, others: int, used: int
) -> None:
    assert budget.connections(processes, pool, tasks, max_percent, others, None).used == used


def test_connections_are_within_up_to_the_last_one() -> None:
    assert budget.connections(2, 5, 1, 100, 0, 20).is_within
    assert not budget.connections(2, 5, 1, 100, 0, 19).is_within
    assert budget.connections(2, 5, 1, 100, 0, None).is_within


def test_the_supervisor_can_import_the_budget_without_anything_heavy() -> None:
    code = "import sys, gunwale.plan.budget; print(*sorted(name.partition('.')[0] for name in sys.modules))"

    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert not {"click", "flask", "werkzeug", "gunicorn", "tomllib", "dataclasses", "argparse"} & set(loaded)

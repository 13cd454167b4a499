from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.plan.capacity import Capacity

if TYPE_CHECKING:
    from .conftest import Load, Refuse, Write

MIB = 2**20


def warnings(plan: Load, *sets: str, capacity: Capacity | None = None) -> str:
    found = plan(sets=sets, capacity=capacity) if capacity else plan(sets=sets)
    return "\n".join(str(problem) for problem in found.problems if problem.key != "app")


def test_the_defaults_are_consistent_on_every_platform(plan: Load) -> None:
    for platform in ("none", "host", "docker", "ecs", "kubernetes"):
        assert warnings(plan, f"rollout.platform={platform}") == "", platform


def test_a_drain_shorter_than_a_request_is_refused_with_the_arithmetic(refusal: Refuse) -> None:
    told = refusal(sets=["serve.request_timeout=90"])

    assert (
        "drain_timeout 57 s is below request_timeout 90 s (stop_timeout 60 − lame_duck 0 − 3 s = 57 s)"
        in told
    )
    assert "set rollout.stop_timeout to 93 s" in told
    assert "or request_timeout to 57 s at most" in told


def test_the_hint_of_the_drain_is_right(plan: Load) -> None:
    assert plan(sets=["serve.request_timeout=90", "rollout.stop_timeout=93"]).serve.drain_timeout == 90.0
    assert plan(sets=["serve.request_timeout=57"]).serve.drain_timeout == 57.0


def test_a_written_drain_shorter_than_a_request_is_refused(refusal: Refuse) -> None:
    told = refusal(command_line={"serve.drain_timeout": "2"})

    assert told.startswith("--drain-timeout: drain_timeout 2 s is below request_timeout 30 s")


def test_a_written_drain_lengthens_the_stop(plan: Load) -> None:
    found = plan(sets=["serve.drain_timeout=100", "serve.lame_duck=5"])

    assert found.rollout.stop_timeout == 108.0
    assert "drain_timeout 100 + lame_duck 5 + 3 s = 108 s" in found.origins["rollout.stop_timeout"].why


def test_a_drain_that_does_not_fit_the_stop_is_refused(refusal: Refuse) -> None:
    told = refusal(sets=["serve.drain_timeout=50", "rollout.stop_timeout=40"])

    assert "drain_timeout 50 + lame_duck 0 + 3 s = 53 s, stop_timeout is 40 s" in told


def test_a_lame_duck_that_eats_the_stop_is_refused(refusal: Refuse) -> None:
    assert "leaves nothing of stop_timeout 60 s" in refusal(sets=["serve.lame_duck=57"])


@pytest.mark.parametrize("stop", ["1", "121"])
def test_a_stop_outside_of_fargates_bounds_is_refused(refusal: Refuse, stop: str) -> None:
    sets = [
        "rollout.platform=ecs",
        f"rollout.stop_timeout={stop}",
        "serve.request_timeout=1",
        "serve.lame_duck=0",
    ]

    assert "outside of Fargate's 2 to 120 s" in refusal(sets=sets)


def test_a_value_that_did_not_load_is_not_judged_again(refusal: Refuse) -> None:
    told = refusal(sets=["serve.request_timeout=soon", "serve.drain_timeout=1"])

    assert "is below" not in told


def test_on_ecs_the_longest_request_fits_the_deregistration(plan: Load) -> None:
    ecs = ("rollout.platform=ecs", "rollout.deregistration_delay=20")

    assert "request_timeout 30 s is longer than deregistration_delay 20 s" in warnings(plan, *ecs)
    assert warnings(plan, *ecs, "serve.request_timeout=20") == ""


def test_keepalive_has_to_outlast_the_proxy(plan: Load) -> None:
    chain = ("proxies.chain=alb", "serve.worker_class=gthread")

    assert "keepalive 60 s is not above the 60 s of alb" in warnings(plan, *chain, "serve.keepalive=60")
    assert warnings(plan, *chain, "serve.keepalive=61") == ""
    # A sync worker closes every connection itself.
    assert warnings(plan, "proxies.chain=alb", "serve.keepalive=2") == ""


def test_every_layer_bounds_the_request(plan: Load) -> None:
    chain = ("proxies.chain=cloudfront,alb", "serve.worker_class=gthread")

    assert "request_timeout 30 s is not below cloudfront's 30 s" in warnings(plan, *chain)
    assert "request_timeout" not in warnings(plan, *chain, "serve.request_timeout=29")


def test_a_sync_worker_behind_a_layer_that_does_not_buffer_is_named(plan: Load) -> None:
    assert "haproxy-forwardfor does not buffer requests" in warnings(plan, "proxies.chain=haproxy-forwardfor")
    assert "buffer" not in warnings(plan, "proxies.chain=nginx-proxy-add")
    # What is not known is not claimed.
    assert "buffer" not in warnings(plan, "proxies.chain=alb")
    # With threads Gunicorn takes gthread for sync.
    threads = ("proxies.chain=haproxy-forwardfor", "serve.threads=2")
    assert "buffer" not in warnings(plan, *threads)
    assert "keepalive 2 s is not above" in warnings(
        plan, "proxies.chain=alb", *threads[1:], "serve.keepalive=2"
    )


def test_gunicorn_alone_is_told_what_it_would_leave_out(plan: Load, refusal: Refuse) -> None:
    alone = "rollout.command=gunicorn"

    assert warnings(plan, alone) == ""
    assert "access_log is off" in warnings(plan, alone, "serve.access_log=off")
    assert "while it starts again, nobody answers" in warnings(plan, alone, "serve.workers=1")
    assert warnings(plan, "serve.access_log=off", "serve.workers=1") == ""
    assert "serve.server is 'waitress'" in refusal(sets=[alone, "serve.server=waitress"])


def test_an_answer_comes_before_the_next_question(plan: Load) -> None:
    assert "timeout 5 s is not below interval 5 s" in warnings(plan, "health.timeout=5")
    assert warnings(plan, "health.timeout=4.9") == ""


def test_a_number_the_user_wrote_stands_with_a_warning(plan: Load) -> None:
    sets = ("serve.workers=8", "resources.worker_memory=100MiB")

    told = warnings(plan, *sets, capacity=Capacity(cpu=8.0, memory=1024 * MIB))

    assert "8 workers need 1.953 GiB with a reload, 1 GiB are there" in told
    assert '"auto" would take 4' in told
    assert plan(sets=sets).serve.workers == 8


def test_a_number_that_fits_is_no_problem(plan: Load) -> None:
    assert warnings(plan, "serve.workers=4", "resources.worker_memory=100MiB") == ""


def test_a_reload_that_does_not_fit_is_said(plan: Load) -> None:
    told = warnings(plan, "resources.worker_memory=100MiB", capacity=Capacity(cpu=2.0, memory=200 * MIB))

    assert "a reload does not fit" in told


def test_the_connection_budget_counts_a_roll_out(plan: Load) -> None:
    sets = ("serve.workers=4", "rollout.tasks=2", "database.max_connections=")

    assert "4 workers × 15 × 2 tasks × 2 + 0 = 240, allowed 239" in warnings(plan, *sets[:2], f"{sets[2]}242")
    assert warnings(plan, *sets[:2], f"{sets[2]}243") == ""


def test_more_cpu_than_there_is_is_said(plan: Load, write: Write) -> None:
    write("gunwale.toml", "[resources]\ncpu = 4\n")

    assert "4 CPUs are planned, 2 may be used here" in warnings(plan)

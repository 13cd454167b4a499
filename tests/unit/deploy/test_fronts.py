"""What the fronts of a rehearsal are told: by comparison, without starting them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gunwale.deploy import front
from gunwale.deploy.balancers import envoy, haproxy, nginx
from gunwale.deploy.task import Task

UNIX = Task(name="v1.1", release="v1", address="unix:/run/v1.1.sock")
TCP = Task(name="v1.2", release="v1", address="127.0.0.2:8000")


def written(product: str, settings: front.Settings) -> str:
    if product == "nginx":
        return nginx.configuration([UNIX, TCP], 8080, settings, Path("/x"))
    if product == "haproxy":
        return haproxy.configuration(8080, settings, Path("/x/haproxy.sock"))
    return json.dumps([envoy.listener(8080, settings), envoy.cluster("/x/endpoints.json", settings)])


@pytest.mark.parametrize(
    ("product", "off"),
    [("nginx", "proxy_next_upstream off;"), ("haproxy", "retries 0"), ("envoy", '"retry_policy"')],
)
def test_nothing_is_retried(product: str, off: str) -> None:
    text = written(product, front.Settings())

    # Envoy retries nothing that has no policy; the others have to be told.
    assert (off in text) is (product != "envoy")
    assert "redispatch" not in text


@pytest.mark.parametrize("product", ["nginx", "haproxy", "envoy"])
def test_who_answered_is_told_in_rehearsals_only(product: str) -> None:
    assert front.TASK_FIELD in written(product, front.Settings())
    assert front.TASK_FIELD not in written(product, front.Settings(names_tasks=False))


def test_nginx_keeps_connections_to_its_tasks_as_long_as_the_plan_says() -> None:
    text = nginx.configuration([UNIX, TCP], 8080, front.Settings(idle_timeout=4), Path("/x"))

    assert "server unix:/run/v1.1.sock max_fails=0;" in text
    assert "server 127.0.0.2:8000 max_fails=0;" in text
    assert "keepalive_timeout 4s;" in text


def test_nginx_without_a_task_answers_itself() -> None:
    text = nginx.configuration([], 8080, front.Settings(), Path("/x"))

    assert "upstream" not in text
    assert "return 503;" in text


def test_haproxy_and_envoy_write_both_kinds_of_addresses() -> None:
    assert [haproxy.address(task) for task in (UNIX, TCP)] == ["unix@/run/v1.1.sock", "127.0.0.2:8000"]

    listed = envoy.endpoints([UNIX], [TCP], version=3)
    found = listed["resources"][0]["endpoints"][0]["lb_endpoints"]
    assert [each["health_status"] for each in found] == ["HEALTHY", "DRAINING"]
    assert found[0]["endpoint"]["address"] == {"pipe": {"path": "/run/v1.1.sock"}}
    assert found[1]["endpoint"]["address"]["socket_address"]["port_value"] == 8000
    assert listed["version_info"] == "3"

from __future__ import annotations

import configparser
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from gunwale.errors import ConfigurationError

if TYPE_CHECKING:
    from unit.render.conftest import Text

DOCKER = "rollout.platform=docker"
FRONT = ("proxies.chain=[{name='caddy', tls=true}]", "security.trusted_hosts=['shop.example']")
POOLED = ("database.max_connections=100", "database.pooler=pgbouncer")


def _compose(text: Text, *sets: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text("compose", DOCKER, *sets))
    return found


def test_the_application_alone_is_reached_from_this_machine_only(text: Text) -> None:
    services = _compose(text)["services"]

    assert set(services) == {"app"}
    assert services["app"]["ports"] == ["127.0.0.1:8000:8000"]


def test_the_application_is_hardened_and_given_its_time_to_stop(text: Text) -> None:
    app = _compose(text, "image.uid=12345")["services"]["app"]

    assert (app["user"], app["read_only"], app["cap_drop"]) == ("12345:12345", True, ["ALL"])
    assert app["stop_grace_period"] == "40s"


def test_each_service_waits_until_the_one_before_it_is_well(text: Text) -> None:
    services = _compose(text, *FRONT, *POOLED, "rollout.release_command=flask db upgrade")["services"]
    waits = {
        name: {other: how["condition"] for other, how in each.get("depends_on", {}).items()}
        for name, each in services.items()
    }

    assert waits["front"] == {"app": "service_healthy"}
    assert waits["app"] == {
        "release": "service_completed_successfully",
        "db": "service_healthy",
        "pgbouncer": "service_started",
    }
    assert waits["release"] == {"db": "service_healthy", "pgbouncer": "service_started"}
    assert waits["pgbouncer"] == {"db": "service_healthy"}


def test_behind_a_front_the_application_has_no_port_outside(text: Text) -> None:
    services = _compose(text, *FRONT)["services"]

    assert "ports" not in services["app"]
    assert services["front"]["ports"] == ["80:80", "443:443"]


def test_readiness_is_asked_through_the_admin_port(text: Text) -> None:
    test = _compose(text)["services"]["app"]["healthcheck"]["test"]

    assert test[:2] == ["CMD", "python"]
    assert "8001" in test[-1]
    assert "'/ready'" in test[-1]


def test_the_database_is_out_of_reach_of_the_front(text: Text) -> None:
    found = _compose(text, *FRONT, *POOLED)

    assert found["networks"]["back"] == {"internal": True}
    assert found["services"]["front"]["networks"] == ["front"]
    assert found["services"]["db"]["networks"] == ["back"]


def test_no_password_is_written_down(text: Text) -> None:
    app = _compose(text, *POOLED, "environment.required=['SECRET_KEY']")["services"]["app"]

    assert app["environment"] == {
        "SECRET_KEY": "${SECRET_KEY:?}",
        "DATABASE_URL": "postgresql://shop:${POSTGRES_PASSWORD:?}@pgbouncer:6432/shop",
    }


def test_secrets_that_are_files_are_mounted(text: Text) -> None:
    found = _compose(text, "environment.secrets={KEY = './key.txt', ARN = 'arn:aws:x'}")

    assert found["secrets"] == {"KEY": {"file": "./key.txt"}}
    assert found["services"]["app"]["secrets"] == ["KEY"]


def test_limits_are_the_plans(text: Text) -> None:
    app = _compose(text, "resources.cpu=1.5", "resources.memory=512MiB")["services"]["app"]

    assert (app["cpus"], app["mem_limit"]) == (1.5, "536870912b")


def test_a_dollar_in_a_command_is_not_composes(text: Text) -> None:
    release = _compose(text, "rollout.release_command=sh -c 'echo $HOME'")["services"]["release"]

    assert release["command"] == "sh -c 'echo $$HOME'"


def test_other_processes_are_started_from_the_same_image_and_asked_nothing(text: Text) -> None:
    sets = (
        "rollout.processes={worker = 'celery -A shop worker'}",
        "rollout.release_command=flask db upgrade",
    )
    services = _compose(text, *POOLED, *sets)["services"]

    worker, app = services["worker"], services["app"]
    assert worker["command"] == "celery -A shop worker"
    assert worker["healthcheck"] == {"disable": True}
    assert "ports" not in worker
    for key in ("image", "user", "read_only", "cap_drop", "environment", "networks", "stop_grace_period"):
        assert worker[key] == app[key]
    assert worker["depends_on"].keys() == {"release", "db", "pgbouncer"}


@pytest.mark.parametrize("given", ["{db = 'x'}", "{Worker = 'x'}", "{worker = ''}", '{worker = "a\\nb"}'])
def test_a_process_needs_a_name_of_its_own_and_one_line(text: Text, given: str) -> None:
    with pytest.raises(ConfigurationError, match=r"rollout\.processes"):
        text("compose", DOCKER, f"rollout.processes={given}")


def test_the_pool_is_what_the_database_leaves(text: Text) -> None:
    found = text(
        "pgbouncer", "name=shop", "database.max_connections=50", "database.others=7", "serve.workers=4"
    )
    parser = configparser.ConfigParser()
    parser.read_string(found)
    settings = parser["pgbouncer"]

    assert settings["max_db_connections"] == settings["default_pool_size"] == "40"
    assert settings["max_client_conn"] == "127"
    assert "# default_pool_size 40: max_connections 50 − reserved 3 − others 7 = 40\n" in found
    assert "# max_client_conn 127: 4 workers × 15 × 1 tasks × 2 + 7 = 127\n" in found


def test_a_pool_without_a_limit_to_fit_in_is_refused(text: Text) -> None:
    with pytest.raises(ConfigurationError, match="not declared, and a pool has to fit in"):
        text("pgbouncer")
    with pytest.raises(ConfigurationError, match="nothing is left for the pool"):
        text("pgbouncer", "database.max_connections=5", "database.others=2")

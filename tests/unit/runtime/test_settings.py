"""The runtime's settings: one meaning, from the plan or from app.config."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import flask
import pytest

from gunwale import Gunwale
from gunwale.runtime.settings import Cookies, Health, Hops, Settings


def test_a_flat_plan_becomes_settings() -> None:
    settings = Settings.from_plan(
        {
            "app": "shop:create_app()",
            "serve.access_log": "combined",
            "proxies.hops": {"x_for": 2, "x_proto": 1, "x_host": 0, "x_port": 0, "x_prefix": 0},
            "proxies.networks": ["192.0.2.0/24"],
            "proxies.request_id": {"field": "CF-Ray", "pattern": "[0-9a-f]+"},
            "health.liveness_path": "/live",
            "health.checks": ["shop.health:database"],
            "health.interval": 3.0,
            "health.after_ready": "report",
            "security.trusted_hosts": ["shop.example"],
            "security.cookies": {"secure": True, "httponly": True, "samesite": "Lax"},
        }
    )

    assert settings == Settings(
        hops=Hops(2, 1),
        networks=(ip_network("192.0.2.0/24"),),
        request_id_field="CF-Ray",
        request_id_pattern="[0-9a-f]+",
        health=Health(
            liveness_path="/live", checks=("shop.health:database",), interval=3.0, after_ready="report"
        ),
        access_log="combined",
        trusted_hosts=("shop.example",),
        cookies=Cookies(secure=True),
    )


def test_what_a_plan_leaves_open_is_the_default() -> None:
    unset = dict.fromkeys(
        [
            "proxies.hops",
            "proxies.networks",
            "proxies.request_id",
            "security.trusted_hosts",
            "security.cookies",
        ]
    )

    assert Settings.from_plan(unset) == Settings.from_plan({}) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hops", {"x_for": -1}),
        ("hops", {"x_for": True}),
        ("hops", {"for": 1}),
        ("hops", 1),
        ("networks", ["10.0.0.0/33"]),
        ("networks", "10.0.0.0/8"),
        ("request_id", {"pattern": "x"}),
        ("request_id", {"field": "X", "pattern": "("}),
        ("liveness_path", "health"),
        ("readiness_path", None),
        ("checks", "shop:check"),
        ("checks", ["shop.check"]),
        ("interval", 0),
        ("timeout", "2 s"),
        ("timeout", True),
        ("after_ready", "never"),
        ("access_log", "yes"),
        ("trusted_hosts", "shop.example"),
        ("cookies", {"samesite": "lax"}),
        ("cookies", {"colour": "red"}),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^Gunwale\({name}=…\): should be .*, not "):
        Settings.from_config({}, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hops", None),
        ("hops", {"x_for": 1}),
        ("networks", "any"),
        ("networks", None),
        ("request_id", {"field": "X-Request-ID"}),
        ("checks", [print, "shop:check"]),
        ("interval", 1),
        ("trusted_hosts", [".shop.example"]),
        ("cookies", {"secure": None, "samesite": None}),
    ],
)
def test_a_right_value_is_taken(name: str, value: Any) -> None:
    Settings.from_config({}, **{name: value})


def test_all_mistakes_are_told_together_with_the_unknown_names() -> None:
    app = flask.Flask("shop")
    app.config.update(GUNWALE_HEALTH_INTERVAL=-1, GUNWALE_HEALTH_CHEKS=[])

    with pytest.raises(ValueError) as failure:
        Gunwale(app, acess_log="off", timeout=0)

    assert str(failure.value).splitlines() == [
        "Gunwale(acess_log=…): no such setting",
        "app.config['GUNWALE_HEALTH_CHEKS']: no such setting",
        "app.config['GUNWALE_HEALTH_INTERVAL']: should be a number of seconds above 0, not -1",
        "Gunwale(timeout=…): should be a number of seconds above 0, not 0",
    ]

"""Flask: what the extension sets, what it leaves alone, and that it never acts twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from gateway import ask, wrapped
from gunwale import Gunwale

if TYPE_CHECKING:
    from gateway import Log

SECURE = {"secure": True, "httponly": True, "samesite": "Lax"}


def shop(**config: Any) -> flask.Flask:
    app = flask.Flask("shop")
    app.config.update(SECRET_KEY="test", **config)

    @app.get("/")
    def index() -> dict[str, str]:
        flask.session["a"] = 1
        return {"g": flask.g.request_id, "ours": flask.g.gunwale_request_id}

    return app


def test_the_extension_does_what_serve_does(log: Log) -> None:
    app = shop()
    extension = Gunwale(app)

    answer = ask(app)

    assert app.extensions["gunwale"] is extension
    assert answer.json == {"g": answer["X-Request-ID"], "ours": answer["X-Request-ID"]}
    assert log.last["request_id"] == answer["X-Request-ID"]
    assert ask(app, "/health").json == {"status": "alive"}
    assert ask(app, "/ready").json == {"status": "ready"}


def test_a_factory_may_use_init_app() -> None:
    extension = Gunwale(checks=[lambda: False])
    app = shop()
    extension.init_app(app)

    assert ask(app, "/ready").code == 503


def test_applied_twice_it_acts_once(log: Log) -> None:
    app = shop()
    Gunwale(app)
    Gunwale(app)

    answer = ask(app)

    assert [name for name, _ in answer.fields].count("X-Request-ID") == 1
    assert len(log.lines) == 1


def test_under_serve_the_extension_wraps_nothing(monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
    monkeypatch.setenv("GUNWALE_SUPERVISED", "{}")
    app = shop()
    Gunwale(app, access_log="json")

    ask(app)
    assert log.lines == []

    ask(wrapped(app, serve__access_log="json"))
    assert len(log.lines) == 1


def test_serve_around_an_applied_extension_is_the_one_that_acts(log: Log) -> None:
    app = shop()
    Gunwale(app, access_log="json", liveness_path="/up")

    answer = ask(wrapped(app, serve__access_log="off", health__liveness_path="/live"), "/live")

    assert answer.json == {"status": "alive"}
    assert log.lines == []


def test_callables_given_to_the_extension_are_checked_under_serve_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GUNWALE_SUPERVISED", "{}")
    app = shop()
    Gunwale(app, checks=[lambda: False])

    assert ask(wrapped(app, health__checks=[]), "/ready").code == 503


def test_settings_come_from_the_configuration_below_the_arguments(log: Log) -> None:
    app = shop(GUNWALE_HEALTH_LIVENESS_PATH="/up", GUNWALE_SERVE_ACCESS_LOG="off")
    Gunwale(app, access_log="combined")

    assert ask(app, "/up").json == {"status": "alive"}
    ask(app)
    assert log.raw[0].startswith(b"10.0.0.7 - - [")


@pytest.mark.parametrize(
    "around",
    [
        ProxyFix,
        DispatcherMiddleware,
        lambda app: app.wsgi_app,
        lambda app: ProxyFix(DispatcherMiddleware(app.wsgi_app)),
    ],
)
def test_a_flask_object_behind_the_users_middleware_is_found(around: Any) -> None:
    app = shop()
    application = wrapped(around(app), security__cookies=SECURE)

    answer = ask(application)

    assert app.config["SESSION_COOKIE_SECURE"] is True
    assert answer.json["g"] == answer["X-Request-ID"]
    assert ask(application, "/ready").json == {"status": "ready"}


def test_middleware_that_hides_its_application_breaks_nothing() -> None:
    app = flask.Flask("shop")
    app.add_url_rule("/", view_func=lambda: "hello", endpoint="index")

    def hiding(environ: dict[str, Any], start_response: Any) -> Any:
        return app(environ, start_response)

    assert ask(wrapped(hiding)).body == b"hello"


def test_an_id_that_the_application_sets_in_g_wins() -> None:
    app = flask.Flask("shop")

    @app.before_request
    def mine() -> None:
        assert len(flask.g.request_id) == 32, "ours is there first"
        flask.g.request_id = "mine"

    app.add_url_rule("/", view_func=lambda: flask.g.request_id, endpoint="index")

    assert ask(wrapped(app)).body == b"mine"


def test_cookies_get_what_the_settings_say() -> None:
    cookie = ask(wrapped(shop(), security__cookies=SECURE))["Set-Cookie"]

    assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))


def test_cookies_are_secure_only_where_tls_is_known() -> None:
    cookie = ask(wrapped(shop(), security__cookies=SECURE | {"secure": None}))["Set-Cookie"]

    assert "Secure" not in cookie.split("; ")


def test_cookie_settings_of_the_application_stand() -> None:
    app = shop(SESSION_COOKIE_SAMESITE="Strict", SESSION_COOKIE_HTTPONLY=False)
    cookie = ask(wrapped(app, security__cookies=SECURE))["Set-Cookie"].split("; ")

    assert "SameSite=Strict" in cookie
    assert "HttpOnly" not in cookie


def test_trusted_hosts_reach_flask_where_it_has_none() -> None:
    app = shop()
    wrapped(app, security__trusted_hosts=["shop.example"])

    assert app.config["TRUSTED_HOSTS"] == ["shop.example"]


def test_trusted_hosts_of_the_application_stand() -> None:
    application = wrapped(shop(TRUSTED_HOSTS=["own.example"]), security__trusted_hosts=["plan.example"])

    assert ask(application, HTTP_HOST="own.example").code == 200
    assert ask(application, HTTP_HOST="plan.example").code == 400


def test_an_async_view_sees_its_own_id_in_its_log_records(caplog: pytest.LogCaptureFixture) -> None:
    app = flask.Flask("shop")

    @app.get("/")
    async def index() -> str:
        app.logger.warning("asked")
        return "hello"

    answer = ask(wrapped(app))

    assert vars(caplog.records[0])["request_id"] == answer["X-Request-ID"]

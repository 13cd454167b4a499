"""Liveness and readiness: the application's own answer stands, ours fills the gap, the lame duck says no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask
import pytest

from gateway import ask, hello, wrapped
from gunwale.runtime.scoreboard import State
from live import wait_until

if TYPE_CHECKING:
    from gateway import Log
    from gunwale.runtime.scoreboard import Scoreboard, Slot

QUICK: dict[str, Any] = {"health__interval": 0.02, "health__timeout": 0.2}


def not_found(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [])
    return [b"no such page"]


def routing(*paths: str, status: str = "200 OK") -> Any:
    """A WSGI application that answers *paths* itself, and names the host it was asked by."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] not in paths:
            return not_found(environ, start_response)
        start_response(status, [("Content-Type", "text/plain")])
        return [f"{environ['wsgi.url_scheme']}://{environ['HTTP_HOST']}".encode()]

    return application


def shop(**config: Any) -> flask.Flask:
    app = flask.Flask("shop")
    app.config.update(config)

    @app.get("/ready")
    def ready() -> str:
        return flask.request.host_url

    return app


def failing() -> bool:
    return False


def test_liveness_is_answered_where_the_application_has_no_such_path() -> None:
    answer = ask(wrapped(not_found), "/health")

    assert (answer.code, answer.json) == (200, {"status": "alive"})
    assert answer["Cache-Control"] == "no-store"
    assert answer["Content-Type"] == "application/json"
    assert len(answer["X-Request-ID"]) == 32


def test_readiness_without_checks_means_booted() -> None:
    assert ask(wrapped(not_found), "/ready").json == {"status": "ready"}


def test_a_head_probe_gets_no_body() -> None:
    answer = ask(wrapped(not_found), "/ready", REQUEST_METHOD="HEAD")

    assert (answer.code, answer.body) == (200, b"")


def test_other_methods_are_the_applications_business() -> None:
    assert ask(wrapped(not_found), "/health", REQUEST_METHOD="POST").code == 404


def test_a_post_to_a_health_path_does_not_get_around_trusted_hosts() -> None:
    application = wrapped(hello, security__trusted_hosts=["shop.example"])

    assert ask(application, "/health", REQUEST_METHOD="POST", HTTP_HOST="evil.example").code == 400


def test_probes_are_answered_before_trusted_hosts() -> None:
    application = wrapped(not_found, security__trusted_hosts=["shop.example"])

    assert ask(application, "/health", HTTP_HOST="10.0.0.7:8000").code == 200
    assert ask(application, "/other", HTTP_HOST="10.0.0.7:8000").code == 400


@pytest.mark.parametrize("application", [routing("/ready"), shop()], ids=["wsgi", "flask"])
def test_the_applications_own_answer_stands(application: Any) -> None:
    answer = ask(wrapped(application), "/ready", HTTP_HOST="shop.example")

    assert answer.code == 200
    assert answer.body.rstrip(b"/") == b"http://shop.example"


@pytest.mark.parametrize("application", [routing("/ready"), shop()], ids=["wsgi", "flask"])
def test_it_is_asked_with_a_trusted_host_where_the_given_one_is_refused(application: Any) -> None:
    wrapper = wrapped(application, security__trusted_hosts=[".shop.example", "other.example"])

    assert b"http://shop.example" in ask(wrapper, "/ready", HTTP_HOST="10.0.0.7").body
    assert b"http://www.shop.example" in ask(wrapper, "/ready", HTTP_HOST="www.shop.example").body


def test_it_is_asked_with_a_host_that_the_flask_application_itself_trusts() -> None:
    wrapper = wrapped(shop(TRUSTED_HOSTS=["own.example"]), security__trusted_hosts=["plan.example"])

    assert b"http://own.example" in ask(wrapper, "/ready", HTTP_HOST="10.0.0.7").body


def test_it_is_asked_by_https_where_tls_is_in_the_chain() -> None:
    # An application that redirects http to https would fail every probe of a load balancer.
    wrapper = wrapped(routing("/ready"), security__cookies={"secure": True})

    assert ask(wrapper, "/ready", HTTP_HOST="shop.example").body == b"https://shop.example"


@pytest.mark.parametrize(
    "status", ["302 Found", "401 Unauthorized", "403 Forbidden", "404 Not Found", "500 Oh"]
)
def test_a_login_a_redirect_or_an_error_is_no_answer(status: str) -> None:
    assert ask(wrapped(routing("/ready", status=status)), "/ready").json == {"status": "ready"}


def test_an_application_that_raises_is_no_answer() -> None:
    def raising(_environ: dict[str, Any], _start_response: Any) -> list[bytes]:
        raise ZeroDivisionError

    assert ask(wrapped(raising), "/ready").json == {"status": "ready"}


def test_a_catch_all_route_is_no_answer() -> None:
    app = flask.Flask("shop")
    app.add_url_rule("/<path:page>", "page", lambda **_page: "<html>")

    assert ask(wrapped(app), "/ready").json == {"status": "ready"}


def test_a_flask_application_is_not_run_to_find_out() -> None:
    app = shop()
    asked: list[str] = []
    app.before_request(lambda: asked.append(flask.request.path))

    ask(wrapped(app), "/health")

    assert asked == []


def test_readiness_says_no_in_the_lame_duck_and_liveness_goes_on(slot: Slot, board: Scoreboard) -> None:
    application = wrapped(routing("/ready", "/health"), slot)
    board.state = State.LAME_DUCK

    assert (ask(application, "/ready").code, ask(application, "/health").code) == (503, 200)
    assert ask(application, "/ready").json == {"status": "lame duck"}


def test_a_failed_check_is_503_with_its_name_and_nothing_more() -> None:
    def database() -> None:
        raise ConnectionError("postgresql://shop:hunter2@db.internal/shop")

    answer = ask(wrapped(not_found, health__checks=[database], **QUICK), "/ready")

    assert answer.code == 503
    assert answer.json["status"] == "failed"
    assert answer.json["failed"] == [database.__qualname__]
    assert b"hunter2" not in answer.body


def test_a_failed_probe_is_logged(log: Log) -> None:
    ask(wrapped(not_found, health__checks=[failing], **QUICK), "/ready")

    assert [(line["path"], line["status"]) for line in log.lines] == [("/ready", 503)]


def test_declared_checks_count_beside_the_applications_own_answer() -> None:
    assert ask(wrapped(routing("/ready"), health__checks=[failing], **QUICK), "/ready").code == 503


def test_the_first_question_waits_for_the_first_result() -> None:
    assert ask(wrapped(not_found, health__checks=[lambda: True], **QUICK), "/ready").code == 200


def test_a_flask_check_runs_in_the_application_context() -> None:
    app = flask.Flask("shop")
    seen: list[str] = []

    answer = ask(
        wrapped(app, health__checks=[lambda: seen.append(flask.current_app.name)], **QUICK), "/ready"
    )

    assert answer.json == {"status": "ready"}
    assert seen[0] == "shop"


def test_under_serve_the_holder_of_slot_0_runs_the_checks(slot: Slot, board: Scoreboard) -> None:
    verdict = [True]
    application = wrapped(not_found, slot, health__checks=[lambda: verdict[0]], **QUICK)
    application.start_checks()

    wait_until(lambda: board.health(1).status == 1, 5, "well on the scoreboard")
    verdict[0] = False
    wait_until(lambda: board.health(1).status == 2, 5, "failed on the scoreboard")
    assert ask(application, "/ready").code == 503


def test_under_serve_every_other_worker_reads_its_result(second_slot: Slot, board: Scoreboard) -> None:
    ran: list[int] = []
    application = wrapped(not_found, second_slot, health__checks=[lambda: ran.append(1)])

    application.start_checks()
    answers = [ask(application, "/ready").json]
    board.write_health(1, 1, "")
    answers.append(ask(application, "/ready").json)
    board.write_health(1, 2, "shop:database (OperationalError)")
    answers.append(ask(application, "/ready").json)

    assert answers == [
        {"status": "starting"},
        {"status": "ready"},
        {"status": "failed", "failed": ["shop:database"]},
    ]
    assert ran == []


def test_without_checks_serve_still_learns_that_the_worker_is_ready(slot: Slot, board: Scoreboard) -> None:
    wrapped(not_found, slot, **QUICK).start_checks()

    wait_until(lambda: board.health(1).status == 1, 5, "status ok on the scoreboard")


@pytest.mark.parametrize("application", [routing("/ready", status="503 Oh"), shop()], ids=["wsgi", "flask"])
def test_under_serve_the_applications_own_answer_is_on_the_scoreboard(
    application: Any, slot: Slot, board: Scoreboard
) -> None:
    expected = (1, "") if isinstance(application, flask.Flask) else (2, "/ready (answered 503)")

    wrapped(application, slot, **QUICK).start_checks()

    wait_until(lambda: board.health(1).status != 0, 5, "a result")
    assert (board.health(1).status, board.health(1).detail) == expected


def test_a_result_older_than_three_intervals_is_stale(second_slot: Slot, board: Scoreboard) -> None:
    board.write_health(1, 1, "")
    application = wrapped(not_found, second_slot, health__checks=[failing], health__interval=0.05)

    assert ask(application, "/ready").json == {"status": "ready"}
    wait_until(lambda: ask(application, "/ready").code == 503, 5, "stale")
    assert ask(application, "/ready").json == {"status": "stale"}


def test_report_keeps_200_and_names_what_failed_after_the_first_readiness() -> None:
    verdict = [False]
    checks = [lambda: verdict[0]]
    application = wrapped(not_found, health__checks=checks, health__after_ready="report", **QUICK)

    assert ask(application, "/ready").code == 503, "never ready yet"

    verdict[0] = True
    wait_until(lambda: ask(application, "/ready").json == {"status": "ready"}, 5, "ready")
    verdict[0] = False
    wait_until(lambda: ask(application, "/ready").json["status"] == "degraded", 5, "degraded")

    answer = ask(application, "/ready")
    assert answer.code == 200
    assert answer["Gunwale-Degraded"] == answer.json["failed"][0]


def test_503_is_what_a_failure_after_the_first_readiness_is_otherwise() -> None:
    verdict = [True]
    application = wrapped(not_found, health__checks=[lambda: verdict[0]], **QUICK)
    assert ask(application, "/ready").code == 200

    verdict[0] = False

    wait_until(lambda: ask(application, "/ready").code == 503, 5, "503")


def test_the_next_holder_of_the_slot_knows_that_the_generation_was_ready(
    slot: Slot, board: Scoreboard
) -> None:
    slot.write_health(1, "")

    application = wrapped(not_found, slot, health__checks=[failing], health__after_ready="report", **QUICK)
    application.start_checks()

    wait_until(lambda: "returned False" in board.health(1).detail, 5, "the failure")
    assert ask(application, "/ready").code == 200

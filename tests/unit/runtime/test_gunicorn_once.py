"""What is worked out once says what Gunicorn would have said each time."""

from __future__ import annotations

import pytest
from gunicorn import util
from gunicorn.config import Config

from gunwale.runtime import gunicorn_once
from gunwale.runtime.gunicorn_once import Errors, KeptConfig, once_a_second


def test_every_setting_and_property_is_what_it_was() -> None:
    plain, kept = Config(), KeptConfig()
    kept.keep()

    assert {name: getattr(kept, name) for name in plain.settings} == {
        name: getattr(plain, name) for name in plain.settings
    }
    assert kept.is_ssl == plain.is_ssl
    assert kept.address == plain.address
    assert kept.worker_class_str == plain.worker_class_str


def test_no_setting_is_looked_for_once_they_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptConfig()
    kept.keep()

    def fail(self: Config, name: str) -> object:
        raise AssertionError(name)

    monkeypatch.setattr(Config, "__getattr__", fail)

    assert kept.limit_request_fields == 100


def test_a_setting_changed_afterwards_is_changed() -> None:
    kept = KeptConfig()
    kept.keep()
    kept.set("graceful_timeout", "7")
    kept.set("certfile", "here.pem")

    assert kept.graceful_timeout == 7
    assert kept.is_ssl


def test_an_unknown_setting_is_refused_as_before() -> None:
    kept = KeptConfig()
    kept.keep()

    with pytest.raises(AttributeError, match="No configuration setting for: no_such"):
        _ = kept.no_such


def test_the_date_is_formatted_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def http_date(timestamp: float) -> str:
        asked.append(timestamp)
        return str(util.http_date(timestamp))

    http_date_now = once_a_second(http_date)
    said = []
    for now in (1000.0, 1000.9, 1001.0, 1001.5, 999.9):  # a clock that is stepped back is followed
        monkeypatch.setattr(gunicorn_once, "time", lambda now=now: now)
        said.append(http_date_now())

    assert said == [util.http_date(int(now)) for now in (1000.0, 1000.9, 1001.0, 1001.5, 999.9)]
    assert asked == [1000, 1001, 999]
    assert http_date_now(0) == "Thu, 01 Jan 1970 00:00:00 GMT"


def test_errors_go_where_the_error_log_goes_at_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    kept = KeptConfig()
    kept.keep()
    errors = Errors(kept)
    errors.write("first\n")
    errors.writelines(["second\n", "third\n"])
    errors.flush()
    kept.set("errorlog", "elsewhere.log")  # whose handler this process does not have
    errors.write("fourth\n")

    assert capsys.readouterr().err == "first\nsecond\nthird\n"


def test_an_application_that_closes_its_errors_closes_no_other_requests() -> None:
    errors = Errors(KeptConfig())
    errors.close()

    assert not errors.closed
    errors.write("still\n")

"""The checks' threads: nothing a check does stops the others or the thread that reports them."""

from __future__ import annotations

import sys
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from gunwale.runtime.checks import FAILED, OK, Checks, Result, failed_names
from live import wait_until

if TYPE_CHECKING:
    from pathlib import Path


def started(*checks: Any, timeout: float = 0.2, reports_only: bool = False) -> tuple[Checks, list[Result]]:
    results: list[Result] = []
    running = Checks(
        checks,
        interval=0.02,
        timeout=timeout,
        reports_only=reports_only,
        publish=results.append,
        context=nullcontext,
    )
    running.start()
    return running, results


def first(*checks: Any, **more: Any) -> Result:
    _, results = started(*checks, **more)
    wait_until(lambda: results, 5, "a first result")
    return results[0]


def well() -> None:
    pass


@pytest.mark.parametrize("answer", [None, True])
def test_none_and_true_are_well(answer: object) -> None:
    assert first(lambda: answer)[::2] == (OK, "")


def no() -> bool:
    return False


def raises() -> None:
    raise OSError("password=hunter2")


def leaves() -> None:
    sys.exit(1)


def odd() -> str:
    return "fine"


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (no, "returned False"),
        (raises, "OSError"),
        (leaves, "SystemExit"),
        (odd, "returned str, not None or a bool"),
        ("nowhere.at_all:check", "ModuleNotFoundError"),
        ("os:nothing", "AttributeError"),
    ],
)
def test_all_else_is_failed_with_a_reason_that_tells_no_secret(check: Any, reason: str) -> None:
    result = first(check)

    name = check if isinstance(check, str) else check.__qualname__
    assert result[::2] == (FAILED, f"{name} ({reason})")
    assert failed_names(result.detail) == [name]


def test_an_import_string_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop_checks.py").write_text(
        "class Db:\n    @staticmethod\n    def ping():\n        return False\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    assert first("shop_checks:Db.ping").detail == "shop_checks:Db.ping (returned False)"


def test_a_hanging_check_is_reported_and_the_others_go_on() -> None:
    release = threading.Event()
    runs: list[int] = []

    def hangs() -> None:
        release.wait()

    _, results = started(hangs, lambda: runs.append(1))
    wait_until(lambda: len(results) >= 3, 10, "three rounds past a hanging check")

    name = hangs.__qualname__
    assert {result.detail for result in results[:3]} == {f"{name} (timed out after 0.2 s)"}
    assert len(runs) >= 3

    release.set()
    wait_until(lambda: results[-1].status == OK, 5, "well again")


def test_a_hanging_check_is_not_started_twice() -> None:
    release = threading.Event()
    entered: list[int] = []

    def hangs() -> None:
        entered.append(1)
        release.wait()

    _, results = started(hangs)
    wait_until(lambda: len(results) >= 3, 10, "three rounds")

    assert entered == [1]
    release.set()


def test_a_change_is_said_once_on_stderr_without_passwords(capfd: pytest.CaptureFixture[str]) -> None:
    verdict = [False]

    def database() -> None:
        if not verdict[0]:
            raise ConnectionError("cannot reach postgresql://shop:hunter2@db/shop\nmore")

    _, results = started(database)
    wait_until(lambda: len(results) >= 3, 5, "three rounds")
    verdict[0] = True
    wait_until(lambda: results[-1].status == OK, 5, "well again")
    name = database.__qualname__

    said: list[str] = []

    def is_said() -> bool:
        said.append(capfd.readouterr().err)
        return "well again" in "".join(said)

    wait_until(is_said, 5, "it is said")
    assert "".join(said).splitlines() == [
        f"gunwale: health: {name} failed: ConnectionError: cannot reach postgresql://db/shop",
        f"gunwale: health: {name} is well again",
    ]


def test_several_failures_are_all_named_within_200_characters() -> None:
    result = first(no, raises, *[f"nowhere.at_all:check{number}" for number in range(20)])

    assert len(result.detail) <= 200
    assert failed_names(result.detail)[:2] == ["no", "raises"]


def test_a_publisher_that_fails_does_not_end_the_checks(capfd: pytest.CaptureFixture[str]) -> None:
    calls: list[int] = []

    def publish(_result: Result) -> None:
        calls.append(1)
        raise ValueError("no room")

    Checks((), interval=0.02, timeout=0.2, reports_only=False, publish=publish, context=nullcontext).start()

    wait_until(lambda: len(calls) >= 3, 5, "a third round")
    assert capfd.readouterr().err == "gunwale: health: ValueError: no room\n"

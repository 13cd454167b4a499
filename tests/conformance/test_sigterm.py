"""SIGTERM under load loses nothing; the bare server beside it, in the same run, is counted too."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gunwale.measure.load import Ask
from gunwale.measure.sigterm import StopResult, Trial, measure_stop
from served import UNPRIVILEGED, Variant, as_user, command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIX = (Ask(path="/spin?seconds=0.002", weight=4), Ask(path="/upload", method="POST", size=2000))


def trial(variant: Variant, project: Path, port: int, log: Path) -> Trial:
    words = command(
        *variant.options,
        "--workers",
        str(variant.workers(4)),
        "--bind",
        f"127.0.0.1:{port}",
        "--admin-bind",
        "off",
        "--lame-duck",
        "2",
    )
    return Trial(argv=tuple(words), target=f"http://127.0.0.1:{port}", mix=MIX, log=log, cwd=project)


def assert_nothing_lost(result: StopResult) -> None:
    assert not result.lost_anything, result.losses()
    assert result.keepalive_broken == 0
    assert result.in_flight > 0, "the signal came when nothing was in flight: the test says nothing"
    assert result.refused > 0, "nobody asked after the exit"
    assert result.exit_code == 0


@pytest.mark.needs_steering
def test_sigterm_under_load_loses_nothing(
    variant: Variant,
    project: Path,
    port: int,
    tmp_path: Path,
    repeats: int,
    record_property: Callable[[str, object], None],
) -> None:
    # Three quarters of a second before the exit a keep-alive client has heard that its connection closes.
    asked = trial(variant, project, port, tmp_path / "serve.log")
    rate = None
    for _ in range(repeats):
        result = measure_stop(replace(asked, rate=rate))
        rate = result.rate
        record_property("stop", json.dumps(result.as_json()))

        assert_nothing_lost(result)


@pytest.mark.needs_steering
@pytest.mark.root
def test_sigterm_as_an_unprivileged_user_loses_nothing(
    variant: Variant, project: Path, port: int, tmp_path: Path
) -> None:
    asked = trial(variant, project, port, tmp_path / "serve.log")
    words, path = as_user(list(asked.argv))

    assert_nothing_lost(measure_stop(replace(asked, argv=tuple(words), env=path, user=UNPRIVILEGED)))


@pytest.mark.slow
def test_sigterm_under_load_loses_nothing_where_nothing_is_steered(
    variant: Variant, project: Path, port: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    asked = trial(variant, project, port, tmp_path / "serve.log")
    result = measure_stop(replace(asked, env={"GUNWALE_SERVE_STEERING": "off"}))

    record_property("stop", json.dumps(result.as_json()))
    assert_nothing_lost(result)


def bare_options(variant: Variant, port: int) -> list[str]:
    threads = ["--threads", "8"] if variant.has_threads else []
    if variant.server == "gunicorn":
        return ["-k", variant.worker_class, "-b", f"127.0.0.1:{port}", "--workers", "4", *threads]
    if variant.server == "waitress":
        return ["--listen", f"127.0.0.1:{port}", *threads]
    pytest.skip(f"no command of the bare {variant.server} is known to this test")


@pytest.mark.slow
def test_the_bare_server_is_counted_by_the_same_measure(
    variant: Variant, project: Path, port: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Not a promise of ours: that this measure sees losses where there are some."""
    words = [sys.executable, "-m", variant.server, *bare_options(variant, port)]
    asked = trial(variant, project, port, tmp_path / "bare.log")

    result = measure_stop(replace(asked, argv=(*words, "probe:application"), env={"PORT": None}))

    record_property("stop", json.dumps(result.as_json()))
    assert result.lost_anything or result.keepalive_broken, "the bare server lost nothing: is the load one?"

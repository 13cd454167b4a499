"""The user's own server command in the plan: below what was written for gunwale, above what is derived."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.plan.gunicorn_config import NO_DEADLINE

if TYPE_CHECKING:
    from .conftest import Load, Refuse, Write

WORDS = ["-w", "3", "-b", "127.0.0.1:9000", "shop:app"]


@pytest.mark.parametrize(
    ("environ", "options", "expected"),
    [
        ({}, {}, 3),
        ({}, {"command_line": {"serve.workers": 5}}, 5),
        ({}, {"sets": ["serve.workers=5"]}, 5),
        ({"GUNWALE_SERVE_WORKERS": "5"}, {}, 5),
        ({"GUNICORN_WORKERS": "5"}, {}, 5),
        ({"WEB_CONCURRENCY": "5"}, {}, 3),
        ({"GUNICORN_CMD_ARGS": "--workers 5"}, {}, 3),
    ],
)
def test_what_is_written_for_gunwale_outranks_the_command(
    plan: Load, environ: dict[str, str], options: dict[str, object], expected: int
) -> None:
    assert plan(environ=environ, server_words=WORDS, **options).serve.workers == expected


def test_the_plans_file_outranks_the_command(plan: Load, write: Write) -> None:
    write("gunwale.toml", "[serve]\nworkers = 5\n")

    found = plan(server_words=WORDS)

    assert found.serve.workers == 5
    assert [each.value for each in found.candidates["serve.workers"]] == [5, "3"]


def test_variables_that_are_gunicorns_defaults_stay_below_the_command(plan: Load, write: Write) -> None:
    write("gunicorn.conf.py", "workers = 2\nbind = '127.0.0.1:9001'\n")
    environ = {"PORT": "5000", "WEB_CONCURRENCY": "7", "FLASK_APP": "other:app"}

    found = plan(environ=environ, server_words=["shop:app"])

    assert (found.serve.workers, found.serve.bind, found.app) == (2, ("127.0.0.1:9001",), "shop:app")


def test_those_variables_stand_where_the_command_says_nothing(plan: Load) -> None:
    found = plan(environ={"PORT": "5000", "WEB_CONCURRENCY": "7"}, server_words=["shop:app"])

    assert (found.serve.workers, found.serve.bind) == (7, ("0.0.0.0:5000",))


def test_a_command_without_workers_has_one(plan: Load) -> None:
    found = plan(server_words=["shop:app"])

    assert found.serve.workers == 1
    assert "Gunicorn starts one" in found.origins["serve.workers"].why


def test_auto_is_computed_with_a_command_too(plan: Load) -> None:
    assert plan(server_words=["shop:app"], command_line={"serve.workers": "auto"}).serve.workers == "auto"


@pytest.mark.parametrize("words", [["--threads", "4"], ["-k", "sync", "--threads", "4"]])
def test_threads_of_a_sync_worker_are_gthread_to_gunicorn(plan: Load, words: list[str]) -> None:
    found = plan(server_words=[*words, "shop:app"])

    assert (found.serve.worker_class, found.serve.threads) == ("gthread", 4)


def test_threads_written_for_gunwale_change_no_class(plan: Load) -> None:
    found = plan(command_line={"serve.threads": 4}, server_words=["shop:app"])

    assert found.serve.worker_class == "sync"


def test_a_timeout_of_zero_means_no_deadline(plan: Load, write: Write) -> None:
    assert plan(server_words=["-t", "0", "shop:app"]).serve.request_timeout == NO_DEADLINE
    write("gunicorn.conf.py", "timeout = 0")
    assert plan().serve.request_timeout == NO_DEADLINE


def test_what_gunicorn_says_stands_where_reading_does_not_tell(plan: Load, write: Write) -> None:
    write("gunicorn.conf.py", "workers = count()\nthreads = 2\n")
    says = {
        "workers": {"value": 6, "is_set": True},
        "threads": {"value": 2, "is_set": True},
        "keepalive": {"value": 9, "is_set": True},
        "backlog": {"value": 2048, "is_set": False},
    }

    found = plan(gunicorn_says=says)

    assert (found.serve.workers, found.serve.threads, found.serve.keepalive) == (6, 2, 9.0)
    assert found.left_to_server == {}
    assert found.origins["serve.workers"].place == "gunicorn.conf.py:1: workers"
    assert found.origins["serve.keepalive"].place == "gunicorn.conf.py: keepalive"


def test_with_another_servers_command_gunicorns_file_is_not_read(plan: Load, write: Write) -> None:
    write("gunicorn.conf.py", "workers = 4")

    assert plan(own_command=(), sets=["app=shop:app"]).serve.workers == 1


def test_what_does_not_fit_in_the_command_is_left_to_gunicorn(plan: Load, refusal: Refuse) -> None:
    assert "serve.workers" in plan(server_words=["-w", "many", "shop:app"]).left_to_server
    assert "many" in refusal(command_line={"serve.workers": "many"}, server_words=["shop:app"])

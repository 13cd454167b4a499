"""What a server's nature does to the plan; its traits come from serve, here they are the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.serve.servers import traits

if TYPE_CHECKING:
    from .conftest import Load, Refuse


def test_waitress_has_one_worker_and_four_threads(plan: Load) -> None:
    found = plan(servers=traits(), command_line={"serve.server": "waitress"})

    assert (found.serve.worker_class, found.serve.workers, found.serve.threads) == ("threads", 1, 4)
    assert found.origins["serve.workers"].why == "Waitress is one process: it has threads, not workers"


def test_threads_given_by_the_user_stand(plan: Load) -> None:
    options = {"serve.server": "waitress", "serve.threads": "8"}

    assert plan(servers=traits(), command_line=options).serve.threads == 8


def test_gunicorn_stays_as_it_is(plan: Load) -> None:
    found = plan(servers=traits())

    assert (found.serve.worker_class, found.serve.workers, found.serve.threads) == ("sync", "auto", 1)


@pytest.mark.parametrize("place", ["--workers", "WEB_CONCURRENCY"])
def test_several_workers_of_one_process_are_refused_by_name(refusal: Refuse, place: str) -> None:
    options: dict[str, str] = {"serve.server": "waitress"}
    environ = {"WEB_CONCURRENCY": "4"} if place == "WEB_CONCURRENCY" else {}
    if not environ:
        options["serve.workers"] = "4"
    told = refusal(servers=traits(), command_line=options, environ=environ)

    assert f"{place}: 4 workers cannot be had: Waitress is one process" in told


@pytest.mark.parametrize(
    ("name", "hint"), [("waitres", "did you mean 'waitress'?"), ("iis", "gunicorn, waitress")]
)
def test_an_unknown_server_is_refused_with_those_there_are(refusal: Refuse, name: str, hint: str) -> None:
    told = refusal(servers=traits(), command_line={"serve.server": name})

    assert f"no server {name!r}" in told
    assert hint in told

"""The servers of serve: what each hands to the supervisor, and what each refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gunwale.plan.capacity import Capacity
from gunwale.plan.load import load
from gunwale.plan.server import Traits
from gunwale.serve import refusals
from gunwale.serve.servers import discover, traits

MACHINE = Capacity(cpu=2.0, memory=2**30)


def flat(**options: object) -> dict[str, Any]:
    given = {"app": "shop:app", **{f"serve.{name}": value for name, value in options.items()}}
    plan = load(
        Path("/"), environ={}, command_line=given, capacity=MACHINE, in_container="", servers=traits()
    )
    return plan.flat()


def refused(**options: object) -> list[str]:
    found = refusals.configuration(flat(**options), {}, Path(__file__).parent / "none", may_be_root=True)
    return [f"{problem.where}: {problem.message}; {problem.hint}" for problem in found]


@pytest.mark.parametrize("name", discover())
def test_every_server_says_what_it_is_and_has_its_other_half(name: str) -> None:
    server = discover()[name]

    assert isinstance(server.TRAITS, Traits)
    assert set(server.TRAITS.threaded) <= set(server.TRAITS.worker_classes)
    assert callable(server.command)
    half = Path(refusals.__file__).parents[1] / "runtime" / "servers" / f"{name}.py"
    assert half.exists()


@pytest.mark.parametrize("name", discover())
def test_no_server_refuses_its_defaults(name: str) -> None:
    assert refused(server=name) == []


def test_waitress_is_one_slot_with_room_for_every_connection() -> None:
    planned = {**flat(server="waitress"), "serve.steers": True}
    found = discover()["waitress"].command(planned, MACHINE, left_to_server=frozenset())

    assert found.argv[1:] == ("-P", "-m", "gunwale.runtime.servers.waitress")
    assert (found.slots, found.concurrency, found.as_json()["entries"]) == (1, 4, 1004)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"server": "waitress", "worker_class": "sync"},
            "waitress has no worker class 'sync'; choose from threads",
        ),
        ({"server": "waitress", "worker_class": "gthread"}, "did you mean 'threads'?"),
        ({"server": "waitress", "worker_class": "a.Worker"}, "waitress has no worker class 'a.Worker'"),
        ({"worker_class": "gthreads"}, "gunicorn has no worker class 'gthreads'; did you mean 'gthread'?"),
        ({"worker_class": "sync", "threads": 4}, "4 threads cannot be had with the sync worker class"),
    ],
)
def test_what_a_server_cannot_do_is_refused(options: dict[str, object], told: str) -> None:
    (found,) = refused(**options)

    assert told in found


def test_a_worker_class_of_ones_own_is_gunicorns_to_load() -> None:
    assert refused(worker_class="shop.Worker") == []


def test_a_server_that_is_not_installed_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    (found,) = refusals.installation(flat(server="waitress"))

    assert found.message == "waitress is not installed"
    assert found.hint == "pip install 'gunwale[waitress]' into the environment that gunwale runs in"

"""Request ids: the chain's own where it can be believed, else made; the same one in every place."""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from gateway import ask, hello, wrapped
from gunwale.runtime import request_id

if TYPE_CHECKING:
    from gateway import Log
    from gunwale.runtime.scoreboard import Scoreboard, Slot

OURS = re.compile(r"[0-9a-f]{32}")
CHAIN: dict[str, Any] = {"proxies__request_id": {"field": "X-Request-ID", "pattern": None}}


def test_an_id_is_made_of_32_hex_digits_each_time_another() -> None:
    application = wrapped(hello)

    ids = {ask(application)["X-Request-ID"] for _ in range(600)}

    assert len(ids) == 600
    assert all(OURS.fullmatch(made) for made in ids)


def test_a_forked_child_makes_ids_of_its_own() -> None:
    make = request_id.id_maker()
    make()
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, "".join(make() for _ in range(100)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        theirs = re.findall(".{32}", pipe.read())

    assert len(theirs) == 100
    assert not set(theirs) & {make() for _ in range(255)}


def test_without_a_chain_the_clients_id_is_not_taken() -> None:
    assert OURS.fullmatch(ask(wrapped(hello), HTTP_X_REQUEST_ID="a-clients-own-id")["X-Request-ID"])


def test_the_chains_id_is_the_requests_everywhere(slot: Slot, board: Scoreboard, log: Log) -> None:
    seen: list[str] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.extend([environ["gunwale.request_id"], board.running(1)[0].request_id, request_id.current.get()])
        return hello(environ, start_response)

    answer = ask(wrapped(application, slot, **CHAIN), HTTP_X_REQUEST_ID="edge-0123456789")

    assert [answer["X-Request-ID"], log.last["request_id"], *seen] == ["edge-0123456789"] * 5
    assert request_id.current.get() == ""


@pytest.mark.parametrize(
    "forged", ["short", "a b c d e f g", "x" * 129, "12345678\n", 'id","status":"999', "é" * 9]
)
def test_an_id_outside_the_pattern_is_replaced(forged: str) -> None:
    assert OURS.fullmatch(ask(wrapped(hello, **CHAIN), HTTP_X_REQUEST_ID=forged)["X-Request-ID"])


def test_an_id_from_a_peer_that_is_no_proxy_is_replaced() -> None:
    answer = ask(wrapped(hello, **CHAIN), HTTP_X_REQUEST_ID="edge-0123456789", REMOTE_ADDR="198.51.100.1")

    assert OURS.fullmatch(answer["X-Request-ID"])


def test_the_chain_may_use_a_field_and_a_pattern_of_its_own() -> None:
    ray = {"field": "CF-Ray", "pattern": r"[0-9a-f]{16,32}(?:-[A-Z]{3})?"}

    answer = ask(wrapped(hello, proxies__request_id=ray), HTTP_CF_RAY="7d1f2a3b4c5d6e7f-AMS")

    assert answer["CF-Ray"] == "7d1f2a3b4c5d6e7f-AMS"


def test_an_id_that_is_no_value_of_the_chains_field_is_answered_in_ours() -> None:
    chain: dict[str, Any] = {
        "proxies__request_id": {
            "field": "traceparent",
            "pattern": r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
        }
    }

    assert OURS.fullmatch(ask(wrapped(hello, **chain))["X-Request-ID"])


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Any:
    # Added after the wrapper exists, by an application that configures logging late.
    handler = Kept()
    logger = logging.getLogger("shop")
    logger.addHandler(handler)
    yield handler.records
    logger.removeHandler(handler)


def logging_application(**extra: Any) -> Any:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        logging.getLogger("shop.orders").warning("paid", extra=extra)
        return hello(environ, start_response)

    return application


def test_log_records_of_any_logger_carry_the_id(kept: list[logging.LogRecord]) -> None:
    answer = ask(wrapped(logging_application()))

    assert logging.Formatter("%(request_id)s %(message)s").format(kept[0]) == f"{answer['X-Request-ID']} paid"


def test_an_application_that_logs_ids_of_its_own_keeps_them(kept: list[logging.LogRecord]) -> None:
    ask(wrapped(logging_application(request_id="mine")))

    assert logging.Formatter("%(request_id)s").format(kept[0]) == "mine"


def test_outside_a_request_records_have_an_empty_id(kept: list[logging.LogRecord]) -> None:
    wrapped(hello)
    logging.getLogger("shop").warning("started")

    assert vars(kept[0])["request_id"] == ""

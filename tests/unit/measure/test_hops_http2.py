"""``gunwale hops`` over HTTP/2: asked wherever it is spoken, and what is not looked at is said."""

from __future__ import annotations

import json
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from gunwale.measure import hops_report
from gunwale.measure.hops import Request, measure
from gunwale.measure.hops_http import Asker, Protocol, ways
from gunwale.measure.hops_http2 import Http2, can_carry
from gunwale.measure.hops_verdict import Verdict
from http2_server import converse
from simulated_chain import ADDRESS, Chain, Exchange, response
from tiny_server import Server, listen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gunwale.measure.hops_report import Result
    from gunwale.measure.hops_verdict import Judgement


def judged(result: Result) -> Judgement:
    (found,) = (each for each in result.judgements if each.name == ADDRESS)
    return found


def both(http1: str, http2: str) -> Chain:
    return Chain([{ADDRESS: http1}], http2=Chain([{ADDRESS: http2}]))


def measured(chain: Chain) -> Result:
    with chain.serving() as url:
        return measure(Request(url=url))


def test_what_http2_alone_lets_through_is_not_proven() -> None:
    result = measured(both("overwrite", "pass"))

    assert result.protocols == (Protocol.HTTP1, Protocol.HTTP2)
    assert judged(result).trusted == 0
    assert judged(result).verdict is Verdict.UNSAFE
    assert any("--http2-prior-knowledge" in each for each in result.spoofs)


def test_a_count_that_holds_over_both_protocols_is_proven() -> None:
    result = measured(both("append", "append"))

    assert (judged(result).hops, judged(result).verdict) == (1, Verdict.PROVEN)
    assert hops_report.as_json(result)["protocols"] == ["HTTP/1.1", "HTTP/2"]
    assert "asked over HTTP/1.1 and HTTP/2" in hops_report.table(result)


def test_without_the_library_the_result_says_what_was_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h2", None)

    result = measured(both("overwrite", "pass"))

    assert result.protocols == (Protocol.HTTP1,)
    (note,) = (each for each in result.notes if "HTTP/2" in each)
    assert note.endswith("was not looked at: install gunwale[measure]")


def test_where_nobody_speaks_http2_it_is_neither_asked_nor_missed() -> None:
    result = measured(Chain([{ADDRESS: "overwrite"}]))

    assert result.protocols == (Protocol.HTTP1,)
    assert not any("HTTP/2" in each for each in result.notes)


def test_a_front_that_refuses_http2_requests_ends_in_no_conclusion() -> None:
    from gunwale.errors import StartError

    chain = both("overwrite", "overwrite")
    assert chain.http2 is not None
    chain.http2.before = lambda _: response(403)

    with pytest.raises(StartError, match="answers 403") as caught:
        measured(chain)
    assert "HTTP/2" in str(caught.value)


def test_a_class_of_values_that_only_http2_refuses_proves_nothing() -> None:
    chain = both("append", "append")
    assert chain.http2 is not None
    chain.http2.before = lambda exchange: (
        response(403) if "2001:db8" in " ".join(exchange.lines.get(ADDRESS, [])) else None
    )

    result = measured(chain)

    assert judged(result).verdict is Verdict.UNDECIDED
    assert any("an IPv6 address" in note and "HTTP/2" in note for note in result.notes)


def test_every_field_of_a_probe_arrives_as_over_http1() -> None:
    seen: list[Exchange] = []
    chain = both("pass", "pass")
    assert chain.http2 is not None
    chain.http2.before = seen.append  # it gives None: the chain answers
    lines = (("X-Forwarded-For", '"6.6.6.6'), ("X-Forwarded-For", ", 7.7.7.7"), ("X_Forwarded_For", ""))

    with chain.serving() as url, Asker(ways(url)[0]) as asker, asker.connect(None) as sock:
        answer = Http2(sock, "http").ask("/echo?a=b", "shop.example", lines)

    assert seen[0].target == "/echo?a=b"
    assert seen[0].lines["host"] == ["shop.example"]
    assert seen[0].lines["x-forwarded-for"] == ['"6.6.6.6', ", 7.7.7.7"]
    assert seen[0].lines["x_forwarded_for"] == [""]
    assert json.loads(answer.body)["raw"]["REQUEST_METHOD"] == "GET"


@pytest.mark.parametrize(
    ("name", "is_carried"),
    [
        ("X-Forwarded-For", True),
        ("X_Forwarded_For", True),
        ("X.Forwarded.For", True),
        ("X-Forwarded-For ", False),
        ("Connection", False),
        ("Keep-Alive", False),
        ("TE", False),
    ],
)
def test_what_http2_cannot_express_is_not_sent_over_it(name: str, is_carried: bool) -> None:
    assert can_carry(((name, "x"),)) is is_carried


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[socket.socket, bytes], None]], socket.socket]]:
    with listen(socket.AF_INET, ("127.0.0.1", 0)) as listener:

        def start(behave: Callable[[socket.socket, bytes], None]) -> socket.socket:
            Server(lambda connection, _: behave(connection, connection.recv(65536)), listener)
            return socket.create_connection(listener.getsockname(), timeout=10)

        yield start
        listener.shutdown(socket.SHUT_RDWR)


def test_an_answer_longer_than_every_window_is_read_whole(
    serve: Callable[[Callable[[socket.socket, bytes], None]], socket.socket],
) -> None:
    body = {"long": "x" * 200_000}

    with serve(lambda connection, first: converse(connection, first, lambda _: response(200, body))) as sock:
        answer = Http2(sock, "http").ask("/", "h", ())

    assert (answer.status, json.loads(answer.body)) == (200, body)


@pytest.mark.parametrize(
    "reply",
    [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\4\0\0\0\0\0", b"\0\0\4\3\0\0\0\0\1\0\0\0\1"],
    ids=["nothing", "HTTP/1.1", "settings and no more", "a reset"],
)
def test_an_answer_that_is_none_is_an_error_of_the_connection(
    serve: Callable[[Callable[[socket.socket, bytes], None]], socket.socket], reply: bytes
) -> None:
    with (
        serve(lambda connection, _: connection.sendall(reply)) as sock,
        pytest.raises(ConnectionError),
    ):
        Http2(sock, "http").ask("/", "h", ())

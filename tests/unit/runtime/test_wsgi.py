"""The wrapper is invisible to both sides: every promise of PEP 3333 holds through it."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest

from gateway import ask, environ_of, hello, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway import Log
    from gunwale.runtime.scoreboard import Scoreboard, Slot


class Blocks:
    """An iterable that counts its own close() calls."""

    def __init__(self, *blocks: bytes | Exception) -> None:
        self.blocks = blocks
        self.closed = 0

    def __repr__(self) -> str:
        return f"Blocks{self.blocks}"

    def __iter__(self) -> Iterator[bytes]:
        for block in self.blocks:
            if isinstance(block, Exception):
                raise block
            yield block

    def close(self) -> None:
        self.closed += 1


def answering(result: Any, status: str = "200 OK") -> Any:
    def application(_environ: dict[str, Any], start_response: Any) -> Any:
        start_response(status, [("Content-Type", "text/plain")])
        return result

    return application


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("result", [[b"hello"], [b"a", b"b"], [], (b"a",), Blocks(b"a", b"b")], ids=repr)
def test_the_validator_is_content_inside_and_outside(method: str, result: Any) -> None:
    outside = validator(wrapped(validator(answering(result))))

    answer = ask(outside, REQUEST_METHOD=method)

    assert answer.code == 200
    assert answer.body == b"".join(result)


def test_the_answer_is_unchanged_but_for_its_id() -> None:
    answer = ask(wrapped(hello))

    assert answer.status == "200 OK"
    assert [name for name, _ in answer.fields] == ["Content-Type", "X-Request-ID"]
    assert answer.body == b"hello"


def test_the_applications_own_list_of_fields_is_left_alone() -> None:
    fields = [("Content-Type", "text/plain")]

    def application(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", fields)
        return []

    ask(wrapped(application))

    assert fields == [("Content-Type", "text/plain")]


def test_an_id_field_of_the_application_stands() -> None:
    def application(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("x-request-id", "mine")])
        return []

    assert ask(wrapped(application)).fields == [("x-request-id", "mine")]


def test_close_is_called_once_after_a_whole_body(slot: Slot, board: Scoreboard) -> None:
    blocks = Blocks(b"a", b"b")

    answer = ask(wrapped(answering(blocks), slot))
    answer.result.close()

    assert blocks.closed == 1
    assert board.busy(1) == 0
    assert board.totals().requests == 1


def test_close_is_called_once_when_the_client_goes_away(slot: Slot, board: Scoreboard, log: Log) -> None:
    blocks = Blocks(b"a", b"b")

    ask(wrapped(answering(blocks), slot), blocks=1)

    assert blocks.closed == 1
    assert board.busy(1) == 0
    assert log.last["cut"] is True


def test_close_is_called_once_when_the_server_never_iterates(slot: Slot, board: Scoreboard) -> None:
    blocks = Blocks(b"a")

    ask(wrapped(answering(blocks), slot), blocks=0)

    assert blocks.closed == 1
    assert board.busy(1) == 0


def test_close_is_called_once_when_the_body_raises(slot: Slot, board: Scoreboard, log: Log) -> None:
    blocks = Blocks(b"a", ZeroDivisionError("secret"))

    with pytest.raises(ZeroDivisionError):
        ask(wrapped(answering(blocks), slot))

    assert blocks.closed == 1
    assert board.busy(1) == 0
    assert log.last["error"] == "ZeroDivisionError"
    assert log.last["status"] == 200, "the fields went out before it raised"
    assert log.last["bytes"] == 1


def test_an_exception_before_start_response_is_logged_as_500_and_raised(
    slot: Slot, board: Scoreboard, log: Log
) -> None:
    def application(_environ: dict[str, Any], _start_response: Any) -> list[bytes]:
        raise ZeroDivisionError("secret")

    with pytest.raises(ZeroDivisionError):
        ask(wrapped(application, slot))

    assert (log.last["status"], log.last["error"]) == (500, "ZeroDivisionError")
    assert b"secret" not in log.raw[-1]
    assert board.busy(1) == 0
    assert board.totals().by_class == (0, 0, 0, 0, 1)


def test_an_exception_after_start_response_and_before_the_body_is_a_500(log: Log) -> None:
    def application(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(wrapped(application))

    assert log.last["status"] == 500


def test_a_replaced_answer_is_the_one_that_counts(log: Log) -> None:
    def application(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        try:
            1 / 0  # noqa: B018 - the shortest way to have an exception in flight
        except ZeroDivisionError:
            start_response("502 Bad Gateway", [("Content-Type", "text/html")], sys.exc_info())
        return [b"sorry"]

    answer = ask(wrapped(application))

    assert answer.code == 502
    assert answer["Content-Type"] == "text/html"
    assert log.last["status"] == 502


def test_an_answer_cannot_be_replaced_once_bytes_are_out(log: Log) -> None:
    def application(_environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"begun"
        try:
            1 / 0  # noqa: B018 - the shortest way to have an exception in flight
        except ZeroDivisionError:
            start_response("500 Oh", [], sys.exc_info())

    with pytest.raises(ZeroDivisionError):
        ask(wrapped(application))

    assert log.last["status"] == 200


def test_write_sends_before_the_iterable_and_is_counted(log: Log) -> None:
    def application(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        write = start_response("200 OK", [])
        write(b"first ")
        return [b"second", b"!"]

    assert ask(wrapped(application)).body == b"first second!"
    assert log.last["bytes"] == 13


def test_a_generator_that_starts_late_is_followed(log: Log) -> None:
    def application(_environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("201 Created", [])
        yield b"late"

    assert ask(wrapped(application)).code == 201
    assert log.last["status"] == 201


def test_a_generator_nobody_asks_has_no_status(log: Log, slot: Slot, board: Scoreboard) -> None:
    def application(_environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"never"

    ask(wrapped(application, slot), blocks=0)

    assert log.last["status"] is None
    assert board.busy(1) == 0


def test_one_block_keeps_its_length() -> None:
    assert len(ask(wrapped(hello)).result) == 1


def test_an_iterable_without_length_gets_none() -> None:
    assert not hasattr(ask(wrapped(answering(Blocks(b"a")))).result, "__len__")


def test_a_file_reaches_the_server_as_its_own_type_and_ends_on_close(
    slot: Slot, board: Scoreboard, log: Log
) -> None:
    file = io.BytesIO(b"contents")

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", "8")])
        return environ["wsgi.file_wrapper"](file)

    result = wrapped(application, slot)(
        environ_of() | {"wsgi.file_wrapper": FileWrapper}, lambda *_arguments: len
    )

    assert type(result) is FileWrapper
    assert board.busy(1) == 1
    assert log.lines == []

    result.close()
    result.close()

    assert file.closed
    assert board.busy(1) == 0
    assert [line["bytes"] for line in log.lines] == [8]


def test_a_file_wrapper_that_takes_no_attribute_is_iterated() -> None:
    class Frozen:
        __slots__ = ("file",)

        def __init__(self, file: Any) -> None:
            self.file = file

        def __iter__(self) -> Iterator[bytes]:
            return iter(self.file)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"contents"))

    frozen: dict[str, Any] = {"wsgi.file_wrapper": Frozen}
    assert ask(wrapped(application), **frozen).body == b"contents"


def test_a_status_line_nobody_can_read_counts_as_a_500(slot: Slot, board: Scoreboard) -> None:
    ask_status = wrapped(answering([], "odd"), slot)

    list(ask_status(environ_of(), lambda *_arguments: len))
    ask_status(environ_of(), lambda *_arguments: len).close()  # type: ignore[attr-defined]

    assert board.totals().by_class == (0, 0, 0, 0, 1)


def test_one_wrapper_inside_another_does_nothing(log: Log) -> None:
    answer = ask(wrapped(wrapped(hello)))

    assert [name for name, _ in answer.fields].count("X-Request-ID") == 1
    assert len(log.lines) == 1


def test_draining_is_known_to_a_running_stream(slot: Slot, board: Scoreboard) -> None:
    from gunwale.runtime.scoreboard import State

    seen: list[bool] = []

    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        seen.append(environ["gunwale.draining"]())
        board.state = State.LAME_DUCK
        seen.append(environ["gunwale.draining"]())
        yield b""

    ask(wrapped(application, slot))

    assert seen == [False, True]


def test_without_serve_nothing_ever_drains() -> None:
    seen: list[bool] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ["gunwale.draining"]())
        return hello(environ, start_response)

    ask(wrapped(application))

    assert seen == [False]

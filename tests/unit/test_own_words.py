"""What serve takes from a ``waitress-serve`` or ``gunicorn`` command, without starting anything."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gunwale.errors import ConfigurationError
from gunwale.serve import own_command

if TYPE_CHECKING:
    from gunwale.serve.own_command import Own

HERE = Path(sys.executable).parent


def waitress(*words: str) -> Own:
    return own_command.read("waitress", words, {}, Path("/"), is_command=True)


def settings(own: Own) -> dict[str, object]:
    return {each.key: each.value for each in own.settings or ()}


@pytest.mark.parametrize(
    ("words", "bind"),
    [
        ([], ["0.0.0.0:8080"]),
        (["--port=80"], ["0.0.0.0:80"]),
        (["--host", "127.0.0.1"], ["127.0.0.1:8080"]),
        (["--host=::1", "--port=9"], ["[::1]:9"]),
        (["--listen=127.0.0.1:1", "--listen", "[::1]:2"], ["127.0.0.1:1", "[::1]:2"]),
        (["--listen=127.0.0.1:1 127.0.0.1:2"], ["127.0.0.1:1", "127.0.0.1:2"]),
        (["--listen=*:3"], ["[::]:3"]),
        (["--listen=127.0.0.1"], ["127.0.0.1:8080"]),
        (["--unix-socket=/run/shop.sock"], ["unix:/run/shop.sock"]),
    ],
)
def test_addresses_of_waitress_serve(words: list[str], bind: list[str]) -> None:
    assert settings(waitress(*words, "shop:app"))["serve.bind"] == bind


def test_what_the_plan_has_and_what_waitress_keeps() -> None:
    words = (
        "--threads=8 --backlog 64 --channel-timeout=30 --ident=shop --no-log-socket-errors --url-prefix=/a"
    )
    own = waitress(*words.split(), "--call", "shop:create_app")

    assert own.refused == []
    assert own.words == ("ident=shop", "log_socket_errors=false", "url_prefix=/a")
    found = settings(own)
    assert found.pop("serve.bind")
    assert found == {
        "serve.threads": "8",
        "serve.backlog": "64",
        "serve.keepalive": "30",
        "app": "shop:create_app()",
    }


@pytest.mark.parametrize(
    "word",
    [
        "--trusted-proxy-count=2",
        "--clear-untrusted-proxy-headers",
        "--no-ipv4",
        "--sockets=x",
        "--help",
        "-x",
    ],
)
def test_what_cannot_be_honoured_is_refused_by_its_name(word: str) -> None:
    (problem,) = waitress(word, "shop:app").refused

    assert word.split("=", maxsplit=1)[0] in problem.where
    assert problem.hint


@pytest.mark.parametrize("word", ["--no-expose-tracebacks", "--no-clear-untrusted-proxy-headers"])
def test_a_flag_that_asks_for_what_serve_does_is_fine(word: str) -> None:
    assert waitress(word, "shop:app").refused == []


@pytest.mark.parametrize(
    ("command", "server", "words"),
    [
        (["gunicorn", "a:b"], "gunicorn", ["a:b"]),
        ([str(HERE / "gunicorn"), "a:b"], "gunicorn", ["a:b"]),
        (["python", "-m", "gunicorn", "a:b"], "gunicorn", ["a:b"]),
        (["python3.12", "-u", "-m", "gunicorn", "a:b"], "gunicorn", ["a:b"]),
        ([sys.executable, "-m", "waitress", "a:b"], "waitress", ["a:b"]),
        (["waitress-serve", "a:b"], "waitress", ["a:b"]),
    ],
)
def test_the_server_is_told_from_its_command(command: list[str], server: str, words: list[str]) -> None:
    assert own_command.split(command) == (server, words)


@pytest.mark.parametrize(
    "command", [["python"], ["python", "-m"], ["python", "-O", "-m", "gunicorn"], ["sh"]]
)
def test_a_command_that_starts_no_known_server_is_refused(command: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        own_command.split(command)


def test_a_bare_double_dash_in_gunicorns_words_stands_in_no_options_way() -> None:
    own = own_command.read("gunicorn", ["-w", "2", "--", "a:b"], {}, Path("/"), is_command=True)

    assert own.words == ("-w", "2", "a:b")

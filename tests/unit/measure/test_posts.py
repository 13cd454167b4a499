"""What was accepted against what is stored, and each way to learn the latter, on real applications."""

from __future__ import annotations

import json
import sqlite3
import sys
from typing import TYPE_CHECKING, Any

import pytest

from gunwale.errors import ConfigurationError, StartError
from gunwale.measure.load import Ask, Kind, Load, Outcome, Profile, Record
from gunwale.measure.load_mix import EXPECTED, read_mix
from gunwale.measure.posts import Stored, audit, read_stored
from tiny_server import OK, Server, answer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path


def post(number: int, outcome: Outcome = Outcome.OK, status: int | None = 201, **more: Any) -> Record:
    values: dict[str, Any] = {"method": "POST", "path": "/orders", "kind": Kind.FRESH} | more
    return Record(id=key(number), intended=0.0, finished=1.0, outcome=outcome, status=status, **values)


def key(number: int) -> str:
    return f"0123abcd-{number:08d}"


def test_post_that_was_accepted_and_is_not_there_is_lost() -> None:
    found = audit([post(1), post(2)], [key(1)])

    assert (found.accepted, found.stored, found.lost, found.is_whole) == (2, 1, (key(2),), False)


def test_post_that_is_there_twice_is_doubled() -> None:
    found = audit([post(1), post(2)], [key(1), f"order {key(2)}", f'{{"key": "{key(2)}"}}'])

    assert (found.stored, found.lost, found.doubled, found.is_whole) == (2, (), {key(2): 2}, False)


def test_text_that_names_its_id_twice_is_one() -> None:
    # As in {"key": ID, "note": "order ID"}.
    assert audit([post(1)], [f"{key(1)} {key(1)}"]).is_whole


def test_stored_without_an_answer_harms_nobody_and_is_told() -> None:
    cut = post(2, Outcome.RESET, None)
    found = audit([post(1), cut], [key(1), key(2)])

    assert (found.accepted, found.stored, found.unanswered, found.is_whole) == (1, 2, 1, True)


def test_doubled_without_an_answer_is_doubled_all_the_same() -> None:
    found = audit([post(1), post(2, Outcome.EOF, None)], [key(1), key(2), key(2)])

    assert found.doubled == {key(2): 2}


def test_nothing_accepted_is_not_whole() -> None:
    refused = [post(1, Outcome.OK, 422), post(2, Outcome.STATUS_ERROR, 503), post(3, Outcome.REFUSED, None)]
    found = audit([*refused, post(4, method="GET")], [])

    assert (found.accepted, found.lost, found.is_whole) == (0, (), False)


def test_only_the_named_paths_are_looked_at_and_only_what_this_load_sent() -> None:
    records = [post(1), post(2, path="/login"), post(3, path="/orders?via=app")]
    others = ["0123abcd-00000009", "ffff0000-00000001", "no id", f"a{key(1)}", f"{key(1)}0"]
    found = audit(records, [key(1), key(3), *others], ["/orders"])

    assert (found.accepted, found.stored, found.is_whole) == (2, 2, True)


def test_what_a_server_loses_and_doubles_is_found_by_its_ids(serve: Callable[..., Server]) -> None:
    stored: list[str] = []

    def behave(server: Server, connection: socket.socket, number: int) -> None:
        head = server.read(connection).decode()
        stored.extend(
            [head.rpartition("Idempotency-Key: ")[2].split("\r\n")[0]] * {3: 0, 5: 2}.get(number, 1)
        )
        connection.sendall(OK)

    with Load(Profile(target=serve(behave).url, mix=(Ask(method="POST"),))) as load:
        load.burst(20)
        result = load.stop()
    found = audit(result.records, stored)

    sent = {record.id for record in result.records}
    assert (found.accepted, found.stored, len(found.lost), found.is_whole) == (20, 19, 1, False)
    assert set(found.lost) == sent - set(stored)
    assert found.doubled == {each: 2 for each in stored if stored.count(each) == 2}


SHOP = """
import sqlite3
from flask import Flask, current_app

print("an application may print as it is imported")

def create_app():
    app = Flask(__name__)

    @app.get("/")
    @app.get("/about")
    def home(): return "home"

    @app.get("/pages/", defaults={"page": 1})
    @app.get("/pages/<int:page>")
    def pages(page): return str(page)

    @app.post("/orders")
    def orders(): return "", 201

    @app.get("/far", subdomain="api")
    def far(): return "far"

    @app.get("/near")
    def near(): return "near"

    return app

def keys():
    return [current_app.name, "0123abcd-00000001"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "little.py").write_text(SHOP)
    with sqlite3.connect(tmp_path / "little.sqlite") as database:
        database.execute("CREATE TABLE orders (key TEXT)")
        database.executemany("INSERT INTO orders VALUES (?)", [(key(1),), (key(2),)])
    database.close()
    return tmp_path


def test_routes_are_those_that_answer_get_and_need_no_argument(project: Path) -> None:
    mix = read_mix("routes", app="little:create_app()", directory=project)

    assert [each.path for each in mix.asks] == ["/", "/about", "/near", "/pages/"]
    assert {(each.method, each.expect) for each in mix.asks} == {("GET", EXPECTED)}
    assert mix.notes == (
        "left out: routes that answer no GET (1)",
        "left out: routes with an argument (2)",  # /pages/<page> and Flask's own /static/<path>
        "left out: routes of another host (1)",
    )


def test_application_that_does_not_import_says_why(project: Path) -> None:
    with pytest.raises(StartError, match="cannot be asked for its routes") as caught:
        read_mix("routes", app="missing:app", directory=project)

    assert "No module named 'missing'" in str(caught.value)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (Stored(callable="little:keys"), ("little", key(1))),
        (Stored(sql="SELECT key FROM orders", database="sqlite:///little.sqlite"), (key(1), key(2))),
        (Stored(command=f"{sys.executable} -c 'print(1); print(2)'"), ("1", "2", "")),
    ],
)
def test_stored_ids_are_learned_from_the_application(
    project: Path, stored: Stored, expected: tuple[str, ...]
) -> None:
    assert read_stored(stored, app="little:create_app()", directory=project, target="") == expected


@pytest.mark.parametrize("listed", [json.dumps([key(1), {"key": key(2)}]), f"{key(1)}\n{key(2)}\n"])
def test_stored_ids_are_learned_by_asking(serve: Callable[..., Server], tmp_path: Path, listed: str) -> None:
    body = listed.encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    server = serve(answer(head + body))
    found = read_stored(Stored(url="/orders/keys"), app="", directory=tmp_path, target=server.url)

    assert audit([post(1), post(2)], found).is_whole
    assert server.requests[0].startswith(b"GET /orders/keys ")


@pytest.mark.parametrize(
    "stored",
    [
        Stored(callable="little:gone"),
        Stored(sql="SELECT key FROM nowhere", database="sqlite:///little.sqlite"),
        Stored(sql="SELECT 1", database="sqlite:///gone.sqlite"),
        Stored(sql="SELECT 1"),  # the application has no database that it tells of
        Stored(command="false"),
        Stored(command="/gone"),
        Stored(url="http://127.0.0.1:1/"),
    ],
)
def test_source_that_does_not_say_is_an_error_and_not_an_empty_store(project: Path, stored: Stored) -> None:
    with pytest.raises(StartError):
        read_stored(stored, app="little:create_app()", directory=project, target="")


def test_way_is_read_from_a_word() -> None:
    assert Stored.parse("sql:SELECT key FROM a WHERE b = 'c:d'") == Stored(
        sql="SELECT key FROM a WHERE b = 'c:d'"
    )
    with pytest.raises(ConfigurationError, match="WAY:VALUE"):
        Stored.parse("SELECT 1")

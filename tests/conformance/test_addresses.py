"""Where serve listens, and that it listens nowhere before it can answer."""

from __future__ import annotations

import re
import socket
import stat
from typing import TYPE_CHECKING

import pytest

from live import raw, read_response, request, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from served import Served, Variant


def ports(served: Served) -> list[int]:
    line = served.wait_for_log(r"serving on (.*): generation").group(1)
    return [int(found) for found in re.findall(r":(\d+)(?:,|$)", line)]


@pytest.mark.parametrize(
    ("bind", "hosts"),
    [
        ("127.0.0.1:0", ["127.0.0.1"]),
        ("[::1]:0", ["::1"]),
        ("[::]:0", ["::1", "127.0.0.1"]),  # dual stack
        ("0.0.0.0:0", ["127.0.0.1"]),
    ],
)
def test_each_family_answers_and_drains(
    variant: Variant, serve: Callable[..., Served], bind: str, hosts: list[str]
) -> None:
    served = serve(*variant.options, bind=bind, workers=1)
    (port,) = ports(served)
    for host in hosts:
        assert request(host, port, "/", headers={"Host": "test"}).body == b"here\n"
    busy = raw(hosts[-1], port, timeout=20)
    busy.sendall(b"GET /slow?seconds=1 HTTP/1.1\r\nHost: test\r\n\r\n")
    served.wait_until(lambda: served.metric("gunwale_requests_in_flight") == 1, 10, "the request runs")
    served.terminate()

    assert read_response(busy).status == 200
    assert served.wait_exit(20) == 0
    with pytest.raises(ConnectionRefusedError):
        raw(hosts[0], port)
    busy.close()


def test_several_addresses_are_served_and_drained_together(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    path = project / "app.sock"
    served = serve(*variant.options, bind=f"127.0.0.1:0,[::1]:0,unix:{path}", workers=1)
    first, second = ports(served)
    for host, port in (("127.0.0.1", first), ("::1", second), (f"unix:{path}", 0)):
        assert request(host, port, "/", headers={"Host": "test"}).body == b"here\n"
    served.terminate()

    assert served.wait_exit(20) == 0
    assert not path.exists()


def test_a_unix_socket_finishes_what_it_accepted(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    path = project / "app.sock"
    served = serve(*variant.options, bind=f"unix:{path}", workers=1)
    served.wait_for_log("serving on")
    assert stat.S_ISSOCK(path.stat().st_mode)
    socks = []
    for number in range(6):
        sock = raw(f"unix:{path}", timeout=20)
        sock.sendall(f"GET /slow?seconds={0.5 if number < 2 else 0} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        socks.append(sock)
    served.terminate()

    assert [read_response(sock).status for sock in socks] == [200] * 6
    assert served.wait_exit(20) == 0
    assert list(project.glob("app.sock*")) == []
    for sock in socks:
        sock.close()


def test_nothing_listens_before_a_worker_is_up(
    variant: Variant, serve: Callable[..., Served], port: int
) -> None:
    served = serve(*variant.options, app="slow_import:application", bind=f"127.0.0.1:{port}")
    served.wait_for_log("importing slowly")

    with pytest.raises(ConnectionRefusedError):
        raw("127.0.0.1", port)


def test_an_application_that_does_not_import_ends_serve(
    variant: Variant, serve: Callable[..., Served], port: int
) -> None:
    served = serve(*variant.options, app="broken_import:application", bind=f"127.0.0.1:{port}")

    assert served.wait_exit(20) == 3
    assert "No module named 'no_such_module_of_ours'" in served.log_text()
    with pytest.raises(ConnectionRefusedError):
        raw("127.0.0.1", port)


def test_a_port_in_use_is_said_and_left_alone(variant: Variant, serve: Callable[..., Served]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        served = serve(*variant.options, bind=f"127.0.0.1:{number}")

        assert served.wait_exit(20) == 3
        assert f"127.0.0.1:{number} (--bind): is already in use" in served.log_text()
        assert "hint: another process listens on port" in served.log_text()


def test_a_second_serve_on_the_same_port_is_refused(variant: Variant, serve: Callable[..., Served]) -> None:
    """Both would ask for SO_REUSEPORT, and the kernel would let them share."""
    first = serve(*variant.options)
    number = first.port
    second = serve(*variant.options, bind=f"127.0.0.1:{number}")

    assert second.wait_exit(20) == 3
    assert {first.get("/").status for _ in range(20)} == {200}


def test_a_path_that_is_no_socket_is_left_alone(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    path = project / "precious"
    path.write_text("data")
    served = serve(*variant.options, bind=f"unix:{path}")

    assert served.wait_exit(20) == 2
    assert path.read_text() == "data"


def test_a_leftover_socket_is_replaced(variant: Variant, serve: Callable[..., Served], project: Path) -> None:
    path = project / "app.sock"
    with socket.socket(socket.AF_UNIX) as leftover:
        leftover.bind(str(path))
    served = serve(*variant.options, bind=f"unix:{path}", workers=1)

    wait_until(lambda: "serving on" in served.log_text(), 20, "serving")
    assert request(f"unix:{path}", 0, "/").body == b"here\n"

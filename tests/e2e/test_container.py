"""gunwale serve as PID 1 of a hardened container: `docker stop` under load, a slow reader, and its limits."""

from __future__ import annotations

import json
import math
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from shop.views.downloads import blocks

from e2e.containers import HARDENED, a_container
from gunwale.measure.load import Ask, LoadProcess, Profile

if TYPE_CHECKING:
    from e2e.containers import Container
    from e2e.engine import Engine

pytestmark = pytest.mark.docker

PORT = 8000
# The shop's plan says gthread with 4 threads; each class with what it needs.
WORKER_CLASSES = {
    "sync": ("--worker-class", "sync", "--threads", "1"),
    "gthread": ("--worker-class", "gthread"),
    "gevent": ("--worker-class", "gevent"),
}
LAME_DUCK = 2
RATE = 30.0
BURST = 60
KEEPALIVE_CLIENTS = 8
SIZE = 1_500_000
READ_SECONDS = 8.0
SILENCE_SECONDS = 10.0  # a container that is gone does not even reset
MIX = (
    Ask(path="/products/1", weight=8),
    Ask(path="/report?seconds=0.3", weight=1),
    Ask(
        path="/orders",
        method="POST",
        body="product_id=1&quantity=1",
        fields={"Content-Type": "application/x-www-form-urlencoded"},
    ),
)
SERVE = ("gunwale", "serve", "--lame-duck", str(LAME_DUCK))
BARE = ("gunicorn", "--bind", f"0.0.0.0:{PORT}", "--no-control-socket", "shop:create_app()")


def _planned(engine: Engine, image: str, *options: str) -> dict[str, dict[str, object]]:
    """Return the values of the plan that `gunwale plan` prints in a container started with *options*."""
    said = engine.run("run", "--rm", *HARDENED, *options, image, "gunwale", "plan", "--format", "json")
    values: dict[str, dict[str, object]] = json.loads(said[said.index("{") :])["values"]
    return values


@pytest.fixture(scope="module")
def stop_seconds(engine: Engine, shop_image: str) -> int:
    """Give what the plan says for `docker stop -t`."""
    value = _planned(engine, shop_image)["rollout.stop_timeout"]["value"]
    assert isinstance(value, int | float)
    return math.ceil(value)


@pytest.mark.parametrize("worker_class", WORKER_CLASSES)
def test_docker_stop_under_load_loses_nothing(
    engine: Engine, shop_image: str, stop_seconds: int, worker_class: str
) -> None:
    with a_container(engine, shop_image, *SERVE, *WORKER_CLASSES[worker_class]) as container:
        container.wait_until_listening(PORT)
        profile = Profile(
            target=f"http://{container.address}:{PORT}",
            rate=RATE,
            mix=MIX,
            keepalive_clients=KEEPALIVE_CLIENTS,
            connect_timeout=5,
        )
        with LoadProcess(profile) as load:
            time.sleep(2)  # what the load is: two seconds of it before the signal
            load.burst(BURST)
            stopped = time.monotonic()
            status = container.stop(stop_seconds)
            result = load.stop(grace=6)

    assert result.failed_before(stopped) == ()
    assert result.in_flight_at(stopped)
    assert result.lost_in_flight_at(stopped) == ()
    assert result.broken_after(stopped) == ()
    assert result.broken_clients_after(stopped) == ()
    assert status == 0


def _read_slowly_while_it_stops(container: Container, seconds: int) -> tuple[bytes, int]:
    """Ask for the download, stop the container once it flows, read it over READ_SECONDS.

    Returns the body as far as it came, and the container's exit status.
    """
    status: list[int] = []
    stopping = threading.Thread(target=lambda: status.append(container.stop(seconds)))
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        client.settimeout(SILENCE_SECONDS)
        client.connect((container.address, PORT))
        asked = (
            f"GET /download?bytes={SIZE} HTTP/1.1\r\nHost: {container.address}\r\nConnection: close\r\n\r\n"
        )
        client.sendall(asked.encode())
        received = bytearray(client.recv(1024))
        stopping.start()
        try:
            while block := client.recv(16_384):
                received += block
                time.sleep(len(block) / SIZE * READ_SECONDS)  # what the reader is: slow
        except OSError:
            pass  # cut short: the body shows it
    stopping.join()
    return bytes(received.partition(b"\r\n\r\n")[2]), status[0]


@pytest.mark.parametrize("worker_class", WORKER_CLASSES)
def test_a_slow_reader_gets_the_whole_response_before_pid_1_leaves(
    engine: Engine, shop_image: str, stop_seconds: int, worker_class: str
) -> None:
    with a_container(engine, shop_image, *SERVE, *WORKER_CLASSES[worker_class]) as container:
        container.wait_until_listening(PORT)
        body, status = _read_slowly_while_it_stops(container, stop_seconds)

    assert body == b"".join(blocks(SIZE))
    assert status == 0


def test_bare_gunicorn_as_pid_1_cuts_the_same_reader_short(engine: Engine, shop_image: str) -> None:
    with a_container(engine, shop_image, *BARE) as container:
        container.wait_until_listening(PORT)
        body, _ = _read_slowly_while_it_stops(container, 40)

    assert len(body) < SIZE


def test_the_plan_sees_the_limits_of_its_container(engine: Engine, shop_image: str) -> None:
    planned = _planned(engine, shop_image, "--cpus", "0.5", "--memory", "256m")

    assert planned["resources.cpu"]["value"] == 0.5
    assert planned["resources.memory"]["value"] == 256 * 1024 * 1024

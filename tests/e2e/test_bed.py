"""The test bed itself: what the container tests stand on, shown with a bare server."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from e2e.containers import UID, a_container

if TYPE_CHECKING:
    from e2e.engine import Engine

pytestmark = pytest.mark.docker

BARE = ("gunicorn", "--bind", "0.0.0.0:8000", "--no-control-socket", "shop:create_app()")


def test_a_hardened_container_serves_the_shop_under_bare_gunicorn(engine: Engine, shop_image: str) -> None:
    with a_container(engine, shop_image, *BARE) as container:
        container.wait_until_listening(8000)
        client = HTTPConnection(container.address, 8000, timeout=10)
        client.request("GET", "/")

        assert client.getresponse().status == 200
        assert container.stop(10) == 0


def test_a_container_is_as_hardened_as_its_options_say(engine: Engine, shop_image: str) -> None:
    asked = (
        "import os; print('uid', os.getuid(), open('/proc/self/status').read()); open('/srv/written', 'w')"
    )
    with a_container(engine, shop_image, "python3", "-c", asked) as container:
        engine.run("wait", container.name)
        said = container.logs()

        assert f"uid {UID} " in said
        assert "CapBnd:\t0000000000000000" in said
        assert "NoNewPrivs:\t1" in said
        assert "Read-only file system" in said

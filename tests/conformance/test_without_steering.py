"""Where the kernel does not steer connections: what serve says, and what it does not do there."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from live import request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from served import Served, Variant

OFF = {"GUNWALE_SERVE_STEERING": "off"}


def reload(address: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "gunwale", "reload", "--bind", address]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def test_a_reload_is_refused_and_the_old_version_serves_on(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options, env=OFF, workers=1)
    outcome = reload(f"127.0.0.1:{served.port}")

    assert outcome.returncode == 1
    assert "connections are not steered here, and it would lose requests: restart instead" in outcome.stdout
    assert served.get().status == 200


def test_a_unix_socket_alone_reloads_all_the_same(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    path = project / "app.sock"
    served = serve(*variant.options, env=OFF, bind=f"unix:{path}", workers=1)
    served.wait_for_log("serving on")
    before = request(f"unix:{path}", 0, "/pid").text
    outcome = reload(f"unix:{path}")

    assert outcome.returncode == 0, outcome.stdout + served.log_text()
    assert request(f"unix:{path}", 0, "/pid").text != before


def test_it_says_that_the_server_drains_by_itself(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options, env=OFF, workers=1)
    assert served.get().status == 200
    served.terminate()

    assert served.wait_exit(20) == 0
    assert "does not steer connections): the server's own drain is used" in served.log_text()

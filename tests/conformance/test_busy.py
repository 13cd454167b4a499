"""The admin port answers at once when every worker is busy; a path of the application does not."""

from __future__ import annotations

import contextlib
import statistics
import time
from typing import TYPE_CHECKING

import pytest

from live import raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant

ASKS = 1000
THREADS = 8  # of the variants that have some


@pytest.mark.slow  # it measures time, alone on the machine
def test_the_admin_port_answers_while_every_worker_is_busy(
    variant: Variant, serve: Callable[..., Served], record_property: Callable[[str, object], None]
) -> None:
    served = serve(*variant.options, "--request-timeout", "60", "--set", "rollout.stop_timeout=90", workers=4)
    served.wait_for_workers(4)
    served.wait_until(lambda: served.ask_admin("/ready").status == 200, 10, "ready")
    with contextlib.ExitStack() as busy:
        # Half spinning, half blocked, and far more than there are places: every worker is busy all the time.
        for path in ["/spin?seconds=20", "/slow?seconds=20"] * 120:
            ask(served, path, busy)
        places = variant.workers(4) * (THREADS if variant.has_threads else 1)

        def is_full() -> bool:
            # A worker that spins accepts little: it is asked until each of its threads has something.
            ask(served, "/slow?seconds=20", busy)
            return served.metric("gunwale_requests_in_flight") >= places

        served.wait_until(is_full, 10, "every place of every worker is taken")
        assert served.metric('gunwale_workers{state="busy"}') == variant.workers(4)
        taken = []
        for number in range(ASKS):
            began = time.monotonic()
            response = served.ask_admin(("/health", "/ready")[number % 2])
            taken.append(time.monotonic() - began)
            assert response.status == 200, response.body
        p99 = statistics.quantiles(taken, n=100)[98]
        record_property("admin p99 ms", round(p99 * 1e3, 2))

        # The same question inside the saturated application.
        with pytest.raises(TimeoutError):
            served.get("/ready", timeout=1)
        assert p99 < 0.05


def ask(served: Served, path: str, until: contextlib.ExitStack) -> None:
    """Ask, and wait for no answer."""
    sock = until.enter_context(raw("127.0.0.1", served.port, timeout=60))
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())

"""Waitress's own settings, from the plan, the machine, and the user's own ``waitress-serve`` command."""

from __future__ import annotations

import math
import resource
import tempfile
from typing import TYPE_CHECKING, Any

from waitress.adjustments import Adjustments

from gunwale.runtime import server_log

if TYPE_CHECKING:
    from collections.abc import Sequence

MIB = 1 << 20
IN_MEMORY = 1 << 62
CONNECTIONS = 1000
"""At once, where the descriptor limit allows it; as many as a Gunicorn worker has."""
HEAD = 64 << 10
"""Bytes of a request's head: what AWS's load balancers let through; Waitress's own is four times that."""


def adjustments(plan: dict[str, Any], words: Sequence[str] = ()) -> Adjustments:
    """Say in Waitress's words what the plan says, what has to be right in any case, and the user's *words*.

    A word is "name=value"; where memory is all there is for bodies, theirs do not stand against it.
    """
    keepalive = math.ceil(plan["serve.keepalive"])
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if descriptors == resource.RLIM_INFINITY:
        descriptors = 1 << 20
    own = dict(word.partition("=")[::2] for word in words)
    values: dict[str, Any] = {
        "threads": plan["serve.threads"],
        # Up to three descriptors a connection: bodies on their way may be in temporary files.
        "connection_limit": max(16, min(CONNECTIONS, (descriptors - 64) // 3)),
        "channel_timeout": max(1, keepalive),
        "cleanup_interval": max(1, min(30, keepalive // 4)),
        "max_request_header_size": HEAD,
        # Neither cleared nor trusted here: what a field may say is the declared chain's to decide.
        "clear_untrusted_proxy_headers": False,
        "expose_tracebacks": False,
    }
    return Adjustments(**{**values, **own, **_buffers()})


def _buffers() -> dict[str, int]:
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        most = 16 * MIB
        server_log.say("waitress", f"no temporary files here: request bodies end at {most // MIB} MiB")
        memory = {"outbuf_overflow": IN_MEMORY, "inbuf_overflow": IN_MEMORY}
        return {**memory, "outbuf_high_watermark": MIB, "max_request_body_size": most}
    return {}

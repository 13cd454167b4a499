"""One id for each request: the chain's where it can be believed, else made; in log records, too."""

from __future__ import annotations

import logging
import os
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_FIELD = "X-Request-ID"

# A context variable, because threads, greenlets (>= 1.0) and async views each see their own request's.
current: ContextVar[str] = ContextVar("gunwale_request_id", default="")


def id_maker() -> Callable[[], str]:
    """Return a function that makes ids of 32 random hex digits, never the same in a forked child.

    256 ids to a system call: one urandom(16) a request would be a third of the whole budget.
    """
    pool: list[str] = []
    os.register_at_fork(after_in_child=pool.clear)

    def make() -> str:
        try:
            # list.pop is atomic, so threads never share an id.
            return pool.pop()
        except IndexError:
            digits = os.urandom(16 * 256).hex()
            pool.extend(digits[at : at + 32] for at in range(0, len(digits), 32))
            return os.urandom(16).hex()

    return make


def environ_key(field: str) -> str:
    """Return the CGI name of a request field."""
    return "HTTP_" + field.upper().replace("-", "_")


def response_field(field: str | None, pattern: str) -> str:
    """Return the response field that carries the id.

    The chain's own field where an id of ours would be a legal value of it; X-Request-ID where it would
    not: 32 hex digits are no traceparent.
    """
    if field is not None and re.fullmatch(pattern, "0123456789abcdef" * 2):
        return field
    return DEFAULT_FIELD


def add_to_log_records() -> None:
    """Give each log record the attribute ``request_id``, whatever logging the application configures.

    A record factory would make ``logger.info(…, extra={"request_id": …})`` raise KeyError, which
    applications with an id of their own do; a filter would miss every handler added later. So the id is
    added where a logger hands the record to its handlers, unless one is there already.
    """
    handle = logging.Logger.handle
    if getattr(handle, "adds_request_id", False):
        return

    def handle_with_id(self: logging.Logger, record: logging.LogRecord) -> None:
        record.__dict__.setdefault("request_id", current.get())
        handle(self, record)

    handle_with_id.adds_request_id = True  # type: ignore[attr-defined]
    logging.Logger.handle = handle_with_id  # type: ignore[method-assign]

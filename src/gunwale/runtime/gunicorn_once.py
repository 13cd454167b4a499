"""What Gunicorn works out anew for every request, worked out once.

A worker asks its configuration 22 to 25 times a request (27.0.1, counted 2026-11-28), each time by a
``__getattr__`` that looks for the setting and calls it; it formats the date of each response, which
changes once a second; and it looks for the streams behind each ``wsgi.errors``, to which hardly any
application writes. What comes out is the same.
"""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Any

from gunicorn.config import Config
from gunicorn.http.wsgi import WSGIErrorsWrapper

if TYPE_CHECKING:
    from collections.abc import Callable


class KeptConfig(Config):
    """Gunicorn's configuration, whose values are plain attributes from keep() on."""

    _is_kept = False

    def keep(self) -> None:
        """Make an attribute of each setting; in a worker, when all is loaded."""
        self._is_kept = True
        for name in self.settings:
            self._keep(name)

    def set(self, name: str, value: Any) -> None:
        """Set it as Gunicorn does, and keep what it made of it."""
        super().set(name, value)
        if self._is_kept:
            self._keep(name)

    def _keep(self, name: str) -> None:
        # A property of Gunicorn's by the same name still comes first.
        self.__dict__[name] = self.settings[name].get()


def once_a_second(http_date: Callable[..., str]) -> Callable[..., str]:
    """Return *http_date*, which formats a time in whole seconds, with the latest answer kept."""
    kept = (0, "")

    def kept_http_date(timestamp: float | None = None) -> str:
        nonlocal kept
        if timestamp is not None:
            return http_date(timestamp)
        now = int(time())
        second, text = kept
        if now != second:
            text = http_date(now)
            kept = (now, text)  # swapped whole, so that threads never mix two seconds
        return text

    return kept_http_date


class Errors(WSGIErrorsWrapper):
    """One ``wsgi.errors`` for all requests, which looks for its streams when it is written to."""

    def __init__(self, cfg: Config) -> None:
        self._cfg = cfg

    def write(self, data: Any) -> None:
        """Write to where the error log goes now: its files may have been opened anew."""
        WSGIErrorsWrapper(self._cfg).write(data)

    def close(self) -> None:
        """Stay open: it is the next request's too, and none may close it (PEP 3333)."""

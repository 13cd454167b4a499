"""What is done to a Flask object itself, and how it is found behind the user's own middleware."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from gunwale.runtime.request_id import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

EXTENSION = "gunwale"
_GIVEN = "gunwale.request_id"

# Where middleware keeps what it wraps: Werkzeug's and most others', WhiteNoise's, a bound method's.
INNER = ("app", "application", "wsgi_app", "__self__", "__wrapped__")
INNER_DEPTH = 8


def find_flask(application: object) -> Flask | None:
    """Return the Flask object that *application* is, or that the middleware around it ends in."""
    # Where nobody has imported Flask there is no Flask object, and other applications stay without it.
    flask = sys.modules.get("flask")
    if flask is None:
        return None
    for _ in range(INNER_DEPTH):
        if isinstance(application, flask.Flask):
            found: Flask = application
            return found
        candidates = (getattr(application, name, None) for name in INNER)
        application = next((inner for inner in candidates if callable(inner)), None)
    return None


def give_request_id(app: Flask) -> None:
    """Have ``g.request_id`` on every request; one that the application sets itself wins."""
    if _GIVEN in app.extensions:
        return
    app.extensions[_GIVEN] = True

    make: Callable[[], Any] = app.app_ctx_globals_class

    def make_with_id() -> Any:
        values = make()
        if request_id := current.get():  # else there is no request: a command, a thread of its own
            values.request_id = values.gunwale_request_id = request_id
        return values

    # Not by a before_request function: Flask looks at each of those anew on every request.
    app.app_ctx_globals_class = make_with_id  # type: ignore[assignment]  # called, and nothing else


def declared_checks(app: Flask) -> tuple[Any, ...]:
    """Return the checks that the application gave to Gunwale() itself."""
    settings = getattr(app.extensions.get(EXTENSION), "settings", None)
    return settings.health.checks if settings is not None else ()

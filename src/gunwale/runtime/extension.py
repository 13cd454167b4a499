"""The Flask extension, for applications that run without ``gunwale serve``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from gunwale.runtime.flask_object import EXTENSION, give_request_id
from gunwale.runtime.settings import Settings

if TYPE_CHECKING:
    from flask import Flask

SUPERVISED = "GUNWALE_SUPERVISED"


class Gunwale:
    """Health paths, request ids, access log, forwarded fields, cookies and hosts for a Flask application.

    Settings are keyword arguments (``Gunwale(app, checks=[database], hops={"x_for": 1})``) or GUNWALE_
    keys of app.config (``GUNWALE_HEALTH_CHECKS``). Apply it last, after the configuration and after other
    middleware. Under ``gunwale serve`` the plan's values hold, and only *checks* are added to the plan's.
    """

    def __init__(self, app: Flask | None = None, **arguments: Any) -> None:
        self._arguments = arguments
        self.settings: Settings | None = None
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Apply to *app*; a second time does nothing."""
        if EXTENSION in app.extensions:
            return
        self.settings = Settings.from_config(app.config, **self._arguments)
        app.extensions[EXTENSION] = self
        give_request_id(app)
        if SUPERVISED in os.environ:
            return  # serve wraps the application from outside
        from gunwale.runtime.wsgi import Wrapper

        app.wsgi_app = Wrapper(app.wsgi_app, self.settings, app)  # type: ignore[method-assign]

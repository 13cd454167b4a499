"""Flask's cookie and host settings, where the application still has Flask's own defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from gunwale.runtime.settings import Settings


def apply(app: Flask, settings: Settings) -> None:
    """Set what the application did not; Secure only where *settings* say that TLS is in the chain."""
    cookies = settings.cookies
    wanted = {
        "SESSION_COOKIE_HTTPONLY": cookies.httponly,
        "SESSION_COOKIE_SAMESITE": cookies.samesite,
        "SESSION_COOKIE_SECURE": True if cookies.secure else None,
        "TRUSTED_HOSTS": list(settings.trusted_hosts) if settings.trusted_hosts else None,
    }
    for key, value in wanted.items():
        # Flask before 3.1 has no TRUSTED_HOSTS: the wrapper's own test does it there.
        if value is not None and key in app.default_config and app.config.get(key) == app.default_config[key]:
            app.config[key] = value

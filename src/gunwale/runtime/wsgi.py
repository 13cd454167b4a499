"""The wrapper around a WSGI application: what gunwale does on every request, in one place."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from gunwale.runtime import cookies, echo
from gunwale.runtime import request_id as ids
from gunwale.runtime.access_log import access_log
from gunwale.runtime.exchange import Exchange, Surroundings
from gunwale.runtime.flask_object import declared_checks, find_flask, give_request_id
from gunwale.runtime.forwarded import resolver
from gunwale.runtime.forwarded_values import peer_test
from gunwale.runtime.health import Probes
from gunwale.runtime.hosts import host_test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication

    from flask import Flask

    from gunwale.runtime.scoreboard import Slot
    from gunwale.runtime.settings import Settings

REQUEST_ID = "gunwale.request_id"
DRAINING = "gunwale.draining"

# Without the host itself: it is the client's text.
_UNTRUSTED = b"400 Bad Request: this host is not served here\n"


def wrap(application: WSGIApplication, settings: Settings, slot: Slot | None = None) -> Wrapper:
    """Return *application* with everything of *settings* around it.

    A Flask object, also one inside other middleware, gets the extension. Without *slot* call attach() in
    the worker after its fork; call start_checks() there when the application has booted.
    """
    flask = find_flask(application)
    wrapper = Wrapper(application, settings, flask)
    if slot is not None:
        wrapper.attach(slot)
    return wrapper


class Wrapper:
    """A WSGI application around another one."""

    def __init__(self, application: WSGIApplication, settings: Settings, flask: Flask | None = None) -> None:
        checks = settings.health.checks
        if flask is not None:
            cookies.apply(flask, settings)
            give_request_id(flask)
            # Callables that the application declared itself cannot be in a plan, and are not lost.
            checks += tuple(c for c in declared_checks(flask) if c not in checks)
        self._application = application
        self._probes = Probes(application, settings, flask, checks)
        self._echo_token = None if application is echo.application else echo.token(os.environ)
        # One lookup on every request: the echo's path is among them only where there is a token.
        self._own_paths = self._probes.paths | ({echo.PATH} if self._echo_token else set())
        self._resolve = None if settings.hops is None else resolver(settings.hops, settings.networks)
        self._is_proxy = peer_test(settings.networks)
        self._make_id = ids.id_maker()
        self._id_key = settings.request_id_field and ids.environ_key(settings.request_id_field)
        self._id_pattern = re.compile(settings.request_id_pattern)
        field = ids.response_field(settings.request_id_field, settings.request_id_pattern)
        self._surroundings = Surroundings(field, _spellings(field), None, access_log(settings.access_log))
        own_hosts = flask is not None and flask.config.get("TRUSTED_HOSTS")
        hosts = own_hosts or settings.trusted_hosts
        self._is_trusted = host_test(hosts) if hosts else None
        self._is_draining: Callable[[], bool] = _never
        ids.add_to_log_records()

    def attach(self, slot: Slot) -> None:
        """Report to *slot* from now on; in the worker, after fork."""
        scoreboard = slot.scoreboard
        self._surroundings = self._surroundings._replace(slot=slot)
        self._is_draining = lambda: scoreboard.is_closing
        self._probes.attach(slot)

    def start_checks(self) -> None:
        """Start the readiness checks, where this worker is the one to run them."""
        self._probes.start()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        if REQUEST_ID in environ:
            return self._application(environ, start_response)  # inside another wrapper: never twice
        # Before the peer's address is replaced: it tells whether the chain's own id can be believed.
        key = self._id_key
        request_id = self._make_id() if key is None else self._id_of(environ, key)
        environ[REQUEST_ID] = request_id
        environ[DRAINING] = self._is_draining
        if self._resolve is not None:
            self._resolve(environ)
        exchange = Exchange(environ, start_response, request_id, self._surroundings)
        try:
            if environ.get("PATH_INFO") in self._own_paths and environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
                answer = self._answer(environ, exchange)
                if answer is not None:
                    return exchange.body(answer)
            elif self._is_trusted is not None and not self._is_trusted(environ):
                return exchange.body(_refuse_host(environ, exchange.start))
            return exchange.body(self._application(environ, exchange.start))
        except BaseException as error:
            exchange.fail(error)
            exchange.close()
            raise

    def _answer(self, environ: dict[str, Any], exchange: Exchange) -> Iterable[bytes] | None:
        """Answer on a path of ours, or return None: the application is to be asked."""
        path = environ["PATH_INFO"]
        if path in self._probes.paths:
            exchange.is_probe = True
            return self._probes.answer(environ, exchange.start)
        if self._echo_token and echo.is_allowed(environ, self._echo_token):
            return echo.answer(environ, exchange.start, self._application)
        if self._is_trusted is not None and not self._is_trusted(environ):
            return _refuse_host(environ, exchange.start)
        return None

    def reject(self, remote_addr: str, status: int, reason: str) -> None:
        """Log a request that the server refused before it became one: nobody else would say so."""
        request_id = self._make_id()
        environ: dict[str, Any] = {"REMOTE_ADDR": remote_addr, REQUEST_ID: request_id}
        exchange = Exchange(environ, _no_response, request_id, self._surroundings._replace(slot=None))
        exchange.status = status
        exchange.error = reason
        exchange.close()

    def _id_of(self, environ: dict[str, Any], key: str) -> str:
        given: str | None = environ.get(key)
        if given is None or self._id_pattern.fullmatch(given) is None:
            return self._make_id()
        return given if self._is_proxy(environ.get("REMOTE_ADDR", "")) else self._make_id()


def _spellings(field: str) -> frozenset[str]:
    # A lookup instead of lower() on every field of every response; an odder spelling sends the id twice.
    return frozenset({field, field.lower(), field.upper(), field.title()})


def _no_response(*_: object) -> Any:
    raise AssertionError("a rejected request has no response of the application's")


def _never() -> bool:
    return False


def _refuse_host(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    body = b"" if environ["REQUEST_METHOD"] == "HEAD" else _UNTRUSTED
    fields = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(_UNTRUSTED)))]
    start_response("400 Bad Request", fields)
    return [body] if body else []

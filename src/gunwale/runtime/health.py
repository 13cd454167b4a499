"""The answers on the liveness and readiness paths.

If the application routes a path itself, its answer stands; ours only fills a gap. Either way the
question comes before trusted hosts, redirects to https and logins: probes know none of them.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from gunwale.runtime.checks import FAILED, OK, UNKNOWN, CheckFailed, Checks, Result, failed_names
from gunwale.runtime.hosts import first_host, host_test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from wsgiref.types import StartResponse, WSGIApplication

    from flask import Flask

    from gunwale.runtime.scoreboard import Slot
    from gunwale.runtime.settings import Check, Settings

STALE_AFTER_INTERVALS = 3
DEGRADED_FIELD = "Gunwale-Degraded"
_FIRST_RESULT_POLL = 0.01


class Answer(NamedTuple):
    """An answer of ours."""

    status: str
    word: str
    failed: list[str]


class Probes:
    """Answers for one application; *flask* is the Flask object behind it, if there is one."""

    def __init__(
        self,
        application: WSGIApplication,
        settings: Settings,
        flask: Flask | None,
        checks: Sequence[Check],
    ) -> None:
        self._application = application
        self._health = settings.health
        self._flask = flask
        self._checks = tuple(checks)
        self._trusted_hosts = settings.trusted_hosts
        self._scheme = "https" if settings.cookies.secure else "http"
        self.paths = frozenset({self._health.liveness_path, self._health.readiness_path})
        self._routed: dict[str, bool] = {}
        self._slot: Slot | None = None
        self._running: Checks | None = None
        self._pid = 0

    def attach(self, slot: Slot) -> None:
        """Use the scoreboard from now on; in the worker, after fork."""
        self._slot = slot

    def start(self) -> None:
        """Start the checks in this process, if they are this process's to run, once."""
        slot = self._slot
        # Threads do not live on in a forked child: a pid tells.
        if self._pid == os.getpid() or (slot is not None and slot.index != 0):
            return
        self._pid = os.getpid()
        checks = list(self._checks)
        if slot is not None:
            checks.append(_named(self._ask_readiness, self._health.readiness_path))
        elif not checks:
            return  # nobody would read the result
        self._running = Checks(
            checks,
            interval=self._health.interval,
            timeout=self._health.timeout,
            reports_only=self._health.after_ready == "report",
            publish=None
            if slot is None
            else (lambda result: slot.write_health(result.status, result.detail)),
            context=nullcontext if self._flask is None else self._flask.app_context,
        )
        was_ready = slot is not None and slot.scoreboard.health(slot.generation).status == OK
        self._running.start(was_ready=was_ready)

    def answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes] | None:
        """Answer a probe by ourselves, or return None: the application is to be asked, as environ now is."""
        path = environ["PATH_INFO"]
        is_readiness = path == self._health.readiness_path
        ours = self._readiness() if is_readiness else Answer("200 OK", "alive", [])
        if self.is_routed(path) and not (is_readiness and self._overrules(ours)):
            self._make_trusted(environ)
            return None
        body = json.dumps({"status": ours.word} | ({"failed": ours.failed} if ours.failed else {})).encode()
        fields = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        ]
        if ours.word == "degraded":
            fields.append((DEGRADED_FIELD, ", ".join(ours.failed)))
        start_response(ours.status, fields)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def is_routed(self, path: str) -> bool:
        """Tell whether the application answers *path* itself; asked once a process."""
        routed = self._routed.get(path)
        if routed is None:
            routed = self._routed[path] = self._find_out(path)
        return routed

    def _overrules(self, ours: Answer) -> bool:
        """Tell whether our no goes before the application's answer."""
        if ours.word == "lame duck":
            return True
        return bool(self._checks) and ours.word in {"failed", "stale", "starting"}

    def _find_out(self, path: str) -> bool:
        flask = self._flask
        if flask is not None and (
            self._application is flask or getattr(self._application, "__self__", None) is flask
        ):
            return _has_rule(flask, path)
        try:
            status = ask(self._application, path, self._host(), self._scheme)
        except Exception:  # noqa: BLE001 - an application that cannot answer here does not serve the path
            return False
        # A redirect or a demand for a login is no health answer.
        return 200 <= status < 300 or status == 503

    def _ask_readiness(self) -> None:
        path = self._health.readiness_path
        if self.is_routed(path):
            status = ask(self._application, path, self._host(), self._scheme)
            if status >= 400:
                raise CheckFailed(f"answered {status}")

    def _host(self) -> str:
        own = self._flask.config.get("TRUSTED_HOSTS") if self._flask is not None else None
        return first_host(own or self._trusted_hosts)

    def _make_trusted(self, environ: dict[str, Any]) -> None:
        own = self._flask.config.get("TRUSTED_HOSTS") if self._flask is not None else None
        trusted = own or self._trusted_hosts
        if trusted and not host_test(trusted)(environ):
            environ["HTTP_HOST"] = first_host(trusted)
        # A load balancer's probe comes by plain http; a redirect to https would fail it.
        if self._scheme == "https":
            environ["wsgi.url_scheme"] = "https"

    def _readiness(self) -> Answer:
        slot = self._slot
        if slot is not None and slot.scoreboard.is_draining:
            return Answer("503 Service Unavailable", "lame duck", [])
        self.start()
        if not self._checks:
            return Answer("200 OK", "ready", [])
        result = self._first_result() if slot is None else Result(*slot.scoreboard.health(slot.generation))
        names = failed_names(result.detail)
        if result.status == UNKNOWN:
            return Answer("503 Service Unavailable", "starting", [])
        if time.monotonic() - result.checked_at > STALE_AFTER_INTERVALS * self._health.interval:
            return Answer("503 Service Unavailable", "stale", names)
        if result.status == FAILED:
            return Answer("503 Service Unavailable", "failed", names)
        return Answer("200 OK", "degraded" if names else "ready", names)

    def _first_result(self) -> Result:
        """Wait for the first round, with gevent's sleep where that is patched in."""
        running = self._running
        if running is None:
            return Result(UNKNOWN, 0.0, "")
        deadline = time.monotonic() + self._health.timeout + 0.5
        while running.latest.status == UNKNOWN and time.monotonic() < deadline:
            time.sleep(_FIRST_RESULT_POLL)
        return running.latest


def _named(check: Callable[[], None], name: str) -> Callable[[], None]:
    def asked() -> None:
        check()

    asked.__qualname__ = name
    return asked


def _has_rule(app: Flask, path: str) -> bool:
    """Tell whether a rule of *app* is this very path: a catch-all route is no health answer."""
    from werkzeug.exceptions import HTTPException
    from werkzeug.routing import RoutingException

    adapter = app.url_map.bind(app.config.get("SERVER_NAME") or "localhost")
    try:
        rule, _ = adapter.match(path, method="GET", return_rule=True)
    except (RoutingException, HTTPException):
        return False
    return not rule.arguments - (rule.defaults or {}).keys()


def ask(application: WSGIApplication, path: str, host: str, scheme: str) -> int:
    """Ask *application* for *path* in this thread; its status."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": host,
        "SERVER_PORT": "443" if scheme == "https" else "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": host,
        "HTTP_USER_AGENT": "gunwale-health",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "gunwale.request_id": "health",
        "gunwale.draining": lambda: False,
    }
    statuses: list[str] = []

    def start_response(status: str, _headers: object, _exc_info: object = None) -> Callable[[bytes], object]:
        statuses.append(status)
        return len

    result = application(environ, start_response)
    try:
        # A generator calls start_response with its first block only.
        next(iter(result), None)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    return int(statuses[-1][:3])

"""Gunicorn: sync, gthread, gevent, and a user's own worker class by its dotted name."""

from __future__ import annotations

import importlib.metadata
import math
import os
import sys
from typing import TYPE_CHECKING, Any

from gunwale.errors import Problem
from gunwale.plan.server import GUNICORN
from gunwale.serve import gunicorn_settings
from gunwale.serve.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gunwale.plan.capacity import Capacity

TRAITS = GUNICORN
PROGRAM = "gunicorn"
own = gunicorn_settings.own
GRACEFUL = 3
"""Seconds that Gunicorn waits: nobody is owed anything, but kept connections and exit hooks take time."""
MARGIN = 5
GREENLETS = 1000  # worker_connections' default

_WORDS = {
    "serve.worker_class": "--worker-class",
    "serve.threads": "--threads",
    "serve.request_timeout": "--timeout",
    "serve.keepalive": "--keep-alive",
    "serve.log_level": "--log-level",
    "serve.max_requests": "--max-requests",
    "serve.max_requests_jitter": "--max-requests-jitter",
    "name": "--name",
}

_TORNADO = "Tornado's server has no way to close a connection while draining"
_ASGI = "serve wraps WSGI applications, and it runs ASGI ones"
_PYWSGI = "gevent's own server has no way to close a connection while draining; gevent is the same loop"
_LOOPS = {
    "eventlet": "Gunicorn has dropped it",
    "gaiohttp": "Gunicorn has dropped it",
    "tornado": _TORNADO,
    "gunicorn.workers.gtornado.TornadoWorker": _TORNADO,
    "asgi": _ASGI,
    "gunicorn.workers.gasgi.ASGIWorker": _ASGI,
    "uvicorn": _ASGI,
    "uvicorn_worker": _ASGI,
    "gevent_pywsgi": _PYWSGI,
    "gevent_wsgi": _PYWSGI,
    "gunicorn.workers.ggevent.GeventPyWSGIWorker": _PYWSGI,
}


def command(plan: Mapping[str, Any], capacity: Capacity, *, left_to_server: frozenset[str]) -> Command:
    """Start Gunicorn's own application class through our launcher, with what the plan says as its words.

    Keys in *left_to_server* are set in the project's gunicorn.conf.py in a way that only Gunicorn can read.
    """
    worker_class, threads = plan["serve.worker_class"], plan["serve.threads"]
    # What a class of the user's own does at once is not known.
    concurrency = {"sync": 1, "gthread": threads}.get(worker_class, GREENLETS)
    workers = plan["serve.workers"]
    most = max(2, int(2 * capacity.cpu + 1)) if workers == "auto" else workers
    return Command(
        argv=(
            sys.executable,
            "-P",  # the project's files must not hide the standard library's
            "-m",
            "gunwale.runtime.servers.gunicorn",
            *plan.get("serve.words", ()),  # of the user's own command; the last one of two stands
            *_words(plan, left_to_server),
        ),
        slots=max(32, 2 * most),
        concurrency=concurrency,
        scale_signal="SIGTTIN",
        steers=plan["serve.steers"],
    )


def _words(plan: Mapping[str, Any], left_to_server: frozenset[str]) -> Iterator[str]:
    for key, option in _WORDS.items():
        value = plan.get(key)
        if value in {None, 0, ""} or key in left_to_server:
            continue
        yield option
        # Gunicorn's times are whole seconds.
        yield str(max(1, round(value))) if isinstance(value, float) else str(value)
    yield "--graceful-timeout"
    # Where the drain is its own, the supervisor ends it in time, and names what is cut.
    yield str(GRACEFUL if plan["serve.steers"] else math.ceil(plan["serve.drain_timeout"]) + MARGIN)
    if plan["serve.preload"] and "serve.preload" not in left_to_server:
        yield "--preload"
    has_folder = "worker_tmp_dir" in left_to_server
    if not has_folder and os.access("/dev/shm", os.W_OK):  # noqa: S108 - a tmpfs: the heartbeat must not wait for a disk
        yield "--worker-tmp-dir"
        yield "/dev/shm"  # noqa: S108 - as above
    if "serve.words" not in plan:
        yield "--"
        yield plan["app"]


def refusals(plan: Mapping[str, Any]) -> Iterator[Problem]:
    """Name what the plan asks for and Gunicorn cannot do, or cannot do here."""
    if loop := _LOOPS.get(plan["serve.worker_class"].split(".")[0]) or _LOOPS.get(plan["serve.worker_class"]):
        yield Problem(
            where="serve.worker_class",
            message=f"{plan['serve.worker_class']!r} cannot be honoured: {loop}",
            hint="choose sync, gthread or gevent, or a subclass of one of them",
        )
    elif plan["serve.worker_class"] == "gevent":
        yield from _gevent()
    elif plan["serve.worker_class"] == "sync" and plan["serve.threads"] > 1:
        yield Problem(
            where="serve.threads",
            message=f"{plan['serve.threads']} threads cannot be had with the sync worker class",
            hint="set serve.worker_class to gthread (Gunicorn would switch silently), or threads to 1",
        )


def _gevent() -> Iterator[Problem]:
    try:
        greenlet = importlib.metadata.version("greenlet")
        importlib.metadata.version("gevent")
    except importlib.metadata.PackageNotFoundError as error:
        message = f"the gevent worker class needs {error.name}, which is not installed"
        yield Problem(where="serve.worker_class", message=message, hint="pip install 'gunwale[gevent]'")
        return
    if int(greenlet.split(".")[0]) < 1:
        message = f"greenlet {greenlet} loses context variables between greenlets"
        yield Problem(where="serve.worker_class", message=message, hint="pip install 'greenlet>=1.0'")

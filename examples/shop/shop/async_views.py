"""Async views under gevent, where Flask's own way fails as soon as two run at once."""

import asyncio
import contextvars
import functools
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from flask import Flask


class Shop(Flask):
    """A Flask application whose async views work on every worker class."""

    def async_to_sync(self, func: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """Give each call of *func* an event loop: in a thread of its own where threads are greenlets.

        An event loop is known by its thread, and all of gevent's greenlets share one: the second of two
        concurrent calls would find the first one's loop running ("You cannot use AsyncToSync in the same
        thread as an async event loop", asgiref 3.13 with gevent 26.9).
        """
        return _in_native_thread(func) if _is_patched_by_gevent() else super().async_to_sync(func)


def _is_patched_by_gevent() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def _in_native_thread(func: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    import gevent

    @functools.wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        # The copy carries Flask's request and application context into the thread.
        context = contextvars.copy_context()
        pool = gevent.get_hub().threadpool
        return pool.apply(context.run, (asyncio.run, func(*args, **kwargs)))

    return call

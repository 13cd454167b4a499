"""The application's own callable at the end of a worker, the same on every server."""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def resolve(name: str | None) -> Callable[[], object] | None:
    """Import "module:callable" while the worker boots: a wrong name must show then, not at the end."""
    if name is None:
        return None
    module, _, path = name.partition(":")
    found: Any = import_module(module)
    for attribute in path.split("."):
        found = getattr(found, attribute, None)
    if not callable(found):
        raise TypeError(f"serve.on_worker_exit: {name!r} is {found!r}, not callable")
    return found  # type: ignore[no-any-return]  # as the line above has seen


def call(hook: Callable[[], object] | None) -> None:
    """Call *hook*; what it raises is shown, and stands in nobody's way."""
    if hook is None:
        return
    try:
        hook()
    except Exception:  # noqa: BLE001 - the user's own code may raise anything, and it is shown whole
        sys.stderr.write("serve.on_worker_exit raised:\n")
        traceback.print_exc()

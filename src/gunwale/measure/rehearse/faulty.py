"""What a new release runs, or is asked, when a rehearsal makes it fail; the old one never sees this."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

APP = "REHEARSAL_APP"  # not GUNWALE_…: those are settings
CRASH = "REHEARSAL_CRASH_WHEN"
_LOOK = 0.02  # seconds


def hangs() -> WSGIApplication:
    """Never come to have an application, as one that waits for something while it is imported."""
    sys.stderr.write("rehearsal: this release hangs while it boots, as --fault never-ready asks\n")
    sys.stderr.flush()
    while True:
        time.sleep(3600)


def crashes() -> WSGIApplication:
    """Load the application, and end this process as soon as the file named by CRASH is there.

    A worker that is started after that ends before it has booted: for a moment it would look well.
    """
    from gunwale.runtime.application import load

    when = Path(os.environ[CRASH])
    if when.exists():
        _crash()
    application = load(os.environ[APP])

    def crash() -> None:
        while not when.exists():
            time.sleep(_LOOK)
        _crash()

    threading.Thread(target=crash, name="rehearsal-crash", daemon=True).start()
    return application


def _crash() -> None:
    sys.stderr.write("rehearsal: this release crashes, as --fault crash-after-ready asks\n")
    sys.stderr.flush()
    os._exit(1)


def dependency() -> None:
    """Be a readiness check whose dependency does not answer."""
    raise ConnectionError("the dependency does not answer, as --fault dependency-down asks")

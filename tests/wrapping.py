"""Running ``gunwale serve [options] -- COMMAND`` in tests: the user's own command with one word in front."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GUNICORN = (sys.executable, "-m", "gunicorn")
WAITRESS = (str(Path(sys.executable).with_name("waitress-serve")),)


def wrapped(own: Sequence[str], *options: str, admin: str = "127.0.0.1:0") -> list[str]:
    """Put serve in front of the user's *own* command."""
    root = ["--allow-root"] if os.geteuid() == 0 else []
    words = [sys.executable, "-m", "gunwale", "serve", *root, "--admin-bind", admin, *options]
    return [*words, "--", *own]

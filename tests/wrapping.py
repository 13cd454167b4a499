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

HOOKS = {
    "on_starting": "server",
    "when_ready": "server",
    "pre_fork": "server, worker",
    "post_fork": "server, worker",
    "post_worker_init": "worker",
    "pre_request": "worker, request",
    "post_request": "worker, request, environ, response",
    "child_exit": "server, worker",
    "worker_exit": "server, worker",
    "nworkers_changed": "server, new, old",
    "on_exit": "server",
}
CONFIGURATION = "import os\nfrom pathlib import Path\nworkers = 2\n" + "".join(
    f"def {name}({arguments}):\n    with (Path(__file__).with_name('record')).open('a') as file:\n"
    f"        file.write('{name} ' + str(os.getpid()) + chr(10))\n"
    for name, arguments in HOOKS.items()
)


def wrapped(own: Sequence[str], *options: str, admin: str = "127.0.0.1:0") -> list[str]:
    """Put serve in front of the user's *own* command."""
    root = ["--allow-root"] if os.geteuid() == 0 else []
    words = [sys.executable, "-m", "gunwale", "serve", *root, "--admin-bind", admin, *options]
    return [*words, "--", *own]

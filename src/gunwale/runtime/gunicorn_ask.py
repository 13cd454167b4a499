"""What Gunicorn's settings come to, told by Gunicorn: for a configuration that only running it would tell.

Run as ``python -m gunwale.runtime.gunicorn_ask FD WORDS…``: the answer is JSON on FD, nothing is served.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

# Gunicorn reads this name as a number while it is imported.
if not os.environ.get("WEB_CONCURRENCY", "1").isdigit():
    del os.environ["WEB_CONCURRENCY"]
from gunicorn.app.base import Application


class Asked(Application):  # type: ignore[misc]  # Gunicorn has no types
    """Gunicorn's application, as far as its configuration."""

    def init(self, _parser: Any, _options: Any, _words: Any) -> None:
        """Leave the application's name alone: the command line reads it itself."""


def main() -> None:
    """Answer."""
    answer = int(sys.argv.pop(1))
    sys.argv[0] = "gunicorn"
    found = {}
    for name, setting in Asked("%(prog)s [OPTIONS] [APP_MODULE]", prog="gunicorn").cfg.settings.items():
        value = setting.get()
        if isinstance(value, type):
            value = f"{value.__module__}.{value.__qualname__}"
        if value is None or isinstance(value, str | int | float | list):
            found[name] = {"value": value, "is_set": value != type(setting)().get()}
    with os.fdopen(answer, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main()

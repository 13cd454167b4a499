"""A server's own loggers, where the application has left them alone."""

from __future__ import annotations

import logging
import os
import sys

LEVELS = {"critical": 50, "error": 40, "warning": 30, "info": 20, "debug": 10}


class OneLine(logging.Filter):
    """Servers log paths as clients sent them, some decoded: a line break in one must not forge a line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Escape what does not print; every record passes."""
        record.msg = "".join(c if c.isprintable() else repr(c)[1:-1] for c in record.getMessage())
        record.args = ()
        return True


def set_up(levels: dict[str, int]) -> None:
    """Give each logger its least level, unless the application has given it one."""
    for name, least in levels.items():
        logger = logging.getLogger(name)
        logger.addFilter(OneLine())
        if logger.level == logging.NOTSET:
            logger.setLevel(least)


def say(server: str, message: str) -> None:
    """Write a line on stderr."""
    sys.stderr.write(f"{server}[{os.getpid()}]: {message}\n")
    sys.stderr.flush()

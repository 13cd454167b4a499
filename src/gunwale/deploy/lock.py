"""One roll-out at a time: a file lock of the kernel's, which a dead holder has lost already."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.errors import GunwaleError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def hold(root: Path, verb: str) -> Iterator[None]:
    """Hold the lock of the site in *root* for *verb*; GunwaleError (exit 1) says who has it."""
    with (root / "roll.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hint = "wait until it has ended, and try again; gunwale status shows what it does"
            message = f"another roll-out is going on: {_holder(file.seek(0), file.read())}"
            raise GunwaleError(Problem(where=str(root), message=message, hint=hint)) from None
        file.truncate(0)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        file.write(json.dumps({"verb": verb, "pid": os.getpid(), "since": since}))
        file.flush()
        yield


def is_held(root: Path) -> bool:
    """Whether a roll-out goes on; asked of the kernel (proc_locks(5)), since trying would be holding."""
    try:
        inode = (root / "roll.lock").stat().st_ino
        locks = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return False
    return any(f":{inode} " in line for line in locks.splitlines())


def _holder(_at: int, text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return "it has just begun"
    return f"gunwale {found['verb']}, pid {found['pid']}, since {found['since']}"

"""Rendered files on the disk: all of them written, or none, and no hand edit lost."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.errors import GunwaleError, Problem, StartError
from gunwale.render.artifact import Change, State

if TYPE_CHECKING:
    from collections.abc import Sequence

_HINTS = {
    State.TOUCHED: "move the edit between the marks or into the plan; delete the file to render it anew",
    State.FOREIGN: "gunwale overwrites no file of yours: move it away, or name the targets you want",
    State.CROWDED: "move these lines elsewhere, then render again",
}
_MODE = 0o644


def read(path: Path) -> str | None:
    """Return the text of *path*, None where there is nothing; what is no text is nobody's of ours."""
    try:
        if path.is_symlink() or not stat.S_ISREG(path.stat().st_mode):
            return ""
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StartError(Problem(where=str(path), message=f"cannot be read: {error.strerror}")) from error


def write(directory: Path, changes: Sequence[Change]) -> list[Change]:
    """Write what is missing or stale and return it; GunwaleError names every file that stands in the way.

    Nothing is written where one of them does.
    """
    problems = [
        Problem(where=each.artifact.path, message=each.state.value, hint=_HINTS[each.state])
        for each in changes
        if each.state in _HINTS
    ]
    if problems:
        raise GunwaleError(problems)
    wanted = [each for each in changes if each.state in (State.MISSING, State.STALE)]
    replace({directory / each.artifact.path: each.after for each in wanted})
    return wanted


def replace(texts: dict[Path, str]) -> None:
    """Give every path its text, all or none: each is complete beside its place before the first is moved."""
    waiting: dict[Path, Path] = {}
    moved: dict[Path, bytes | None] = {}
    path = Path()
    try:
        for path, text in texts.items():
            waiting[path] = _beside(path)
            _fill(waiting[path], text)
        for path, beside in waiting.items():
            before = path.read_bytes() if path.exists() else None
            beside.replace(path)
            moved[path] = before
    except OSError as error:
        for done, before in moved.items():
            _restore(done, before)
        message = f"cannot be written: {error.strerror}; nothing was"
        raise StartError(
            Problem(where=str(path), message=message, hint="make the directory writable")
        ) from error
    finally:
        for beside in waiting.values():
            beside.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else _MODE
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(descriptor)
    found = Path(name)
    found.chmod(mode)
    return found


def _fill(path: Path, text: str) -> None:
    with path.open("wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _restore(path: Path, before: bytes | None) -> None:
    with contextlib.suppress(OSError):
        if before is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(before)

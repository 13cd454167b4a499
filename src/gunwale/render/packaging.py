"""How the project's packages are installed, by the files it has: a lock file is honoured."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from pathlib import Path

# Strongest first: who has a lock file wants it used.
_LOCKS = {
    "uv": ("uv.lock", "pyproject.toml"),
    "poetry": ("poetry.lock", "pyproject.toml"),
    "pipenv": ("Pipfile.lock", "Pipfile"),
    "pip": ("requirements.txt",),
}
_MOST = 2**22
_OLDEST = (3, 11)  # of the interpreters that gunwale runs on: pyproject.toml, requires-python
TOO_OLD = f"gunwale runs on {_OLDEST[0]}.{_OLDEST[1]} or newer: write a newer image.python, and try it out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packaging:
    """The *tool* that installs, the *files* it reads (the lock first), and whether they carry hashes."""

    tool: str
    files: tuple[str, ...]
    has_hashes: bool
    text: str

    def names(self, package: str) -> bool:
        """Whether the lock file names *package*."""
        name = re.sub(r"[-_.]+", "[-_.]+", package)
        return (
            re.search(rf'^(?:\s*"|name = ")?{name}(?![\w.-])', self.text, re.IGNORECASE | re.MULTILINE)
            is not None
        )


def is_too_old(python: str) -> bool:
    """Whether gunwale cannot be installed for the interpreter *python* ("3.8")."""
    return tuple(int(part) for part in python.split(".")) < _OLDEST


def find(directory: Path) -> Packaging:
    """Return how the project in *directory* is installed; ConfigurationError where no file says."""
    for tool, files in _LOCKS.items():
        if all((directory / name).is_file() for name in files):
            text = (directory / files[0]).read_text(errors="replace")[:_MOST]
            has_hashes = tool != "pip" or "--hash=" in text
            return Packaging(tool=tool, files=files, has_hashes=has_hashes, text=text)
    names = ", ".join(files[0] for files in _LOCKS.values())
    raise ConfigurationError(
        Problem(
            where="gunwale render dockerfile",
            message=f"no file says what to install: looked for {names}",
            hint="lock the packages: uv lock, poetry lock, or pip freeze > requirements.txt",
        )
    )

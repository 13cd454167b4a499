"""What is a secret, told by its name and its value; and what git keeps out of the repository."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.facts import Source
from gunwale.project.readers import dockerignore

if TYPE_CHECKING:
    from gunwale.project.model import Project

_NAME = re.compile(
    r"(?:.*(?:PASSWORD|PASSWD)|(?:PG|DB|MYSQL|REDIS|SMTP|MAIL|ROOT)PASS|"  # PGPASSWORD, as libpq has it
    r"(?:.*[_-])?(?:PASSWORDS|PASSPHRASE|PASS|PWD|PW|SECRET|TOKEN|"
    r"(?:SECRET|API|ACCESS|PRIVATE|SIGNING|ENCRYPTION|FERNET)_?KEY))(?:_\d+)?",
    re.IGNORECASE,
)
# Names that end as a secret's does and are none: switches, what is public, the shell's own.
_OTHER_NAME = re.compile(
    r".*(?:ALLOW_EMPTY|RANDOM_ROOT|_NO_|PUBLIC|SITE|PUBLISHABLE|RESET|CHANGE|FORGOT|HASH).*|PWD|OLDPWD",
    re.IGNORECASE,
)
# What stands where a value is to be put in, and what is a switch or a path.
_NO_VALUE = re.compile(
    r"|true|false|yes|no|on|off|none|null|\d{1,2}|[*x.\-_]+|<.*>|\[.*\]|\{\{.*|%\(.*|\.{0,2}/.*|"
    r"(?:your|put|insert|enter|replace|fill|set)[ _-].*|.*_here|arn:.*|secretsmanager:.*|file:.*|vault:.*",
    re.IGNORECASE | re.DOTALL,
)
_URL = re.compile(
    r"(?P<scheme>[a-z][\w+.-]*)://[^\s:/@]*:(?P<password>[^\s@/]+)@(?P<host>[^\s:/?]*)", re.IGNORECASE
)
_SAMPLE = re.compile(
    r"(?:^|[._-])(?:sample|example|template|tmpl|dist|default|dummy|fake)s?(?:[._-]|$)", re.IGNORECASE
)
_LOCAL = ("localhost", "127.0.0.1", "[", "")


class Credentials(NamedTuple):
    """What a URL holds beside the address: its *scheme* and *host*; the password itself is not kept."""

    scheme: str
    host: str

    @property
    def is_local(self) -> bool:
        """Whether it leads to the same machine: a developer's."""
        return self.host in _LOCAL


def is_secret(name: str, value: object) -> bool:
    """Whether *value*, under that *name*, is a secret that is written out."""
    if not isinstance(value, str | bytes) or not _NAME.fullmatch(name) or _OTHER_NAME.fullmatch(name):
        return False
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return not _NO_VALUE.fullmatch(text.strip()) and "$" not in text[:2]


def credentials(value: object) -> Credentials | None:
    """Return what a URL says of where its password leads; None where it has none, or a variable."""
    match = _URL.search(value) if isinstance(value, str) else None
    if match is None or match["password"].startswith(("$", "{", "<", "%(", "*")):
        return None
    return Credentials(match["scheme"], match["host"])


def is_sample(path: str) -> bool:
    """Whether a file is there to be copied and filled in."""
    return _SAMPLE.search(path.rpartition("/")[2]) is not None


def is_ignored(project: Project, path: str) -> bool:
    """Whether git leaves *path* out of the repository."""
    return any(each.excludes(path) for each in project.derive(_ignored))


def _ignored(project: Project) -> tuple[dockerignore.Dockerignore, ...]:
    """Return the .gitignore files, written as patterns from the project's root."""
    found = []
    for path in project.tree.files:
        source = project.source(path, "secrets") if path.rpartition("/")[2] == ".gitignore" else None
        if source is not None:
            lines = [_from_root(line, posixpath.dirname(path)) for line in source.lines()]
            found.append(dockerignore.read(Source(path, "\n".join(lines))))
    return tuple(found)


def _from_root(line: str, folder: str) -> str:
    """Write one line of a .gitignore in *folder* as Docker's: git matches a name without a slash anywhere."""
    text = line.strip()
    if not text or text.startswith("#"):
        return ""
    sign, text = ("!", text[1:]) if text.startswith("!") else ("", text)
    clean = text.rstrip("/")
    anywhere = "" if "/" in clean else "**/"
    return f"{sign}{posixpath.join(folder, anywhere)}{clean.lstrip('/')}"

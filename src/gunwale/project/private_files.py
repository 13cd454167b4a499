"""Files that belong on one machine and in no image: settings with secrets, keys, local databases."""

from __future__ import annotations

import re

_SAMPLE = re.compile(r"example|sample|template|dist$|default|schema|test|tmpl|\.j2$|\.md$", re.IGNORECASE)
_ENVIRONMENT = re.compile(r"\.env(?:\.[\w.-]+)?|[\w-]+\.env|\.envrc")
_KEY = re.compile(
    r"id_(?:rsa|dsa|ecdsa|ed25519)|[\w.-]+\.(?:key|p12|pfx|jks|kdbx)|\.pgpass|\.netrc|\.htpasswd|"
    r"(?:privkey|private|server)[\w.-]*\.pem|credentials\.json|service[_-]account[\w.-]*\.json|\.vault_pass"
)
_DATABASE = re.compile(r"[\w.-]+\.(?:sqlite3?|db)")


def is_environment_file(path: str) -> bool:
    """Whether it is a file of environment variables that is used, and not a sample of one."""
    name = path.rpartition("/")[2]
    return _ENVIRONMENT.fullmatch(name) is not None and not _SAMPLE.search(name)


def is_private(path: str) -> bool:
    """Whether it is one that no image should hold."""
    name = path.rpartition("/")[2]
    if _SAMPLE.search(name) or is_test(path):
        return False
    return is_environment_file(path) or any(each.fullmatch(name) for each in (_KEY, _DATABASE))


def is_test(path: str) -> bool:
    """Whether it lies among tests."""
    return any(part in ("test", "tests", "testing", "fixtures", "testdata") for part in path.split("/"))

"""The build context, by the rules of Docker's own matching."""

from __future__ import annotations

import pytest

from gunwale.project.facts import Source
from gunwale.project.readers.dockerignore import read


@pytest.mark.parametrize(
    ("patterns", "path", "is_out"),
    [
        (".env", ".env", True),
        (".env", "src/.env", False),  # the root only, unlike .gitignore
        ("**/.env", ".env", True),
        ("**/.env", "a/b/.env", True),
        ("instance", "instance/shop.sqlite", True),  # a directory takes what is below it along
        ("instance/", "instance/shop.sqlite", True),
        ("/instance", "instance/x", True),
        ("*.pem", "key.pem", True),
        ("*.pem", "keys/key.pem", False),
        ("*/*.pem", "keys/key.pem", True),
        ("src/**/*.pyc", "src/a/b/c.pyc", True),
        ("src/**/*.pyc", "src/c.pyc", True),
        ("**", "anything/at/all", True),
        ("*\n!app.py", "app.py", False),  # the last match wins
        ("!app.py\n*", "app.py", True),
        ("*\n!src", "src/app.py", False),
        ("# .env\n.env", ".env", True),
        ("data?", "data1", True),
        ("data[0-9]", "data7", True),
        ("data[^0-9]", "data7", False),
        ("./config", "config/x", True),
        ("a b", "a b", True),
    ],
)
def test_a_path_is_left_out_as_docker_does(patterns: str, path: str, is_out: bool) -> None:
    assert read(Source(".dockerignore", patterns)).excludes(path) is is_out

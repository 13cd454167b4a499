"""Folders whose sockets have room for their names."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder of few letters: a Unix socket's path has at most 107, and HAProxy's 97."""
    with tempfile.TemporaryDirectory(prefix="gw-") as folder:
        yield Path(folder)

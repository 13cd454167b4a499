"""The site of a test, and that nothing of it is left."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.deploy.bed import Bed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def site() -> Iterator[Bed]:
    # Not tmp_path: a Unix socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="gw-") as folder:
        bed = Bed(Path(folder))
        try:
            yield bed
        finally:
            bed.clear()

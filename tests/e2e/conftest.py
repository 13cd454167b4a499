"""One engine and one image for all container tests of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.engine import an_engine
from e2e.images import ROOT, application_image, base_image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.engine import Engine

SECONDS = 600  # the first test of a run may have a base image to build


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with an_engine() as running:
        yield running


@pytest.fixture(scope="session")
def shop_image(engine: Engine) -> str:
    """Give the tag of examples/shop with gunwale, built from this working tree."""
    return application_image(engine, base_image(engine), ROOT / "examples" / "shop")

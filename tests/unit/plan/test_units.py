from __future__ import annotations

import pytest

from gunwale import units


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (30, 30.0),
        (0, 0.0),
        (2.5, 2.5),
        ("30", 30.0),
        ("30s", 30.0),
        ("1m30s", 90.0),
        ("500ms", 0.5),
        ("2h", 7200.0),
        ("1d", 86400.0),
        ("1.5m", 90.0),
        (" 30s ", 30.0),
    ],
)
def test_duration_is_read_in_seconds(given: object, expected: float) -> None:
    assert units.seconds(given) == expected


@pytest.mark.parametrize(
    "given", ["", "soon", "30 s 4", "-1", "1m30", "s", -1, float("inf"), float("nan"), True, None]
)
def test_what_is_no_duration_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        units.seconds(given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (1024, 1024),
        ("1024", 1024),
        ("256MiB", 256 * 2**20),
        ("512m", 512 * 2**20),
        ("512M", 512 * 2**20),
        ("512Mi", 512 * 2**20),
        ("512MB", 512 * 10**6),
        ("1.5GiB", 3 * 2**29),
        ("2 g", 2 * 2**30),
        ("10B", 10),
        ("1k", 1024),
    ],
)
def test_size_is_read_in_bytes(given: object, expected: int) -> None:
    assert units.size(given) == expected


@pytest.mark.parametrize("given", ["", "big", "-1", "5 apples", "1.2.3m", -1, 1.5, True, None])
def test_what_is_no_size_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="not a size"):
        units.size(given)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(512, "512 B"), (2**20, "1 MiB"), (1536 * 2**20, "1.5 GiB"), (2**60, "1.049e+06 TiB")],
)
def test_size_is_shown_in_its_largest_unit(count: int, expected: str) -> None:
    assert units.show_size(count) == expected


def test_duration_is_shown_in_seconds() -> None:
    assert units.show_seconds(37.0) == "37 s"

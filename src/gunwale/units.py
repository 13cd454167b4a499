"""Durations and sizes as people write them: "1m30s", "500ms", "256MiB", "512m"."""

from __future__ import annotations

import math
import re

SECONDS_EACH = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")

# A lone letter is binary, as `docker run --memory 512m` and systemd's MemoryMax=512M read it.
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt]?)(i?b?))", re.IGNORECASE)


def seconds(value: object) -> float:
    """Read a duration in seconds from a number or a text such as "1m30s"; ValueError if it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        duration = float(value)
    elif isinstance(value, str):
        duration = _seconds_of_text(value.strip())
    else:
        raise ValueError("not a duration")  # noqa: TRY004 - one exception for every unreadable value
    if not math.isfinite(duration) or duration < 0:
        raise ValueError("not a duration")
    return duration


def _seconds_of_text(text: str) -> float:
    if _NUMBER.fullmatch(text):
        return float(text)
    if not _DURATION.fullmatch(text):
        raise ValueError("not a duration")
    parts = _DURATION_PART.findall(text)
    return round(sum(float(number) * SECONDS_EACH[unit] for number, unit in parts), 6)


def size(value: object) -> int:
    """Read a size in bytes from an integer or a text such as "256MiB"; ValueError if it is none.

    "512m" and "512Mi" are 512 × 2^20 bytes, "512MB" is 512 × 10^6.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("not a size")
    number, prefix, unit = match.group(1), match.group(2).lower(), match.group(3).lower()
    base = 1000 if unit == "b" and prefix else 1024
    return int(float(number) * base ** _POWERS[prefix])


def show_seconds(duration: float) -> str:
    """Write a duration for people: "30 s", "2.5 s"."""
    return f"{duration:g} s"


def show_size(count: int) -> str:
    """Write a size for people, in the largest binary unit that keeps three digits: "256 MiB"."""
    amount, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:.4g} {unit}" if unit != "B" else f"{count} B"

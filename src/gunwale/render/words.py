"""Numbers and comments as rendered files hold them."""

from __future__ import annotations

import math
import textwrap

_WIDTH = 110


def number(value: float) -> str:
    """Write a number as short as it is: "60", "2.5"."""
    return f"{value:.10g}"


def whole(seconds: float) -> int:
    """Return *seconds* for a setting that takes whole ones only: never less than planned, 1 at least."""
    return max(1, math.ceil(seconds))


def one_line(text: str) -> str:
    """Return *text* as a comment may hold it."""
    return " ".join(text.split())


def told(text: str, indent: str = "") -> list[str]:
    """Return *text* as comment lines."""
    lead = f"{indent}# "
    return textwrap.wrap(
        one_line(text),
        _WIDTH,
        initial_indent=lead,
        subsequent_indent=f"{lead}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )

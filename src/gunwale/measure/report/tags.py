"""HTML that escapes by itself: what is not markup already becomes text, so no value can be forgotten."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Markup(str):
    """Text that is HTML already: made by `tag` and `join` only."""

    __slots__ = ()


def tag(name: str, *children: object, **attributes: str) -> Markup:
    """Return an element; ``class_`` and ``for_`` lose their underscore, others get hyphens."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items()
    )
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def join(children: Iterable[object], between: str = "") -> Markup:
    """Put elements and texts one after the other; None is nothing."""
    return Markup(
        between.join(
            child if isinstance(child, Markup) else escape(str(child))
            for child in children
            if child is not None
        )
    )


def table(
    caption: str, head: Sequence[object], rows: Iterable[Sequence[object]], **attributes: str
) -> Markup:
    """Return a table whose first column names its rows; each cell knows its column, for narrow screens."""
    return tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *(tag("th", name, scope="col") for name in head))),
        tag("tbody", *(_row(head, row) for row in rows)),
        **attributes,
    )


def _row(head: Sequence[object], row: Sequence[object]) -> Markup:
    first = tag("th", row[0], scope="row")
    cells = zip(head[1:], row[1:], strict=True)
    return tag("tr", first, *(tag("td", cell, data_column=str(name)) for name, cell in cells))

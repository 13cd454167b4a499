"""The algebra of forwarded fields: which value, from the right, no client can forge (DESIGN.md §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_APPENDED = {"append": 1, "append2": 2}
_WRITING = (*_APPENDED, "overwrite", "resolve")


class Count(NamedTuple):
    """What is known of a field's list behind some layers.

    *trusted* values at the right end cannot be influenced by a client; the wanted one stands at *position*
    from the right (0: no layer wrote it, or a later one destroyed it). *is_empty*: a layer removed the
    field, and none has written it since. *is_written*: a layer has written it, or may have.
    """

    trusted: int = 0
    position: int = 0
    is_empty: bool = False
    is_written: bool = False

    @property
    def hops(self) -> int:
        """The hop count: the position, where it is trusted."""
        return self.position if 1 <= self.position <= self.trusted else 0


def fold(operations: Sequence[str], sees: Sequence[bool] | None = None, count: Count | None = None) -> Count:
    """Fold the *operations* of a chain on one field, client's side first; *count* is known before the first.

    *sees* says of each layer whether the value that it would write is the wanted one: an address is the
    client's only for the layer that the client itself connects to. None: the first to write it counts, as
    of a scheme, which every layer has one of.
    """
    count = count or Count()
    for index, operation in enumerate(operations):
        count = after(count, operation, is_wanted=sees[index] if sees else not count.is_written)
    return count


def after(count: Count, operation: str, *, is_wanted: bool) -> Count:
    """Return what is known behind one more layer; *is_wanted*: what it would write is the wanted value."""
    if operation in {"if-absent", "last"} and count.is_empty:
        # Both leave alone what is there; behind a layer that removes the field nothing ever is.
        operation = "overwrite"
    written = Count(is_written=count.is_written or writes(operation) or operation == "unknown")
    match operation:
        case "append" | "append2":
            added = _APPENDED[operation]
            moved = count.position + added if count.position else 0
            return written._replace(trusted=count.trusted + added, position=added if is_wanted else moved)
        case "overwrite":
            return written._replace(trusted=1, position=int(is_wanted))
        case "resolve":
            # Right only if the list it was worked out of was: else the client chose the answer.
            is_right = is_wanted or bool(count.hops)
            return written._replace(trusted=int(is_right), position=int(is_right))
        case "drop" | "unknown":
            return written._replace(is_empty=operation == "drop")
        case "last":
            return count._replace(trusted=min(count.trusted, 1))
        case _:  # pass; if-absent writes only where the client is silent, so it adds no trust
            return count


def writes(operation: str) -> bool:
    """Whether *operation* puts a value of the layer's own into the field, whatever the client sends."""
    return operation in _WRITING

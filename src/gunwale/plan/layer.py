"""What is known of one layer of a proxy chain, and how a row of the table is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

# Operations on a field's list of values (DESIGN.md §4), by the letter that a row uses. "resolve" replaces
# the list's end by the client's address as this layer worked it out of the list (real_ip, mod_remoteip);
# "unknown" is what nobody documents, or what reports disagree on.
LETTERS = {
    "A": "append",
    "A2": "append2",
    "O": "overwrite",
    "P": "pass",
    "D": "drop",
    "N": "if-absent",
    "L": "last",
    "R": "resolve",
    "?": "unknown",
}
OPERATIONS = tuple(LETTERS.values())
# In the order of a row's letters: X-Forwarded-For to -Prefix, Forwarded, X-Real-IP, X-Request-ID.
FIELDS = ("for", "proto", "host", "port", "prefix", "forwarded", "real_ip", "request_id")


class Certainty(StrEnum):
    """How a row is known: the plan gives no number for the unknown fields of the last two."""

    VERIFIED = "verified"
    """Run on loopback, with the version that the source names."""
    SOURCE = "source read"
    DOCUMENTED = "documented"
    REPORTED = "reported"
    """By users who agree with one another; the vendor does not say."""
    DISPUTED = "disputed"
    UNDOCUMENTED = "undocumented"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer: its *operations* by field; *keeps_host* says that Host reaches the next one as it came.

    *is_transparent*: the next layer sees the address that this one saw (layer 4, client address kept).
    *idle_timeout* is how long it keeps an idle connection to its upstream, *response_timeout* how long it
    waits for an answer, both in seconds; *max_body* is in bytes. None as one of them or as *buffers* (it
    reads a request whole before it sends it on) means that it is the user's configuration, or not documented.
    *drops_underscores*: ``X_Forwarded_For`` does not pass it (None: not known).
    *passes_connection*: it hands a client's Connection on, with the names of fields that the next layer is to
    drop (RFC 9110 §7.6.1). *removes* are the fields of earlier layers that it drops when Connection names
    them, *removes_own* those that it has written itself; *connection_off* is the directive against both.
    *setting* is what makes it behave so, *disputed* why it must be measured rather than read up, *note*
    what else to know.
    """

    name: str
    operations: Mapping[str, str] = field(default_factory=dict)
    keeps_host: bool = True
    is_transparent: bool = False
    idle_timeout: float | None = None
    response_timeout: float | None = None
    max_body: int | None = None
    buffers: bool | None = None
    tls: bool | None = None
    drops_underscores: bool | None = None
    passes_connection: bool = False
    removes: tuple[str, ...] = ()
    removes_own: tuple[str, ...] = ()
    connection_off: str = ""
    setting: str = ""
    note: str = ""
    source: str = ""
    certainty: Certainty | None = None
    verified: str = ""
    disputed: str = ""

    def operation(self, field_name: str) -> str:
        """Return what this layer does to *field_name*."""
        return self.operations.get(field_name, "pass")


class Habits(TypedDict, total=False):
    """What all rows of one product share; see Layer."""

    idle_timeout: float
    response_timeout: float
    max_body: int
    buffers: bool
    drops_underscores: bool
    passes_connection: bool
    removes: tuple[str, ...]
    removes_own: tuple[str, ...]
    connection_off: str


class Known(Habits, total=False):
    """The optional columns of a row; see Layer."""

    setting: str
    note: str
    keeps_host: bool
    is_transparent: bool
    disputed: str


READ = "2026-11-22"
"""When the sources of all rows were read or run."""


def row(
    name: str,
    letters: str,
    certainty: Certainty,
    source: str,
    like: Habits | None = None,
    **known: Unpack[Known],
) -> Layer:
    """Build a layer from the *letters* of its operations, in the order of FIELDS."""
    columns: Known = {**like, **known} if like else known
    operations = [LETTERS[letter] for letter in letters.split()]
    return Layer(
        name=name,
        operations=dict(zip(FIELDS, operations, strict=True)),
        source=source,
        certainty=certainty,
        verified=READ,
        **columns,
    )

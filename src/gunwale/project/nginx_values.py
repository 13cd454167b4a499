"""What a value that nginx sends makes of a field: the plan's operation, by the variables in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.project.passage import FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.project.readers.nginx import Directive

_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
# Variables whose value nginx itself works out; $host and $http_host are the request's own Host.
_OWN = frozenset(
    [
        "remote_addr",
        "realip_remote_addr",
        "remote_port",
        "scheme",
        "https",
        "host",
        "http_host",
        "server_name",
        "server_port",
        "server_addr",
        "hostname",
        "request_id",
        "proxy_host",
        "proxy_port",
        "msec",
    ]
)
_ADDRESSES = ("remote_addr", "realip_remote_addr")
_DEEPEST = 3


def keeps_host(value: str) -> bool | None:
    """Whether Host reaches the application as it came, or as a name of its own choosing; None: not known."""
    names = _VARIABLE.findall(value)
    if any(name in ("proxy_host", "proxy_port") for name in names):
        return False
    return True if all(name in _OWN for name in names) else None


def operation(
    field: str, value: str, maps: Mapping[str, Directive], *, resolves: bool, depth: int = 0
) -> str:
    """Return what sending *value* as *field* does; *resolves*: real_ip has worked out $remote_addr."""
    names = _VARIABLE.findall(value)
    own_field = "http_" + FIELDS[field].lower().replace("-", "_")
    is_address = field in ("for", "real_ip")
    if "proxy_add_x_forwarded_for" in names:
        found = ("resolve" if resolves else "append") if is_address else "unknown"
    elif is_address and resolves and names and set(names) <= set(_ADDRESSES):
        found = "resolve"
    elif own_field in names:
        others = [name for name in names if name != own_field]
        is_behind = bool(others) and set(others) <= _OWN and value.rstrip().rstrip("}").endswith(others[-1])
        found = "append" if is_behind else ("unknown" if others else "pass")
    elif all(name in _OWN for name in names):
        found = "overwrite" if value else "drop"
    elif len(names) == 1 and f"${names[0]}" in maps and depth < _DEEPEST:
        found = _of_map(field, maps[f"${names[0]}"], maps, resolves=resolves, depth=depth)
    else:  # another field of the client's is its choice as much as this one
        found = "pass" if any(name.startswith("http_") for name in names) else "unknown"
    return found


def _of_map(
    field: str, found: Directive, maps: Mapping[str, Directive], *, resolves: bool, depth: int
) -> str:
    values = [each.words[0] for each in found.block or () if each.words and each.name != "include"]
    done = {operation(field, each, maps, resolves=resolves, depth=depth + 1) for each in values}
    if done == {"overwrite"}:
        return "overwrite"
    return "if-absent" if done == {"pass", "overwrite"} else "unknown"

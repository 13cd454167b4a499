"""One element of Forwarded (RFC 7239), found from the right and read strictly.

Elements are told apart by commas alone, as in X-Forwarded-For: a quote that a client leaves open must not
swallow what the proxy wrote behind it. So a comma or a semicolon inside of a proxy's own quoted string is
not understood, and an element that is not whole is refused. No proxy has reason to write either.
"""

from __future__ import annotations

import re

# RFC 9110 §5.6.2 token, §5.6.4 quoted-string without its separators; RFC 7239 §4 allows no space around "=".
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\,;\x00-\x08\x0a-\x1f\x7f]|\\["\\])*"'
_PAIR = re.compile(rf"[ \t]*({_WORD})=({_WORD}|{_QUOTED})[ \t]*")
_ESCAPED = re.compile(r"\\(.)")
_MOST_PAIRS = 16


def element(raw: str, count: int) -> dict[str, str] | None:
    """Return the parameters, by lower-case name, of the element at *count* from the right of *raw*.

    None: there are fewer, or it is not whole, or it has a parameter twice (RFC 7239 §4: never twice).
    """
    elements = raw.rsplit(",", count)
    if len(elements) < count:
        return None
    pairs = elements[-count].split(";", _MOST_PAIRS)
    found: dict[str, str] = {}
    for pair in pairs:
        match = _PAIR.fullmatch(pair)
        if match is None:
            return None
        name, value = match[1].lower(), match[2]
        if name in found:
            return None
        found[name] = _ESCAPED.sub(r"\1", value[1:-1]) if value[0] == '"' else value
    return found

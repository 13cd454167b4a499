"""Lines as they may be shown: the value of a secret never is."""

from __future__ import annotations

import re

HIDDEN = "…"
_WORDS = (
    r"(?:secret|passw(?:or)?d|passwd|passphrase|token|credential|salt|dsn|"
    r"(?:api|access|private|signing|encryption)[_-]?key)"
)
_NAME = re.compile(_WORDS, re.IGNORECASE)
_QUOTED = re.compile(r"(?P<quote>\"|')(?P<text>(?:\\.|(?!(?P=quote)).)*)(?P=quote)")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_GIVEN = re.compile(
    rf"(?P<name>[\w.-]*{_WORDS}[\w.-]*(?:\s*[=:]\s*|\s+))(?P<value>[^\s\"'=:][^\s\"']*)", re.IGNORECASE
)
_CREDENTIALS = re.compile(r"(://[^\s/:@]*:)[^\s/@]+@")


def mask(line: str, *, is_code: bool, is_secret: bool = False) -> str:
    """Hide in *line* what follows a secret's name, and the password of a URL.

    *is_code*: of Python, where only quoted text is a value; *is_secret*: the line is known to hold one.
    """
    line = _CREDENTIALS.sub(rf"\1{HIDDEN}@", line)
    if not is_secret and not _NAME.search(line):
        return line
    line = _QUOTED.sub(_hidden, line)
    return line if is_code else _GIVEN.sub(_value_hidden, line)


def _hidden(match: re.Match[str]) -> str:
    text, quote = match["text"], match["quote"]
    is_name = _VARIABLE.fullmatch(text) is not None
    follows = match.string[match.end() : match.end() + 2].lstrip()
    is_key = follows.startswith((":", "]")) and _NAME.search(text) is not None
    return match[0] if is_name or is_key or not text else f"{quote}{HIDDEN}{quote}"


def _value_hidden(match: re.Match[str]) -> str:
    is_variable = match["value"].startswith(("$", HIDDEN))
    return match[0] if is_variable else f"{match['name']}{HIDDEN}"

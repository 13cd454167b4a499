"""What a setting's value may be: one object reads it, names it in errors and in the docs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gunwale import units

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_UNIX_PATH_BYTES = 107  # sun_path of unix(7) holds 108 with the closing zero
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class MisfitError(ValueError):
    """A value that is none of its kind; the message is a reason that the kind's name does not give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The set of values a setting may take.

    *expects* completes "should be …"; *read* checks and normalises a value or raises ValueError;
    *from_text* turns the text of an environment variable or option into what *read* takes; *show* writes
    a value for people.
    """

    expects: str
    read: Callable[[object], object]
    from_text: Callable[[str], object] = str
    choices: tuple[str, ...] = ()
    show: Callable[[Any], str] = str


def toml_value(text: str) -> object:
    """Read *text* as a TOML value, or as itself where it is none."""
    import tomllib

    try:
        return tomllib.loads(f"value = {text}")["value"] if "\n" not in text else text
    except tomllib.TOMLDecodeError:
        return text


def _split(text: str) -> object:
    if text.lstrip().startswith("["):
        return toml_value(text)
    return [part.strip() for part in text.split(",") if part.strip()]


def _number(text: str) -> object:
    for parse in (int, float):
        try:
            return parse(text)
        except ValueError:
            continue
    return text


def _one_line(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise MisfitError
    return value


def text(expects: str = "a text", pattern: str = "") -> Kind:
    """Build the kind of a text on one line, which *pattern* matches whole."""

    def read(value: object) -> str:
        line = _one_line(value)
        if pattern and not re.fullmatch(pattern, line):
            raise MisfitError
        return line

    return Kind(expects=expects, read=read)


def choice(*choices: str) -> Kind:
    """Build the kind of a word out of a closed set."""

    def read(value: object) -> str:
        if value not in choices:
            raise MisfitError
        return str(value)

    quoted = [f'"{word}"' for word in choices]
    return Kind(expects=f"{', '.join(quoted[:-1])} or {quoted[-1]}", read=read, choices=choices)


def integer(minimum: int = 0, maximum: int | None = None) -> Kind:
    """Build the kind of a whole number within bounds, both included."""

    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise MisfitError
        if value < minimum or (maximum is not None and value > maximum):
            raise MisfitError
        return value

    bounds = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
    return Kind(expects=f"an integer {bounds}", read=read, from_text=_number)


def or_word(kind: Kind, word: str) -> Kind:
    """Let *kind* also take *word*."""
    return Kind(
        expects=f'{kind.expects} or "{word}"',
        read=lambda value: value if value == word else kind.read(value),
        from_text=lambda given: given if given == word else kind.from_text(given),
        choices=(word,),
    )


def number(*, above: float = 0.0) -> Kind:
    """Build the kind of a number greater than *above*."""

    def read(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not above < value < 1e6:
            raise MisfitError
        return float(value)

    return Kind(expects=f"a number above {above:g}", read=read, from_text=_number, show="{:g}".format)


def duration(*, above_zero: bool = False) -> Kind:
    """Build the kind of a duration, in seconds or with units."""

    def read(value: object) -> float:
        given = units.seconds(value)
        if above_zero and given == 0:
            raise MisfitError
        return given

    more = " above 0" if above_zero else ""
    return Kind(expects=f'a duration{more} such as 30 or "1m30s"', read=read, show=units.show_seconds)


def size() -> Kind:
    """Build the kind of a size, in bytes or with units."""

    def read(value: object) -> int:
        given = units.size(value)
        if given == 0:
            raise MisfitError
        return given

    expects = 'a size such as "256MiB" or a number of bytes'
    return Kind(expects=expects, read=read, from_text=_number, show=units.show_size)


def boolean() -> Kind:
    """Build the kind of true and false; as text also yes, no, on, off, 1, 0."""

    def read(value: object) -> bool:
        if not isinstance(value, bool):
            raise MisfitError
        return value

    def from_text(given: str) -> object:
        word = given.strip().lower()
        return word in _TRUE if word in _TRUE + _FALSE else given

    return Kind(expects="true or false", read=read, from_text=from_text)


def listing(item: Kind, items: str) -> Kind:
    """Build the kind of a list of *item*, called *items*; a single value stands for a list of one."""

    def read(value: object) -> tuple[object, ...]:
        values = value if isinstance(value, list | tuple) else [value]
        found = []
        for each in values:
            try:
                found.append(item.read(each))
            except ValueError as error:
                reason = str(error) or f"should be {item.expects}"
                raise MisfitError(f"{each!r}: {reason}") from error
        return tuple(found)

    return Kind(expects=f"a list of {items}", read=read, from_text=_split)


def table(expects: str, read: Callable[[dict[str, object]], object]) -> Kind:
    """Build the kind of a TOML table, or of what *read* makes of it."""

    def read_table(value: object) -> object:
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise MisfitError
        return read(value)

    return Kind(expects=expects, read=read_table, from_text=toml_value)


def read_address(value: object) -> str:
    """Check an address to listen on: "host:port", "[::1]:port" or "unix:path"."""
    address = _one_line(value)
    if address.startswith("unix:"):
        return _unix_address(address)
    if "://" in address:
        raise MisfitError("an inherited socket is given by socket activation (LISTEN_FDS)")
    host, colon, port = address.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise MisfitError("write host:port, with a port from 0 to 65535")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise MisfitError("write an IPv6 address in brackets: [::1]:8000")
    return f"{host or '0.0.0.0'}:{int(port)}"  # noqa: S104 - ":8000" means every interface to Gunicorn too


def _unix_address(address: str) -> str:
    path = address.removeprefix("unix:")
    if path.startswith("//"):
        path = "/" + path.lstrip("/")
    if not path or path.startswith("@"):
        raise MisfitError("write unix:/path/of/the/socket")
    if len(path.encode()) > MAX_UNIX_PATH_BYTES:
        raise MisfitError(f"the path is longer than {MAX_UNIX_PATH_BYTES} bytes")
    return f"unix:{path}"


ADDRESS = Kind(expects='an address such as "127.0.0.1:8000", "[::1]:8000" or "unix:/path"', read=read_address)

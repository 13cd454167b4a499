"""The fields a prober forges, and for each the classes of values a proxy might treat differently."""

from __future__ import annotations

import secrets
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Make: TypeAlias = Callable[[], str]

COPIED = "copied from an unforged request"
OWN = "the right value itself"

COUNTED = (
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
)
FORWARDED = "forwarded"
# The names in the plan and of ProxyFix's arguments.
COUNT_NAMES = MappingProxyType(
    {name: f"x_{name.removeprefix('x-forwarded-')}" for name in COUNTED} | {FORWARDED: FORWARDED}
)


class Field(NamedTuple):
    """One field: *classes* of values by name, the most telling first."""

    name: str
    classes: Mapping[str, Make]

    @property
    def key(self) -> str:
        """The field's key in a WSGI environ."""
        return environ_key(self.name)


def environ_key(name: str) -> str:
    """Return the environ key of a field name (RFC 3875 §4.1.18)."""
    return "HTTP_" + name.upper().replace("-", "_")


def _token() -> str:
    return f"t{secrets.token_hex(5)}"


def _number(least: int, most: int) -> int:
    return least + secrets.randbelow(most - least + 1)


# RFC 5737, RFC 3849: nobody's addresses.
def _public() -> str:
    return f"{secrets.choice(('192.0.2', '198.51.100', '203.0.113'))}.{_number(1, 254)}"


def _private() -> str:
    net = secrets.choice(
        (f"10.{_number(0, 255)}", f"192.168.{_number(0, 255)}".rpartition(".")[0], f"172.{_number(16, 31)}")
    )
    return f"{net}.{_number(0, 255)}.{_number(1, 254)}"


def _loopback() -> str:
    return f"127.{_number(1, 254)}.{_number(0, 255)}.{_number(1, 254)}"


def _v6() -> str:
    return f"2001:db8::{secrets.token_hex(2)}:{secrets.token_hex(2)}"


def _address_classes() -> dict[str, Make]:
    return {
        "a public address": _public,
        "no address": _token,
        "a private address": _private,
        "a loopback address": _loopback,
        "an IPv6 address": _v6,
        "an address with a port": lambda: f"{_public()}:{_number(1024, 65000)}",
    }


def _always(value: str) -> Make:
    return lambda: value


def _name() -> str:
    return f"h{secrets.token_hex(4)}.example"


def _forwarded() -> dict[str, Make]:
    return {
        "a public address": lambda: f"for={_public()}",
        "no address": lambda: f"for=_{_token()}",
        "a private address": lambda: f"for={_private()};proto=https",
        "a whole element": lambda: f'for="[{_v6()}]:4711";proto=https;host={_name()}',
        "no element": _token,
    }


_SCHEMES: Mapping[str, Make] = MappingProxyType(
    {"no scheme": _token, "https": _always("https"), "http": _always("http"), "another scheme": _always("ws")}
)
_SWITCH: Mapping[str, Make] = MappingProxyType(
    {"on": _always("on"), "off": _always("off"), "no switch": _token}
)

_COUNTED_CLASSES: tuple[tuple[str, Mapping[str, Make]], ...] = (
    ("x-forwarded-for", _address_classes()),
    ("x-forwarded-proto", _SCHEMES),
    (
        "x-forwarded-host",
        {
            "a name": _name,
            "no name": lambda: f"_{_token()}/",
            "a name with a port": lambda: f"{_name()}:{_number(1024, 65000)}",
            "an address": _public,
        },
    ),
    (
        "x-forwarded-port",
        {
            "a port": lambda: str(_number(1024, 65000)),
            "no port": _token,
            "443": _always("443"),
            "80": _always("80"),
        },
    ),
    (
        "x-forwarded-prefix",
        {"a path": lambda: f"/{_token()}", "no path": _token, "another host": lambda: f"//{_name()}"},
    ),
    (FORWARDED, _forwarded()),
)
# What servers, frameworks and applications read beside the counted ones (facts: gunicorn's
# secure_scheme_headers, uWSGI, Django's and Rails' habits, the single-address fields of vendors).
_OTHER_CLASSES: tuple[tuple[str, Mapping[str, Make]], ...] = (
    ("x-real-ip", _address_classes()),
    ("x-forwarded-ssl", _SWITCH),
    ("x-forwarded-scheme", _SCHEMES),
    ("x-forwarded-protocol", {"ssl": _always("ssl"), **_SCHEMES}),
    ("x-scheme", _SCHEMES),
    ("front-end-https", _SWITCH),
    ("x-request-id", {"no id": _token}),
    *(
        (name, {"a public address": _public, "no address": _token})
        for name in ("cf-connecting-ip", "true-client-ip", "x-client-ip", "x-cluster-client-ip")
    ),
)

FIELDS: Mapping[str, Field] = MappingProxyType(
    {name: Field(name, MappingProxyType(dict(classes))) for name, classes in _COUNTED_CLASSES}
)
OTHERS: Mapping[str, Field] = MappingProxyType(
    {name: Field(name, MappingProxyType(dict(classes))) for name, classes in _OTHER_CLASSES}
)

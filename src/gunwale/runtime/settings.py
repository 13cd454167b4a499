"""The values the runtime needs, frozen: from the plan, or from arguments and GUNWALE_ keys of app.config."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from ipaddress import IPv4Network, IPv6Network

    Network = IPv4Network | IPv6Network
    Check = str | Callable[[], object]

# Ten digits would do against accidents; 128 is what common proxies and log stores accept as an id.
DEFAULT_ID_PATTERN = r"[A-Za-z0-9._~+/=:-]{8,128}"
PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128", "fc00::/7")
ANY = "any"

# Every setting of the runtime: argument of Gunwale() -> key of the plan.
# The key of app.config is GUNWALE_ with the plan's key: GUNWALE_HEALTH_CHECKS.
PLAN_KEYS = {
    "hops": "proxies.hops",
    "networks": "proxies.networks",
    "request_id": "proxies.request_id",
    "liveness_path": "health.liveness_path",
    "readiness_path": "health.readiness_path",
    "checks": "health.checks",
    "interval": "health.interval",
    "timeout": "health.timeout",
    "after_ready": "health.after_ready",
    "access_log": "serve.access_log",
    "trusted_hosts": "security.trusted_hosts",
    "cookies": "security.cookies",
}


class Hops(NamedTuple):
    """Position, from the right, of the chain's own value in each X-Forwarded- field; 0: never acted on.

    *forwarded* is that of its element in Forwarded (RFC 7239), for chains that tell of the client only there.
    """

    x_for: int = 0
    x_proto: int = 0
    x_host: int = 0
    x_port: int = 0
    x_prefix: int = 0
    forwarded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookies:
    """Attributes of the session cookie; *secure* None: nothing is known of TLS, nothing is set."""

    secure: bool | None = None
    httponly: bool = True
    samesite: str | None = "Lax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Paths and checks; *interval* and *timeout* in seconds."""

    liveness_path: str = "/health"
    readiness_path: str = "/ready"
    checks: tuple[Check, ...] = ()
    interval: float = 5.0
    timeout: float = 2.0
    after_ready: str = "503"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the wrapper does.

    *hops* None: no chain is declared, and the application's own ProxyFix is left alone.
    *networks* None: any peer may be a proxy. *request_id_field* None: no id is taken from the request.
    """

    hops: Hops | None = None
    networks: tuple[Network, ...] | None = field(default_factory=lambda: read_networks(PRIVATE_NETWORKS))
    request_id_field: str | None = None
    request_id_pattern: str = DEFAULT_ID_PATTERN
    health: Health = field(default_factory=Health)
    access_log: str = "json"
    trusted_hosts: tuple[str, ...] | None = None
    cookies: Cookies = field(default_factory=Cookies)

    @classmethod
    def from_plan(cls, flat: Mapping[str, Any]) -> Self:
        """Read the flat plan (dotted keys, already validated by whoever made it)."""
        return cls._from_values({name: flat[key] for name, key in PLAN_KEYS.items() if key in flat})

    @classmethod
    def from_config(cls, config: Mapping[str, Any], **arguments: Any) -> Self:
        """Read GUNWALE_ keys of *config*, below *arguments*.

        ValueError names all that is wrong, one a line.
        """
        keys = {"GUNWALE_" + key.replace(".", "_").upper(): name for name, key in PLAN_KEYS.items()}
        values = {name: config[key] for key, name in keys.items() if key in config} | arguments
        shown = {name: f"app.config[{key!r}]" for key, name in keys.items()} | {
            name: f"Gunwale({name}=…)" for name in arguments
        }
        unknown = [f"Gunwale({name}=…): no such setting" for name in arguments.keys() - PLAN_KEYS.keys()]
        unknown += [
            f"app.config[{key!r}]: no such setting"
            for key in config
            if key.startswith("GUNWALE_") and key not in keys
        ]
        problems = sorted(unknown) + [
            f"{shown[name]}: should be {wanted}, not {values[name]!r}"
            for name, (wanted, is_right) in _EXPECTED.items()
            if name in values and not _holds(is_right, values[name])
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return cls._from_values(values)

    @classmethod
    def _from_values(cls, values: Mapping[str, Any]) -> Self:
        hops, chain_id, cookies = values.get("hops"), values.get("request_id"), values.get("cookies")
        health = {name: values[name] for name in Health.__slots__ if values.get(name) is not None}
        if "checks" in health:
            health["checks"] = tuple(health["checks"])
        hosts = values.get("trusted_hosts")
        chosen = {"access_log": values["access_log"]} if "access_log" in values else {}
        if chain_id:
            chosen["request_id_field"] = chain_id["field"]
            chosen["request_id_pattern"] = chain_id.get("pattern") or DEFAULT_ID_PATTERN
        return cls(
            hops=None if hops is None else Hops(**hops),
            networks=read_networks(values.get("networks") or PRIVATE_NETWORKS),
            health=Health(**health),
            trusted_hosts=tuple(hosts) if hosts else None,
            cookies=Cookies(**(cookies or {})),
            **chosen,
        )


def read_networks(values: str | Sequence[str]) -> tuple[Network, ...] | None:
    """Read CIDRs; None: any peer. ValueError where one is no network."""
    names = (values,) if isinstance(values, str) else tuple(values)
    return None if ANY in names else tuple(ip_network(name) for name in names)


def _holds(is_right: Callable[[Any], object], value: object) -> bool:
    try:
        return bool(is_right(value))
    except (TypeError, ValueError, KeyError, AttributeError, re.error):
        return False


def _is_path(value: str) -> bool:
    return value.startswith("/") and "?" not in value


def _is_seconds(value: float) -> bool:
    return not isinstance(value, bool) and 0 < value < float("inf")


def _is_strings(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) and item for item in value)


def _is_checks(value: object) -> bool:
    return isinstance(value, list | tuple) and all(
        callable(item) or (isinstance(item, str) and ":" in item) for item in value
    )


def _is_chain_id(value: Any) -> bool:
    re.compile(value.get("pattern") or "")
    return isinstance(value["field"], str)


def _is_networks(value: Any) -> bool:
    return value == ANY or (_is_strings(value) and len(read_networks(value) or [ANY]) > 0)


def _is_hops(value: Any) -> bool:
    Hops(**value)
    return all(type(count) is int and count >= 0 for count in value.values())


def _is_cookies(value: Any) -> bool:
    cookies = Cookies(**value)
    return (
        cookies.secure in {None, True, False}
        and cookies.httponly in {True, False}
        and cookies.samesite in {None, "Lax", "Strict", "None"}
    )


# name -> (what is expected, in the message's words; whether a value is that)
_EXPECTED: dict[str, tuple[str, Callable[[Any], object]]] = {
    "hops": ('counts such as {"x_for": 1, "x_proto": 1}', lambda v: v is None or _is_hops(v)),
    "networks": (
        'a list of CIDRs, or "any"',
        lambda v: v is None or _is_networks(v),
    ),
    "request_id": (
        'a field and its pattern, such as {"field": "X-Request-ID"}',
        lambda v: v is None or _is_chain_id(v),
    ),
    "liveness_path": ('a path such as "/health"', _is_path),
    "readiness_path": ('a path such as "/ready"', _is_path),
    "checks": ('a list of callables or "module:callable"', _is_checks),
    "interval": ("a number of seconds above 0", _is_seconds),
    "timeout": ("a number of seconds above 0", _is_seconds),
    "after_ready": ('"503" or "report"', lambda v: v in {"503", "report"}),
    "access_log": ('"json", "combined" or "off"', lambda v: v in {"json", "combined", "off"}),
    "trusted_hosts": ("a list of host names", lambda v: v is None or _is_strings(v)),
    "cookies": (
        'attributes such as {"secure": True, "samesite": "Lax"}',
        lambda v: v is None or _is_cookies(v),
    ),
}

"""The kinds of the plan's structured settings: networks, the request id, cookies, secrets, the chain."""

from __future__ import annotations

import re
from difflib import get_close_matches

from gunwale.plan import chain, kinds
from gunwale.plan.kinds import Kind, MisfitError

# RFC 1918, RFC 4193, and loopback: where a proxy of one's own connects from.
PRIVATE_NETWORKS = (
    "127.0.0.0/8",
    "::1/128",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",
)
EVERY_NETWORK = ("0.0.0.0/0", "::/0")

# facts: a request id is untrusted text until it matches; these are the shapes the proxies write.
REQUEST_ID_FIELDS = {
    "X-Request-ID": "[A-Za-z0-9._-]{1,128}",
    "X-Amzn-Trace-Id": "[A-Za-z0-9=;:.-]{1,256}",
    "traceparent": "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
    "CF-Ray": "[0-9a-f]{16}(-[A-Z]{3})?",
}
MOST_HOPS = 20  # longer chains are mistakes, and each value costs the request time
_FIELD_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 §5.6.2: token
_DOTTED = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_SAME_SITE = ("Lax", "Strict", "None")

APP = kinds.text(
    'an application as "module:variable" or "module:factory(arguments)"',
    rf"{_DOTTED}:{_DOTTED}(?:\(.*\))?",
)
IMPORT_STRING = kinds.text('an import string such as "shop.health:check_database"', rf"{_DOTTED}:{_DOTTED}")
URL_PATH = kinds.text('a path such as "/health"', r"/[!-~]*")
ENVIRONMENT_NAME = kinds.text("the name of an environment variable", r"[A-Za-z_][A-Za-z0-9_]*")


def _read_networks(value: object) -> tuple[str, ...]:
    import ipaddress

    if value in ("any", ["any"]):
        return EVERY_NETWORK
    found = []
    for given in value if isinstance(value, list | tuple) else [value]:
        try:
            found.append(str(ipaddress.ip_network(str(given))))
        except ValueError as error:
            raise MisfitError(f"{given!r}: {error}") from error
    return tuple(found)


NETWORKS = Kind(
    expects='a list of networks such as "10.0.0.0/8", or "any"',
    read=_read_networks,
    from_text=lambda text: [part.strip() for part in text.strip("[]").replace('"', "").split(",")],
)


def _read_request_id(value: object) -> dict[str, str]:
    if isinstance(value, str):
        value = {"field": value}
    if not isinstance(value, dict) or not set(value) <= {"field", "pattern"}:
        raise MisfitError
    field = value.get("field")
    if not isinstance(field, str) or not re.fullmatch(_FIELD_NAME, field):
        raise MisfitError
    known = {name.lower(): name for name in REQUEST_ID_FIELDS}
    field = known.get(field.lower(), field)
    pattern = value.get("pattern", REQUEST_ID_FIELDS.get(field))
    if not isinstance(pattern, str) or not pattern:
        raise MisfitError(f"{field!r} needs a pattern: request_id = {{field = …, pattern = …}}")
    try:
        re.compile(pattern)
    except re.error as error:
        raise MisfitError(f"the pattern {pattern!r} is no regular expression: {error}") from error
    return {"field": field, "pattern": pattern}


REQUEST_ID = Kind(
    expects='a field name such as "X-Request-ID", or {field = …, pattern = …}',
    read=_read_request_id,
    from_text=lambda text: kinds.toml_value(text) if text.lstrip().startswith("{") else text,
)


def _read_cookies(value: dict[str, object]) -> dict[str, object]:
    cookies: dict[str, object] = {"secure": None, "httponly": True, "samesite": "Lax"}
    for key, given in value.items():
        if key not in cookies:
            near = get_close_matches(key, cookies, n=1)
            meant = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(cookies)}"
            raise MisfitError(f"no key {key!r}; {meant}")
        if key == "samesite":
            if given not in _SAME_SITE:
                raise MisfitError(f"samesite should be one of {', '.join(_SAME_SITE)}, not {given!r}")
        elif not isinstance(given, bool):
            raise MisfitError(f"{key} should be true or false, not {given!r}")
        cookies[key] = given
    return cookies


COOKIES = kinds.table("a table of secure, httponly and samesite", _read_cookies)


def _read_secrets(value: dict[str, object]) -> dict[str, str]:
    for name, source in value.items():
        ENVIRONMENT_NAME.read(name)
        if not isinstance(source, str) or not source.startswith(("arn:", "/", "./")):
            raise MisfitError(f"{name}: write its ARN or the path of its file, never the secret itself")
    return {name: str(source) for name, source in value.items()}


SECRETS = kinds.table("a table of name = ARN or path of a file", _read_secrets)


def _read_processes(value: dict[str, object]) -> dict[str, str]:
    for name, command in value.items():
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name) or name in _TAKEN:
            raise MisfitError(
                f"{name!r}: a name of small letters, digits and hyphens, and none of {', '.join(_TAKEN)}"
            )
        if not isinstance(command, str) or not command.strip() or not command.isprintable():
            raise MisfitError(f"{name}: write its command on one line")
    return {name: str(command) for name, command in value.items()}


# What the rendered files call their own.
_TAKEN = ("app", "web", "release", "front", "db", "pgbouncer")
PROCESSES = kinds.table(
    'a table of name = command, such as {worker = "celery -A shop worker"}', _read_processes
)


def _read_chain(value: object) -> tuple[object, ...]:
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(chain.read_item(item) for item in items)


CHAIN = Kind(
    expects="a list of layers, client's side first",
    read=_read_chain,
    from_text=lambda text: kinds.toml_value(text) if text.lstrip().startswith("[") else text.split(","),
)


def _read_doors(value: object) -> tuple[object, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(door, list | tuple) for door in value):
        raise MisfitError('each door is a list of layers: doors = [["alb"]]')
    return tuple(_read_chain(door) for door in value)


DOORS = Kind(expects="a list of chains", read=_read_doors, from_text=kinds.toml_value)

HOP_COUNTS = (*(f"x_{name}" for name in chain.COUNTED), chain.FORWARDED)


def _read_hops(value: dict[str, object]) -> dict[str, int]:
    for key, number in value.items():
        if key not in HOP_COUNTS:
            near = get_close_matches(key, HOP_COUNTS, n=1)
            meant = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(HOP_COUNTS)}"
            raise MisfitError(f"no key {key!r}; {meant}")
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= MOST_HOPS:
            raise MisfitError(f"{key} should be a count from 0 to {MOST_HOPS}, not {number!r}")
    given = {key: int(str(value.get(key, 0))) for key in HOP_COUNTS}
    return {key: number for key, number in given.items() if number or key != chain.FORWARDED}


HOPS = kinds.table("a table of counts such as {x_for = 2, x_proto = 1}", _read_hops)

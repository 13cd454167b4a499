"""The plan told to people and to machines: each value, where it came from, and why."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from gunwale.errors import ConfigurationError, Problem
from gunwale.plan import chain, trust
from gunwale.plan.derive import workers
from gunwale.plan.model import SETTINGS
from gunwale.plan.origin import Source
from gunwale.plan.sources import VARIABLES, option_of

if TYPE_CHECKING:
    from gunwale.plan.model import Plan, PlanProblem

HOPS = "proxies.hops"
PROXIES = "proxies"
_PROXY_FIX_LIMITS = (
    "a request that comes past the proxies: it believes every peer, gunwale only those of proxies.networks",
    "a list shorter than its count: it says nothing, and every such client has the proxy's address",
    "a stray quote in X-Forwarded-For: since Werkzeug 3.1.7 every such client has the proxy's address",
    "a value that is none: ports stay in addresses, and any text is a scheme, a host or a prefix",
    "what the server believed before it: the scheme of X-Forwarded-Ssl, SCRIPT_NAME, X_Forwarded_For",
)
_NEVER_SHOWN = ("environment.secrets",)


class Value(NamedTuple):
    """One value of the plan: *value* as JSON, *shown* for people, its *origin* and *why*."""

    key: str
    value: object
    shown: str
    origin: str
    why: str


class Story(NamedTuple):
    """The whole story of one value; *sources* are (source, what it offers, is it taken), strongest first."""

    value: Value
    meaning: str
    expects: str
    sources: tuple[tuple[str, str, bool], ...]


class FieldStory(NamedTuple):
    """The fold on one *field* of a way in, and the count it comes to; *why* it is 0 in spite of the fold."""

    field: str
    hops: int
    why: str
    steps: tuple[trust.Step, ...]


class Way(NamedTuple):
    """One way in, with what it does to each field."""

    layers: str
    fields: tuple[FieldStory, ...]


def values(plan: Plan) -> list[Value]:
    """Return every value in the order of the sections; "auto" is shown as what it comes to here."""
    flat = plan.flat()
    return [_value(plan, flat, key) for key in SETTINGS]


def _value(plan: Plan, flat: dict[str, object], key: str) -> Value:
    origin, value = plan.origins[key], flat[key]
    source, why = origin.source.value, "; ".join(filter(None, (origin.place, origin.why)))
    if key == "serve.workers" and value == "auto":
        found = workers(flat)
        value, why = found.number, f"{found.why} (auto: {why})"
        source = Source.DERIVED.value
    if key in plan.left_to_server:
        why = f"{why}; left to Gunicorn: {plan.left_to_server[key]}"
    return Value(key, value, show(key, value), source, why)


def show(key: str, value: object) -> str:
    """Write the *value* of *key* for people."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name}={show('', each)}" for name, each in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(_item(each) for each in value) or "-"
    if key in SETTINGS and not isinstance(value, str):
        return SETTINGS[key].kind.show(value)
    return str(value)


def _item(value: object) -> str:
    if isinstance(value, list | tuple):
        return " → ".join(_item(each) for each in value) or "direct"
    return str(value["name"]) if isinstance(value, dict) else str(value)


def as_json(plan: Plan) -> dict[str, object]:
    """Return the plan as ``gunwale plan --format json`` prints it."""
    found = {each.key: {"value": each.value, "origin": each.origin, "why": each.why} for each in values(plan)}
    return {
        "plan_file": str(plan.file) if plan.file else None,
        "values": found,
        "problems": [problem_as_json(problem) for problem in plan.problems],
    }


def proxies_as_json(plan: Plan) -> dict[str, object]:
    """Return what ``gunwale plan --explain proxies --format json`` prints."""
    found = [
        {"way": way.layers, "fields": {told.field: _steps_as_json(told) for told in way.fields}}
        for way in ways(plan)
    ]
    return {
        "hops": plan.flat()[HOPS],
        "ways": found,
        "proxy_fix": proxy_fix(plan) or None,
        "problems": [problem_as_json(each) for each in plan.problems if each.key.startswith("proxies.")],
    }


def _steps_as_json(told: FieldStory) -> dict[str, object]:
    steps = [
        {
            "layer": step.layer,
            "operation": step.operation,
            "trusted": step.known.trusted,
            "position": step.known.position,
            "meaning": step.meaning,
        }
        for step in told.steps
    ]
    return {"hops": told.hops, "why": told.why, "steps": steps}


def problem_as_json(problem: PlanProblem) -> dict[str, str]:
    """Return one problem as a JSON object."""
    return {
        "severity": problem.severity.value,
        "key": problem.key,
        "where": problem.where,
        "message": problem.message,
        "hint": problem.hint,
    }


def proxy_fix(plan: Plan) -> str:
    """Return the line for those who keep Werkzeug's ProxyFix, or "" where it has none to offer."""
    hops = plan.proxies.hops
    if hops is None or chain.FORWARDED in hops:
        return ""
    counts = ", ".join(f"{name}={count}" for name, count in hops.items())
    return f"app.wsgi_app = ProxyFix(app.wsgi_app, {counts})"


def proxy_fix_limits(plan: Plan) -> tuple[str, ...]:
    """Tell what Werkzeug's ProxyFix cannot protect against, whatever its counts."""
    if plan.proxies.hops is not None and chain.FORWARDED in plan.proxies.hops:
        return ("Forwarded (RFC 7239): it reads no such field, and this chain has the client nowhere else",)
    aliased = trust.passing_aliases(chain.layers(plan.proxies.chain))
    told = f"X_Forwarded_For, which passes {aliased}: uWSGI, Granian and Cheroot take it for X-Forwarded-For"
    return (*_PROXY_FIX_LIMITS, told) if aliased else _PROXY_FIX_LIMITS


def ways(plan: Plan) -> list[Way]:
    """Tell the fold of every declared way in, field by field and step by step."""
    found = []
    for way in (plan.proxies.chain, *plan.proxies.doors) if plan.proxies.chain else ():
        assert isinstance(way, tuple | list)
        layers = chain.layers(way)
        counts = chain.counts(layers)
        fields = [name for name in trust.FIELD_NAMES if name != chain.FORWARDED or name in counts]
        told = [
            FieldStory(
                trust.FIELD_NAMES[name],
                counts[name],
                trust.not_needed(layers, name),
                tuple(trust.steps(layers, name)),
            )
            for name in fields
        ]
        found.append(Way(_item(way), tuple(told)))
    return found


def find_key(name: str) -> str:
    """Return the key that *name* means: whole, or without its section; ConfigurationError if it is none."""
    keys = [*SETTINGS, PROXIES]
    if name in keys:
        return name
    short = [key for key in keys if key.rpartition(".")[2] == name]
    if len(short) == 1:
        return short[0]
    near = short or get_close_matches(name, keys, n=3) or get_close_matches(f"serve.{name}", keys, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "gunwale plan lists all of them"
    raise ConfigurationError(Problem(where="--explain", message=f"there is no setting {name!r}", hint=hint))


def story(plan: Plan, key: str) -> Story:
    """Tell where the value of *key* could have come from, and where it did."""
    value = next(each for each in values(plan) if each.key == key)
    found = SETTINGS[key]
    sources = [*_given(plan, key), *_last_resorts(plan, key)]
    return Story(value, found.meaning, found.kind.expects, tuple(sources))


def _given(plan: Plan, key: str) -> list[tuple[str, str, bool]]:
    origin = plan.origins[key]
    section, _, name = key.rpartition(".")
    places = {
        Source.COMMAND_LINE: f"{option_of(key)} or --set {key}=VALUE",
        Source.ENVIRONMENT: ", ".join(VARIABLES[key]),
        Source.FILE: f"[tool.gunwale{'.' * bool(section)}{section}] {name}",
        Source.GUNICORN: "gunicorn.conf.py, GUNICORN_CMD_ARGS",
    }
    rows = []
    is_taken = False
    for source, place in places.items():
        offers = [each for each in plan.candidates.get(key, ()) if each.origin.source is source]
        for each in offers:
            given = "(not shown)" if key in _NEVER_SHOWN else show(key, each.value)
            takes = not is_taken and each.origin == origin
            is_taken = is_taken or takes
            rows.append((source.value, f"{each.origin.place}: {given}", takes))
        if not offers:
            rows.append((source.value, f"not given: {place}", False))
    if key in plan.left_to_server:
        rows.append((Source.GUNICORN.value, f"not known: {plan.left_to_server[key]}", False))
    return rows


def _last_resorts(plan: Plan, key: str) -> list[tuple[str, str, bool]]:
    origin, found = plan.origins[key], SETTINGS[key]
    if origin.source is Source.DERIVED:
        return [(Source.DERIVED.value, origin.why, True)]
    if found.is_derived:
        return [(Source.DERIVED.value, "overruled: it is given", False)]
    return [
        (Source.DEFAULT.value, f"{show(key, found.default)}: {found.why}", origin.source is Source.DEFAULT)
    ]

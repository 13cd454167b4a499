"""What ``gunwale plan`` prints."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

import click

from gunwale.plan import explain
from gunwale.plan.model import Severity

if TYPE_CHECKING:
    from gunwale.plan.explain import Story, Value
    from gunwale.plan.model import Plan, PlanProblem

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "blue"}
_WIDEST_VALUE = 34


def document(plan: Plan, key: str | None) -> dict[str, object]:
    """Return what ``--format json`` prints: all values, or the story of *key*."""
    if key is None:
        return explain.as_json(plan)
    return (
        explain.proxies_as_json(plan) if key == explain.PROXIES else _story_as_json(explain.story(plan, key))
    )


def text(plan: Plan, key: str | None) -> list[str]:
    """Return the lines for people: the table of all values, or the story of *key*."""
    if key is None:
        return _table(plan)
    return _proxies(plan) if key == explain.PROXIES else _story(plan, key)


def _table(plan: Plan) -> list[str]:
    lines: list[str] = []
    section = None
    found = explain.values(plan)
    names = max(len(_name(each)) for each in found)
    for each in found:
        here = each.key.rpartition(".")[0]
        if here != section:
            section = here
            lines += ["", click.style(here or "application", bold=True)]
        lines += _row(each, names)
    return lines + _proxy_fix(plan) + _problems(plan.problems)


def _proxy_fix(plan: Plan) -> list[str]:
    if plan.proxies.hops is None:
        return []
    line = explain.proxy_fix(plan)
    head = (
        f"Werkzeug's ProxyFix for this chain: {line}"
        if line
        else "Werkzeug's ProxyFix has no line for this chain"
    )
    return [
        "",
        head,
        "it cannot protect against",
        *(f"  - {limit}" for limit in explain.proxy_fix_limits(plan)),
    ]


def _proxies(plan: Plan) -> list[str]:
    ways = explain.ways(plan)
    lines = [] if ways else ["", "no chain is declared: forwarded fields are left to the application"]
    for way in ways:
        lines += ["", click.style(f"client → {way.layers} → server", bold=True)]
        for field in way.fields:
            lines += ["", f"  {field.field}: {field.hops}{f' ({field.why})' if field.why else ''}"]
            widths = (
                [max(len(step[column]) for step in field.steps) for column in (0, 1)]
                if field.steps
                else [0, 0]
            )
            for step in field.steps:
                position = f"wanted at {step.known.position}" if step.known.position else "wanted nowhere"
                lines.append(
                    f"    {step.layer:<{widths[0]}}  {step.operation:<{widths[1]}}  "
                    f"{step.known.trusted} trusted, {position:<14}  {step.meaning}"
                )
    found = tuple(each for each in plan.problems if each.key.startswith("proxies."))
    return lines + _proxy_fix(plan) + _problems(found)


def _name(value: Value) -> str:
    return value.key.rpartition(".")[2]


def _row(value: Value, names: int) -> list[str]:
    head = f"  {_name(value):<{names}}  "
    origin = click.style(f"{value.origin}: ", dim=True)
    if len(value.shown) > _WIDEST_VALUE:
        under = " " * len(head)
        return [
            f"{head}{value.shown}",
            *_wrapped(under + " " * (_WIDEST_VALUE + 2), value.origin, origin, value.why),
        ]
    return _wrapped(f"{head}{value.shown:<{_WIDEST_VALUE}}  ", value.origin, origin, value.why)


def _wrapped(head: str, plain_origin: str, origin: str, why: str) -> list[str]:
    """Wrap *why* beside *head* on a terminal; elsewhere a value keeps to one line."""
    if not sys.stdout.isatty():
        return [f"{head}{origin}{why}"]
    width = max(40, shutil.get_terminal_size().columns - len(head))
    lines = textwrap.wrap(f"{plain_origin}: {why}", width) or [""]
    lines[0] = lines[0].replace(f"{plain_origin}: ", origin, 1)
    return [f"{head}{lines[0]}", *(" " * len(head) + line for line in lines[1:])]


def _problems(problems: tuple[PlanProblem, ...]) -> list[str]:
    lines: list[str] = []
    for problem in problems:
        severity = click.style(problem.severity.value, fg=_COLOURS[problem.severity], bold=True)
        where = f"{problem.where}: " if problem.where else ""
        lines += ["", f"{severity}: {where}{problem.message}"]
        if problem.hint:
            lines.append(f"  hint: {problem.hint}")
    return lines


def _story(plan: Plan, key: str) -> list[str]:
    told = explain.story(plan, key)
    lines = [
        "",
        click.style(f"{key} = {told.value.shown}", bold=True),
        f"  meaning  {told.meaning}",
        f"  takes    {told.expects}",
        f"  origin   {told.value.origin}",
        f"  why      {told.value.why}",
    ]
    if key == explain.HOPS:
        lines += [f"  {line}".rstrip() for line in _proxy_fix(plan)]
    if told.sources:
        lines += ["", "  asked in this order:"]
    for source, offer, is_taken in told.sources:
        mark = click.style("→", bold=True) if is_taken else " "
        lines.append(f"  {mark} {source:<16}  {offer}")
    return lines + _problems(tuple(each for each in plan.problems if each.key == key))


def _story_as_json(told: Story) -> dict[str, object]:
    return {
        "key": told.value.key,
        "value": told.value.value,
        "origin": told.value.origin,
        "why": told.value.why,
        "meaning": told.meaning,
        "expects": told.expects,
        "sources": [
            {"source": source, "offer": offer, "taken": is_taken} for source, offer, is_taken in told.sources
        ],
    }

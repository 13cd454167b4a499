"""The production checklist: each item met, not met or not checked, with the evidence for it.

Met needs evidence of its own: that no rule found a fault is not enough where nothing was there to look at.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from gunwale.check import evidence
from gunwale.check.finding import Confidence, Severity, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gunwale.check.run import Report, Reported
    from gunwale.project.facts import Given


class State(StrEnum):
    """Where an item stands."""

    MET = "met"
    NOT_MET = "not met"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item: its *number* and *title*, where it stands, and the *evidence*: places with what is there."""

    number: int
    title: str
    state: State
    evidence: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Question:
    """What one item asks: the faults of *topics* (or of *rules* alone) say no, *proof* says yes or why not.

    *rules*: names whose findings count besides those of the topics; *but*: names that do not.
    """

    title: str
    topics: tuple[Topic, ...]
    proof: Callable[[Report], list[Given[str]] | str]
    rules: tuple[str, ...] = ()
    but: tuple[str, ...] = ()


_QUESTIONS = (
    _Question("the development server is kept out of production", (Topic.DEV_SERVER,), evidence.servers),
    _Question("a WSGI server is chosen", (Topic.NO_WSGI,), evidence.servers),
    _Question(
        "workers by the CPUs, inside the memory limit", (Topic.WORKERS_1, Topic.WORKERS_MEM), evidence.workers
    ),
    _Question(
        "the worker type by requirement",
        (),
        evidence.worker_type,
        ("sync-worker-unbuffered", "eventlet-removed"),
    ),
    _Question("gevent is not taken for async", (Topic.GEVENT,), evidence.worker_type),
    _Question("does not run as root", (Topic.ROOT,), evidence.user),
    _Question("not reachable beside its proxy", (Topic.BIND_ALL,), evidence.doors),
    _Question("access log on stdout", (Topic.ACCESS_LOG,), evidence.access_log),
    _Question("ProxyFix with the chain's hop counts", (Topic.PROXYFIX,), evidence.proxy_fix),
    _Question("hop counts verified with real requests", (), evidence.measured_hops),
    _Question(
        "SESSION_COOKIE_SECURE and TRUSTED_HOSTS", (Topic.COOKIE_SECURE, Topic.TRUSTED_HOSTS), evidence.hosts
    ),
    _Question("multi-stage, slim image", (Topic.IMAGE,), evidence.stages),
    _Question(
        "CMD is the server in exec form",
        (),
        evidence.command,
        ("shell-stays-above-server", "development-server"),
    ),
    _Question(".env and instance/ stay out of the image", (Topic.DOCKERIGNORE,), evidence.context),
    _Question("secrets are injected at run time", (Topic.SECRETS,), evidence.secrets),
    _Question("workers × tasks × pool inside max_connections", (Topic.DB_POOL,), evidence.pool),
    _Question("goes down gracefully: PID 1 hears SIGTERM", (Topic.PID1,), evidence.process_tree),
    _Question(
        "the graceful timeout in step with what stops it",
        (Topic.TIMEOUTS,),
        evidence.stop,
        but=("body-limit-disagreement", "keepalive-below-idle"),
    ),
    _Question("readiness and liveness are separate", (Topic.PROBES, Topic.HEALTHCHECK), evidence.probes),
    _Question("async views for parallel I/O only", (Topic.ASYNC,), evidence.async_views_only),
)


def items(report: Report) -> list[Item]:
    """Judge every item by a report that holds all findings, those of --strict too."""
    return [_judge(report, number, question) for number, question in enumerate(_QUESTIONS, 1)]


def _judge(report: Report, number: int, question: _Question) -> Item:
    faults = [each for each in report.findings if _counts(question, each)]
    if faults:
        found = tuple((str(each.finding.at), f"{each.finding.message} [{each.rule}]") for each in faults)
        return Item(number=number, title=question.title, state=State.NOT_MET, evidence=found)
    skipped = [each.why for each in report.not_checked if each.topic in {t.value for t in question.topics}]
    proof = skipped[0] if skipped else question.proof(report)
    if isinstance(proof, str):
        why = (("", proof),)
        return Item(number=number, title=question.title, state=State.NOT_CHECKED, evidence=why)
    found = tuple((str(each.at), each.value) for each in proof)
    return Item(number=number, title=question.title, state=State.MET, evidence=found)


def _counts(question: _Question, each: Reported) -> bool:
    """Advice, and what only a default of somebody else says, does not make an item unmet."""
    is_advice = each.severity is Severity.NOTE or each.confidence is Confidence.DEFAULT
    is_meant = each.rule in question.rules or each.topic in question.topics
    return is_meant and not is_advice and each.rule not in question.but


def as_text(found: list[Item]) -> str:
    """Return the checklist for people."""
    return "\n".join(_lines(found))


def _lines(found: list[Item]) -> Iterator[str]:
    for item in found:
        yield f"{item.number:2} {item.state:11} {item.title}"
        for place, what in item.evidence[:3]:
            yield f"{'':15}{place}: {what}" if place else f"{'':15}{what}"
        if len(item.evidence) > 3:
            yield f"{'':15}and {len(item.evidence) - 3} more"
    counts = {state: sum(item.state is state for item in found) for state in State}
    yield ", ".join(f"{count} {state}" for state, count in counts.items())


def as_json(found: list[Item]) -> str:
    """Return the checklist for machines."""
    values = [
        {
            "number": item.number,
            "title": item.title,
            "state": item.state.value,
            "evidence": [{"place": place, "message": what} for place, what in item.evidence],
        }
        for item in found
    ]
    return json.dumps({"checklist": values}, indent=2, ensure_ascii=False)

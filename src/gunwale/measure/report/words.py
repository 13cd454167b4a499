"""What the page says before any chart: the verdict, the figures, the phases, and every step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunwale.measure.load_report import Kind, percentile
from gunwale.measure.report.tags import Markup, join, table, tag
from gunwale.measure.report.timeline import PHASES, spans

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gunwale.measure.rehearse.outcome import Posts, Rehearsal, Roll, Row

NONE = "–"
_FEW = 3  # roll-outs that are listed one by one
_SLOW = frozenset({Kind.SLOW, Kind.UPLOAD})  # on purpose: their latency says nothing of the server
_OWN = frozenset({"at", "time", "roll", "phase", "event", "task"})


def number(value: float | None, digits: int = 0) -> str:
    """Write a number for people: 20,412; a dash for what is not known."""
    return NONE if value is None else f"{value:,.{digits}f}"


def counted(count: int, one: str, many: str = "") -> str:
    """Write "1 request", "2 requests"."""
    return f"{number(count)} {one if count == 1 else many or f'{one}s'}"


def milliseconds(value: float) -> str:
    """Write milliseconds with as many digits as tell something; ten seconds and more as seconds."""
    if value >= 10_000:
        return f"{number(value / 1000, 1)} s"
    return f"{number(value, 0 if value >= 100 else 1)} ms"


def runs(rehearsal: Rehearsal) -> dict[str, Rehearsal]:
    """Return the runs of the page by the name of their column."""
    if rehearsal.against is None:
        return {"this run": rehearsal}
    return {"gunwale": rehearsal, "the naive way": rehearsal.against}


def headline(rehearsal: Rehearsal) -> str:
    """Return the verdict as one sentence."""
    asked, failed, posts = len(rehearsal.rows), len(rehearsal.failed), rehearsal.posts
    if not asked:
        return "Nothing was asked, so nothing is proven."
    if failed:
        return f"{number(failed)} of {counted(asked, 'request')} failed."
    if posts.is_harmed:
        return f"{counted(posts.lost or 0, 'POST')} lost, {number(posts.doubled or 0)} stored twice."
    if rehearsal.unproven:
        return "No request failed, and that proves nothing."
    if not rehearsal.has_rolled:
        return "No request failed, and the old version serves on."
    return "No request failed."


def mood(rehearsal: Rehearsal) -> str:
    """Return the verdict as the style sheet knows it; where nothing was lost nor rolled out, "back"."""
    return "back" if rehearsal.verdict == "zero-loss" and not rehearsal.has_rolled else rehearsal.verdict


def summary(rehearsal: Rehearsal) -> list[str]:
    """Return what stands under the verdict, a sentence each."""
    told = [f"{counted(len(rehearsal.rows), 'request')} over {_rolls(rehearsal)}; {_posts(rehearsal.posts)}."]
    told += [f"Not proven: {reason}." for reason in rehearsal.unproven]
    if rehearsal.fault:
        told.append(f"Fault injected: {rehearsal.fault}.")
    for roll in rehearsal.rolls:
        if not roll.succeeded:
            task = f" ({roll.task})" if roll.task else ""
            told.append(f"Roll-out {roll.number} did not come through{task}: {roll.reason or 'no reason'}.")
    if rehearsal.against is not None:
        naive = headline(rehearsal.against)
        told.append(f"The naive way, beside it under the same load: {naive[0].lower()}{naive[1:]}")
    return told


def _rolls(rehearsal: Rehearsal) -> str:
    return counted(len(rehearsal.rolls), "roll-out") if rehearsal.rolls else "no roll-out"


def _posts(posts: Posts) -> str:
    if not posts.accepted:
        return "no POST among them"
    accepted = f"{counted(posts.accepted, 'POST')} accepted"
    if not posts.is_audited:
        return f"{accepted}, not compared with what was stored"
    lost, doubled = (number(count) if count else "none" for count in (posts.lost, posts.doubled))
    return f"{accepted}, {lost} lost, {doubled} stored twice"


def facts(rehearsal: Rehearsal) -> Markup:
    """Return what was run, and how."""
    clocks = "its true clocks" if rehearsal.factor == 1 else f"clocks divided by {rehearsal.factor:g}"
    versions = ", ".join(f"{name} {version}" for name, version in rehearsal.versions.items())
    named = {
        "order": f"{rehearsal.platform}, {clocks}",
        "front": rehearsal.front,
        "server": rehearsal.server,
        "load": f"{rehearsal.rate:g} requests a second, sent at their time whatever the answers do",
        "began": rehearsal.started,
        "versions": versions or NONE,
    }
    pairs = (tag("div", tag("dt", name), tag("dd", value)) for name, value in named.items())
    return tag("dl", *pairs, class_="facts")


def figures(rehearsal: Rehearsal) -> Markup:
    """Return the key figures, a column a run."""
    found = runs(rehearsal)
    columns = [_figures(run) for run in found.values()]
    rows = [(name, *(column[name] for column in columns)) for name in columns[0]]
    return table("Figures", ["", *found], rows, class_="figures")


def _figures(run: Rehearsal) -> dict[str, object]:
    latency, posts = run.latency_ms(), run.posts
    return {
        "requests": number(len(run.rows)),
        "failed": _bad(len(run.failed)),
        "POSTs accepted": number(posts.accepted),
        "of them lost": _bad(posts.lost),
        "stored twice": _bad(posts.doubled),
        "latency, median": milliseconds(latency["p50"]),
        "latency, 99 %": milliseconds(latency["p99"]),
        "slowest answer": milliseconds(latency["max"]),
        "roll-outs": join(_times(run.rolls)),
        "the load's own lag, 99 %": milliseconds(run.lag_p99 * 1e3),
    }


def _bad(count: int | None) -> object:
    """A count that should be 0; what is not known is said to be so."""
    if count is None:
        return "not compared"
    return tag("strong", number(count), class_="bad") if count else "0"


def _times(rolls: Sequence[Roll]) -> Iterator[Markup]:
    if not rolls:
        yield Markup(NONE)
    if len(rolls) > _FEW:
        took = sorted(roll.seconds for roll in rolls)
        back = sum(not roll.succeeded for roll in rolls)
        said = f"{len(rolls)}, each {number(took[0], 1)} to {number(took[-1], 1)} s"
        yield tag("span", f"{said}, {back} taken back" if back else said)
        return
    for roll in rolls:
        floor = f" (floor {number(roll.floor, 1)} s)" if roll.floor is not None else ""
        came = "" if roll.succeeded else ", taken back"
        yield tag("span", f"{number(roll.seconds, 1)} s{floor}{came}", class_="each")


def phases(rehearsal: Rehearsal) -> Markup:
    """Return the table per phase, the runs beside one another."""
    found = runs(rehearsal)
    measured = [_by_phase(run) for run in found.values()]
    names = [*PHASES, *sorted({name for run in measured for name in run} - set(PHASES))]
    several = len(found) > 1
    columns = ("seconds", "requests", "failed", "median", "99 %", "slowest")
    head = [f"{name}, {column}" if several else column for name in found for column in columns]
    rows = [
        (_phase(name), *(cell for run in measured for cell in run.get(name, (NONE,) * len(columns))))
        for name in names
        if any(name in run for run in measured)
    ]
    return table("Each phase, by the time a request was meant to be sent", ["phase", *head], rows)


def _phase(name: str) -> Markup:
    return join((tag("b", name), " ", tag("small", PHASES.get(name, ""))))


def _by_phase(run: Rehearsal) -> dict[str, tuple[object, ...]]:
    rows: dict[str, list[Row]] = {}
    for row in run.rows:
        rows.setdefault(row.phase, []).append(row)
    seconds: dict[str, float] = {}
    for span in spans(run):
        seconds[span.phase] = seconds.get(span.phase, 0.0) + span.end - span.start
    return {name: _measured(seconds.get(name), rows.get(name, [])) for name in {*rows, *seconds}}


def _measured(seconds: float | None, rows: Sequence[Row]) -> tuple[object, ...]:
    failed = sum(row.is_failed for row in rows)
    answered = [row.latency * 1e3 for row in rows if row.status is not None and row.kind not in _SLOW]
    latency = (percentile(answered, 0.5), percentile(answered, 0.99), max(answered, default=0.0))
    shown = (milliseconds(value) if answered else NONE for value in latency)
    return (number(seconds, 1), number(len(rows)), _bad(failed), *shown)


def steps(rehearsal: Rehearsal) -> Markup:
    """Return every event of every run, folded."""
    return join(_steps(name, run) for name, run in runs(rehearsal).items())


def _steps(name: str, run: Rehearsal) -> Markup:
    head = ("at", "roll", "phase", "what", "task", "details")
    rows = [
        (
            f"{float(event['at']):.3f} s",
            event["roll"],
            event["phase"],
            event["event"],
            event["task"] or "",
            _details(event),
        )
        for event in run.events
    ]
    said = f"Every step of {name}, as it was recorded ({len(rows)})"
    return tag("details", tag("summary", said), tag("div", table(said, head, rows), class_="wide"))


def _details(event: Any) -> str:
    return ", ".join(f"{key}: {value}" for key, value in event.items() if key not in _OWN)


def remarks(rehearsal: Rehearsal) -> Markup:
    """Return the notes, and the last log lines of what failed."""
    found = list(_remarks(rehearsal))
    return tag("section", tag("h2", "Remarks"), *found) if found else Markup("")


def _remarks(rehearsal: Rehearsal) -> Iterator[Markup]:
    for name, run in runs(rehearsal).items():
        prefix = f"{name}: " if rehearsal.against is not None else ""
        if run.notes:
            yield tag("ul", *(tag("li", f"{prefix}{note}") for note in run.notes))
        for roll in run.rolls:
            if roll.log_tail:
                yield tag("h3", f"{prefix}the last log lines of {roll.task or f'roll-out {roll.number}'}")
                yield tag("pre", roll.log_tail, tabindex="0")

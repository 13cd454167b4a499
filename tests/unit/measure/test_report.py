"""The page of a rehearsal as text: what it says, that it asks nobody, and that no value becomes markup."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from gunwale.measure.load_report import Outcome
from gunwale.measure.rehearse.outcome import Posts, Rehearsal, Roll
from gunwale.measure.report import words
from gunwale.measure.report.page import render
from gunwale.measure.report.payload import payload
from gunwale.measure.report.tags import join, tag
from gunwale.measure.report.timeline import lanes, spans
from rehearsals import HOSTILE, rehearsal


class Read(HTMLParser):
    """A page as an HTML parser sees it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._open, []).append(data)

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def hostile() -> Rehearsal:
    """Everything that an application, or a roll-out of it, may say says something evil."""
    made = rehearsal(requests=400, failed=20)
    evil = tuple(
        dataclasses.replace(row, path=HOSTILE, request_id=HOSTILE, error=HOSTILE, task=HOSTILE)
        for row in made.rows
    )
    roll = Roll(number=1, succeeded=False, seconds=1, task=HOSTILE, reason=HOSTILE, log_tail=HOSTILE)
    events = ({**made.events[0], "task": HOSTILE, "detail": HOSTILE}, *made.events)
    return dataclasses.replace(
        made,
        title=HOSTILE,
        front=HOSTILE,
        versions={HOSTILE: HOSTILE},
        rows=evil,
        rolls=(roll,),
        events=events,
        notes=(HOSTILE,),
        fault=HOSTILE,
        against=made,
    )


def payload_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    decoded: dict[str, Any] = json.loads(found[1])
    return decoded


def test_no_value_of_the_application_becomes_markup() -> None:
    page = render(hostile())
    read = Read(page)

    assert read.all("img") == []
    assert len(read.all("script")) == 2
    assert page.count("<script") == page.count("</script>") == 2
    assert HOSTILE not in page
    assert HOSTILE in payload_of(page)["runs"][0]["words"]["path"]
    assert HOSTILE in "".join(read.texts["pre"])


def test_only_the_pages_own_style_and_script_are_allowed_and_nothing_from_outside() -> None:
    page = render(hostile())
    (policy,) = (each["content"] for each in Read(page).all("meta") if "http-equiv" in each)
    script = page[page.rindex("<script>") + len("<script>") : page.rindex("</script>")]
    style = page[page.index("<style>") + len("<style>") : page.index("</style>")]

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    directives = dict(each.strip().split(" ", 1) for each in (policy or "").split(";"))
    assert directives == {
        "default-src": "'none'",
        "style-src": digest(style),
        "script-src": digest(script),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_nothing_in_the_page_points_outside() -> None:
    read = Read(render(rehearsal()))

    pointing = {"src", "href", "action", "srcset", "data", "poster", "style"}
    found = [(tag, name) for tag, attributes in read.tags for name in attributes if name in pointing]
    assert found == [("link", "href")]
    assert read.all("link") == [{"rel": "icon", "href": "data:,"}]


def test_every_request_is_in_the_page_to_a_tenth_of_a_millisecond() -> None:
    made = rehearsal(requests=500, failed=10)
    run = payload_of(render(made))["runs"][0]
    columns, texts = run["columns"], run["words"]
    rows = sorted(made.rows, key=lambda row: row.intended)

    at = 0
    for index, row in enumerate(rows):
        at += columns["at"][index]
        assert at / 1e4 == pytest.approx(row.intended, abs=1e-4)
        assert columns["took"][index] / 1e4 == pytest.approx(row.latency, abs=1e-4)
        assert columns["status"][index] == (row.status or 0)
        for name in ("phase", "task", "outcome", "method", "path"):
            assert texts[name][columns[name][index]] == str(getattr(row, name))
    failed = {str(index): row for index, row in enumerate(rows) if row.is_failed}
    assert {index: run["told"][index] for index in failed} == {
        index: [row.request_id, row.error] for index, row in failed.items()
    }


def test_phases_follow_one_another_without_a_gap() -> None:
    found = spans(rehearsal(requests=1000, rate=100))

    assert [span.phase for span in found] == [
        "steady", "start", "ready", "shift", "drain", "stop", "steady",
    ]  # fmt: skip
    assert found[0].start == 0
    assert all(one.end == other.start for one, other in pairwise(found))


def test_a_phase_that_comes_back_at_once_is_one() -> None:
    made = rehearsal(requests=1000, rate=100)
    blink = [{**event, "phase": phase} for event in made.events[:1] for phase in ("start", "shift", "start")]
    found = spans(dataclasses.replace(made, events=(*blink, *made.events[1:])))

    assert [span.phase for span in found][:3] == ["steady", "start", "ready"]


def test_roll_outs_are_counted_from_the_deployment_before_the_load() -> None:
    made = rehearsal(requests=1000, rate=100)
    before = ({**made.events[0], "at": -3.0}, {**made.events[-1], "at": -1.0})
    events = (*before, *({**event, "roll": 2} for event in made.events))
    found = spans(dataclasses.replace(made, events=events))

    assert {span.roll for span in found if span.phase != "steady"} == {1}


def test_a_lane_tells_when_its_task_was_shifted_removed_and_signalled() -> None:
    old, new = (lane for lane in lanes(rehearsal(tasks=1)))

    assert (old.name, new.name) == ("v1.1", "v2.1")
    assert old.removed is not None
    assert old.signalled is not None
    assert old.stopped is not None
    assert old.removed < old.signalled < old.stopped
    assert new.ready is not None
    assert new.shifted is not None
    assert new.started < new.ready < new.shifted
    assert new.removed is None


NOTHING = rehearsal(requests=200)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "No request failed."),
        ({"rows": ()}, "Nothing was asked, so nothing is proven."),
        (
            {"rows": (dataclasses.replace(NOTHING.rows[0], outcome=Outcome.EOF), *NOTHING.rows[1:])},
            "1 of 200 requests failed.",
        ),
        (
            {"rolls": (Roll(number=1, succeeded=False, seconds=1),)},
            "No request failed, and the old version serves on.",
        ),
        ({"posts": Posts(accepted=20, stored=19, lost=1, doubled=0)}, "1 POST lost, 0 stored twice."),
    ],
)
def test_the_verdict_is_one_sentence(changed: dict[str, Any], said: str) -> None:
    assert words.headline(dataclasses.replace(NOTHING, **changed)) == said


def test_what_was_not_compared_is_said_to_be_so() -> None:
    unknown = dataclasses.replace(NOTHING, posts=Posts(accepted=20))

    assert "20 POSTs accepted, not compared with what was stored" in words.summary(unknown)[0]
    assert "not compared" in words.figures(unknown)


def test_a_roll_out_taken_back_is_said_with_its_reason_and_its_log() -> None:
    roll = Roll(number=1, succeeded=False, seconds=4, task="v2.1", reason="never ready", log_tail="KeyError")
    read = Read(render(dataclasses.replace(NOTHING, rolls=(roll,), fault="never-ready")))

    said = " ".join(read.texts["p"])
    assert "Fault injected: never-ready." in said
    assert "Roll-out 1 did not come through (v2.1): never ready." in said
    assert read.texts["pre"][0] == "KeyError"


def test_children_that_are_not_markup_are_text() -> None:
    assert tag("b", "<i>", tag("u", "&")) == "<b>&lt;i&gt;<u>&amp;</u></b>"
    assert tag("i", title='"') == '<i title="&quot;"></i>'
    assert join(["<", None]) == "&lt;"


def test_the_last_request_to_end_is_on_the_axis() -> None:
    made = rehearsal(requests=20, failed=1)
    last = 1000.00049  # to the nearest millisecond it would be before its own end
    rows = (*made.rows[:-1], dataclasses.replace(made.rows[-1], finished=last))
    run = json.loads(payload(dataclasses.replace(made, rows=rows)))["runs"][0]

    assert run["end"] >= last

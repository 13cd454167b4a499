"""The page of a rehearsal in a real Chromium: drawn, filtered, reached by mouse and keys, asking nobody."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from browser import MISSING, Browser, Page, program
from gunwale.measure.report.page import write
from rehearsals import HOSTILE, rehearsal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gunwale.measure.rehearse.outcome import Rehearsal

pytestmark = [pytest.mark.slow, pytest.mark.skipif(program() is None, reason=MISSING)]


@pytest.fixture
def both() -> Rehearsal:
    """Ours, of which nothing failed, beside a naive way that lost some."""
    naive = rehearsal(failed=60, hostile=True)
    return dataclasses.replace(rehearsal(), against=naive)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as started:
        yield started


def opened(page: Page, made: Rehearsal, folder: Path) -> Page:
    path = folder / "report.html"
    write(made, path)
    page.open(path)
    page.wait("document.querySelectorAll('.run .at-time svg').length > 0")
    return page


def choose(page: Page, name: str, value: str) -> str:
    """Choose in a filter as a user does, and return what is then said to be shown."""
    page.run(f"""(() => {{
        const select = document.getElementById("filters")["{name}"];
        select.value = "{value}";
        select.dispatchEvent(new Event("change", {{bubbles: true}}));
    }})()""")
    said: str = page.run("document.getElementById('shown').textContent")
    return said


@pytest.mark.parametrize(
    ("width", "is_dark"), [(1280, False), (1280, True), (360, False)], ids=["light", "dark", "phone"]
)
def test_page_draws_every_chart_asks_nobody_and_complains_of_nothing(
    browser: Browser, both: Rehearsal, tmp_path: Path, width: int, is_dark: bool
) -> None:
    page = opened(browser.page(width=width, is_dark=is_dark), both, tmp_path)

    assert page.run("document.querySelector('h1').textContent") == "No request failed."
    assert page.run("document.querySelectorAll('.run').length") == 2
    assert page.run("document.querySelectorAll('.chart[role=img]').length") == 2 * 5
    assert page.run("[...document.querySelectorAll('.chart')].every((each) => each.childElementCount)")
    assert page.run("document.documentElement.scrollWidth") <= width
    paper = page.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(20, 23, 26)" if is_dark else "rgb(255, 255, 255)")
    assert page.requests == [(tmp_path / "report.html").as_uri()]
    assert page.complaints == []


def test_marks_stand_for_every_failed_request_and_open_them(
    browser: Browser, both: Rehearsal, tmp_path: Path
) -> None:
    assert both.against is not None
    page = opened(browser.page(), both, tmp_path)
    counts = page.run("[...document.querySelectorAll('.marks button')].map((each) => each.textContent)")
    assert sum(int(count) for count in counts) == len(both.against.failed)

    page.click(".marks button")
    said = page.run("document.getElementById('failures-shown').textContent")
    assert said.startswith(f"{counts[0]} failed requests between ")
    cells = "[...document.querySelector('#failures-table tbody tr').cells].map((each) => each.textContent)"
    first = both.against.failed[0]
    assert page.run(cells) == [
        f"{first.finished:.3f} s",
        "the naive way",
        first.phase,
        "none answered",
        f"{first.method} {first.path}",
        first.request_id,
        "reset: ConnectionResetError(104), after 20.0 ms",
    ]
    assert page.complaints == []


def test_filters_keep_what_they_say(browser: Browser, both: Rehearsal, tmp_path: Path) -> None:
    rows = [row for run in (both, both.against) if run for row in run.rows]
    draining = sum(row.phase == "drain" for row in rows)
    page = opened(browser.page(), both, tmp_path)
    everything = f"{len(rows):,} requests"

    assert page.run("document.getElementById('shown').textContent") == everything
    assert choose(page, "phase", "=drain") == f"{draining} of {everything}"
    failed = sum(row.phase == "drain" and row.is_failed for row in rows)
    assert failed > 0
    assert choose(page, "outcome", "=failed") == f"{failed} of {everything}"
    choose(page, "phase", "")
    choose(page, "outcome", "")
    answered = sum(row.task == "v2.1" for row in rows)
    assert choose(page, "task", "=v2.1") == f"{answered:,} of {everything}"
    page.run("document.getElementById('filters').reset()")
    page.wait(f"document.getElementById('shown').textContent === '{everything}'")
    assert page.complaints == []


def test_drawing_over_a_part_looks_closer(browser: Browser, both: Rehearsal, tmp_path: Path) -> None:
    ticks = "[...document.querySelectorAll('.run:first-child .at-time text')].map((each) => each.textContent)"
    page = opened(browser.page(), both, tmp_path)
    assert page.run(ticks)[0] == "0 s"
    x, y, width = page.run("""(() => {
        document.querySelector(".at-rate").scrollIntoView({block: "center"});
        const box = document.querySelector(".at-rate").getBoundingClientRect();
        return [box.x, box.y, box.width];
    })()""")

    page.mouse("mousePressed", x + width * 0.5, y + 20)
    page.mouse("mouseMoved", x + width * 0.6, y + 20)
    page.mouse("mouseReleased", x + width * 0.6, y + 20)

    closer = page.wait(f"({ticks})[0] !== '0 s' && ({ticks})")
    assert all(8 < float(tick.removesuffix(" s")) < 13 for tick in closer)


def test_marks_and_time_are_reached_with_keys_alone(browser: Browser, tmp_path: Path) -> None:
    made = rehearsal(failed=2)
    apart = [row for row in made.rows if not row.is_failed][::900]
    rows = tuple(
        dataclasses.replace(row, outcome=made.failed[0].outcome, status=None) if row in apart else row
        for row in made.rows
    )
    focused = "document.activeElement.getAttribute('aria-label')"
    page = opened(browser.page(), dataclasses.replace(made, rows=rows), tmp_path)
    page.run("document.querySelector('#moment').focus()")
    before = page.run("document.querySelector('.readout').textContent")
    page.press("ArrowRight", 39)
    assert page.run("document.querySelector('.readout').textContent") != before

    page.press("Tab", 9)
    first = page.run(focused)
    page.press("ArrowRight", 39)
    second = page.run(focused)
    assert "failed request" in first
    assert "failed request" in second
    assert first != second
    page.press("Enter", 13, text="\r")
    assert page.run("document.activeElement.id") == "failures"


def test_a_path_that_is_markup_is_shown_as_it_is(browser: Browser, both: Rehearsal, tmp_path: Path) -> None:
    page = opened(browser.page(), both, tmp_path)
    choose(page, "outcome", "=failed")
    page.run("document.getElementById('failures-more').click()")
    page.run("document.getElementById('failures-more').click()")

    paths = page.run("[...document.querySelectorAll('#failures-table code')].map((each) => each.textContent)")
    assert f"GET {HOSTILE}" in paths
    assert page.run("document.images.length") == 0
    assert page.complaints == []


def test_browser_refuses_what_the_page_would_ask_of_anybody(
    browser: Browser, both: Rehearsal, tmp_path: Path
) -> None:
    """So that an empty list of requests and complaints says something."""
    page = opened(browser.page(), both, tmp_path)
    page.run("fetch('http://127.0.0.1:9/').catch(() => 0)")
    page.run("""(() => {
        const evil = document.createElement("script");
        evil.text = "window.evil = 1";
        document.head.append(evil);
    })()""")

    assert page.run("window.evil") is None
    assert len(page.complaints) >= 2
    assert all("Content Security Policy" in each for each in page.complaints)


def test_fifty_thousand_requests_are_drawn_and_filtered(browser: Browser, tmp_path: Path) -> None:
    made = rehearsal(requests=50_000, rate=500, failed=2000)
    page = opened(browser.page(), made, tmp_path)
    nodes = page.run("document.querySelectorAll('*').length")
    begun = page.run("performance.now()")
    said = choose(page, "outcome", "=failed")
    took = page.run("performance.now()") - begun

    assert said == "2,000 of 50,000 requests"
    assert nodes < 2000  # aggregated: nothing is drawn for each request
    assert took < 1500  # milliseconds; 30 to 80 on two idle cores
    assert page.complaints == []


def test_page_can_be_printed(browser: Browser, both: Rehearsal, tmp_path: Path) -> None:
    page = opened(browser.page(is_dark=True), both, tmp_path)
    page.pdf(tmp_path / "report.pdf")

    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")

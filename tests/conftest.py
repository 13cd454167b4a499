"""What every test folder shares: which tests this machine can run, and that CI runs them all."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT_REASON = "needs root on this machine: sudo make e2e"


def _missing(item: pytest.Item) -> str | None:
    """Return why this machine cannot run *item*, with what to install, or None."""
    needs_docker = item.get_closest_marker("docker") is not None
    if needs_docker and shutil.which("docker") is None:
        return "needs a Docker engine: apt-get install docker.io"
    if needs_docker and shutil.which("debootstrap") is None:
        return "needs debootstrap for the base image: apt-get install debootstrap"
    if (needs_docker or item.get_closest_marker("root")) and os.geteuid() != 0:
        return ROOT_REASON
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    if reason := _missing(item):
        pytest.skip(reason)


# In CI a skipped test is a missing install step: it fails.
def _skip_fails(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where nothing may be: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _skip_fails(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _skip_fails(report)
    return report

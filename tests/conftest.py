"""What every test folder shares: which tests this machine can run, and that CI runs them all."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

STEERING = "GUNWALE_SERVE_STEERING"
ROOT_REASON = "needs root on this machine: sudo make e2e"


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "have serve run as on a kernel that does not steer connections, and run what is promised there"
    parser.addoption("--without-steering", action="store_true", help=told)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("without_steering"):
        os.environ[STEERING] = "off"


def _needs_steering(item: pytest.Item) -> bool:
    """Whether *item* is marked, for all servers or for its own."""
    mark = item.get_closest_marker("needs_steering")
    variant = getattr(item, "callspec", None) and item.callspec.params.get("variant")  # type: ignore[attr-defined]
    return mark is not None and (not mark.args or (variant is not None and variant.server in mark.args))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("without_steering"):
        steered = [item for item in items if _needs_steering(item)]
        items[:] = [item for item in items if item not in steered]
        config.hook.pytest_deselected(items=steered)


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

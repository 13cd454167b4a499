"""Azure App Service: what a Bicep or ARM template, azd's file, or the workflow that deploys has it start.

Read by what it says of the site alone: neither language has a reader of its own here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.facts import Given

if TYPE_CHECKING:
    from gunwale.project.facts import Place, Source

TOPIC = "start"
_SITE = re.compile(r"Microsoft\.Web/sites\b")
_PYTHON = re.compile(
    r"linuxFxVersion[\"']?\s*[:=]\s*[\"'](?:\[[^\]\n]{0,200})?PYTHON\||runtimeName:\s*'python'", re.IGNORECASE
)
_OF_AZD = ("azure.yaml", "azure.yml")
_COMMAND = re.compile(r"appCommandLine[\"']?\s*:\s*(?:'(?P<bicep>[^'\n]*)'|\"(?P<arm>(?:\\.|[^\"\\\n])*)\")")
_DEPLOYS = re.compile(
    r"^[ \t]*(?:-[ \t]+)?uses:[ \t]*[\"']?azure/webapps-deploy@", re.IGNORECASE | re.MULTILINE
)
_STARTUP = re.compile(r"^[ \t]*startup-command:(?P<text>[^\n]*)", re.MULTILINE)
# azd: the service's own file says where it goes, and the modules of its templates what it is.
_AZD = re.compile(r"^[ \t]*host:[ \t]*[\"']?appservice\b", re.MULTILINE)
_AZD_PYTHON = re.compile(r"^[ \t]*language:[ \t]*[\"']?(?:py|python)\b", re.MULTILINE)
_SET_UP = re.compile(r"actions/setup-python@|python-version:")


@dataclass(frozen=True, slots=True, eq=False)
class AppService:
    """One site: its own *command*; None where App Service finds the application by itself."""

    path: str
    command: Given[str] | None
    at: Place


def is_one(path: str) -> bool:
    """Tell by the suffix; what is inside decides."""
    is_workflow = path.startswith(".github/workflows/") and path.endswith((".yml", ".yaml"))
    name = path.rpartition("/")[2]
    return path.endswith(".bicep") or is_workflow or name.startswith("azuredeploy") or name in _OF_AZD


def is_relevant(source: Source) -> bool:
    """Whether it makes a site of App Service, or deploys to one."""
    return any(each.search(source.text) for each in (_SITE, _DEPLOYS, _AZD, _PYTHON))


def read(source: Source) -> AppService | None:
    """Read one file; None where it is no site for Python."""
    text = source.text
    if source.path.rpartition("/")[2] in _OF_AZD:
        host, language = _AZD.search(text), _AZD_PYTHON.search(text)
        return AppService(source.path, None, _line(source, host)) if host and language else None
    deploys = _DEPLOYS.search(text)
    found = (_STARTUP if deploys is not None else _COMMAND).search(text)
    said = next((each for each in found.groups() if each is not None), "") if found is not None else ""
    command = said.strip(" \t\"'") if deploys is not None else said.replace('\\"', '"')
    is_python = (_SET_UP if deploys is not None else _PYTHON).search(text)
    if is_python is None and "gunicorn" not in command:
        return None
    is_known = bool(command) and not command.startswith(("[", "${"))
    if found is not None and command and not is_known:
        return None  # an expression: which command it is cannot be told
    start = found if command and found is not None else (deploys or is_python)
    assert start is not None
    at = _line(source, start)
    return AppService(source.path, Given(command, at) if command else None, at)


def _line(source: Source, match: re.Match[str]) -> Place:
    """Return the line that *match* ends on: what goes before may begin on an earlier one."""
    return source.at(source.text.count("\n", 0, match.end()) + 1)

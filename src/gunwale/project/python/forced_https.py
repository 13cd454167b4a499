"""The extensions that answer every plain request with a redirect to https."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.project.facts import Given
from gunwale.project.python.values import value
from gunwale.project.readers.python import PythonFile
from gunwale.project.roles import Role, role

if TYPE_CHECKING:
    from gunwale.project.facts import Place
    from gunwale.project.model import Project

_FORCING = re.compile(r"flask_(?:talisman\.(?:talisman\.)?(?:Talisman|GCSPTalisman)|sslify\.SSLify)")


def forced_https(project: Project) -> Place | None:
    """Return what redirects every plain request to https, where nothing takes a view out of it."""
    found = None
    for file in project.of(PythonFile):
        if role(file.path) is Role.DEVELOPMENT:
            continue
        for call in file.calls:
            forced = call.argument("force_https")
            if forced is not None:
                given = value(project, file, forced)
                if not isinstance(given, Given) or given.value is not True or given.variables:
                    return None
            if call.argument("skips") is not None or call.tests:
                continue
            if _FORCING.fullmatch(call.name) and (call.node.args or call.node.keywords):
                found = found or call.at
    return found

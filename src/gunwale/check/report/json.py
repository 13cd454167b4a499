"""--format json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gunwale.check.document import document

if TYPE_CHECKING:
    from gunwale.check.run import Report


def write(report: Report) -> str:
    """Return the report as JSON."""
    return json.dumps(document(report), indent=2, ensure_ascii=False)

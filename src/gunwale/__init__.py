"""The outside of a Flask application: planned, checked, served, measured, proven."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0.dev0"

__all__ = ["Forwarded", "Gunwale", "__version__"]

if TYPE_CHECKING:
    from gunwale.runtime.extension import Gunwale
    from gunwale.runtime.middleware import Forwarded


def __getattr__(name: str) -> object:
    # Lazily: `gunwale --help` and the supervisor import this package and must load no Flask.
    if name == "Gunwale":
        from gunwale.runtime.extension import Gunwale

        return Gunwale
    if name == "Forwarded":
        from gunwale.runtime.middleware import Forwarded

        return Forwarded
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""One file a server: a plan and a capacity in, the command to run out."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from gunwale.plan.server import Traits


def discover() -> dict[str, ModuleType]:
    """Every server of this package by its name, sorted."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}") for name in names}


def traits() -> dict[str, Traits]:
    """What each of them is, as the plan wants to know it."""
    return {name: module.TRAITS for name, module in discover().items()}

"""The known layers by name: the one table from which counts, problems and documentation are made."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from gunwale.plan.layer import FIELDS, LETTERS, OPERATIONS, Certainty, Layer
from gunwale.plan.layers_clouds import CLOUDS
from gunwale.plan.layers_self_hosted import SELF_HOSTED

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CLOUDS", "FIELDS", "LAYERS", "LETTERS", "OPERATIONS", "SELF_HOSTED", "Certainty", "Layer"]

LAYERS: Mapping[str, Layer] = MappingProxyType({layer.name: layer for layer in (*SELF_HOSTED, *CLOUDS)})

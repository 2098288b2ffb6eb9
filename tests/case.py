"""What the property tests know of one small instance."""

import dataclasses
from collections.abc import Callable
from typing import Any

STATIC = frozenset({"static"})
EXACT = frozenset({"exact"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """How to build one small instance, and what its tests need to know.

    `build(context=C, dtype=...)` for flows and densities, `build()` for the rest. `properties` holds flags of a kind.
    """

    build: Callable[..., Any]
    features: int = 0
    context: int = 0
    properties: frozenset = frozenset()

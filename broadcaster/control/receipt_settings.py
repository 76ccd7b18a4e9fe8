"""The settings of the function that ends rounds (runtime.environment)."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.environment import UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptSettings:
    """Of the function ``receipt``."""

    home_region: str
    cell: str
    """The name of the cell."""
    matches_table: str
    broadcasts_table: str
    lease_seconds: int
    """Seconds that a renewed lease lasts."""
    rows_per_shard: int
    """Rows of a shard, on average, above which the number of shards doubles, as often as the rows need."""
    deployment: str = UNKNOWN

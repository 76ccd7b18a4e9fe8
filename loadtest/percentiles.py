"""Pure: percentiles of a list of values. swarm_results.py has those of a histogram."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def percentile(ordered: Sequence[int], share: float) -> int:
    """The value below which this share of the ordered values lies; 0 without values."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0

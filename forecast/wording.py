"""Pure: durations as the command ``plan`` and the tables of the docs say them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A duration with its unit: ``1.15 s``, ``134 s``, ``33 min``, ``5.6 h``."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 180:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7_200 else f"{seconds / 3_600:,.1f} h"

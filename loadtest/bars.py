"""Bars in a file: the plots of benches and traces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COLOUR = "#2a7f62"
KINDS = (".svg", ".png")
"""The endings of files that can be drawn."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One horizontal bar: ``length`` to the right of ``start``, in the plot's unit."""

    name: str
    length: float
    start: float = 0
    text: str = ""
    """Text at the end of the bar."""


def draw(path: Path, bars: Sequence[Bar], *, title: str, unit: str) -> None:
    """Draw bars into a file, the first one on top. The ending of ``path`` is one of ``KINDS``. Raises OSError."""
    import matplotlib as mpl  # much to import

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 1 + 0.4 * len(bars)))
    places = range(len(bars))
    axes.barh(places, [each.length for each in bars], left=[each.start for each in bars], color=COLOUR)
    axes.set_yticks(places, [each.name for each in bars])
    axes.invert_yaxis()
    axes.set_title(title)
    axes.set_xlabel(unit)
    axes.margins(x=0.3)
    for place, each in enumerate(bars):
        axes.text(each.start + each.length, place, f" {each.text}", va="center")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)

"""Draws seconds and dollars against the audience, one line for each transport."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from forecast.asking import ask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from forecast.bill import Options
    from forecast.question import Question

AUDIENCES = tuple(round(10 ** (3 + step / 4)) for step in range(17))
"""From 1,000 to 10,000,000 viewers."""

STYLES = ("-", "--", "-.", ":", (0, (1, 1, 4, 1)))
"""A style for each line, so that the picture can be read without colours."""


def draw(path: Path, question: Question, wanted: Sequence[str], options: Options) -> None:
    """Write an SVG. Raises OSError if the file cannot be written."""
    import matplotlib as mpl  # much to import, for this option only

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "livescore"
    from matplotlib import pyplot as plt

    audiences = [each for each in AUDIENCES if each >= max(question.matches, question.cells)]
    plans = [ask(replace(question, viewers=each, within_s=None), wanted, options) for each in audiences]
    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 9), layout="constrained")
    for number, name in enumerate(wanted):
        rows = [next(row for row in each.rows if row.name == name) for each in plans]
        for axes, values in (
            (above, [row.alone.last_s for row in rows]),
            (below, [(row.bill.low + row.bill.high) / 2 if row.bill.is_complete else None for row in rows]),
        ):
            if values[-1] is None:
                continue
            [line] = axes.plot(audiences, values, linestyle=STYLES[number % len(STYLES)])
            axes.annotate(
                name, (audiences[-1], values[-1]), xytext=(6, 0), textcoords="offset points",
                va="center", color=line.get_color(), fontsize=9,
            )  # fmt: skip
    for axes, title in ((above, "seconds to the last viewer of a goal"), (below, "dollars of a match")):
        axes.set(xscale="log", yscale="log", title=title, xlabel="viewers")
        axes.grid(alpha=0.3)
        axes.margins(x=0.16)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    try:
        figure.savefig(path, format="svg", metadata={"Date": None})
    finally:
        plt.close(figure)

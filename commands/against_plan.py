"""Prints how far the planner and the simulation are apart: ``livescore simulate --against-plan``."""

from __future__ import annotations

import json

from rich.table import Table

from commands.common import out, say
from forecast.agreement import ALLOWED, SETTINGS, compare, settings
from forecast.asking import ground
from forecast.bill import Options

WORST = 10


def against_plan(as_json: bool, seed: int = 0, count: int = SETTINGS) -> bool:
    """Compare ``count`` settings, and print the worst; returns whether all of them agree. Raises PriceFileError."""
    facts, found = ground("us-east-1", Options()), []
    for number, setting in enumerate(settings(count, seed), start=1):
        found.append(compare(setting, facts))
        if number % 50 == 0:
            say(f"{number} of {count} settings compared")
    found.sort(key=lambda each: -each.apart)
    worst, beyond = [each.report() for each in found[:WORST]], sum(each.apart > ALLOWED for each in found)
    if as_json:
        print(json.dumps({"settings": count, "allowed": ALLOWED, "beyond": beyond, "worst": worst}))  # noqa: T201
        return not beyond
    names = ("viewers", "matches", "cells", "requests a second", "a POST", "goals", "planned", "simulated", "apart")
    table = Table(*names, title=f"The {len(worst)} settings that are furthest apart")
    for each in worst:
        table.add_row(
            f"{each['viewers']:,}", str(each["matches"]), str(each["cells"]), f"{each['requests']:,.0f}",
            f"{1000 * each['post_s']:.0f} ms", "in all matches" if each["together"] else "in one match",
            f"{each['planned_s']:.3f} s", f"{each['simulated_s']:.3f} s", f"{each['apart']:.1%}",
        )  # fmt: skip
    out.print(table)
    out.print(f"{count} settings of API Gateway; {beyond} are more than {ALLOWED:.0%} apart.", highlight=False)
    return not beyond

"""Prints how far the planner and the simulation are apart: ``livescore simulate --against-plan``."""

from __future__ import annotations

import json

from rich.table import Table

from commands.common import out, say
from forecast import agreement, storm_agreement
from forecast.agreement import ALLOWED, compare, settings
from forecast.asking import ground, transports
from forecast.bill import Options

WORST = 10


def against_plan(
    as_json: bool, seed: int = 0, count: int = agreement.SETTINGS, storms: int = storm_agreement.SETTINGS
) -> bool:
    """Compare ``count`` settings of goals and some ``storms``, and print the worst; returns whether all agree.

    Raises PriceFileError.
    """
    facts, found = ground("us-east-1", Options()), []
    for number, setting in enumerate(settings(count, seed), start=1):
        found.append(compare(setting, facts))
        if number % 50 == 0:
            say(f"{number} of {count} settings compared")
    found.sort(key=lambda each: -each.apart)
    worst, beyond = [each.report() for each in found[:WORST]], sum(each.apart > ALLOWED for each in found)
    account, played = facts.account({}), storm_agreement.settings(transports(), storms, seed)
    joins = [join for storm in played if (join := storm_agreement.compare(storm, account)) is not None]
    joins.sort(key=lambda join: -join.apart)
    slowest, late = [join.report() for join in joins[:WORST]], sum(join.apart > ALLOWED for join in joins)
    if as_json:
        of_storms = {"settings": len(joins), "beyond": late, "worst": slowest}
        figures = {"settings": count, "allowed": ALLOWED, "beyond": beyond, "worst": worst, "storms": of_storms}
        print(json.dumps(figures))  # noqa: T201
        return not beyond and not late
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
    table = Table(
        "transport", "viewers", "matches", "cells", "limit", "planned", "simulated", "apart",
        title=f"The {len(slowest)} storms that are furthest apart",
    )  # fmt: skip
    for each in slowest:
        table.add_row(
            each["transport"], f"{each['viewers']:,}", str(each["matches"]), str(each["cells"]), each["binds"],
            f"{each['planned_s']:,.1f} s", f"{each['simulated_s']:,.1f} s", f"{each['apart']:.1%}",
        )  # fmt: skip
    out.print(table)
    out.print(f"{len(joins)} storms; {late} are more than {ALLOWED:.0%} apart.", highlight=False)
    return not beyond and not late

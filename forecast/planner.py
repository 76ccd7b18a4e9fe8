"""Pure: answers a question: for each transport the seconds, the limits, the quotas to raise and the bill."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any

from broadcaster.control.plan import MAX_SENDERS, plan
from devstack.stack_cells import API_GATEWAY
from forecast.account import account
from forecast.bill import GROUPS, bill
from forecast.question import QuestionError
from forecast.quota_uses import check_quotas, goal_quotas, join_quotas
from forecast.times import goal, join_rates, joining, outbound
from subscriptions.shards import initial_shards

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from forecast.account import Account
    from forecast.bill import Bill, Options
    from forecast.latencies import Latencies
    from forecast.prices import Prices
    from forecast.question import Question
    from forecast.times import Times

OURS = {
    "calls_in_a_row": "the calls in a row before the first frame",
    "map_iterations": f"{MAX_SENDERS} senders of one match in a cell (MAX_SENDERS)",
    "connections_of_a_sender": "400 connections of one sender (CONNECTIONS)",
    "match_row": "3,000 reads a second of a match's one row at home",
    "tokens_throttle": "the throttle of GET /listeners/momento (http_throttles)",
    "connect_throttle": "the throttles of $connect and subscribe (websocket_throttles)",
}
"""Limits of ours, beside the quotas of AWS."""

HARD = {"momento_subscribers", "momento_operations"}
"""Quotas that the service raises by contract only."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The facts on which an answer stands."""

    described: Mapping[str, Any]
    """terraform/system.json."""
    quotas: Mapping[str, float]
    """The region's default quotas by key."""
    prices: Prices
    options: Options
    latencies: Latencies

    def account(self, raised: Mapping[str, float]) -> Account:
        """The account with the quotas that it has raised."""
        return account(self.described, self.quotas, raised=raised, post_s=self.latencies.post_s)


@dataclass(frozen=True, slots=True)
class Raised:
    """The raises with which the last viewer has the goal in time."""

    quotas: Mapping[str, int]
    """By key: the new value."""
    settings: Mapping[str, int]
    """Settings of ours that follow."""
    cells: int
    """Cells that are needed: more than the question's where a limit of ours cannot be raised."""
    is_possible: bool = True
    """False: more time passes before the first viewer has the goal."""


@dataclass(frozen=True, slots=True)
class Row:
    """The answer for one transport. Seconds count from the operator's POST."""

    name: str
    alone: Times
    """A goal of one match while the others rest."""
    together: Times
    """A goal in every match at once."""
    join_s: float
    join_binds: str
    raised: Raised
    factor: float
    """The largest factor by which a quota is to be raised; 1 without a raise."""
    refuses: str | None
    """Why the transport cannot serve this audience at these quotas; None if it can."""
    bill: Bill

    def manages(self, within_s: float | None) -> bool:
        """Whether the last viewer has a goal in time at the quotas of the question."""
        return self.refuses is None and (within_s is None or self.alone.last_s <= within_s)


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer to a question."""

    question: Question
    rows: tuple[Row, ...]
    recommended: str
    reason: str
    prices_of: tuple[str, str]
    """The region of the prices, and the date on which they were read."""


def check(
    question: Question,
    known: Sequence[str],
    quotas: Mapping[str, Any],
    regions: frozenset[str],
    *,
    opens_page: bool = True,
) -> None:
    """Raises QuestionError for a question that has no answer; ``known``: the transports that it is about."""
    whole = {
        "viewers": question.viewers,
        "events": question.events,
        "matches": question.matches,
        "cells": question.cells,
    }
    for name, value in whole.items():
        if value < 1:
            raise QuestionError(f"--{name} is a whole number above 0, not {value}.")
        if value > 1_000_000_000:
            raise QuestionError(f"--{name} is at most a thousand million, not {value}.")
    if not 0 < question.hours <= 24 or not isfinite(question.hours):
        raise QuestionError(f"--hours is more than 0 and at most 24, not {question.hours}.")
    if question.within_s is not None and (not isfinite(question.within_s) or question.within_s <= 0):
        raise QuestionError(f"--within is a number of seconds above 0, not {question.within_s}.")
    if question.matches > question.viewers:
        raise QuestionError("There are more matches than viewers.")
    if question.cells > question.viewers:
        raise QuestionError("There are more cells than viewers.")
    if question.region not in regions:
        raise QuestionError(f"{question.region} is no region that we know; there are {', '.join(sorted(regions))}.")
    if not known:
        raise QuestionError("There is no transport to plan for.")
    used = set().union(*(goal_quotas(each) | join_quotas(each, opens_page=opens_page) for each in known))
    check_quotas(question.quotas, quotas, used, f"The answer for {', '.join(known)}")


def answer(question: Question, transports: Sequence[str], ground: Ground) -> Plan:
    """Plan for each transport. Raises QuestionError if the quotas leave nothing for a sender."""
    rows = tuple(_row(question, name, ground) for name in transports)
    recommended, reason = _recommend(rows, question)
    return Plan(question, rows, recommended, reason, (ground.prices.region, ground.prices.read))


def _row(question: Question, name: str, ground: Ground) -> Row:
    there, latencies = ground.account(question.quotas), ground.latencies
    if name == API_GATEWAY and there.send_rate < 1:
        raise QuestionError(
            f"A quota of {there.quotas['requests']:,.0f} requests a second leaves nothing for a sender: the routes "
            f"take {there.routes:,.0f} of it."
        )
    in_cell = question.viewers / question.cells
    of_match = in_cell / question.matches
    audience = question.viewers / question.matches
    alone = goal(name, of_match, 1, there, latencies, audience=audience)
    opens_page = ground.options.page != "none"
    rates = join_rates(name, there, matches=question.matches, cells=question.cells, opens_page=opens_page)
    join_s, join_binds = joining(name, in_cell, rates)
    senders = len(plan(initial_shards(ceil(audience)), ceil(audience), there.budget)) if name == API_GATEWAY else 0
    raised = _raised(question, name, there, latencies)
    return Row(
        name=name,
        alone=alone,
        together=goal(name, of_match, question.matches, there, latencies, audience=audience),
        join_s=join_s,
        join_binds=join_binds,
        raised=raised,
        factor=max((value / there.quotas[key] for key, value in raised.quotas.items()), default=1.0),
        refuses=refusal(name, in_cell, there),
        bill=bill(
            question,
            name,
            ground.prices,
            ground.options,
            sending_s=alone.last_s - alone.first_s,
            senders=senders * question.cells,
            shards=int(ground.described["stream"]["shards"]),
        ),
    )


def refusal(name: str, in_cell: float, there: Account) -> str | None:
    """Why a transport cannot serve an audience in a cell at these quotas; None if it can."""
    if name == "iot-core" and in_cell > there.quotas["iot_connections"]:
        return f"IoT Core has {there.quotas['iot_connections']:,.0f} connections at once in a region"
    if name == "momento" and in_cell > there.quotas["momento_subscribers"]:
        return f"Momento has {there.quotas['momento_subscribers']:,.0f} subscriptions at once"
    return None


def _raised(question: Question, name: str, there: Account, latencies: Latencies) -> Raised:
    """The quotas to raise, the settings that follow, and the cells that are needed."""
    in_cell, quotas = question.viewers / question.cells, there.quotas
    least = {"iot-core": "iot_connections", "momento": "momento_subscribers"}.get(name)
    raises = {least: ceil(in_cell)} if least is not None and in_cell > quotas[least] else {}
    within, cells, audience = question.within_s, question.cells, question.viewers / question.matches
    if (
        within is None
        or goal(name, in_cell / question.matches, 1, there, latencies, audience=audience).last_s <= within
    ):
        return Raised(raises, {}, cells)
    if name != API_GATEWAY:
        first = goal(name, 0, 1, there, latencies).first_s
        quota, deliveries = outbound(name, there)
        if within > first:
            raises[quota] = ceil(in_cell / question.matches / (within - first) * quotas[quota] / deliveries)
        return Raised(raises, {}, cells, is_possible=within > first)
    most = int(MAX_SENDERS * there.sender_most)

    def last(rate: float, cells: int) -> float:
        raised = replace(
            there, quotas={**quotas, "requests": rate + there.routes}, sender_rate=_sender_rate(rate, there)
        )
        return goal(name, audience / cells, 1, raised, latencies, audience=audience).last_s

    while last(most, cells) > within:
        if audience / cells < 1:
            return Raised({}, {}, question.cells, is_possible=False)
        cells *= 2
    while cells > question.cells and last(most, cells - 1) <= within:
        cells -= 1
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if last(middle, cells) <= within else (middle + 1, high)
    settings = {"send_rate": low}
    if (sender_rate := _sender_rate(low, there)) != there.sender_rate:
        settings["sender_rate"] = sender_rate
    return Raised({"requests": max(int(quotas["requests"]), there.quota_for(low))}, settings, cells)


def _sender_rate(rate: float, there: Account) -> int:
    """The setting ``sender_rate`` with which 40 senders carry the rate."""
    return max(there.sender_rate, ceil(rate / MAX_SENDERS))


def _recommend(rows: Sequence[Row], question: Question) -> tuple[str, str]:
    """The cheapest transport that manages, else the one with the smallest raise."""
    within = question.within_s
    able = [each for each in rows if each.manages(within)]
    if able:
        best = min(able, key=lambda each: (not each.bill.is_complete, each.bill.low + each.bill.high))
        aim = "" if within is None else f" that tells the last viewer within {within:g} s"
        unsure = [
            each for each in able if each is not best and each.bill.low < best.bill.low - 0.5 and each.bill.is_complete
        ]
        perhaps = "".join(
            f"; {each.name} costs ${each.bill.low:,.0f} if its unknown figures turn out well" for each in unsure
        )
        return (
            best.name,
            f"it is the cheapest{aim} at these quotas, by the middle of its range: {dollars(best.bill)}{perhaps}",
        )
    possible = [each for each in rows if each.raised.is_possible]
    if not possible:
        first = min(each.alone.first_s for each in rows)
        return "none", f"no transport manages it: {first:.2f} s pass before a first viewer has the goal"
    best = min(possible, key=lambda each: (bool(HARD & each.raised.quotas.keys()), each.raised.cells, each.factor))
    wanted = [f"{key} to {value:,}" for key, value in best.raised.quotas.items()]
    if best.raised.cells > question.cells:
        wanted.append(f"{best.raised.cells} cells")
    return best.name, f"none manages it at these quotas, and this one needs the smallest raise: {', '.join(wanted)}"


def dollars(each: Bill) -> str:
    """The sum of a bill, as text."""
    if each.high - each.low < 0.5:
        return f"${each.high:,.2f}"
    return f"${each.low:,.0f} to ${each.high:,.0f}"


def report(found: Plan) -> dict[str, Any]:
    """For JSON."""
    question = found.question
    return {
        "viewers": question.viewers,
        "events": question.events,
        "hours": question.hours,
        "matches": question.matches,
        "cells": question.cells,
        "region": question.region,
        "within_s": question.within_s,
        "transports": [_reported(each) for each in found.rows],
        "prices": {"region": found.prices_of[0], "read": found.prices_of[1]},
        "recommended": found.recommended,
        "reason": found.reason,
    }


def _reported(row: Row) -> dict[str, Any]:
    groups = {name: row.bill.group(name) for name in GROUPS}
    complete = row.bill.is_complete
    return {
        "name": row.name,
        "first_viewer_s": round(row.alone.first_s, 3),
        "median_viewer_s": round(row.alone.median_s, 3),
        "last_viewer_s": round(row.alone.last_s, 3),
        "together_last_viewer_s": round(row.together.last_s, 3),
        "join_s": round(row.join_s, 1),
        "binds": row.alone.binds,
        "join_binds": row.join_binds,
        "raise": dict(row.raised.quotas),
        "settings": dict(row.raised.settings),
        "cells_needed": row.raised.cells,
        "possible": row.raised.is_possible,
        "refuses": row.refuses,
        "usd": {
            "total": round((row.bill.low + row.bill.high) / 2, 2) if complete else None,
            "low": round(row.bill.low, 2),
            "high": round(row.bill.high, 2) if complete else None,
            **{name: [round(low, 4), round(high, 4)] for name, (low, high) in groups.items()},
        },
        "lines": [
            {
                "group": each.use.group,
                "name": each.use.text,
                "amount": round(each.use.amount, 3),
                "usd": None if each.low is None or each.high is None else [round(each.low, 4), round(each.high, 4)],
            }
            for each in row.bill.lines
        ],
    }


__all__ = ["OURS", "Plan", "Row", "answer", "check", "refusal", "report"]

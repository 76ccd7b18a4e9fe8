"""The cost tables of docs/deploy.md and docs/choosing.md, as Markdown: ``python -m forecast.cost_tables`` prints them.

A test compares the pages with them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from devstack.stack_cells import API_GATEWAY
from forecast.asking import ask, transports
from forecast.bill import GROUPS, Options
from forecast.price_file import prices
from forecast.question import Question
from forecast.wording import duration

if TYPE_CHECKING:
    from forecast.bill import Bill, Line

QUESTION = Question(viewers=1_000_000, events=25, hours=2.0)
LEAST = 0.005
"""Dollars below which a line is left out."""

SERVICES = {
    "websocket": "API Gateway", "http": "API Gateway", "data": "API Gateway", "function": "Lambda",
    "execution": "Step Functions",
    "table": "DynamoDB", "cdn": "CloudFront", "shield": "CloudFront", "log": "CloudWatch", "alarm": "CloudWatch",
    "trace": "X-Ray", "shard": "Kinesis", "consumer": "Kinesis", "queue": "SQS",
}  # fmt: skip
"""By the first word of a price's name: the service."""

UNITS = {"data_gb": "GB", "cdn_gb": "GB", "log_gb": "GB", "function_gb_s": "GB-s", "execution_gb_s": "GB-s",
         "shard_hour": "hours", "consumer_hour": "hours", "alarm_month": "months"}  # fmt: skip
ONE = {"GB": "a GB", "GB-s": "a GB-s", "hours": "an hour", "months": "a month"}


def bills(page: str) -> dict[str, Bill]:
    """The bill of each transport whose price is public, for viewers with that page open."""
    found = ask(QUESTION, transports(), Options(page=page))  # type: ignore[arg-type]
    return {row.name: row.bill for row in found.rows if row.bill.is_complete}


def match_rows() -> list[str]:
    """The lines of a match on API Gateway, as docs/deploy.md has them."""
    return [_row(line) for line in bills("match")[API_GATEWAY].lines if (line.high or 0) >= LEAST]


def match_sum() -> str:
    """The sum of these lines."""
    return f"${bills('match')[API_GATEWAY].high:,.0f}"


def scoreboard_rows() -> list[str]:
    """The lines that replace the snapshots for viewers of the scoreboard."""
    lines = [
        line for line in bills("scoreboard")[API_GATEWAY].lines if line.use.group == "cdn" and (line.high or 0) >= LEAST
    ]
    return [_row(line) for line in lines if line.use.text.startswith(("lists", "data from CloudFront"))]


def transport_rows() -> list[str]:
    """The groups of lines of each transport without the site's pages, as docs/choosing.md has them."""
    found = bills("none")
    head = [f"| | {' | '.join(found)} |", "| --- |" + " --- |" * len(found)]
    rows = [
        f"| {name.replace('_', ' ')} | {' | '.join(_span(*each.group(name)) for each in found.values())} |"
        for name in GROUPS
    ]
    sums = " | ".join(f"**{_span(each.low, each.high)}**" for each in found.values())
    return [*head, *rows, f"| **together** | {sums} |"]


def _row(line: Line) -> str:
    use = line.use
    price = prices().by_name[use.price or ""]
    each = f": {use.a_viewer:g} a viewer" if use.a_viewer is not None else ""
    text = use.text.replace(": ", ", ") if each else use.text
    unit = UNITS.get(use.price or "", "")
    amount = f"{use.amount:,.0f}" if use.amount >= 10 else f"{use.amount:.2g}"
    at = f"{_usd(price.usd)} {'a million' if price.unit > 1 else ONE[unit]}"
    service = SERVICES[(use.price or "").split("_")[0]]
    return f"| {text}{each} | {amount}{unit and ' ' + unit} | {at} ([{service}]({price.source})) | ${line.high:,.2f} |"


def _usd(usd: float) -> str:
    """A price with as many decimals as it needs, at least two."""
    short = f"{usd:.7f}".rstrip("0")
    return f"${short}" if len(short.partition(".")[2]) > 2 else f"${usd:.2f}"


def wait_rows() -> list[str]:
    """The seconds of the quotas alone, for the last viewer and for connecting, as docs/choosing.md has them."""
    names = (API_GATEWAY, "appsync-events", "iot-core")
    rows = []
    for viewers, text in ((10_000, "10,000"), (1_000_000, "a million"), (10_000_000, "ten million")):
        found = {row.name: row for row in ask(replace(QUESTION, viewers=viewers), names, Options()).rows}
        waits = [found[name].alone.last_s - found[name].alone.first_s for name in names]
        rows.append(f"| {text} viewers | {' | '.join(map(duration, waits))} |")
        if viewers > 10_000:
            joins = [found[name].join_s for name in names]
            rows.append(f"| {text} viewers connect in | {' | '.join(map(duration, joins))} |")
    return rows


TEN_MILLION = replace(QUESTION, viewers=10_000_000)
CELLS = (1, 4, 10)


def scale_rows() -> list[str]:
    """Ten million viewers of one match, by transport and number of cells, as docs/scale.md has them."""
    rows = []
    for name in transports():
        for cells in CELLS:
            [row] = ask(replace(TEN_MILLION, cells=cells), [name], Options()).rows
            limit = "none serves it" if row.refuses is not None and name == "momento" else f"`{row.alone.binds}`"
            if row.refuses is not None and name != "momento":
                limit = f"`{next(iter(row.raised.quotas))}`, then {limit}"
            dollars = _rough(row.bill.low, row.bill.high) if row.bill.is_complete else "not public"
            waits = "–" if name == "momento" else duration(row.alone.last_s)
            joins = "–" if name == "momento" else duration(row.join_s)
            rows.append(f"| {name} | {cells} | {waits} | {joins} | {dollars} | {limit} |")
    return rows


def _rough(low: float, high: float) -> str:
    return f"${high:,.0f}" if high - low < 1 else f"${low:,.0f} to ${high:,.0f}"


def _span(low: float, high: float) -> str:
    if high < LEAST:
        return "–"
    return f"${high:,.2f}" if high - low < LEAST else f"${low:,.2f} to ${high:,.2f}"


if __name__ == "__main__":
    for rows in (match_rows(), [match_sum()], scoreboard_rows(), transport_rows(), wait_rows(), scale_rows()):
        print("\n".join(rows), end="\n\n")  # noqa: T201

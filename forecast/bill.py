"""Pure: the bill of a match day, line by line, for one transport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devstack.stack_cells import API_GATEWAY
from forecast import usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from forecast.prices import Prices
    from forecast.question import Question
    from forecast.usage import Group, Page, Use

GROUPS: tuple[Group, ...] = (
    "connections", "messages", "functions", "reads", "writes", "state_machine", "cdn", "logs", "tracing", "idle",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """Figures that the services do not publish, and the pages that viewers use."""

    keepalives_billed: bool | None = None
    """Whether AppSync Events bills the frames ``ka``; None: nobody knows, so the bill is a range."""
    momento_usd: tuple[float, float] | None = None
    """Dollars for a million of Momento's operations, at least and at most; None: its part of the bill is unknown."""
    page: Page = "match"
    """The page that viewers have open; ``none`` for viewers with an app of their own."""
    tracing: bool = True
    """Whether X-Ray records traces (the variable ``tracing`` of Terraform)."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a bill, in dollars at least and at most; None: the price is not public."""

    use: Use
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Bill:
    """The bill of one transport."""

    lines: tuple[Line, ...]

    @property
    def low(self) -> float:
        """Dollars at least, of the lines with a price."""
        return sum(each.low for each in self.lines if each.low is not None)

    @property
    def high(self) -> float:
        """Dollars at most, of the lines with a price."""
        return sum(each.high for each in self.lines if each.high is not None)

    @property
    def is_complete(self) -> bool:
        """Whether every line has a price."""
        return all(each.low is not None for each in self.lines)

    def group(self, name: Group) -> tuple[float, float]:
        """Dollars of a group of lines, at least and at most."""
        lines = [each for each in self.lines if each.use.group == name]
        return sum(each.low or 0 for each in lines), sum(each.high or 0 for each in lines)


def bill(
    question: Question,
    transport: str,
    prices: Prices,
    options: Options,
    *,
    sending_s: float,
    senders: float,
    shards: int,
) -> Bill:
    """The bill of a match day on one transport.

    ``sending_s``: seconds of one goal's broadcast; ``senders``: of all cells together (API Gateway only). ``shards``:
    of the stream at home.
    """
    uses: list[Use] = []
    uses += (
        usage.api_gateway(question, sending_s, senders)
        if transport == API_GATEWAY
        else usage.broadcasting(question, transport)
    )
    uses += [*usage.home(question), *usage.site(question, options.page), *usage.idle(question, shards)]
    return Bill(tuple(_lines(uses, prices, options)))


def _lines(uses: Iterable[Use], prices: Prices, options: Options) -> Iterator[Line]:
    for use in uses:
        if use.group == "tracing" and not options.tracing:
            continue
        if use.price is None:
            low, high = options.momento_usd or (None, None)
            yield Line(use, *(None if usd is None else usd * use.amount / 1e6 for usd in (low, high)))
            continue
        most = prices.of(use.price, use.amount)
        least = most if use.least is None else prices.of(use.price, use.least)
        if use.is_keepalive and options.keepalives_billed is not None:
            most = least = most if options.keepalives_billed else 0.0
        yield Line(use, least, most)

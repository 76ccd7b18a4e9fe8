"""Pure: list prices, as terraform/quotas_and_prices.json has them."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from runtime.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = (
    "websocket_message", "websocket_minute", "http_request", "data_gb", "function_call", "function_gb_s", "execution",
    "execution_gb_s", "table_write", "table_read", "cdn_request", "shield_request", "cdn_gb", "log_gb", "alarm_month",
    "trace", "shard_hour", "consumer_hour", "queue_request", "events_operation", "graphql_operation", "graphql_update",
    "appsync_minute", "iot_message", "iot_minute", "iot_rule", "iot_action",
)  # fmt: skip
"""Every price that a bill needs."""


class PriceFileError(ProgramError, ValueError):
    """The price file lacks a figure, or has one that is no price; the text names it."""


@dataclass(frozen=True, slots=True)
class Price:
    """One price: ``usd`` dollars for ``unit`` of the thing that ``name`` says."""

    name: str
    unit: int
    usd: float
    source: str
    """URL of the page that states it."""
    second_hand: bool
    """Whether the price was read on another page than AWS's own."""

    def of(self, amount: float) -> float:
        """Dollars of an amount."""
        return amount / self.unit * self.usd


@dataclass(frozen=True, slots=True)
class Prices:
    """All prices of one region."""

    region: str
    read: str
    """The date on which they were read."""
    by_name: Mapping[str, Price]

    def of(self, name: str, amount: float) -> float:
        """Dollars of an amount of the thing of this name."""
        return self.by_name[name].of(amount)


def parse(listed: Any) -> Prices:
    """The prices in the file's JSON. Raises PriceFileError."""
    prices = listed.get("prices") if isinstance(listed, dict) else None
    if not isinstance(prices, dict):
        raise PriceFileError("The price file has no prices.")
    about = {name: prices.get(name) for name in ("region", "read")}
    for name, value in about.items():
        if not isinstance(value, str):
            raise PriceFileError(f"The price file does not say its {name}: prices.{name} is missing.")
    return Prices(str(about["region"]), str(about["read"]), {name: _price(name, prices.get(name)) for name in NAMES})


def _price(name: str, listed: Any) -> Price:
    if not isinstance(listed, dict):
        raise PriceFileError(f"The price file lacks the price prices.{name}.")
    usd, unit = listed.get("usd"), listed.get("unit")
    if isinstance(usd, bool) or not isinstance(usd, int | float) or not isfinite(usd) or usd < 0:
        raise PriceFileError(f"The price file lacks a figure: prices.{name}.usd is not a number of dollars.")
    if type(unit) is not int or unit < 1:
        raise PriceFileError(f"The price file lacks a figure: prices.{name}.unit is not a whole number above 0.")
    texts = [listed.get(field) for field in ("name", "source")]
    if not all(isinstance(each, str) and each for each in texts):
        raise PriceFileError(f"The price file lacks a text: prices.{name} needs a name and a source.")
    return Price(str(texts[0]), unit, float(usd), str(texts[1]), listed.get("second_hand") is True)

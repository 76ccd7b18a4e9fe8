"""Reads the file of quotas and prices, and the list of regions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from devstack.system import ROOT
from forecast.prices import PriceFileError, parse

if TYPE_CHECKING:
    from pathlib import Path

    from forecast.prices import Prices

FILE = ROOT / "terraform/quotas_and_prices.json"


def prices(path: Path = FILE) -> Prices:
    """The prices. Raises PriceFileError for a file that cannot be read, or lacks a figure."""
    try:
        listed: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PriceFileError(f"The price file {path.name} cannot be read: {error}") from error
    return parse(listed)


def regions() -> frozenset[str]:
    """The regions of AWS that we know, by terraform/origin_shield.json."""
    listed = json.loads((ROOT / "terraform/origin_shield.json").read_text("utf-8"))
    return frozenset(listed["regions"]) | {
        name for part in ("instead", "nearest") for name in listed[part] if name != "//"
    }

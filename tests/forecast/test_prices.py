"""The price file: every figure is there, and a missing one is named."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from devstack.system import ROOT
from forecast.price_file import prices, regions
from forecast.prices import NAMES, PriceFileError, parse

if TYPE_CHECKING:
    from pathlib import Path

LISTED: Any = json.loads((ROOT / "terraform/quotas_and_prices.json").read_text())


def test_every_price_has_its_source() -> None:
    """Each price of the file is used, is above 0, and names the page that states it."""
    found = prices()
    assert set(found.by_name) == set(LISTED["prices"]) - {"read", "region"}
    assert all(each.usd > 0 and each.source.startswith("https://") for each in found.by_name.values())
    assert found.of("websocket_message", 2_000_000) == 2.0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("field", ["usd", "unit", "name", "source", None])
def test_a_missing_figure_is_named(name: str, field: str | None) -> None:
    """Without one of its figures or texts, the file is refused with a sentence that names the place."""
    listed = copy.deepcopy(LISTED)
    listed["prices"].pop(name) if field is None else listed["prices"][name].pop(field)
    with pytest.raises(PriceFileError, match=rf"prices\.{name}"):
        parse(listed)


@pytest.mark.parametrize("value", [None, "1.00", -1, True, float("nan"), float("inf")])
def test_a_price_is_a_number_of_dollars(value: Any) -> None:
    """A text, a negative number or no number at all is refused."""
    listed = copy.deepcopy(LISTED)
    listed["prices"]["data_gb"]["usd"] = value
    with pytest.raises(PriceFileError, match=r"prices\.data_gb\.usd"):
        parse(listed)


@pytest.mark.parametrize("listed", [None, [], {}, {"prices": 1}])
def test_a_file_without_prices_is_refused(listed: Any) -> None:
    """JSON of another shape gets a sentence."""
    with pytest.raises(PriceFileError, match="has no prices"):
        parse(listed)


@pytest.mark.parametrize("field", ["read", "region"])
def test_the_file_says_when_and_where(field: str) -> None:
    """A price without a date or a region says nothing."""
    listed = copy.deepcopy(LISTED)
    del listed["prices"][field]
    with pytest.raises(PriceFileError, match=rf"prices\.{field}"):
        parse(listed)


@pytest.mark.parametrize("content", [None, "{", "\xff"])
def test_a_file_that_cannot_be_read_is_refused(content: str | None, tmp_path: Path) -> None:
    """A file that is missing, cut off or no text gets a sentence with its name."""
    path = tmp_path / "prices.json"
    if content is not None:
        path.write_text(content, "latin-1")
    with pytest.raises(PriceFileError, match=r"prices\.json cannot be read"):
        prices(path)


def test_the_regions_are_those_of_aws() -> None:
    """The list has the usual regions, the small ones among them."""
    assert {"us-east-1", "eu-west-1", "ap-southeast-7"} < regions()
    assert set(LISTED["quotas"]["requests"]["small_regions"]["regions"]) < regions()

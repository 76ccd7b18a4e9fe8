"""The descriptions of cells in CELLS: what may be left out, and a sentence for what is wrong."""

from __future__ import annotations

import pytest

from broadcaster.transports.description import CellDescription, parse_cells
from runtime.environment import SettingsError

MACHINE = {"state_machine": "arn", "connections_url": "https://example.com"}


def test_a_cell_named_like_its_region_needs_no_region() -> None:
    """A cell whose name is a region lies in that region, is told by API Gateway, and its resources have no suffix."""
    assert parse_cells({"eu-west-1": MACHINE}) == {
        "eu-west-1": CellDescription("eu-west-1", "eu-west-1", "api-gateway", "", MACHINE)
    }


def test_several_cells_may_lie_in_one_region() -> None:
    """The suffix tells the resources of two cells of one region apart."""
    described = parse_cells({name: {"region": "us-east-1", **MACHINE} for name in ("main", "us-east-1")})
    assert [(each.name, each.region, each.suffix) for each in described.values()] == [
        ("main", "us-east-1", "-main"), ("us-east-1", "us-east-1", ""),
    ]  # fmt: skip
    assert parse_cells({"main": {"region": "us-east-1", "suffix": "-m", **MACHINE}})["main"].suffix == "-m"
    assert described["main"].keeps_rows


@pytest.mark.parametrize(
    ("name", "texts", "sentence"),
    [
        ("Main", {**MACHINE, "region": "us-east-1"}, "The cell 'Main' has a wrong name: small letters, digits"),
        ("m" * 23, {**MACHINE, "region": "us-east-1"}, "has a wrong name"),
        ("main", MACHINE, "The cell main lacks a region."),
        ("main", {**MACHINE, "region": "Europe"}, "The cell main is in 'Europe', which is no name of a region."),
        ("main", {"region": "us-east-1", "transport": "pigeons"}, "The cell main has the transport 'pigeons'; there"),
        ("main", {"region": "us-east-1"}, "The cell main lacks 'state_machine', which api-gateway needs."),
        ("main", {"region": "us-east-1", "state_machine": ""}, "The cell main lacks 'state_machine'"),
    ],
)
def test_what_is_wrong_with_a_cell_is_said(name: str, texts: dict[str, str], sentence: str) -> None:
    """An unknown transport, or a text that is missing, is named in a sentence with the cell."""
    with pytest.raises(SettingsError, match=sentence):
        parse_cells({"eu-west-1": MACHINE, name: texts})


def test_all_wrong_cells_are_named_at_once() -> None:
    """One error names every cell that is wrong."""
    with pytest.raises(SettingsError) as raised:
        parse_cells({"main": {"transport": "pigeons"}, "away": MACHINE})
    said = str(raised.value)
    assert ["The cell main lacks a region." in said, "'pigeons'" in said, "The cell away lacks" in said] == [True] * 3

"""The option ``--cells``: which cells it names, and the sentences about lists that are wrong."""

from __future__ import annotations

import pytest

from devstack.stack_cells import CellsError, StackCell, checked, parse
from devstack.system import System

TRANSPORTS = System(1).transports


def test_a_list_of_regions_is_a_list_of_cells() -> None:
    """A region alone is a cell of API Gateway with the region's name and without a suffix."""
    cells = parse("us-east-1,eu-west-1", TRANSPORTS)
    assert cells == (StackCell(), StackCell("eu-west-1", "eu-west-1", "api-gateway"))
    assert [each.suffix for each in cells] == ["", ""]


def test_a_cell_states_its_name_region_and_transport() -> None:
    """One region may hold several cells. A cell whose name is no region has its name as its suffix."""
    cells = parse("main=us-east-1, events=us-east-1/appsync-events, eu-west-1/iot-core", TRANSPORTS)
    assert cells == (
        StackCell("main", "us-east-1", "api-gateway"),
        StackCell("events", "us-east-1", "appsync-events"),
        StackCell("eu-west-1", "eu-west-1", "iot-core"),
    )
    assert [each.suffix for each in cells] == ["-main", "-events", ""]


def test_home_needs_no_cell() -> None:
    """Viewers of the home region may use the cell of another region."""
    assert parse("eu-west-1", TRANSPORTS) == (StackCell("eu-west-1", "eu-west-1"),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("events=us-east-1/fax", "The cell 'events' has the transport 'fax'. The transports are api-gateway,"),
        ("events=us-east-1/", "The cell 'events' has the transport ''. The transports are"),
        ("Events=us-east-1", "'Events' cannot be the name of a cell. A name has 2 to 22 small letters"),
        ("e=us-east-1", "'e' cannot be the name of a cell."),
        ("events-=us-east-1", "'events-' cannot be the name of a cell."),
        ("=us-east-1", "'' cannot be the name of a cell."),
        (f"{'a' * 23}=us-east-1", "cannot be the name of a cell."),
        ("events=mars", "The cell 'events' is in 'mars', but a region is written like us-east-1."),
        ("events=appsync-events", "The cell 'events' is in 'appsync-events', but a region is written like"),
        ("events", "The cell 'events' is in 'events', but a region is written like us-east-1."),
        ("us-east-1,us-east-1", "Two cells have the name 'us-east-1'. Each cell needs a name of its own."),
        ("a-b=us-east-1,ab=us-east-1", "The names 'a-b' and 'ab' differ only in their dashes. Choose another name."),
        ("", "The list of cells has an empty place. Cells are written like main=us-east-1,"),
        ("us-east-1,", "The list of cells has an empty place."),
    ],
)
def test_a_wrong_list_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    """A list that names no cells is refused in a sentence that names the cell and the remedy."""
    with pytest.raises(CellsError) as refused:
        parse(text, TRANSPORTS)
    assert sentence in str(refused.value)


def test_a_system_has_a_cell() -> None:
    """A system without a cell is refused, also where no person has written the list."""
    with pytest.raises(CellsError, match="No cell is named"):
        checked([], TRANSPORTS)

"""A cell whose client cannot be made: it is refused, and the other cells go on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from broadcaster.home.cells import Cell, Cells
from broadcaster.transports import registry
from broadcaster.transports.description import CellDescription
from broadcaster.transports.transport import Clients
from runtime import aws
from runtime.refusals import judge
from tests.channel_names import CHANNELS

if TYPE_CHECKING:
    from broadcaster.home.watchdog_queue import Watched

REGION = "eu-west-1"
BROKEN = CellDescription("iot", REGION, "iot-core", "-iot", {"url": "no url"})
GOOD = CellDescription("good", REGION, "appsync-events", "-good", {"url": "http://127.0.0.1/event"})
NOTHING: Any = None


class Queue:
    """The watchdog's queue; keeps the cells of its messages."""

    def __init__(self) -> None:
        self.cells: list[str] = []

    def put(self, watched: Watched, _seconds: int | None = None) -> None:
        """Take a message."""
        self.cells.append(watched.cell)


class Told:
    """The transport of the cell that works."""

    def __init__(self) -> None:
        self.begun = 0

    def begin(self, *_: Any, **__: Any) -> Any:
        """Tell the cell."""
        self.begun += 1
        return SimpleNamespace()


@pytest.fixture
def clients() -> Clients:
    """The clients of a process."""
    return Clients(aws.make, aws.credentials, NOTHING, ThreadPoolExecutor(1), CHANNELS)


def test_a_cell_without_a_client_does_not_stop_the_others(clients: Clients) -> None:
    """An event is told in the other cell; for the broken one it waits in the watchdog's queue."""
    queue, told = Queue(), Told()
    broken = registry.make(BROKEN, NOTHING, NOTHING, clients)
    cells = Cells(
        {"iot": Cell(BROKEN, NOTHING, broken), "good": Cell(GOOD, NOTHING, told)}, queue, ThreadPoolExecutor(2)  # type: ignore[arg-type]
    )  # fmt: skip
    match: Any = SimpleNamespace(match="m", newest_seq=1, epoch="e")
    assert cells.broadcast(match) == ["iot"]
    assert told.begun == 1
    assert sorted(queue.cells) == ["good", "iot", "iot"]


@pytest.mark.parametrize(
    "description",
    [BROKEN, CellDescription("main", REGION, "api-gateway", "", {"connections_url": "no url", "state_machine": "arn"})],
)
def test_a_messenger_without_a_client_refuses_only_its_own_cell(clients: Clients, description: CellDescription) -> None:
    """The messengers of all cells are made together, and the broken one answers with a refusal that names its cell."""
    made = registry.make_messenger(description, "subscriptions", clients)
    with pytest.raises(ClientError, match=description.name) as raised:
        made.message("ann", b"{}")
    assert judge(raised.value) == "refused"

"""All services of the broadcasting transports and a readers' API, which let everybody in and answer at once."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from client.cell_address import CellAddress, read_cells
from tests.web.director import ACKNOWLEDGED, REFUSED, Director
from tests.web.table import frame
from tests.web.transports import CELL, NAMESPACE, Services, address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.web.director import Call


class House(Director):
    """Answers every call by itself. A test changes its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seq = 1
        """The newest event of every match."""
        self.stale = 0
        """So many reads have the present state; from the last of them on the newest event is the next one."""
        self.refused: set[str] = set()
        """Matches that nobody may hear."""
        self.refusal = REFUSED
        """A service's answer to a subscription to one of these."""
        self.tokens: list[str | None] = []
        """The tokens of the handshakes."""
        self.subscribed: list[str] = []
        """The matches of the subscriptions that came to a service."""

    async def called(self, queue: str, call: Call) -> Any:
        """The answer to a call."""
        match queue:
            case "authorize":
                self.tokens.append(call.about.get("token"))
                return True
            case "connect":
                return 200
            case "message":
                self.subscribed.append(call.about["match"])
                return self.refusal if call.about["match"] in self.refused else ACKNOWLEDGED
        if self.stale:
            self.stale -= 1
            self.seq += not self.stale
        path = call.about.partition("?")[0]
        match_id = path.rpartition("/")[2]
        after = int(call.about.partition("after=")[2].partition("&")[0] or 0)
        snapshot = frame({"snapshot": self.seq, "has": [*range(after + 1, self.seq + 1)], "match": match_id})
        return {**snapshot, "recovered": True, "channel": f"{NAMESPACE}/{match_id}"}


@asynccontextmanager
async def open_house() -> AsyncIterator[tuple[House, Services]]:
    """The house and its services while the block runs."""
    house = House()
    await house.start()
    services = await Services(house).start()
    try:
        yield house, services
    finally:
        await services.stop()
        await house.stop()


def cell(transport: str, services: Services) -> CellAddress:
    """The address of a service in the deployment ``derby``."""
    stated = {**address(transport, services.port), "namespace": "derby"}
    return read_cells({"version": 1, "cells": {CELL: stated}})[CELL]

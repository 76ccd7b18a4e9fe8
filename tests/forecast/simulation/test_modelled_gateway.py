"""The modelled gateway: sockets and epoll in memory."""

from __future__ import annotations

import random
import socket

from forecast.simulation.modelled_gateway import ModelledGateway
from forecast.simulation.modelled_tables import Home
from forecast.simulation.repairs import Repairs
from forecast.simulation.scenario import Gateway
from forecast.simulation.virtual_loop import VirtualLoop


def test_a_poll_returns_no_more_sockets_than_are_asked_for() -> None:
    """Like the system's epoll it keeps the others for the next poll."""
    loop = VirtualLoop(0.001)
    wire = ModelledGateway(Gateway(), 0.02, Repairs(Home(), loop, random.Random(0))).wire()
    epoll = wire.epoll()
    sockets = [wire.socket(socket.AF_INET, socket.SOCK_STREAM, 0) for _ in range(3)]
    for each in sockets:
        epoll.register(each.fileno(), 0)
    loop.call_later(0.03, loop.stop)
    loop.run_forever()
    assert [len(epoll.poll(0, most)) for most in (2, 3, 9)] == [2, 3, 3]
    loop.close()

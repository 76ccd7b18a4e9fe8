"""The transports that devstack can run, compared with the description of the system."""

from __future__ import annotations

from devstack.stack_cells import parse
from devstack.system import System
from devstack.transports.registry import TRANSPORTS, settings_for

SYSTEM = System(1)


def test_devstack_runs_every_transport_of_the_description() -> None:
    """Each transport that terraform/system.json names can run on this machine."""
    assert list(TRANSPORTS) == SYSTEM.transports


def test_a_cell_for_many_viewers_has_raised_quotas() -> None:
    """The stand-in for Momento serves as many polls as the viewers of the demo and the benches need."""
    momento = parse("us-east-1,topics=us-east-1/momento", SYSTEM.transports)
    assert settings_for(momento, 1_000) == {"momento_subscribers": 2_000}
    assert settings_for(momento, 10) == {"momento_subscribers": 100}
    assert settings_for(parse("us-east-1", SYSTEM.transports), 1_000) == {}

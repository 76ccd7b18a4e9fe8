"""One real stack for the whole run: MiniStack with everything that the description names."""

from __future__ import annotations

import itertools
import signal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from broadcaster.control.cell_state import CellStates
from devstack.operator.api_client import Operator
from devstack.stack.ministack import free_port
from devstack.stack.provision import client
from devstack.stack.whole_stack import running
from devstack.system import PREFIX
from matches.ledger import Ledger
from runtime.environment import settings as settings_of_this_process
from subscriptions.store import Subscriptions
from tests import longest, quick
from tests.listening import PLANTED, Listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devstack.system import System

settings.register_profile("livescore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("livescore")

# The caller of the tests may ignore or block these signals, as a script does in the background. Programs that we start
# would inherit that, and nothing could end them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))

_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--quick``."""
    parser.addoption("--quick", action="store_true", help="only tests that open no socket and start no process")


def pytest_configure(config: pytest.Config) -> None:
    """Guard quick tests."""
    if config.getoption("--quick"):
        config.pluginmanager.register(quick.Guard())


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out all files but those of ``--quick``, if it is given."""
    return True if config.getoption("--quick") and quick.leaves_out(collection_path) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs the stack, if ``--quick`` is given; several workers begin with the longest files."""
    if config.getoption("--quick"):
        items[:] = [each for each in items if quick.NEEDS_STACK not in getattr(each, "fixturenames", ())]
    if hasattr(config, "workerinput"):
        items[:] = longest.first(items)


@pytest.fixture(scope="session", autouse=True)
def _closed() -> Iterator[None]:
    """Nothing that any test starts listens to other machines."""
    with Listening(1.0) as listening:
        yield
    assert not [each for each in listening.open if PLANTED not in each]


@pytest.fixture(autouse=True)
def _settings() -> None:
    """Settings that a test reads are those of its own environment."""
    settings_of_this_process.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _deployment() -> Iterator[None]:
    """Functions that tests call in this process name their deployment in their metrics."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEPLOYMENT", PREFIX)
        yield


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """The running system."""
    with running(free_port()) as (system, _):
        yield system


@pytest.fixture(scope="session")
def operator(system: System) -> Iterator[Operator]:
    """An operator at the running API."""
    with Operator(system.api_url) as operator:
        yield operator


@pytest.fixture(scope="session")
def dynamodb(system: System) -> Any:
    """DynamoDB of the running system."""
    return client(system, "dynamodb")


@pytest.fixture(scope="session")
def ledger(system: System, dynamodb: Any) -> Ledger:
    """The ledger of the running system."""
    return Ledger(system.name("matches"), dynamodb)


@pytest.fixture(scope="session")
def cell_states(system: System, dynamodb: Any) -> CellStates:
    """The progress of the running system's one cell."""
    return CellStates(system.name("broadcasts"), dynamodb)


@pytest.fixture(scope="session")
def subscriptions(system: System, dynamodb: Any) -> Subscriptions:
    """The subscriptions of the running system."""
    return Subscriptions(system.name("subscriptions"), dynamodb)


@pytest.fixture
def match_id() -> str:
    """An id that no other test uses."""
    return f"test-{next(_numbers)}"


@pytest.fixture
def match(operator: Operator, match_id: str) -> str:
    """A match of Argentina and France that has not begun."""
    operator.create_match(match=match_id, home="Argentina", away="France", kickoff="2022-12-18T15:00:00Z", audience=40)
    return match_id

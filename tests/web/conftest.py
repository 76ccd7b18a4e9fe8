"""Helpers for the tests of the pages: a system with its site, a browser, a stand-in for the scenes, Node."""

from __future__ import annotations

import itertools
import os
import shutil
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from devstack.operator.api_client import Operator
from devstack.stack.ministack import free_port
from devstack.stack.site import serving
from devstack.stack.standin_process import StandIn
from devstack.stack.whole_stack import Stack, running
from devstack.system import System
from loadtest import browser as browsers
from tests.support import needs
from tests.web import scene
from tests.web.director import Director
from tests.web.looking import Looker
from tests.web.transports import Services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from playwright.async_api import Browser

_numbers = itertools.count(1)

LIMITS = {"check_every": 0}


@dataclass(frozen=True)
class Stage:
    """The system behind the pages of the tests."""

    system: System
    stack: Stack
    site: str
    """URL of the pages, with a slash at its end."""
    operator: Operator

    def match(self, home: str = "Argentina", away: str = "France", **about: Any) -> str:
        """Create a match for one test; returns its id."""
        match = f"web-{next(_numbers)}"
        given = {"kickoff": "2022-12-18T15:00:00Z", "competition": "World Cup 2022", **about}
        self.operator.create_match(match=match, home=home, away=away, **given)
        return match

    def post(self, match: str, kind: str, **fields: Any) -> dict[str, Any]:
        """Post an event and wait until it is decided; returns the outcome."""
        posted = self.operator.post_event(match, {"kind": kind, **fields})
        return self.operator.settled(match, posted["event_id"])


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """A system with the stand-in as its gateway, its site, and an operator."""
    needs("Chromium", browsers.installed())
    with (
        running(free_port(), gateway="standin") as (system, stack),
        serving(system, free_port()) as site,
        Operator(system.api_url) as operator,
    ):
        yield Stage(system, stack, site, operator)


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser."""
    needs("Chromium", browsers.installed())
    async with browsers.chromium() as browser:
        yield browser


@pytest_asyncio.fixture
async def looker(browser: Browser, stage: Stage) -> AsyncIterator[Looker]:
    """Opens pages of the site; at the end no page may have written an error."""
    async with AsyncExitStack() as contexts:
        looker = Looker(browser, stage.site, contexts)
        yield looker
        looker.calm()


@pytest.fixture(scope="session")
def node() -> str:
    """The Node to run the library in; skips without one, visibly, and fails in CI."""
    found = shutil.which("node")
    if found is not None and (Path(__file__).parent / "node_modules/ws").exists():
        return found
    why = "Node is not there, or its packages are not: make web-test installs them."
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
async def director() -> AsyncIterator[Director]:
    """The director answers for the stand-in's functions and the readers' API."""
    director = await Director().start()
    yield director
    await director.stop()


@pytest.fixture(scope="session")
async def services(director: Director) -> AsyncIterator[Services]:
    """The services of the broadcasting transports, which ask the director."""
    services = await Services(director).start()
    yield services
    await services.stop()


@pytest.fixture(scope="session")
def theatre(director: Director) -> Iterator[scene.Stage]:
    """A stand-in whose functions ask the director."""
    port = free_port()
    system = System(1, gateway_port=port)
    system.raw["functions"]["authorizer"] = {"handler": "tests.web.page_functions.authorizer", "environment": {}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIRECTOR", director.url)
        standin = StandIn(system, LIMITS, handler="tests.web.page_functions.handler", threads=32).start()
        yield scene.Stage(director, standin, port)
    standin.stop()

"""The viewer's page on every transport, in a real browser with one system that has a cell of each."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import expect

from devstack.child_process import free_port
from devstack.operator.api_client import Operator
from devstack.stack.site import serving
from devstack.stack.whole_stack import running
from devstack.stack_cells import parse
from devstack.transports.registry import TRANSPORTS
from loadtest import browser as browsers
from tests.support import eventually, needs
from tests.web.conftest import Stage
from tests.web.desk import desk_of
from tests.web.looking import Looker, live

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from playwright.async_api import Browser, Page

CELLS = {transport: transport.removeprefix("appsync-") for transport in TRANSPORTS}
"""Transport -> the cell that has it."""

OWN = {
    "api-gateway": set(),
    "appsync-events": {"appsync-events", "appsync"},
    "appsync-graphql": {"appsync-graphql", "appsync"},
    "iot-core": {"iot-core", "mqtt"},
    "momento": {"momento"},
}
"""Transport -> the modules that only some transports need."""

SHARED = {"dial", "broadcast-socket", "service-socket", "snapshots", "subject"}


@pytest.fixture(scope="module")
def system_of_all() -> Iterator[Stage]:
    """A system with a cell of each transport, and its site."""
    needs("Chromium", browsers.installed())
    cells = parse(",".join(f"{name}=us-east-1/{transport}" for transport, name in CELLS.items()), TRANSPORTS)
    with (
        running(free_port(), cells=cells) as (system, stack),
        serving(system, free_port()) as site,
        Operator(system.api_url) as operator,
    ):
        yield Stage(system, stack, site, operator)


@pytest_asyncio.fixture
async def looker_at_all(browser: Browser, system_of_all: Stage) -> AsyncIterator[Looker]:
    """Opens pages of that site; at the end no page may have written an error."""
    async with AsyncExitStack() as contexts:
        looker = Looker(browser, system_of_all.site, contexts)
        yield looker
        looker.calm()


@dataclass
class Opened:
    """The page of a match on one transport."""

    page: Page
    modules: set[str] = field(default_factory=set)
    """The names of the files of web/transports that it has loaded."""
    reads: list[str] = field(default_factory=list)
    """Its reads of the match over HTTP."""

    def note(self, url: str) -> None:
        """A request of the page."""
        folder, _, name = url.rpartition("/")
        if folder.endswith("/transports"):
            self.modules.add(name.removesuffix(".js"))
        if folder.endswith("/matches"):
            self.reads.append(name)


async def page_on(looker: Looker, transport: str, match: str) -> Opened:
    """The page of a match on the cell with this transport."""
    opened = Opened(await looker.blank())
    opened.page.on("request", lambda request: opened.note(request.url))
    await opened.page.goto(f"{looker.site}?match={match}&cell={CELLS[transport]}")
    return opened


async def test_a_goal_is_seen_on_every_transport(system_of_all: Stage, looker_at_all: Looker) -> None:
    """One press at the desk, and each transport brings the goal to a page that says "Live".

    The page loads only its own transport, and reads nothing over HTTP for the goal.
    """
    match = system_of_all.match()
    system_of_all.post(match, "kick_off")
    pages = {each: await page_on(looker_at_all, each, match) for each in CELLS}
    for each in pages.values():
        await live(each.page)
        await expect(each.page.locator("#connection .words")).to_have_text("Live")
    for transport, each in pages.items():
        assert each.modules == (OWN[transport] | SHARED if OWN[transport] else set()), transport
        if OWN[transport]:
            looked = f"{transport} has not looked for the second time"
            await eventually(lambda each=each: any("request=look" in read for read in each.reads), looked)
    desk = await desk_of(system_of_all, looker_at_all, match)
    reads = {transport: list(each.reads) for transport, each in pages.items()}
    await desk.name("Lionel Messi")
    await desk.press("h")
    for each in pages.values():
        await expect(each.page.locator(".score")).to_have_text("1 to 0")
        await expect(each.page.locator("#announcer")).to_contain_text("Goal for")
        await expect(each.page.locator('.moment[data-kind="goal"]')).to_contain_text("Lionel Messi")
    assert {transport: each.reads for transport, each in pages.items()} == reads

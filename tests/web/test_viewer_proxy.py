"""The viewer's page behind a proxy that opens the WebSocket and passes nothing, at once or after a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.web.looking import live
from tests.web.relay import relay
from tests.web.test_viewer_page import score

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Page

    from tests.web.conftest import Stage
    from tests.web.looking import Looker
    from tests.web.relay import Direction, Relay

A_MINUTE = 60_000
TWO_MINUTES = 120_000

THROUGH = """
const Direct = WebSocket;
window.WebSocket = class extends Direct {
  constructor(url, protocols) { super(url.replace(/:[0-9]+[/]/, ":PORT/"), protocols); }
};
const signs = window.signs = [];
addEventListener("DOMContentLoaded", () => {
  const sign = document.querySelector("#connection");
  new MutationObserver(() => signs.push(sign.dataset.state)).observe(sign, { attributes: true });
});
"""
"""The page connects through the relay, and its signs are kept."""


@pytest.fixture
async def proxy(stage: Stage) -> AsyncIterator[Relay]:
    """A relay before the gateway."""
    port = stage.system.gateway_port
    assert port is not None
    async with relay(port) as proxy:
        yield proxy


async def through(looker: Looker, proxy: Relay, match: str) -> Page:
    """The page of a match, whose WebSocket goes through the proxy."""
    return await looker.open(f"?match={match}", script=THROUGH.replace("PORT", str(proxy.port)), bypass_csp=True)


@pytest.mark.parametrize("direction", ["down", "up"])
async def test_a_proxy_that_passes_nothing(stage: Stage, looker: Looker, proxy: Relay, direction: Direction) -> None:
    """The page never says "Live": it says what is wrong and reads over HTTP, until the proxy lets frames through."""
    match = stage.match()
    stage.post(match, "kick_off")
    proxy.swallows = (direction,)
    page = await through(looker, proxy, match)
    await score(page, "0–0")
    await expect(page.locator("#connection .words")).to_have_text("Not live")
    await expect(page.locator("#notices")).to_contain_text("No live updates come through on this network.")
    stage.post(match, "goal", team="home", minute=2)
    await score(page, "1–0")
    assert "open" not in await page.evaluate("window.signs")
    proxy.swallows = ()
    await expect(page.locator("#connection .words")).to_have_text("Live", timeout=TWO_MINUTES)
    await expect(page.locator("#notices")).to_be_empty()
    stage.post(match, "goal", team="away", minute=3)
    await score(page, "1–1")


async def test_a_proxy_that_swallows_after_a_while(stage: Stage, looker: Looker, proxy: Relay) -> None:
    """A goal that the proxy swallows is shown within a minute, and within it the page is on a connection that works."""
    match = stage.match()
    stage.post(match, "kick_off")
    page = await through(looker, proxy, match)
    await live(page)
    await page.evaluate("window.signs.length = 0")
    proxy.sleep()
    stage.post(match, "goal", team="home", minute=2)
    await expect(page.locator(".score")).to_have_text("1 to 0", timeout=A_MINUTE)
    await page.wait_for_function("() => signs.includes('connecting') && signs.at(-1) === 'open'", timeout=A_MINUTE)
    stage.post(match, "goal", team="away", minute=3)
    await score(page, "1–1")

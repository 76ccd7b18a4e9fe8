"""Opens pages as a person does, and collects the browser's errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page

AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
PHONE = {"width": 320, "height": 640}
DESKTOP = {"width": 1280, "height": 800}

expect.set_options(timeout=15_000)


class Looker:
    """Opens pages in browsers of their own."""

    def __init__(self, browser: Browser, site: str, contexts: AsyncExitStack) -> None:
        self.site = site
        self.complaints: list[str] = []
        """Errors on the console of pages: their own, scripts that failed, and acts that a policy forbade."""
        self._browser = browser
        self._contexts = contexts

    async def open(self, path: str = "", *, script: str | None = None, **options: Any) -> Page:
        """A page at a path of the site, in a context of its own with these options of Playwright.

        ``script`` runs before the page's own.
        """
        page = await self.blank(**options)
        if script is not None:
            await page.add_init_script(script)
        await page.goto(self.site + path)
        return page

    async def blank(self, **options: Any) -> Page:
        """A page at no address yet."""
        context: BrowserContext = await self._browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **options})
        self._contexts.push_async_callback(context.close)
        page = await context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def calm(self) -> None:
        """Fails if a page has written an error."""
        assert not self.complaints, self.complaints

    def forgive(self, *words: str) -> None:
        """Complaints that are the browser's about the network that a test has broken."""
        self.complaints = [each for each in self.complaints if not any(word in each for word in words)]

    def _hear(self, message: ConsoleMessage) -> None:
        # A page that learns that its match does not exist ends a connection that may still be opening.
        ended = "WebSocket is closed before the connection is established" in message.text
        if message.type in ("error", "warning") and not ended:
            self.complaints.append(message.text)


async def live(page: Page) -> None:
    """Wait until a page says that it is connected."""
    await expect(page.locator("#connection")).to_have_attribute("data-state", "open")


async def violations(page: Page) -> list[str]:
    """The faults that axe-core finds in a page: rule, and the elements."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [f"{each['id']}: {json.dumps([node['target'] for node in each['nodes']])}" for each in found]

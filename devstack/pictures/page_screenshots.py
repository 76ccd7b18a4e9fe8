"""Pictures of the pages for README and docs, taken in a real browser of a prepared day on a stack of its own."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image
from playwright.async_api import expect

from devstack.pictures import match_day
from loadtest.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.async_api import Browser, Page

    from devstack.operator.api_client import Operator

Size = Literal["phone", "desktop"]

_SIZES: dict[Size, dict[str, Any]] = {
    "phone": {"viewport": {"width": 390, "height": 780}, "device_scale_factor": 2},
    "desktop": {"viewport": {"width": 1100, "height": 760}, "device_scale_factor": 1},
}
_COLOURS: tuple[Literal["light", "dark"], ...] = ("light", "dark")

_SECONDS = 30_000
"""Milliseconds that a page may take to show what it is to show."""

_PAINTS = 256
"""Colours that a picture keeps: the pages are flat, and pictures lie in the repository."""


async def take(site: str, operator: Operator, folder: Path, say: Callable[[str], None], *, desk: bool) -> list[str]:
    """Write the pictures into a folder; returns their names. ``desk`` takes the operator's as well.

    Raises BrowserError without a browser, ApiError if the API does not take part.
    """
    say("screenshots: entering a day of football")
    await asyncio.to_thread(match_day.play, operator)
    elsewhere, goal = match_day.LAST_GOAL_ELSEWHERE
    screens: list[tuple[str, str, str, tuple[str, match_day.Event] | None]] = [
        ("scoreboard", "", ".fixture[data-news]", (elsewhere, goal)),
        ("match", f"?match={match_day.SHOWN}", ".flash:not([hidden])", (match_day.SHOWN, match_day.LAST_GOAL)),
    ]
    if desk:
        screens.append(("desk", f"operator.html?match={match_day.SHOWN}", "#connection[data-state=open]", None))
    names: list[str] = []
    async with chromium() as browser:
        for screen, path, shown, entered in screens:
            say(f"screenshots: {screen}")
            pages = {(size, colours): await _page(browser, size, colours) for size in _SIZES for colours in _COLOURS}
            for page in pages.values():
                await page.goto(site + path)
                await expect(page.locator("#connection")).to_have_attribute("data-state", "open", timeout=_SECONDS)
                await expect(page.locator("main")).to_contain_text("Bayern", timeout=_SECONDS)
            if entered is not None:
                # A page marks an event as new for a few seconds only, so all pages are open before the event is posted.
                await asyncio.to_thread(operator.post_event, *entered)
            for page in pages.values():
                await expect(page.locator(shown)).to_be_visible(timeout=_SECONDS)
            for (size, colours), page in pages.items():
                names.append(f"{screen}-{size}-{colours}.png")
                await _keep(page, folder / names[-1])
                await page.context.close()
    return names


async def _page(browser: Browser, size: Size, colours: Literal["light", "dark"]) -> Page:
    context = await browser.new_context(
        **_SIZES[size], color_scheme=colours, locale="en-GB", timezone_id="UTC", reduced_motion="reduce"
    )
    return await context.new_page()


async def _keep(page: Page, path: Path) -> None:
    """A picture with few colours."""
    # Fonts and the last paint.
    await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    taken = Image.open(io.BytesIO(await page.screenshot()))
    reduced = taken.convert("RGB").quantize(_PAINTS, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)

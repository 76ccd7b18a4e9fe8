"""Takes pictures of the pages for README and docs, with a real browser and the matches of match_day.py."""

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
"""Milliseconds within which a page must show the expected content."""

_PAINTS = 256
"""The most colours of a picture, so that its file is small: pictures are in the repository, and the pages are flat."""


async def take(site: str, operator: Operator, folder: Path, say: Callable[[str], None], *, desk: bool) -> list[str]:
    """Save the pictures in a folder; returns their names. With ``desk``, pictures of the operator's page too.

    Raises BrowserError if there is no browser, and ApiError if the API refuses a request or does not answer.
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
    """Save a picture of the page with few colours."""
    # Two frames, so that the page has painted its last change.
    await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    taken = Image.open(io.BytesIO(await page.screenshot()))
    reduced = taken.convert("RGB").quantize(_PAINTS, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)

"""A real browser: the Chromium of this machine, driven by Playwright. No browser is downloaded."""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from playwright.async_api import Error, async_playwright

from runtime.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome")

# The browser may talk to the given pages only.
_QUIET = (
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    "--disable-default-apps", "--disable-domain-reliability",
)  # fmt: skip


class BrowserError(ProgramError):
    """There is no browser; the text is for people."""


def installed() -> str | None:
    """The path of a Chromium, None if there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@asynccontextmanager
async def chromium(*flags: str) -> AsyncIterator[Browser]:
    """A browser without a window, for the length of the block. Raises BrowserError."""
    path = installed()
    if path is None:
        raise BrowserError("There is no Chromium here. On Debian: apt-get install chromium.")
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(
                executable_path=path,
                # Chromium's sandbox does not start as root.
                chromium_sandbox=os.geteuid() != 0,
                args=[*_QUIET, *flags],
            )
        except Error as error:
            raise BrowserError(f"{path} did not start: {error.message.splitlines()[0]}") from None
        try:
            yield browser
        finally:
            await browser.close()

"""The operator's desk, as a person uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

from tests.web.looking import live

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from tests.web.conftest import Stage
    from tests.web.looking import Looker


@dataclass(frozen=True)
class Desk:
    """One open desk."""

    page: Page
    stage: Stage
    match: str

    async def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def name(self, player: str) -> None:
        """Type the player of the next press."""
        await self.press("p")
        await self.page.keyboard.type(player)
        await self.press("Enter")

    def rows(self, kind: str) -> Locator:
        """The lines of the timeline with events of a kind."""
        return self.page.locator(f'#timeline > li[data-kind="{kind}"]')

    def notice(self, name: str) -> Locator:
        """One of the sentences on top."""
        return self.page.locator(f'#notices [data-notice="{name}"]')

    async def counted(self, kind: str, how_many: int = 1) -> None:
        """Wait until the board has so many events of a kind."""
        await expect(self.page.locator(f'#timeline > li[data-kind="{kind}"][data-state="applied"]')).to_have_count(
            how_many
        )

    async def all_sent(self) -> None:
        """Wait until no entry waits for a post or a decision."""
        await expect(self.page.locator("#outbox")).to_have_text("All sent")

    async def no_echo(self) -> None:
        """Wait until the same button counts as another press, by the seconds that are left to undo the last one."""
        await self.page.wait_for_function("() => document.querySelector('#undo-left').value < 7.9")

    def audit(self) -> list[dict[str, Any]]:
        """The events of the ledger, each with its operator."""
        return self.stage.operator.audit(self.match)

    def kinds(self) -> list[str]:
        """The kinds of the events in the ledger."""
        return [event["kind"] for event in self.audit()]


async def desk_of(stage: Stage, looker: Looker, match: str, *, path: str = "operator.html", **options: Any) -> Desk:
    """Open the desk of a match and wait until it is live."""
    page = await looker.open(f"{path}?match={match}", **options)
    await live(page)
    await expect(page.locator("#status")).not_to_have_text("Waiting for the match …")
    await expect(page.locator("#open-token")).to_have_text("Signed in")
    return Desk(page, stage, match)

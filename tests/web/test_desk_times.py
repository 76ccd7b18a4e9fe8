"""The times of an event at the operator's desk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from tests.web.desk import desk_of
from tests.web.looking import DESKTOP, PHONE, violations

if TYPE_CHECKING:
    from tests.web.conftest import Stage
    from tests.web.looking import Looker


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_an_event_has_its_times(stage: Stage, looker: Looker, scheme: Any, size: Any) -> None:
    """A button of its line opens the stages, from the API to the receipt of the cell, without a mouse."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match, color_scheme=scheme, viewport=size)
    await desk.press("h")
    await expect(desk.rows("goal").locator(".note")).to_contain_text("Told 1 viewer in ")
    await desk.page.get_by_role("button", name="Times of Goal, Argentina, 1′").focus()
    await desk.press("Enter")
    window = desk.page.get_by_role("dialog", name="Times of an event")
    await expect(window.get_by_role("status")).to_have_text(
        re.compile(r"^Told\. The last stage was [\d,]+ ms after the API accepted the event\.$")
    )
    await expect(window.locator("#times-about")).to_contain_text("Goal")
    stages = window.locator("th[scope=row]")
    await expect(stages.first).to_have_text("accepted by the API")
    await expect(window.locator("th[scope=rowgroup]")).to_have_text([stage.system.region])
    assert await desk.page.evaluate("() => document.querySelector('#times').scrollWidth <= innerWidth")
    assert await violations(desk.page) == []
    await desk.press("Escape")
    await expect(window).to_be_hidden()
    await expect(desk.page.get_by_role("button", name="Times of Goal")).to_be_focused()


async def test_times_that_cannot_be_read_are_read_again(stage: Stage, looker: Looker) -> None:
    """Without an answer the window has a sentence, and the next read shows the stages."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    broken = re.compile(r"/trace/1$")
    await desk.page.route(broken, lambda route: route.abort())
    await desk.rows("kick_off").get_by_role("button", name="Times").click()
    await expect(desk.page.locator("#times-wrong")).to_have_text("The API does not answer. Try again in a moment.")
    await expect(desk.page.locator("#times-table")).to_be_hidden()
    await desk.page.unroute(broken)
    await desk.page.get_by_role("button", name="Read again").click()
    await expect(desk.page.locator("#times-table")).to_be_visible()
    await expect(desk.page.locator("#times-wrong")).to_be_empty()
    looker.forgive("net::ERR_FAILED")


async def test_an_event_that_is_not_counted_has_no_times(stage: Stage, looker: Looker) -> None:
    """A press that is kept on the device has no stages to show."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    await desk.page.context.set_offline(True)
    await desk.press("h")
    await expect(desk.page.locator('#timeline > li[data-kind="goal"][data-state="kept"]')).to_have_count(1)
    await expect(desk.rows("goal").get_by_role("button", name="Times")).to_have_count(0)
    await expect(desk.rows("kick_off").get_by_role("button", name="Times")).to_have_count(1)
    await desk.page.context.set_offline(False)
    await desk.all_sent()
    looker.forgive("net::", "WebSocket")

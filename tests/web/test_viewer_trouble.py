"""The viewer's page under faults: it shows a plain sentence and goes on."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from playwright.async_api import expect

from tests.web.looking import live
from tests.web.test_viewer_page import score

if TYPE_CHECKING:
    from playwright.async_api import Route

    from tests.web.conftest import Stage
    from tests.web.looking import Looker

BROKEN = ("ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION", "WebSocket connection to", "status of 5", "ERR_FAILED")
"""The browser's own messages about a network that is gone."""

FULL_DISK = """
Storage.prototype.setItem = function () { throw new DOMException("full", "QuotaExceededError"); };
"""

FULL_CACHE = """
() => {
  Cache.prototype.put = () => Promise.reject(new DOMException("full", "QuotaExceededError"));
}
"""

WATCH_SCORE = """
const scores = window.scores = [];
const score = document.querySelector(".score");
const all = {subtree: true, childList: true, characterData: true};
new MutationObserver(() => scores.push(score.textContent)).observe(score, all);
"""

AN_HOUR_FAST = """
const now = Date.now.bind(Date);
Date.now = () => now() + 3600000;
"""


async def test_offline_and_back_again(stage: Stage, looker: Looker) -> None:
    """Events from the time without a network are there when it is back, once each and in order, without a reload."""
    match = stage.match()
    stage.post(match, "kick_off")
    page = await looker.open(f"?match={match}")
    await live(page)
    await page.evaluate("window.same = true")
    await page.context.set_offline(True)
    await expect(page.locator("#connection")).to_have_text("Offline")
    await expect(page.locator("#notices")).to_contain_text("You are offline")
    for minute in (3, 5, 8):
        stage.post(match, "goal", team="home", player=f"Scorer {minute}", minute=minute)
    await page.context.set_offline(False)
    await live(page)
    await score(page, "3–0")
    stage.post(match, "goal", team="away", minute=9)
    await score(page, "3–1")
    minutes = await page.locator('.moment[data-kind="goal"] .minute').all_text_contents()
    assert minutes == ["9′", "8′", "5′", "3′"]
    await expect(page.locator("#notices")).to_be_empty()
    assert await page.evaluate("window.same")
    looker.forgive(*BROKEN)


async def test_a_reload_offline_shows_what_was_known(stage: Stage, looker: Looker) -> None:
    """Without a network a reload shows the last known state, and says how old it is; then it catches up by itself."""
    match = stage.match()
    stage.post(match, "kick_off")
    stage.post(match, "goal", team="home", player="Kept", minute=3)
    page = await looker.open(f"?match={match}")
    await live(page)
    await score(page, "1–0")
    await page.wait_for_function("async () => (await caches.match('/viewer/match.js')) && (await caches.match('/'))")
    await page.wait_for_function(f"() => localStorage.getItem('livescore.kept.match.{match}')?.includes('Kept')")
    await page.context.set_offline(True)
    await page.reload()
    await score(page, "1–0")
    await expect(page.locator("#age")).to_contain_text("Last known state, from")
    stage.post(match, "goal", team="away", minute=9)
    await page.context.set_offline(False)
    await score(page, "1–1")
    await expect(page.locator("#age")).to_be_hidden()
    looker.forgive(*BROKEN)


async def test_the_page_comes_back_after_the_gateway(stage: Stage, looker: Looker) -> None:
    """The gateway ends and starts again: the page says so, comes back by itself, and has missed nothing."""
    match = stage.match()
    stage.post(match, "kick_off")
    page = await looker.open(f"?match={match}")
    await live(page)
    standin = stage.stack.standin
    assert standin is not None
    await asyncio.to_thread(standin.stop)
    try:
        await expect(page.locator("#notices")).to_contain_text("Live updates are interrupted")
        stage.operator.post_event(match, {"kind": "goal", "team": "home", "minute": 12})
    finally:
        await asyncio.to_thread(standin.start)
    await expect(page.locator("#connection")).to_have_attribute("data-state", "open", timeout=60_000)
    await score(page, "1–0")
    await expect(page.locator('.moment[data-kind="goal"]')).to_have_count(1)
    stage.post(match, "goal", team="home", minute=14)
    await score(page, "2–0")
    looker.forgive(*BROKEN)


@pytest.mark.parametrize("match", ["nobody", "No/Body!"])
async def test_an_unknown_match_is_a_sentence(looker: Looker, match: str) -> None:
    """An old or mistyped link shows one sentence and a link to the other matches, and nothing is called live."""
    page = await looker.open(f"?match={quote(match, safe='')}")
    await expect(page.locator(".missing h1")).to_have_text("There is no such match")
    await expect(page.locator("article :is(.hero, .timeline)")).to_have_count(0)
    await expect(page.locator("#connection")).to_have_text("Nothing live")
    await expect(page.locator("#notices")).to_be_empty()
    await page.get_by_role("link", name="All matches").click()
    await expect(page.locator("h1")).to_have_text("Today")
    looker.forgive("404", "422")


async def test_a_match_that_is_removed_is_no_longer_live(stage: Stage, looker: Looker) -> None:
    """An open page of a match that is taken off the list keeps what was known, and says so in one sentence."""
    match = stage.match()
    page = await looker.open(f"?match={match}")
    await live(page)
    stage.operator.remove_match(match)
    notice = page.locator("#notices .notice")
    async with asyncio.timeout(30):
        while await notice.count() == 0:  # the site keeps an answer for a second
            await page.evaluate("dispatchEvent(new Event('online'))")
            await page.wait_for_timeout(200)
    await expect(notice).to_have_text(re.compile("no such match any more"))
    await expect(page.locator("#connection")).to_have_text("Nothing live")
    await expect(page.locator(".club-home")).to_have_text("Argentina")
    looker.forgive("404")


async def test_a_match_that_is_removed_leaves_the_scoreboard(stage: Stage, looker: Looker) -> None:
    """A match that is taken off the list before it began disappears from an open scoreboard; the others stay."""
    removed, other = (stage.match(kickoff="2024-02-24T15:00:00Z") for _ in range(2))
    page = await looker.open("?day=2024-02-24")
    await expect(page.locator(".fixture")).to_have_count(2)
    stage.operator.remove_match(removed)
    async with asyncio.timeout(30):
        while await page.locator(".fixture").count() == 2:
            await page.evaluate("dispatchEvent(new Event('online'))")
            await page.wait_for_timeout(200)
    await expect(page.locator(".fixture")).to_have_attribute("href", f"?match={other}")


async def test_an_api_that_does_not_answer_is_one_state(stage: Stage, looker: Looker) -> None:
    """Without the API an open match stays live without a sentence; a new page is not live."""
    match = stage.match()
    stage.post(match, "kick_off")
    page = await looker.open(f"?match={match}")
    await live(page)
    await page.route("**/matches/**", lambda route: route.abort())
    async with page.expect_event("requestfailed"):
        await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(page.locator("#notices")).to_be_empty()
    stage.post(match, "goal", team="home", minute=2)
    await score(page, "1–0")
    await expect(page.locator("#connection")).to_have_text("Live")
    dark = await looker.blank()
    await dark.route("**/matches?**", lambda route: route.abort())
    await dark.goto(looker.site)
    await expect(dark.locator("#notices .notice")).to_have_text("The service cannot be reached. The page keeps trying.")
    await expect(dark.locator("#connection")).to_have_text("Not reached")
    looker.forgive(*BROKEN)


async def test_a_refused_token_is_a_sentence_and_scores_go_on(stage: Stage, looker: Looker) -> None:
    """With a token that the gateway refuses scores come over HTTP; the token is in the address no longer."""
    match = stage.match()
    stage.post(match, "kick_off")
    page = await looker.open(f"?match={match}#token=refused")
    await score(page, "0–0")
    assert "token" not in page.url
    await expect(page.locator("#notices")).to_contain_text("does not accept this page's token", timeout=30_000)
    await expect(page.locator("#connection")).to_have_text("Not live")
    stage.post(match, "goal", team="home", minute=2)
    await score(page, "1–0")
    looker.forgive("WebSocket connection to")


async def test_a_full_disk_is_a_sentence(stage: Stage, looker: Looker) -> None:
    """Without storage the page shows one sentence and is live all the same."""
    match = stage.match()
    stage.post(match, "kick_off")
    page = await looker.open(f"?match={match}", script=FULL_DISK)
    await live(page)
    await expect(page.locator("#notices")).to_contain_text("storage is full")
    stage.post(match, "goal", team="home", minute=2)
    await score(page, "1–0")
    await expect(page.locator("#notices .notice")).to_have_count(1)


async def test_a_reload_on_a_full_disk_is_a_reload(stage: Stage, looker: Looker) -> None:
    """If the service worker cannot store files, the page comes from the network."""
    match = stage.match()
    stage.post(match, "kick_off")
    page = await looker.open(f"?match={match}")
    await page.wait_for_function("() => navigator.serviceWorker.controller")
    [worker] = page.context.service_workers
    await worker.evaluate(FULL_CACHE)
    await page.evaluate("async () => { for (const name of await caches.keys()) await caches.delete(name); }")
    await page.reload()
    await live(page)
    await score(page, "0–0")


async def test_an_answer_from_before_a_reset_is_not_shown(stage: Stage, looker: Looker) -> None:
    """An API answer from before a reset does not replace the match that the socket brought after it."""
    match = stage.match()
    stage.post(match, "kick_off")
    page = await looker.open(f"?match={match}")
    await live(page)
    stage.post(match, "goal", team="home", minute=2)
    await score(page, "1–0")

    async def before(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(json={**await answer.json(), "epoch": "before", "score": [9, 9]})

    await page.route(f"**/matches/{match}", before)
    await page.evaluate(WATCH_SCORE)
    async with page.expect_response(f"**/matches/{match}") as asked:
        await page.evaluate("dispatchEvent(new Event('online'))")
    await (await asked.value).finished()
    stage.post(match, "goal", team="home", minute=3)
    await score(page, "2–0")
    scores = await page.evaluate("window.scores")
    assert scores
    assert "9 to 9" not in scores


async def test_an_answer_from_before_a_reset_is_not_on_the_scoreboard(stage: Stage, looker: Looker) -> None:
    """After a reset the line of a match stays as the socket brought it, also after an older list."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    match = stage.match(kickoff=now.isoformat())
    stage.post(match, "kick_off")
    page = await looker.open(f"?day={now.date()}", timezone_id="UTC")
    await live(page)
    home = page.locator(f'.fixture[href="?match={match}"] .goals-home')
    await expect(home).to_have_text("0")
    stage.post(match, "goal", team="home", minute=2)
    await expect(home).to_have_text("1")

    async def before(route: Route) -> None:
        answer = await route.fetch()
        matches = [{**each, "epoch": "before", "score": [9, 9]} for each in (await answer.json())["matches"]]
        await route.fulfill(json={"matches": matches})

    await page.route(f"**/matches?day={now.date()}", before)
    async with page.expect_response(f"**/matches?day={now.date()}") as asked:
        await page.evaluate("dispatchEvent(new Event('online'))")
    await (await asked.value).finished()
    await page.evaluate("new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)))")
    await expect(home).to_have_text("1", timeout=1)


async def test_a_list_of_yesterday_that_fails_is_read_again(stage: Stage, looker: Looker) -> None:
    """A match of yesterday evening that is still played appears, although the first read of yesterday's list failed."""
    now = datetime.now(UTC)
    # The viewer's day began on the hour, half an hour after the kick-off. Only the list of the UTC day before has it.
    match = stage.match(kickoff=(now.replace(minute=0, second=0, microsecond=0) - timedelta(minutes=30)).isoformat())
    stage.post(match, "kick_off")
    board = await asyncio.to_thread(stage.operator.snapshot, match)
    page = await looker.blank(timezone_id=f"Etc/GMT+{now.hour}" if now.hour <= 12 else f"Etc/GMT-{24 - now.hour}")
    before = f"day={(now - timedelta(days=1)).date()}"
    failed = asyncio.Event()

    async def listed(route: Route) -> None:
        if before in route.request.url and not failed.is_set():
            failed.set()
            return await route.abort()
        body = await (await route.fetch()).json()
        others = [each for each in body["matches"] if each["match"] != match]
        return await route.fulfill(
            json={**body, "matches": [*others, *([board] if before in route.request.url else [])]}
        )

    await page.route("**/matches?day=*", listed)
    await page.goto(looker.site)
    await expect(page.locator(f'.fixture[href="?match={match}"]')).to_have_count(1, timeout=30_000)
    assert failed.is_set()
    looker.forgive(*BROKEN)


async def test_a_wrong_clock_is_a_sentence_and_the_minute_is_right(stage: Stage, looker: Looker) -> None:
    """If the device's clock is an hour fast, the match is in its first minute, and a sentence explains that."""
    match = stage.match()
    stage.post(match, "kick_off")
    page = await looker.open(f"?match={match}", script=AN_HOUR_FAST)
    await expect(page.locator("#notices")).to_contain_text("This device's clock is about an hour fast")
    await expect(page.locator(".match-state")).to_contain_text("1′")


async def test_a_day_that_is_none_is_today(looker: Looker) -> None:
    """A mistyped day shows today, with a sentence."""
    page = await looker.open("?day=2026-02-30")
    await expect(page.locator("#notices")).to_contain_text("That is not a day")
    await expect(page.locator("h1")).to_have_text("Today")

"""The operator's desk under faults: no press is lost or counts twice, and a sentence describes the fault."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from playwright.async_api import expect

from devstack.operator.local_tokens import tokens_of
from devstack.stack.ministack import free_port
from devstack.stack.site import serving
from tests.web.desk import Desk, desk_of
from tests.web.looking import live
from tests.web.test_viewer_page import score

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Page, Request, Route

    from tests.web.conftest import Stage
    from tests.web.looking import Looker

BROKEN = ("ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION", "ERR_FAILED", "WebSocket connection to", "status of 5")
"""The browser's own messages about a network that is gone."""

FULL_DISK = """
const setItem = Storage.prototype.setItem;
Storage.prototype.setItem = function (key, value) {
  if (this === window.localStorage) throw new DOMException("full", "QuotaExceededError");
  return setItem.call(this, key, value);
};
"""

AN_HOUR_FAST = """
const now = Date.now.bind(Date);
Date.now = () => now() + 3600000;
"""

NO_TOKENS: dict[str, dict[str, str]] = {"operators": {}}


async def test_a_lost_answer_counts_once(stage: Stage, looker: Looker) -> None:
    """The API takes the goal and its answer is lost: the desk posts it again, and it counts once."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match, script="Math.random = () => 0;")
    posted: list[str] = []
    taken: list[int] = []

    async def lose(route: Route) -> None:
        posted.append(route.request.post_data or "")
        if len(posted) == 1:
            await route.abort()
            return
        if len(posted) == 2:
            # The first POST comes to the API just before the second. If it came earlier, the desk might see the goal on
            # the board before it posts again.
            taken.append((await route.fetch(post_data=posted[0])).status)
        await route.fulfill(response=await route.fetch())

    await desk.page.route("**/operators/matches/*/events", lose)
    await desk.press("h")
    await desk.counted("goal")
    await desk.press("n")
    await desk.counted("half_time")
    await desk.all_sent()
    await desk.page.unroute_all(behavior="wait")
    assert taken == [202]
    assert posted[0] == posted[1]
    assert desk.kinds() == ["kick_off", "goal", "half_time"]
    looker.forgive(*BROKEN)


async def test_offline_reload_and_back(stage: Stage, looker: Looker) -> None:
    """Without a network presses are kept, through a reload too, and go out in order when it is back."""
    match = stage.match()
    desk = await desk_of(stage, looker, match)
    await kept_shell(desk.page)
    await desk.page.context.set_offline(True)
    await desk.press("n")
    await desk.name("Lionel Messi")
    await desk.press("h", "a")
    await expect(desk.notice("offline")).to_contain_text("3 events are kept here and not sent yet")
    await expect(desk.page.locator("#expected")).to_have_text("→ 1–1")
    await desk.press("u")
    await expect(desk.notice("offline")).to_contain_text("2 events are kept here and not sent yet")
    await desk.page.reload()
    await expect(desk.notice("offline")).to_contain_text("2 events are kept here and not sent yet")
    # The board is the one that this device saw last, so presses have their minute.
    await expect(desk.page.locator("#expected")).to_have_text("→ 1–0")
    await desk.press("a")
    await expect(desk.notice("offline")).to_contain_text("3 events are kept here and not sent yet")
    await desk.page.context.set_offline(False)
    await desk.counted("goal", 2)
    await desk.all_sent()
    await expect(desk.notice("offline")).to_have_count(0)
    assert [(event["kind"], event.get("player")) for event in desk.audit()] == [
        ("kick_off", None),
        ("goal", "Lionel Messi"),
        ("goal", None),
    ]
    looker.forgive(*BROKEN)


async def test_gateway_and_api_start_again(stage: Stage, looker: Looker) -> None:
    """The gateway and the way to the API end and start again around a goal: it counts once, and viewers have it."""
    match = stage.match()
    stage.post(match, "kick_off")
    viewer = await looker.open(f"?match={match}")
    await live(viewer)
    port = free_port()
    with ExitStack() as sites:
        site = await asyncio.to_thread(sites.enter_context, serving(stage.system, port))
        page = await looker.blank()
        await page.goto(f"{site}operator.html?match={match}")
        await live(page)
        await expect(page.locator("#status")).to_have_text("First half")
        desk = Desk(page, stage, match)
        async with without_gateway(stage):
            await asyncio.to_thread(sites.pop_all().close)
            await desk.press("h")
            await expect(desk.notice("trouble")).to_contain_text("1 event is kept here and not sent yet")
        await asyncio.to_thread(sites.enter_context, serving(stage.system, port))
        await desk.counted("goal")
        await score(viewer, "1–0")
        assert desk.kinds() == ["kick_off", "goal"]
        looker.forgive(*BROKEN)


async def test_a_refused_event_says_why(stage: Stage, looker: Looker) -> None:
    """If another desk was faster, the rules refuse the press; the timeline has the reason, and later presses go on."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    quicker = asyncio.Event()

    async def hold(route: Route) -> None:
        await quicker.wait()
        await route.continue_()

    await desk.page.route("**/operators/matches/*/events", hold)
    await desk.press("n")
    await asyncio.to_thread(stage.post, match, "half_time")
    quicker.set()
    refused = desk.page.locator("#timeline > li[data-state=refused]")
    await expect(refused.locator(".note")).to_have_text("Refused: half_time cannot follow half_time")
    await expect(desk.page.locator("#alarm")).to_contain_text("half_time cannot follow half_time")
    await desk.press("h")
    await desk.counted("goal")


async def test_a_competition_that_is_not_covered(stage: Stage, looker: Looker) -> None:
    """The API does not let this operator post for this match: its sentence is shown, and nothing is tried again."""
    match = stage.match(competition="Another League")
    stage.post(match, "kick_off")
    desk = await pasted(stage, looker, match, tokens_of(stage.system, "scorer").token())
    posts = counted_posts(desk.page)
    await desk.press("h")
    note = desk.page.locator("#timeline > li[data-state=refused] .note")
    await expect(note).to_have_text("Refused: The token does not cover this match's competition.")
    await desk.press("a")
    await expect(note).to_have_count(2)
    assert len(posts) == 2
    looker.forgive("status of 403")


async def test_a_refused_token_and_a_new_one(stage: Stage, looker: Looker) -> None:
    """With a token that the API refuses presses wait; a new one is pasted and they go out. It is in this tab only."""
    match = stage.match()
    good = tokens_of(stage.system).token()
    desk = await pasted(stage, looker, match, good[:-8] + "AAAAAAAA")
    await desk.press("n")
    await expect(desk.notice("token")).to_contain_text("1 event is kept here and not sent yet")
    await desk.page.locator("#open-token").click()
    await desk.page.locator("#token-text").fill("not a token")
    await desk.press("Enter")
    await expect(desk.page.locator("#token-wrong")).to_contain_text("That is not a token.")
    await desk.page.locator("#token-text").fill(good)
    await desk.press("Enter")
    await desk.counted("kick_off")
    await expect(desk.notice("token")).to_have_count(0)
    assert desk.kinds() == ["kick_off"]
    kept = await desk.page.evaluate(
        "JSON.stringify([location.href, {...localStorage}, document.documentElement.outerHTML])"
    )
    assert good[-40:] not in kept
    looker.forgive("status of 401")


async def test_a_token_that_ends_is_fetched_again(stage: Stage, looker: Looker) -> None:
    """If the desk fetches its own tokens, it replaces a refused one at once."""
    match = stage.match()
    desk = await desk_of(stage, looker, match)
    await desk.page.evaluate("sessionStorage.setItem('livescore.operator.token', 'e30.e30.AAAA')")
    await desk.press("n")
    await desk.counted("kick_off")
    assert desk.kinds() == ["kick_off"]
    looker.forgive("status of 401")


async def test_a_full_storage_is_a_sentence(stage: Stage, looker: Looker) -> None:
    """Without storage the desk shows a sentence and posts all the same."""
    match = stage.match()
    desk = await desk_of(stage, looker, match, script=FULL_DISK)
    await desk.press("n")
    await expect(desk.notice("storage")).to_contain_text("storage takes no more")
    await desk.counted("kick_off")


async def test_an_unknown_match_is_a_sentence(stage: Stage, looker: Looker) -> None:
    """An unknown id shows a sentence, and another match can be chosen."""
    page = await looker.open("operator.html?match=nobody")
    await expect(page.locator("[data-notice=unknown]")).to_contain_text("There is no match nobody.")
    match = stage.match()
    await page.keyboard.press("g")
    await page.locator("#match-search").fill(match)
    await page.keyboard.press("Enter")
    await expect(page.locator("#status")).to_have_text("Not started")
    await expect(page.locator("[data-notice=unknown]")).to_have_count(0)
    looker.forgive("404")


async def test_a_clock_that_is_wrong_by_an_hour(stage: Stage, looker: Looker) -> None:
    """The minute is the service's on a device whose clock is an hour fast, and a sentence says so."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match, script=AN_HOUR_FAST)
    await expect(desk.notice("clock")).to_contain_text("about an hour fast")
    await expect(desk.page.locator("#minute")).to_have_value("1")
    await desk.press("h")
    await desk.counted("goal")
    assert desk.audit()[-1]["minute"] == 1


async def test_a_minute_that_is_none_is_not_posted(stage: Stage, looker: Looker) -> None:
    """A mistyped minute has a sentence at its field, which gets the focus, and nothing is posted."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    await desk.press("m")
    await desk.page.keyboard.type("44+2")
    await desk.press("Enter", "h")
    await expect(desk.page.locator("#wrong")).to_have_text("Stoppage time follows 45, 90, 105 or 120.")
    await expect(desk.page.locator("#minute")).to_be_focused()
    await desk.page.locator("#minute").fill("45+2")
    await desk.press("Enter", "h")
    await desk.counted("goal")
    assert [event.get("stoppage") for event in desk.audit()] == [None, 2]


@asynccontextmanager
async def without_gateway(stage: Stage) -> AsyncIterator[None]:
    """The gateway is gone within the block."""
    standin = stage.stack.standin
    assert standin is not None
    await asyncio.to_thread(standin.stop)
    try:
        yield
    finally:
        await asyncio.to_thread(standin.start)


async def pasted(stage: Stage, looker: Looker, match: str, token: str) -> Desk:
    """A desk of a site that gives no tokens, with one that was pasted."""
    page = await looker.blank()

    async def without_tokens(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, json={**await answer.json(), **NO_TOKENS})

    await page.context.route("**/deployment.json", without_tokens)
    await page.goto(f"{stage.site}operator.html?match={match}")
    await live(page)
    await expect(page.locator("[data-notice=token]")).to_contain_text("There is no token yet.")
    await page.locator("#open-token").click()
    await page.locator("#token-text").fill(token)
    await page.keyboard.press("Enter")
    await expect(page.locator("#open-token")).to_have_text("Signed in")
    await expect(page.locator("#status")).not_to_have_text("Waiting for the match …")
    return Desk(page, stage, match)


def counted_posts(page: Page) -> list[Request]:
    """The posts that a page makes from here on."""
    posts: list[Request] = []
    page.on("request", lambda request: posts.append(request) if request.method == "POST" else None)
    return posts


async def kept_shell(page: Page) -> None:
    """Wait until a reload would work without a network."""
    files = "['/operator.html', '/desk/operator.js', '/operator.css', '/livescore.js', '/deployment.json']"
    await page.wait_for_function(
        f"async () => (await Promise.all({files}.map((each) => caches.match(each)))).every(Boolean)"
    )

"""The viewer's page in a real browser with a real system: each posted event is visible."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from tests.support import needs
from tests.web.looking import AXE, DESKTOP, PHONE, live, violations

if TYPE_CHECKING:
    from playwright.async_api import Page, Route

    from tests.web.conftest import Stage
    from tests.web.looking import Looker

DAY = "?day=2022-12-18"


async def score(page: Page, text: str) -> None:
    """Wait until the match page shows a score."""
    await expect(page.locator(".score")).to_have_text(text.replace("–", " to "))


async def test_a_goal_is_seen_and_said(stage: Stage, looker: Looker) -> None:
    """A goal appears on an open match page in the score, the scorers, the timeline, and in one sentence."""
    match = stage.match()
    stage.post(match, "kick_off")
    page = await looker.open(f"?match={match}")
    await live(page)
    await score(page, "0–0")
    stage.post(match, "goal", team="home", player="Lionel Messi", minute=23)
    await score(page, "1–0")
    await expect(page.locator(".scorers")).to_contain_text("Lionel Messi 23′")
    await expect(page.locator(".moment").first).to_contain_text("Goal 1–0: Lionel Messi")
    await expect(page.locator(".flash")).to_contain_text("Goal!")
    said = "Goal for Argentina, Lionel Messi: Argentina 1, France 0."
    await expect(page.locator("#announcer")).to_have_text(isolated(said, "Argentina", "France", "Lionel Messi"))
    assert await page.title() == isolated("Argentina 1–0 France", "Argentina", "France") + " · livescore"


async def test_a_cancelled_goal_is_explained(stage: Stage, looker: Looker) -> None:
    """A cancelled goal leaves the score and the scorers, and stays in the timeline, struck through, with its reason."""
    match = stage.match()
    stage.post(match, "kick_off")
    goal = stage.post(match, "goal", team="away", player="Kylian Mbappé", minute=31)
    page = await looker.open(f"?match={match}")
    await live(page)
    await score(page, "0–1")
    about = goal["event_id"]
    stage.post(match, "var_decision", decision="goal_disallowed", about=about, team="away", minute=33)
    stage.post(match, "cancellation", cancels=about, reason="offside")
    await score(page, "0–0")
    line = page.locator('.moment[data-kind="goal"]')
    assert await line.locator(".what").evaluate("e => getComputedStyle(e).textDecorationLine") == "line-through"
    why = re.compile(r"^Taken back at \d\d:\d\d after a video review: \W?offside\W?\.$")
    await expect(line.locator(".why")).to_have_text(why)
    await expect(page.locator(".scorers")).not_to_contain_text("Mbappé")
    await expect(page.locator(".flash")).to_contain_text("Goal taken back")


async def test_a_corrected_scorer_is_put_right_while_the_goal_is_told(stage: Stage, looker: Looker) -> None:
    """An amendment right after the goal corrects its line and its banner, and is no second goal."""
    match = stage.match()
    stage.post(match, "kick_off")
    page = await looker.open(f"?match={match}")
    await live(page)
    goal = stage.post(match, "goal", team="home", player="Wrong Name", minute=23)
    await expect(page.locator(".flash")).to_contain_text("Wrong Name")
    stage.post(match, "amendment", amends=goal["event_id"], player="Lionel Messi", minute=24)
    await expect(page.locator(".scorers")).to_contain_text("Lionel Messi 24′")
    await expect(page.locator(".flash")).to_contain_text("Lionel Messi")
    await expect(page.locator(".flash")).not_to_contain_text("Wrong Name")
    await score(page, "1–0")


async def test_the_scoreboard_tells_of_goals_in_every_match(stage: Stage, looker: Looker) -> None:
    """Goals in two matches of today move both lines; a match that begins moves to the front of its competition."""
    # A match that begins about now is followed before it does; the page is told the day as it is here.
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    ahead, other = (
        stage.match("Japan", "Croatia", competition="Cup of Lines", kickoff=now.isoformat()) for _ in range(2)
    )
    stage.post(other, "kick_off")
    page = await looker.open(f"?day={now.date()}", timezone_id="UTC")
    await live(page)
    lines = page.locator(".group", has_text="Cup of Lines").locator(".fixture")
    await expect(lines.nth(0)).to_have_attribute("href", f"?match={other}")
    await expect(lines.nth(1).locator(".sign")).to_have_text(f"{now:%H:%M}")
    stage.post(ahead, "kick_off")
    await expect(lines.nth(0)).to_have_attribute("href", f"?match={ahead}")
    stage.post(ahead, "goal", team="home", player="Daizen Maeda", minute=43)
    stage.post(other, "own_goal", team="away", minute=5)
    await expect(lines.nth(0).locator(".goals-home")).to_have_text("1")
    await expect(lines.nth(1).locator(".goals-away")).to_have_text("1")
    await expect(lines.nth(0).locator(".note")).to_contain_text("Daizen Maeda")
    await expect(lines.nth(0)).to_have_attribute("data-news", "goal")


async def test_names_are_text(stage: Stage, looker: Looker) -> None:
    """Markup in a name is shown as it was written; a name from right to left leaves the others in their place."""
    evil, arabic = "<img src=x onerror=alert(1)>", "المغرب"
    match = stage.match(evil, arabic, competition="<b>Cup</b>")
    stage.post(match, "kick_off")
    stage.post(match, "goal", team="away", player="<script>alert(2)</script>", minute=3)
    page = await looker.open(f"?match={match}")
    await expect(page.locator(".club-home")).to_have_text(evil)
    await expect(page.locator(".scorers")).to_contain_text("<script>alert(2)</script> 3′")
    assert await page.locator("main :is(img, script, b)").count() == 0
    home, away = [await page.locator(f".club-{side}").bounding_box() for side in ("home", "away")]
    assert home is not None
    assert away is not None
    assert home["x"] < away["x"]
    page = await looker.open(DAY)
    await expect(page.locator(f'.fixture[href="?match={match}"]')).to_contain_text(evil)


async def test_a_shoot_out_is_a_table(stage: Stage, looker: Looker) -> None:
    """The page shows each kick of each side, scored or missed, and the winner."""
    match = stage.match()
    for kind in ("kick_off", "half_time", "second_half"):
        stage.post(match, kind)
    for team, scored in (("home", True), ("away", False), ("home", True)):
        stage.post(match, "shootout_kick", team=team, scored=scored)
    stage.post(match, "full_time")
    page = await looker.open(f"?match={match}")
    await expect(page.locator(".shootout tbody tr").nth(0)).to_contain_text("scored")
    await expect(page.locator(".shootout tbody tr").nth(1)).to_contain_text("missed")
    await expect(page.locator(".result")).to_contain_text("win 2–0 on penalties")


async def test_a_kick_that_is_taken_back_is_told_no_longer(stage: Stage, looker: Looker) -> None:
    """The match page stops saying that a kick of the shoot-out was scored; the scoreboard does not call it a goal."""
    # A day of its own: a scoreboard follows 50 matches at most.
    match = stage.match(kickoff="1986-06-22T18:00:00Z")
    for kind in ("kick_off", "half_time", "second_half"):
        stage.post(match, kind)
    page, board = await looker.open(f"?match={match}"), await looker.open("?day=1986-06-22")
    await live(page)
    await live(board)
    note = board.locator(f'a[href*="match={match}"] .note')
    kick = stage.post(match, "shootout_kick", team="home", scored=True)
    await expect(page.locator(".flash")).to_contain_text("Shoot-out: scored!")
    await expect(note).to_have_text("Scored! · Penalties 1–0")
    stage.post(match, "cancellation", cancels=kick["event_id"], reason="Not yet")
    await expect(page.locator(".match-state")).to_contain_text("Second half")
    await expect(page.locator(".flash")).to_be_hidden(timeout=5000)
    await expect(note).to_have_text("Kick taken back: \u2068Not yet\u2069")


async def test_teams_that_are_named_later_stay_named(stage: Stage, looker: Looker) -> None:
    """A page that was open before a team was named, and has read its name, goes on with it after the kick-off."""
    match = stage.match("Lyon", "To be named")
    page = await looker.open(f"?match={match}")
    await live(page)
    stage.operator.change_match(match, away="Metz")
    # It reads when nothing was read for five minutes; every two seconds five minutes go by.
    hurry = "let ahead = 0; const { now } = Date; Date.now = () => now() + ahead;"
    await page.evaluate(f"() => {{ {hurry} window.hurry = setInterval(() => {{ ahead += 301_000; }}, 2000); }}")
    away = page.locator(".club-away bdi")
    await expect(away).to_have_text("Metz")
    await page.evaluate("() => clearInterval(window.hurry)")
    stage.post(match, "kick_off")
    await expect(page.locator(".match-state")).to_contain_text("First half")
    await expect(away).to_have_text("Metz")


async def test_a_page_moves_only_for_who_wants_it(stage: Stage, looker: Looker) -> None:
    """With reduced motion a goal is shown just as well, and nothing moves."""
    match = stage.match()
    stage.post(match, "kick_off")
    moving, still = [
        await looker.open(f"?match={match}", reduced_motion=motion) for motion in ("no-preference", "reduce")
    ]
    for page in (moving, still):
        await live(page)
    stage.post(match, "goal", team="home", minute=1)
    for page, running in ((moving, True), (still, False)):
        await expect(page.locator(".flash")).to_be_visible()
        names = await page.locator(".flash").evaluate("e => getComputedStyle(e).animationName")
        assert (names != "none") is running


async def test_the_page_is_walked_by_keyboard(stage: Stage, looker: Looker) -> None:
    """Skip link first, then to a match and back; the focus is on the new heading, and stays when the list changes."""
    first, second = (
        stage.match("Brazil", "Korea", competition="Cup of Keys", kickoff=f"2022-12-05T{hour}:00:00Z")
        for hour in (12, 19)
    )
    for match in (first, second):
        for kind in ("kick_off", "half_time", "second_half"):
            stage.post(match, kind)
    page = await looker.open("?day=2022-12-05")
    await live(page)
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    link = page.locator(f'.fixture[href="?match={second}"]')
    for _ in range(9):
        await page.keyboard.press("Tab")
        if await link.evaluate("e => e === document.activeElement"):
            break
    await expect(link).to_be_focused()
    outline = await link.evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid"
    stage.post(first, "full_time")  # the other moves before it
    await expect(page.locator(".fixture").first).to_have_attribute("href", f"?match={second}")
    await expect(link).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_be_focused()
    await expect(page.locator("h1")).to_contain_text("Brazil")
    await page.go_back()
    await expect(page.locator(f'.fixture[href="?match={first}"]')).to_be_visible()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_nobody_is_shut_out(stage: Stage, looker: Looker, colours: str, size: dict[str, int]) -> None:
    """axe-core finds no violation on either screen, and nothing is wider than a phone of 320 pixels."""
    needs("axe-core", AXE.exists())
    match = stage.match("Borussia Mönchengladbach", "Wolverhampton Wanderers", competition="Cup of Long Names")
    stage.match("Ahead", "Of Us")
    for kind in ("kick_off", "half_time", "second_half"):
        stage.post(match, kind)
    goal = stage.post(match, "goal", team="home", player="A Player With A Name", assist="Another", minute=50)
    stage.post(match, "second_yellow_card", team="away", player="B", minute=60)
    stage.post(match, "substitution", team="away", player_on="C", player_off="D", minute=61)
    stage.post(match, "cancellation", cancels=goal["event_id"], reason="handball in the build-up")
    stage.post(match, "shootout_kick", team="home", scored=False, player="E")
    for path in (f"?match={match}", DAY):
        # Half-way through a movement colours are mixed.
        page = await looker.open(path, viewport=size, color_scheme=colours, reduced_motion="reduce")
        await live(page)
        await expect(page.locator("main")).to_contain_text("Wolverhampton")
        assert await violations(page) == []
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"]


async def test_the_page_is_small(stage: Stage, looker: Looker) -> None:
    """A match page with 21 goals takes at most 60 KB, with all headers and with what the socket brings."""
    match = stage.match()
    stage.post(match, "kick_off")
    for minute in range(1, 22):
        stage.post(match, "goal", team="home", minute=minute)
    page = await looker.blank()
    session = await page.context.new_cdp_session(page)
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    session.on("Network.webSocketFrameReceived", lambda event: sizes.append(len(event["response"]["payloadData"])))
    await session.send("Network.enable")
    await page.goto(f"{looker.site}?match={match}")
    await live(page)
    await page.wait_for_function("async () => Boolean(await caches.match('/viewer/match.js'))")
    assert len(sizes) > 10
    assert sum(sizes) <= 61_440


async def test_the_socket_brings_nothing_twice(stage: Stage, looker: Looker) -> None:
    """A match page subscribes from the position of the snapshot that it has read over HTTP."""
    match = stage.match()
    stage.post(match, "kick_off")
    stage.post(match, "goal", team="home", minute=1)
    page = await looker.blank()
    sent: list[dict[str, Any]] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda text: sent.append(json.loads(text))))
    await page.goto(f"{looker.site}?match={match}")
    await live(page)
    assert sent[0]["action"] == "subscribe"
    assert sent[0]["since"]["seq"] == 2


async def test_a_slow_read_does_not_keep_a_match_from_being_live(stage: Stage, looker: Looker) -> None:
    """A match page whose read over HTTP never ends subscribes without a position, and shows the score."""
    match = stage.match()
    stage.post(match, "kick_off")
    page = await looker.blank(service_workers="block")
    asked: list[Route] = []

    def hang(route: Route) -> None:
        asked.append(route)

    await page.route(f"**/matches/{match}*", hang)
    await page.add_init_script("AbortSignal.timeout = () => new AbortController().signal;")
    await page.goto(f"{looker.site}?match={match}")
    await score(page, "0–0")
    assert asked
    looker.forgive("Service Worker registration blocked")


async def test_a_screen_has_a_style_sheet_of_its_own(stage: Stage, looker: Looker) -> None:
    """A page loads the style sheet of the screen that it shows; a screen that gets none is shown all the same."""
    match = stage.match()
    page = await looker.blank(service_workers="block")
    await page.route("**/viewer/scoreboard.css", lambda route: route.abort())
    await page.goto(f"{looker.site}?match={match}")
    await live(page)
    sheets = "() => [...document.styleSheets].map((each) => new URL(each.href).pathname)"
    assert await page.evaluate(sheets) == ["/style.css", "/viewer/match.css"]
    await page.get_by_role("link", name="All matches").click()
    await expect(page.locator(".day h1")).to_be_visible()
    looker.forgive("net::ERR_FAILED", "Service Worker registration blocked")


def isolated(text: str, *names: str) -> str:
    """A sentence as the page writes it: each name between isolates."""
    for name in names:
        text = text.replace(name, f"\u2068{name}\u2069")
    return text

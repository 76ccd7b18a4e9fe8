"""The desk asks before it posts: what is old or another person's, and a goal that another desk was quicker with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

from devstack.operator.api_client import Operator
from devstack.operator.local_tokens import tokens_of
from tests.web.desk import Desk, desk_of
from tests.web.looking import live, violations
from tests.web.test_desk_trouble import AN_HOUR_FAST, BROKEN, counted_posts, kept_shell
from tests.web.test_viewer_page import score

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page, Route

    from tests.web.conftest import Stage
    from tests.web.looking import Looker

AGED = """
(changes) => {
  for (const key of Object.keys(localStorage).filter((each) => each.startsWith("livescore.outbox.1/"))) {
    const entry = JSON.parse(localStorage[key]);
    localStorage[key] = JSON.stringify({ ...entry, pressed: entry.pressed - (changes.age ?? 0), ...changes.about });
  }
}
"""
"""Makes the kept presses of the desk older, or another operator's."""

HOURS = 12 * 3_600_000


def asked(page: Page) -> Locator:
    """The presses that the desk asks about."""
    return page.locator("#waiting li")


async def kept_and_aged(desk: Desk, *keys: str, **changes: Any) -> None:
    """Press without a network, and come back when it is long ago, or as somebody else."""
    await kept_shell(desk.page)
    await desk.page.context.set_offline(True)
    await desk.press(*keys)
    await expect(desk.page.locator("#timeline > li[data-state=kept]")).to_have_count(len(keys))
    await desk.page.evaluate(AGED, changes)
    await desk.page.reload()
    await expect(asked(desk.page)).to_have_count(len(keys))
    await desk.page.context.set_offline(False)
    await live(desk.page)


async def test_what_is_twelve_hours_old_waits_for_a_person(stage: Stage, looker: Looker) -> None:
    """An old press is posted only by the operator, by keyboard too; a new goal is sent at once."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    posts = counted_posts(desk.page)
    await kept_and_aged(desk, "h", "y", age=HOURS)
    await expect(asked(desk.page).first).to_contain_text(
        "Goal, \u2068Argentina\u2069, 1′. Pressed 12 hours ago by you."
    )
    await expect(desk.notice("waiting")).to_contain_text("2 presses wait for you")
    await expect(desk.page.locator("#outbox")).to_have_text("2 waiting for you")
    await expect(desk.page.locator("#expected")).to_have_text("")
    assert await violations(desk.page) == []
    await desk.press("a")
    await desk.counted("goal")
    assert [event.get("team") for event in desk.audit()] == [None, "away"]
    assert len(posts) == 1
    await desk.press("w")
    await expect(asked(desk.page).first.get_by_role("button", name="Post")).to_be_focused()
    await desk.press("Enter")
    await desk.counted("goal", 2)
    await expect(asked(desk.page)).to_have_count(1)
    await expect(asked(desk.page).get_by_role("button", name="Post")).to_be_focused()
    await desk.press("Tab", "Enter")
    await expect(desk.page.locator("#waiting")).to_be_hidden()
    await desk.all_sent()
    assert desk.kinds() == ["kick_off", "goal", "goal"]
    looker.forgive(*BROKEN)


async def test_a_clock_that_is_wrong_makes_nothing_old(stage: Stage, looker: Looker) -> None:
    """A recent press waits only until the desk knows the service's time, and is then sent."""
    match = stage.match()
    desk = await desk_of(stage, looker, match, script=AN_HOUR_FAST)
    await expect(desk.notice("clock")).to_contain_text("about an hour fast")
    await kept_and_aged(desk, "n")
    await desk.counted("kick_off")
    await expect(desk.page.locator("#waiting")).to_be_hidden()
    looker.forgive(*BROKEN)


async def test_what_another_person_pressed_waits(stage: Stage, looker: Looker) -> None:
    """After a sign-in as somebody else a press says whose it is; all are posted in order by one button."""
    match = stage.match()
    desk = await desk_of(stage, looker, match)
    posts = counted_posts(desk.page)
    await kept_and_aged(desk, "n", "h", age=10_000, about={"by": "u-1", "name": "Ann"})
    await expect(asked(desk.page).first).to_contain_text("a moment ago by \u2068Ann\u2069.")
    assert desk.kinds() == []
    assert posts == []
    await desk.page.get_by_role("button", name="Post all, in order").click()
    await desk.counted("goal")
    await expect(desk.page.locator("#waiting")).to_be_hidden()
    assert desk.kinds() == ["kick_off", "goal"]
    looker.forgive(*BROKEN)


async def test_what_was_sent_without_an_answer_is_asked_about_and_not_posted(stage: Stage, looker: Looker) -> None:
    """The desk asks for the outcome of a press of yesterday that counted, and posts nothing again."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    goal = stage.operator.post_event(match, {"kind": "goal", "team": "home", "minute": 1, "event_id": "sent"})
    stage.operator.settled(match, goal["event_id"])
    posts = counted_posts(desk.page)
    await desk.page.evaluate(
        """([match, pressed]) => { localStorage[`livescore.outbox.1/other/sent`] = JSON.stringify({
             id: "sent", match, order: 1, pressed, by: "ann", state: "sending", tries: 2,
             event: {kind: "goal", team: "home", minute: 1, event_id: "sent"}});
             localStorage[`livescore.outbox.1/${match}/sent`] = localStorage["livescore.outbox.1/other/sent"];
             localStorage.removeItem("livescore.outbox.1/other/sent"); }""",
        [match, 0],
    )
    await desk.page.goto(f"{stage.site}operator.html?match={stage.match()}")
    await expect(desk.page.locator("#outbox")).to_have_text("All sent")
    await expect(desk.page.locator("#waiting")).to_be_hidden()
    assert posts == []
    assert desk.kinds() == ["kick_off", "goal"]


async def test_two_operators_press_the_same_goal(stage: Stage, looker: Looker) -> None:
    """The second operator sees the first goal, and the second goal counts only if that operator confirms it."""
    match = stage.match()
    stage.post(match, "kick_off")
    viewer = await looker.open(f"?match={match}")
    await live(viewer)
    desk = await desk_of(stage, looker, match)
    with Operator(stage.system.api_url, tokens_of(stage.system, "scorer")) as other:
        for number, key in ((1, "h"), (2, "a")):
            await quicker(desk, other, number, key)
            await expect(asked(desk.page)).to_contain_text("was posted by another desk a moment ago. Yours: Goal")
            await expect(asked(desk.page)).to_contain_text(f"Quicker {number}")
            await expect(desk.page.locator("#alarm")).to_contain_text("another operator posted a goal meanwhile")
            await score(viewer, f"{number}–0")
            assert await violations(desk.page) == []
            name = "Drop" if number == 1 else "It is another goal: post"
            await asked(desk.page).get_by_role("button", name=name).click()
            await expect(desk.page.locator("#waiting")).to_be_hidden()
    await score(viewer, "2–1")
    await desk.all_sent()
    assert desk.kinds() == ["kick_off", "goal", "goal", "goal"]


async def quicker(desk: Desk, other: Operator, number: int, key: str) -> None:
    """Another operator's goal is counted while this desk's is on its way."""
    first = asyncio.Event()

    async def hold(route: Route) -> None:
        await first.wait()
        await route.continue_()

    await desk.page.route("**/operators/matches/*/events", hold)
    async with desk.page.expect_request(lambda request: request.method == "POST"):
        await desk.press(key)
    goal = {"kind": "goal", "team": "home", "minute": number, "player": f"Quicker {number}"}
    posted = await asyncio.to_thread(other.post_event, desk.match, goal)
    await asyncio.to_thread(other.settled, desk.match, posted["event_id"])
    first.set()
    await desk.page.unroute_all(behavior="wait")


async def test_a_scorer_is_corrected_in_place(stage: Stage, looker: Looker) -> None:
    """Viewers, late ones too, see the right scorer and minute in the same line with a mark, and no second goal."""
    match = stage.match()
    stage.post(match, "kick_off")
    viewer = await looker.open(f"?match={match}")
    await live(viewer)
    stage.post(match, "goal", team="home", minute=12, player="Wrong")
    goals = viewer.locator('.moment[data-kind="goal"]')
    await expect(viewer.locator(".flash")).to_contain_text("Wrong")
    await viewer.evaluate("document.querySelector('.flash').textContent = 'seen'")
    desk = await desk_of(stage, looker, match)
    await desk.rows("goal").get_by_role("button", name="Correct").click()
    await desk.page.locator("#correct-player").fill("Lionel Messi")
    await desk.page.locator("#correct-minute").fill("23")
    await desk.press("Enter")
    await expect(desk.rows("goal")).to_contain_text("Lionel Messi")
    await expect(desk.rows("goal").locator(".note")).to_contain_text("Corrected.")
    late = await looker.open(f"?match={match}")
    for page in (viewer, late):
        goals = page.locator('.moment[data-kind="goal"]')
        await expect(goals).to_have_count(1)
        await expect(goals).to_contain_text("Lionel Messi")
        await expect(goals.locator(".minute")).to_have_text("23′")
        await expect(goals.locator(".corrected")).to_have_text("Corrected")
        await expect(page.locator(".scorers")).to_contain_text("Lionel Messi 23′")
        await expect(page.locator(".moment")).to_have_count(2)
        await score(page, "1–0")
        assert await violations(page) == []
    assert "Wrong" not in (await viewer.locator(".flash").text_content() or "")
    await desk.all_sent()
    assert desk.kinds() == ["kick_off", "goal", "amendment"]
    assert [event["kind"] for event in stage.operator.events(match) if event.get("player") == "Wrong"] == []

"""The operator's desk: viewers see each press, once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.web.desk import desk_of
from tests.web.looking import live, violations
from tests.web.test_viewer_page import score

if TYPE_CHECKING:
    from tests.web.conftest import Stage
    from tests.web.looking import Looker

PAGES = 5
LOOKS = [
    pytest.param(scheme, size, id=f"{scheme}-{name}")
    for scheme in ("light", "dark")
    for name, size in (("phone", {"width": 320, "height": 640}), ("desktop", {"width": 1280, "height": 800}))
]


async def test_a_goal_is_seen_on_five_pages(stage: Stage, looker: Looker) -> None:
    """One press at the desk, and five viewers have the goal with its scorer and minute; the desk says how many."""
    match = stage.match()
    stage.post(match, "kick_off")
    viewers = [await looker.open(f"?match={match}") for _ in range(PAGES)]
    for viewer in viewers:
        await live(viewer)
    desk = await desk_of(stage, looker, match)
    await desk.name("Lionel Messi")
    await desk.press("h")
    for viewer in viewers:
        await score(viewer, "1–0")
        await expect(viewer.locator('.moment[data-kind="goal"]')).to_contain_text("Lionel Messi")
        await expect(viewer.locator('.moment[data-kind="goal"] .minute')).to_have_text("1′")
    # Five viewers and the desk itself.
    await expect(desk.rows("goal").locator(".note")).to_contain_text(f"Told {PAGES + 1} viewers in ")
    [_, goal] = desk.audit()
    assert (goal["team"], goal["player"], goal["minute"]) == ("home", "Lionel Messi", 1)


async def test_a_press_counts_once(stage: Stage, looker: Looker) -> None:
    """A double click, a key that is held down, and Enter held on a button are one press each."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    await desk.page.get_by_role("button", name="Goal Argentina").dblclick()
    await desk.page.get_by_role("button", name="Goal France").focus()
    for _ in range(10):
        await desk.page.keyboard.down("Enter")
    await desk.page.keyboard.up("Enter")
    for _ in range(10):
        await desk.page.keyboard.down("y")
    await desk.page.keyboard.up("y")
    # Longer ago than an echo is, and the key is still down: only that it repeats tells.
    await desk.page.locator("[data-action=red_card][data-side=home]").focus()
    await desk.page.keyboard.down("Enter")
    await desk.no_echo()
    await desk.page.keyboard.down("Enter")
    await desk.page.keyboard.up("Enter")
    await desk.press("n")
    await desk.counted("half_time")
    await desk.all_sent()
    assert desk.kinds() == ["kick_off", "goal", "goal", "yellow_card", "red_card", "half_time"]


async def test_undo_within_seconds(stage: Stage, looker: Looker) -> None:
    """An undone event is cancelled with a reason for viewers, and the same button works again at once."""
    match = stage.match()
    stage.post(match, "kick_off")
    viewer = await looker.open(f"?match={match}")
    await live(viewer)
    desk = await desk_of(stage, looker, match)
    await expect(desk.page.locator("#undo-bar")).to_be_hidden()
    await desk.press("a")
    await score(viewer, "0–1")
    await expect(desk.page.locator("#undo-what")).to_have_text("Goal, \u2068France\u2069, 1′")
    await desk.press("u")
    await score(viewer, "0–0")
    await expect(viewer.locator('.moment[data-kind="goal"]')).to_contain_text("Entered by mistake")
    await desk.press("a")
    await score(viewer, "0–1")
    await desk.all_sent()
    assert desk.kinds() == ["kick_off", "goal", "cancellation", "goal"]


async def test_the_video_assistant_takes_a_goal_back(stage: Stage, looker: Looker) -> None:
    """First the check, then the decision with the cancellation: a viewer's page says why the goal does not count."""
    match = stage.match()
    stage.post(match, "kick_off")
    viewer = await looker.open(f"?match={match}")
    await live(viewer)
    desk = await desk_of(stage, looker, match)
    await desk.press("h")
    await score(viewer, "1–0")
    await desk.press("v", "Enter")
    await desk.counted("var_decision")
    await desk.press("v")
    await desk.page.locator("#var-reason").fill("Offside")
    await desk.press("Enter")
    await score(viewer, "0–0")
    await expect(viewer.locator('.moment[data-kind="goal"]')).to_contain_text(
        "after a video review: \u2068Offside\u2069"
    )
    await desk.counted("cancellation")
    [_, goal, check, decision, cancellation] = desk.audit()
    assert (check["decision"], check["about"]) == ("checking", goal["event_id"])
    assert (decision["decision"], decision["about"]) == ("goal_disallowed", goal["event_id"])
    assert (cancellation["cancels"], cancellation["reason"]) == (goal["event_id"], "Offside")


async def test_an_event_is_corrected(stage: Stage, looker: Looker) -> None:
    """One correction fixes the scorer and the team of another operator's goal."""
    match = stage.match()
    stage.post(match, "kick_off")
    stage.post(match, "goal", team="home", minute=12, player="Wrong")
    desk = await desk_of(stage, looker, match)
    await desk.rows("goal").get_by_role("button", name="Correct").click()
    await desk.page.get_by_role("radio", name="France").check()
    await desk.page.locator("#correct-player").fill("Right")
    await desk.page.locator("#correct-minute").fill("45+2")
    await desk.press("Enter")
    await expect(desk.page.locator("#score")).to_have_text("0–1")
    await desk.all_sent()
    [_, wrong, cancellation, right] = desk.audit()
    assert cancellation["cancels"] == wrong["event_id"]
    assert (right["team"], right["player"], right["minute"], right["stoppage"]) == ("away", "Right", 45, 2)


async def test_a_pasted_reason_is_cleaned_or_said_to_be_wrong(stage: Stage, looker: Looker) -> None:
    """A pasted no-break space does not stop a correction; of an override nothing is posted, and the desk names it."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    await desk.page.locator("#player").fill("علی\u200cرضا\u00a0 ")
    await desk.press("Enter")
    await desk.press("h")
    await expect(desk.page.locator("#score")).to_have_text("1–0")
    await desk.press("v")
    await desk.page.locator("#var-decision").select_option("goal_disallowed")
    await desk.page.locator("#var-reason").fill("Off\u202eside")
    await desk.press("Enter")
    wrong = "The reason must not contain a bidirectional control (U+202E)."
    await expect(desk.page.locator("#var [role=alert]")).to_have_text(wrong)
    await desk.page.locator("#var-reason").fill("No\u00a0goal\u202f: offside\u00a0")
    await desk.press("Enter")
    await desk.counted("cancellation")
    [_, goal, _, cancellation] = desk.audit()
    assert (goal["player"], cancellation["reason"]) == ("علی\u200cرضا", "No goal : offside")


async def test_any_event_is_cancelled_with_a_reason(stage: Stage, looker: Looker) -> None:
    """An event on the timeline is cancelled with a reason in the operator's words."""
    match = stage.match()
    stage.post(match, "kick_off")
    stage.post(match, "red_card", team="away", minute=12, player="Other")
    desk = await desk_of(stage, looker, match)
    await desk.rows("red_card").get_by_role("button", name="Cancel").click()
    await desk.page.locator("#cancel-reason").fill("Another player")
    await desk.press("Enter")
    await expect(desk.rows("red_card").locator(".note")).to_contain_text("Another player")
    await desk.counted("cancellation")
    assert desk.audit()[-1]["reason"] == "Another player"


async def test_a_whole_match_without_the_mouse(stage: Stage, looker: Looker) -> None:
    """From choosing the match to the last kick of the shoot-out and full time by keys alone."""
    match = stage.match()
    page = await looker.open("operator.html")
    await expect(page.locator("#matches")).to_be_visible()
    await page.keyboard.type(match)
    await page.keyboard.press("Enter")
    await live(page)
    await expect(page.locator("#status")).to_have_text("Not started")
    desk = await desk_of(stage, looker, match)
    await desk.press("n")
    await desk.counted("kick_off")
    await desk.name("Ángel Di María")
    await desk.press("t")
    await desk.page.keyboard.type("Alexis Mac Allister")
    await desk.press("Enter", "m")
    await desk.page.keyboard.type("36")
    await desk.press("Enter", "h")
    await desk.name("Enzo Fernández")
    await desk.press("y", "Shift+S")
    await desk.page.keyboard.type("Marcus Thuram")
    await desk.press("Tab")
    await desk.page.keyboard.type("Ousmane Dembélé")
    await desk.press("Enter")
    await desk.counted("substitution")
    await desk.no_echo()
    await desk.press("n")
    await desk.counted("half_time")
    await desk.press("e", "Shift+X")
    await desk.no_echo()
    await desk.press("n")
    await desk.counted("second_half")
    await desk.press("e", "a", "o", "h", "d", "Shift+R", "k", "Enter")
    await desk.counted("shootout_kick")
    await desk.press("Shift+L")
    await desk.counted("shootout_kick", 2)
    await desk.no_echo()
    await desk.press("n")
    await desk.counted("full_time")
    await desk.all_sent()
    assert desk.kinds() == [
        "kick_off", "goal", "yellow_card", "substitution", "half_time", "penalty_missed", "second_half",
        "penalty_goal", "own_goal", "second_yellow_card", "red_card", "shootout_kick", "shootout_kick", "full_time",
    ]  # fmt: skip
    goal, change = desk.audit()[1], desk.audit()[3]
    assert (goal["player"], goal["assist"], goal["minute"]) == ("Ángel Di María", "Alexis Mac Allister", 36)
    assert (change["team"], change["player_on"], change["player_off"]) == ("away", "Marcus Thuram", "Ousmane Dembélé")
    await expect(desk.page.locator("#score")).to_have_text("2–1 (1–0)")
    assert await desk.page.evaluate("document.activeElement.id") == "desk"


async def test_keys_are_explained_and_can_be_switched_off(stage: Stage, looker: Looker) -> None:
    """`?` shows the keys; switched off, a letter posts nothing, also after a reload."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    await desk.press("?")
    await expect(desk.page.get_by_role("dialog")).to_contain_text("Goal, home")
    await desk.page.get_by_role("checkbox", name="One-letter keys are on").uncheck()
    await desk.press("Escape")
    await desk.page.reload()
    await live(desk.page)
    await desk.press("h")
    await desk.page.get_by_role("button", name="Half-time").click()
    await desk.counted("half_time")
    assert desk.kinds() == ["kick_off", "half_time"]


async def test_names_are_text(stage: Stage, looker: Looker) -> None:
    """Markup and right-to-left letters in teams' and players' names are shown, and are nothing else."""
    match = stage.match("<b>Ajax</b>", "הפועל")
    stage.post(match, "kick_off")
    stage.post(match, "goal", team="away", minute=3, player="<img src=x onerror=document.title='gone'>")
    desk = await desk_of(stage, looker, match)
    await expect(desk.page.locator("#home-name")).to_have_text("<b>Ajax</b>")
    await expect(desk.rows("goal")).to_contain_text("<img src=x")
    await desk.name("محمد <script>")
    await desk.press("h")
    await desk.counted("goal", 2)
    await expect(desk.page.locator("#main img, main img, main script, main b")).to_have_count(0)
    assert desk.audit()[-1]["player"] == "محمد <script>"
    assert "gone" not in await desk.page.title()


@pytest.mark.parametrize(("scheme", "size"), LOOKS)
async def test_axe_finds_nothing(stage: Stage, looker: Looker, scheme: str, size: dict[str, int]) -> None:
    """The desk and its windows, light and dark, phone and desktop, have no violation that axe-core knows."""
    match = stage.match()
    stage.post(match, "kick_off")
    stage.post(match, "goal", team="home", minute=12, player="Scorer")
    desk = await desk_of(stage, looker, match, color_scheme=scheme, viewport=size)
    await desk.press("a")
    await desk.counted("goal", 2)
    assert await violations(desk.page) == []
    for key, window in (("?", "help"), ("v", "var"), ("s", "substitution"), ("g", "matches"), ("i", "more")):
        await desk.press(key)
        await expect(desk.page.locator(f"#{window}")).to_be_visible()
        assert await violations(desk.page) == []
        await desk.press("Escape")
    await desk.press("i")
    await desk.page.get_by_role("button", name="Award the match…").click()
    assert await violations(desk.page) == []
    await desk.press("Escape", "i")
    await desk.page.get_by_role("button", name="Line-ups, teams, kick-off…").click()
    await expect(desk.page.locator("#match-form")).to_be_visible()
    await desk.page.locator("#match-form details").first.evaluate("folded => { folded.open = true; }")
    assert await violations(desk.page) == []
    await desk.press("Escape", "g")
    await desk.page.locator("#matches-day").fill("2022-12-18")
    await expect(desk.page.locator("#matches-list [data-match]").first).to_be_visible()
    assert await violations(desk.page) == []
    await desk.press("Escape")
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert await desk.page.evaluate(wide)


async def test_two_desks_at_one_match(stage: Stage, looker: Looker) -> None:
    """Two windows of one browser send the presses of both, in order and once."""
    match = stage.match()
    stage.post(match, "kick_off")
    one = await desk_of(stage, looker, match)
    page = await one.page.context.new_page()
    await page.goto(one.page.url)
    await live(page)
    await one.page.context.set_offline(True)
    await one.press("h")
    # Presses of one instant in two windows have no order; this one has been seen in the other.
    await expect(page.locator("#timeline > li[data-state=kept]")).to_have_count(1)
    await page.keyboard.press("a")
    await expect(page.locator("#timeline > li[data-state=kept]")).to_have_count(2)
    await one.page.context.set_offline(False)
    await one.counted("goal", 2)
    await asyncio.gather(one.all_sent(), expect(page.locator("#outbox")).to_have_text("All sent"))
    assert [event.get("team") for event in one.audit()] == [None, "home", "away"]
    looker.forgive("ERR_INTERNET_DISCONNECTED", "WebSocket connection to", "ERR_FAILED")


async def test_the_desk_names_who_is_signed_in(stage: Stage, looker: Looker) -> None:
    """The window of the sign-in has a name that a person knows, not the subject of the token."""
    desk = await desk_of(stage, looker, stage.match())
    await desk.page.locator("#open-token").click()
    await expect(desk.page.locator("#token-about")).to_contain_text("Signed in as \u2068operator\u2069.")

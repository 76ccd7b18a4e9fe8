"""The desk in unusual matches: interruptions, late entries, unknown fields, the bench."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.web.desk import desk_of
from tests.web.looking import live
from tests.web.test_viewer_page import score

if TYPE_CHECKING:
    from tests.web.conftest import Stage
    from tests.web.desk import Desk
    from tests.web.looking import Looker


async def interrupt(desk: Desk, button: str, post: str, reason: str = "") -> None:
    """Open the window of an interruption and post it."""
    await desk.press("i")
    await desk.page.get_by_role("button", name=button).click()
    await desk.page.locator("#interruption-reason").fill(reason)
    await desk.page.get_by_role("button", name=post, exact=True).click()


async def test_a_match_is_suspended_resumed_abandoned_and_awarded(stage: Stage, looker: Looker) -> None:
    """Each interruption is asked about first, has the operator's reason, and offers the next possible whistle."""
    match = stage.match()
    desk = await desk_of(stage, looker, match)
    await desk.press("n")
    await desk.counted("kick_off")
    await desk.press("i")
    await desk.page.get_by_role("button", name="Suspend play…").click()
    await desk.page.get_by_role("button", name="Leave it as it is").click()
    await interrupt(desk, "Suspend play…", "Suspend play", "Thunderstorm")
    await desk.counted("suspended")
    await expect(desk.rows("suspended")).to_contain_text("Thunderstorm")
    await desk.no_echo()
    await desk.press("n")
    await desk.counted("resumed")
    await expect(desk.page.locator("#whistles .main")).to_contain_text("Half-time")
    await interrupt(desk, "Abandon the match…", "Abandon the match", "Floodlight failure")
    await desk.counted("abandoned")
    await desk.press("n")
    await expect(desk.page.locator("#wrong")).to_have_text("There is no whistle left: the match is over.")
    await desk.press("i")
    await desk.page.get_by_role("button", name="Award the match…").click()
    await desk.page.get_by_role("button", name="Award the match", exact=True).click()
    await expect(desk.page.locator("#interruption .wrong")).to_contain_text("two whole numbers")
    await desk.page.locator("#award-home").fill("3")
    await desk.page.locator("#award-away").fill("0")
    await desk.page.locator("#interruption-reason").fill("Forfeit")
    await desk.press("Enter")
    await desk.counted("awarded")
    await expect(desk.page.locator("#score")).to_have_text("3–0")
    assert [(event["kind"], event.get("reason")) for event in desk.audit()] == [
        ("kick_off", None), ("suspended", "Thunderstorm"), ("resumed", None), ("abandoned", "Floodlight failure"),
        ("awarded", "Forfeit"),
    ]  # fmt: skip


async def test_a_match_that_is_not_played(stage: Stage, looker: Looker) -> None:
    """A match is postponed, which leaves its kick-off, then called off; a goal is refused with the reason."""
    match = stage.match()
    desk = await desk_of(stage, looker, match)
    await interrupt(desk, "Postpone the match…", "Postpone the match", "Waterlogged pitch")
    await desk.counted("postponed")
    await expect(desk.page.locator("#whistles .main")).to_contain_text("Kick-off")
    await desk.press("h")
    await expect(desk.page.locator("#wrong")).to_have_text("The match is postponed.")
    await interrupt(desk, "Call off the match…", "Call off the match")
    await desk.counted("called_off")
    await expect(desk.page.locator("#whistles button")).to_have_count(0)
    await desk.press("h")
    await expect(desk.page.locator("#wrong")).to_have_text("The match is called off.")
    await desk.press("u")
    await expect(desk.page.locator("#wrong")).to_have_text("")
    await desk.counted("cancellation")
    assert desk.kinds() == ["postponed", "called_off", "cancellation"]


async def test_extra_time_has_both_its_halves(stage: Stage, looker: Looker) -> None:
    """From extra time the usual whistle leads through its half-time and second half to full time."""
    match = stage.match()
    for kind in ("kick_off", "half_time", "second_half", "extra_time"):
        stage.post(match, kind)
    desk = await desk_of(stage, looker, match)
    for kind in ("extra_half_time", "extra_second_half", "full_time"):
        await desk.press("n")
        await desk.counted(kind)
        await desk.no_echo()
    assert desk.kinds()[4:] == ["extra_half_time", "extra_second_half", "full_time"]


async def test_cards_outside_play_and_for_the_bench(stage: Stage, looker: Looker) -> None:
    """A card counts before kick-off, at half-time and after the whistle; `B` makes it one for the bench."""
    match = stage.match()
    desk = await desk_of(stage, looker, match)
    await desk.name("Coach")
    await desk.press("b", "y")
    await desk.counted("yellow_card")
    await expect(desk.page.locator("#bench")).not_to_be_checked()
    for kind in ("kick_off", "half_time"):
        stage.post(match, kind)
    await desk.counted("half_time")
    await desk.press("Shift+R")
    await desk.counted("red_card")
    for kind in ("second_half", "full_time"):
        stage.post(match, kind)
    await desk.counted("full_time")
    await desk.press("d")
    await desk.counted("second_yellow_card")
    cards = [event for event in desk.audit() if "card" in event["kind"]]
    assert [(card.get("player"), card.get("bench"), "minute" in card) for card in cards] == [
        ("Coach", True, False), (None, None, True), (None, None, True),
    ]  # fmt: skip


async def test_what_is_not_known_is_left_out_and_corrected_later(stage: Stage, looker: Looker) -> None:
    """A goal without a minute, a substitution without its players and one without a replacement; a name follows."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    await desk.press("m")
    await desk.page.keyboard.type("?")
    await desk.press("Enter")
    await expect(desk.page.locator("#minute-about")).to_have_text("not known")
    await desk.press("h")
    await desk.counted("goal")
    await desk.press("s", "Enter")
    await desk.counted("substitution")
    await desk.press("Shift+S")
    await desk.page.locator("#player-off").fill("Ousmane Dembélé")
    await desk.page.get_by_role("checkbox", name="Nobody comes on").check()
    await desk.page.get_by_role("button", name="Post substitution").click()
    await desk.counted("substitution", 2)
    await expect(desk.rows("substitution").first).to_contain_text("nobody comes on")
    await desk.rows("substitution").last.get_by_role("button", name="Correct").click()
    await desk.page.locator("#player-on").fill("Lautaro Martínez")
    await desk.page.get_by_role("button", name="Correct", exact=True).click()
    await expect(desk.rows("substitution").last).to_contain_text("Lautaro Martínez")
    await desk.all_sent()
    [_, goal, change, without, amendment] = desk.audit()
    assert "minute" not in goal
    assert "player_on" not in change
    assert "player_off" not in change
    assert (without["player_off"], without["no_replacement"]) == ("Ousmane Dembélé", True)
    assert (amendment["amends"], amendment["player_on"]) == (change["event_id"], "Lautaro Martínez")


async def test_a_goal_after_full_time_is_asked_about(stage: Stage, looker: Looker) -> None:
    """A slip of the hand after full time changes nothing; a goal that was forgotten is entered with its minute."""
    match = stage.match()
    for kind in ("kick_off", "half_time", "second_half", "full_time"):
        stage.post(match, kind)
    viewer = await looker.open(f"?match={match}")
    desk = await desk_of(stage, looker, match)
    await desk.press("h")
    await expect(desk.page.locator("#late")).to_contain_text("changes the score")
    await desk.press("Escape")
    await desk.press("a")
    await desk.page.locator("#late-minute").fill("67")
    await desk.press("Enter")
    await score(viewer, "0–1")
    await desk.counted("goal")
    goal = desk.audit()[-1]
    assert (goal["team"], goal["minute"]) == ("away", 67)


async def test_the_first_kick_of_a_shootout_is_asked_about(stage: Stage, looker: Looker) -> None:
    """A slip of the hand on `K` does not end play; the second kick is posted at once."""
    match = stage.match()
    for kind in ("kick_off", "half_time", "second_half"):
        stage.post(match, kind)
    desk = await desk_of(stage, looker, match)
    await desk.press("k")
    await expect(desk.page.locator("#first-kick-about")).to_contain_text("ends play and begins the shoot-out")
    await desk.press("Escape")
    assert desk.kinds()[3:] == []
    await desk.name("Lionel Messi")
    await desk.press("k", "Enter")
    await desk.counted("shootout_kick")
    await desk.press("Shift+L")
    await desk.counted("shootout_kick", 2)
    await desk.all_sent()
    kicks = desk.audit()[3:]
    assert [(kick["team"], kick["scored"], kick.get("player")) for kick in kicks] == [
        ("home", True, "Lionel Messi"), ("away", False, None),
    ]  # fmt: skip


async def test_an_earlier_phase_is_cancelled_where_nothing_stands_on_it(stage: Stage, looker: Looker) -> None:
    """The desk offers to cancel every phase; the API refuses one on which a later event stands, and says which."""
    match = stage.match()
    for kind in ("kick_off", "half_time", "second_half"):
        stage.post(match, kind)
    desk = await desk_of(stage, looker, match)
    await desk.rows("half_time").get_by_role("button", name="Cancel").click()
    await desk.press("Enter")
    await expect(desk.page.locator("#timeline > li[data-state=refused]")).to_contain_text("cancel that first")
    await desk.rows("second_half").get_by_role("button", name="Cancel").click()
    await desk.press("Enter")
    await expect(desk.page.locator("#status")).to_have_text("Half-time")


async def test_the_timeline_stands_beside_the_buttons_on_a_desktop(stage: Stage, looker: Looker) -> None:
    """The outcome of a goal is seen beside its button without scrolling, and the score is in the middle."""
    match = stage.match("Borussia Mönchengladbach", "Ajax")
    stage.post(match, "kick_off")
    await live(await looker.open(f"?match={match}"))
    desk = await desk_of(stage, looker, match)
    await desk.press("h")
    await expect(desk.rows("goal").locator(".note")).to_contain_text("Told", timeout=30_000)
    note = await desk.rows("goal").locator(".note").bounding_box()
    button = await desk.page.locator("button.goal[data-side=away]").bounding_box()
    shown = await desk.page.locator("#score").bounding_box()
    assert note is not None
    assert button is not None
    assert shown is not None
    assert note["y"] + note["height"] < 800
    assert note["x"] > button["x"] + button["width"]
    assert abs(shown["x"] + shown["width"] / 2 - 640) <= 8

"""The desk's matches: chosen, made, changed, removed; and their line-ups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.web.desk import desk_of
from tests.web.looking import live

if TYPE_CHECKING:
    from tests.web.conftest import Stage
    from tests.web.looking import Looker

PASTED = "1 Emiliano Martínez (GK)\n10. Lionel Messi (C)\n9\tJulián Álvarez"


def _today(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


async def test_live_matches_come_first_and_are_found(stage: Stage, looker: Looker) -> None:
    """The list has live matches first, then next ones, then finished ones; a word narrows it."""
    over = stage.match("Over", "Gone", kickoff=_today(-3), competition="Listed Cup")
    following = stage.match("Next", "Soon", kickoff=_today(1), competition="Listed Cup")
    now = stage.match("Now", "Playing", kickoff=_today(-1), competition="Listed Cup")
    for match in (over, now):
        stage.post(match, "kick_off")
    for kind in ("half_time", "second_half", "full_time"):
        stage.post(over, kind)
    page = await looker.open("operator.html", timezone_id="UTC")
    await expect(page.locator("#matches")).to_be_visible()
    await page.keyboard.type("listed")
    shown = page.locator("#matches-list [data-match]")
    await expect(shown).to_have_count(3)
    assert [await each.get_attribute("data-match") for each in await shown.all()] == [now, following, over]
    await page.keyboard.type(" soon")
    await expect(shown).to_have_count(1)
    await page.keyboard.press("Enter")
    await live(page)
    await expect(page.locator("#home-name")).to_have_text("Next")


async def test_a_match_is_made_changed_and_removed(stage: Stage, looker: Looker) -> None:
    """A match is created with a day and one team, gets its opponent and time later, and can be removed."""
    page = await looker.open("operator.html", timezone_id="Europe/Berlin")
    await page.get_by_role("button", name="New match…").click()
    form = page.locator("#match-form")
    await form.get_by_label("Home", exact=True).first.fill("Ajax")
    await page.locator("#match-day").fill("2031-11-28")
    await form.get_by_label("Competition").fill("Made Cup")
    await form.get_by_text("Ground, legs, length of the halves").click()
    await page.locator("#match-half").fill("35")
    await page.locator("#match-own-id").fill("made-1")
    await page.keyboard.press("Enter")
    await live(page)
    await expect(page.locator("#away-name")).to_have_text("To be decided")
    await expect(page.locator("#about")).to_contain_text("time not known yet")
    await page.keyboard.press("i")
    await page.get_by_role("button", name="Line-ups, teams, kick-off…").click()
    await page.locator("#match-away").fill("Feyenoord")
    await page.locator("#match-time").fill("20:45")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#away-name")).to_have_text("Feyenoord")
    await expect(page.locator("#about")).to_contain_text("20:45")
    made = stage.operator.snapshot("made-1")
    assert (made["away"], made["half_minutes"]) == ("Feyenoord", 35)
    assert datetime.fromisoformat(made["kickoff"]) == datetime(2031, 11, 28, 19, 45, tzinfo=UTC)
    await page.keyboard.press("i")
    await page.get_by_role("button", name="Line-ups, teams, kick-off…").click()
    await page.get_by_role("button", name="Remove the match…").click()
    await page.get_by_role("button", name="Really remove it?").click()
    await expect(page.locator('[data-notice="unknown"]')).to_contain_text("There is no match made-1")
    looker.forgive("404")


async def test_a_match_that_cannot_be_made_says_why(stage: Stage, looker: Looker) -> None:
    """A fault in a new match is a sentence at its field, and the typed text stays."""
    taken = stage.match()
    page = await looker.open("operator.html")
    await page.get_by_role("button", name="New match…").click()
    await page.locator("#match-home").fill("Ajax")
    await page.locator("#match-away").fill("ajax")
    await page.keyboard.press("Enter")
    await expect(page.locator("#match-form-wrong")).to_have_text("A team cannot play itself.")
    await expect(page.locator("#match-away")).to_be_focused()
    await page.locator("#match-away").fill("PSV")
    await page.locator("#match-form details").first.evaluate("folded => { folded.open = true; }")
    await page.locator("#match-own-id").fill(taken)
    await page.keyboard.press("Enter")
    await expect(page.locator("#match-form-wrong")).to_contain_text("another id")
    await expect(page.locator("#match-home")).to_have_value("Ajax")
    looker.forgive("409")


async def test_a_scorer_of_the_line_up_is_one_press(stage: Stage, looker: Looker) -> None:
    """Of a pasted line-up a name is pressed before a goal or after it, and the goal has that scorer."""
    match = stage.match()
    stage.post(match, "kick_off")
    desk = await desk_of(stage, looker, match)
    await desk.press("i")
    await desk.page.get_by_role("button", name="Line-ups, teams, kick-off…").click()
    await expect(desk.page.locator("#match-home")).to_be_disabled()
    await desk.page.locator("#home-lineup").fill(PASTED)
    await desk.page.get_by_role("button", name="Save").click()
    players = desk.page.locator("[data-of=home] .lineup button")
    await expect(players).to_have_text(["Emiliano Martínez", "Lionel Messi", "Julián Álvarez"])
    await desk.page.get_by_role("button", name="Lionel Messi").click()
    await desk.press("h")
    await desk.counted("goal")
    await desk.no_echo()
    await desk.press("h")
    await desk.counted("goal", 2)
    await expect(desk.page.locator("#home-players")).to_have_text("Who? Goal")
    await desk.page.get_by_role("button", name="Julián Álvarez").click()
    await expect(desk.rows("goal").first).to_contain_text("Julián Álvarez")
    await expect(desk.page.locator("#home-players")).to_have_text("For the next press")
    await desk.all_sent()
    assert desk.kinds() == ["kick_off", "goal", "goal", "amendment"]
    assert [event.get("player") for event in desk.audit()[1:]] == ["Lionel Messi", None, "Julián Álvarez"]
    # Another desk has the line-up too, in the same order.
    other = await desk_of(stage, looker, match)
    await expect(other.page.locator("[data-of=home] .lineup button")).to_have_text(
        ["Emiliano Martínez", "Lionel Messi", "Julián Álvarez"]
    )


async def test_a_changed_name_stays_when_the_match_kicks_off(stage: Stage, looker: Looker) -> None:
    """A team that was changed at the desk stays after later frames, which name no teams."""
    match = stage.match("Lyon", "To be decided")
    desk = await desk_of(stage, looker, match)
    await desk.press("i")
    await desk.page.get_by_role("button", name="Line-ups, teams, kick-off…").click()
    await desk.page.locator("#match-away").fill("Nantes")
    await desk.press("Enter")
    await expect(desk.page.locator("#away-name")).to_have_text("Nantes")
    stage.post(match, "kick_off")
    await desk.counted("kick_off")
    await expect(desk.page.locator("#status")).to_have_text("First half")
    await expect(desk.page.locator("#away-name")).to_have_text("Nantes")

"""The states that a match can be in, and its corrections, as viewers see them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from tests.web.looking import live
from tests.web.test_viewer_looks import line_of
from tests.web.test_viewer_page import score

if TYPE_CHECKING:
    from tests.web.conftest import Stage
    from tests.web.looking import Looker

DAY = "2024-02-10"
KICK_OFF = f"{DAY}T15:00:00Z"
SECOND_HALF = ("kick_off", "half_time", "second_half")


@pytest.mark.parametrize(
    ("event", "sign", "state", "result"),
    [
        ({"kind": "suspended", "reason": "Thunderstorm"}, "Suspended", "Suspended · 61′", "Suspended: Thunderstorm"),
        ({"kind": "abandoned", "reason": "Floodlights"}, "Abandoned", "Abandoned", "Abandoned: Floodlights"),
        ({"kind": "awarded", "score": [0, 3], "reason": "Walk-off"}, "Awarded", "Awarded", "Awarded: Walk-off"),
    ],
)
async def test_a_match_that_is_stopped(
    stage: Stage, looker: Looker, event: dict[str, Any], sign: str, state: str, result: str
) -> None:
    """A suspended, abandoned or awarded match says so live, with its reason, on its page and on the scoreboard."""
    match = stage.match(kickoff=KICK_OFF)
    for kind in SECOND_HALF:
        stage.post(match, kind)
    stage.post(match, "goal", team="home", minute=61)
    page, board = await looker.open(f"?match={match}"), await looker.open(f"?day={DAY}")
    await live(page)
    await live(board)
    stage.post(match, **event)
    await expect(page.locator(".match-state")).to_have_text(state)
    await expect(page.locator(".result")).to_have_text(without_isolates(result))
    await score(page, "–".join(map(str, event.get("score", (1, 0)))))
    await expect(page.locator(".moment").first).to_contain_text(event["reason"])
    line = await line_of(board, match)
    await expect(line.locator(".sign")).to_have_text(sign)
    await expect(line.locator(".goals-away")).to_have_text(str(event.get("score", (1, 0))[1]))


async def test_play_goes_on_after_a_suspension(stage: Stage, looker: Looker) -> None:
    """A resumed match is live again, and its timeline tells when it stopped and went on."""
    match = stage.match()
    for kind in ("kick_off", "suspended"):
        stage.post(match, kind)
    page = await looker.open(f"?match={match}")
    await live(page)
    await expect(page.locator(".match-state")).to_contain_text("Suspended")
    stage.post(match, "resumed")
    await expect(page.locator(".match-state")).to_contain_text("First half")
    await expect(page.locator(".moment .what")).to_have_text(["Play resumed", "Play suspended", "Kick-off"])


@pytest.mark.parametrize(("kind", "words"), [("postponed", "Postponed"), ("called_off", "Called off")])
async def test_a_match_that_is_not_played(stage: Stage, looker: Looker, kind: str, words: str) -> None:
    """A postponed or called-off match has no score, neither on its page nor on the scoreboard."""
    match = stage.match(kickoff=KICK_OFF)
    stage.post(match, kind, reason="Snow")
    page, board = await looker.open(f"?match={match}"), await looker.open(f"?day={DAY}")
    await expect(page.locator(".match-state")).to_have_text(words)
    await expect(page.locator(".digit-home")).to_be_hidden()
    line = await line_of(board, match)
    await expect(line.locator(".sign")).to_have_text(words)
    await expect(line.locator(".goals-home")).to_have_text("")


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
async def test_a_day_without_a_time_is_shown_on_its_day(stage: Stage, looker: Looker, zone: str) -> None:
    """A kick-off time to be confirmed is never 00:00, and the match is on its own day in every time zone."""
    match = stage.match(kickoff="2027-06-12")
    for day, count in (("2027-06-11", 0), ("2027-06-12", 1), ("2027-06-13", 0)):
        page = await looker.open(f"?day={day}", timezone_id=zone)
        await expect(page.locator(f'.fixture[href="?match={match}"], .nothing:visible').first).to_be_visible()
        await expect(page.locator(f'.fixture[href="?match={match}"]')).to_have_count(count)
        if count:
            line = await line_of(page, match)
            await expect(line.locator(".sign")).to_have_text("TBC")
            await expect(line).to_contain_text("Kick-off time to be confirmed")
    page = await looker.open(f"?match={match}", timezone_id=zone)
    await expect(page.locator(".about")).to_contain_text(re.compile(r"12\s+Jun\s+2027.*Kick-off time to be confirmed"))
    await expect(page.locator(".hero")).not_to_contain_text("00:00")


async def test_the_terms_of_a_match(stage: Stage, looker: Looker) -> None:
    """Neutral ground, the leg, the aggregate score and the length of the halves stand on the page."""
    match = stage.match(kickoff=KICK_OFF, neutral=True, leg=2, first_leg=[0, 1], half_minutes=35)
    for kind in SECOND_HALF:
        stage.post(match, kind)
    stage.post(match, "goal", team="home", minute=36)
    stage.post(match, "goal", team="home", minute=70, stoppage=1)
    page, board = await looker.open(f"?match={match}"), await looker.open(f"?day={DAY}")
    for words in ("Second leg", "Neutral ground", "2 × 35 minutes"):
        await expect(page.locator(".about")).to_contain_text(words)
    await expect(page.locator(".result")).to_have_text("Aggregate 2–1")
    await expect((await line_of(board, match)).locator(".note")).to_have_text("Aggregate 2–1")
    await live(page)
    stage.post(match, "full_time")
    await expect(page.locator(".result")).to_contain_text("win 2–1 on aggregate")


async def test_what_is_not_known_is_left_open(stage: Stage, looker: Looker) -> None:
    """Events without a minute or a name, on the bench or without a replacement, are told as far as they are known."""
    match = stage.match()
    stage.post(match, "kick_off")
    stage.post(match, "goal", team="home", player="Kane")
    stage.post(match, "red_card", team="home", bench=True, player="Coach", minute=5)
    stage.post(match, "substitution", team="away", player_off="Hurt", no_replacement=True, minute=6)
    stage.post(match, "substitution", team="away", player_on="Fresh", minute=7)
    page = await looker.open(f"?match={match}")
    lines = page.locator(".moment:not(.moment-phase)")
    await expect(lines).to_have_count(4)
    await expect(lines.nth(0)).to_contain_text("on Fresh")
    await expect(lines.nth(0)).not_to_contain_text("off")
    await expect(lines.nth(1)).to_contain_text("Off, without a replacement")
    await expect(lines.nth(2)).to_contain_text("on the bench")
    await expect(lines.nth(3).locator(".minute")).to_have_text("–")
    await expect(page.locator(".scorers li")).to_have_text("Kane")
    await expect(page.locator(".reds").first).to_be_hidden()


async def test_a_video_review_is_under_way_until_its_decision(stage: Stage, looker: Looker) -> None:
    """A video check is shown beside the minute until its decision; then the timeline has only the decision."""
    match = stage.match()
    stage.post(match, "kick_off")
    page = await looker.open(f"?match={match}")
    await live(page)
    stage.post(match, "var_decision", decision="checking", team="home", minute=12)
    await expect(page.locator(".check")).to_have_text("Video review under way")
    stage.post(match, "var_decision", decision="penalty_awarded", team="home", minute=13)
    await expect(page.locator(".check")).to_be_hidden()
    await expect(page.locator('.moment[data-kind="var_decision"]')).to_have_count(1)


async def test_a_slip_leaves_one_quiet_line(stage: Stage, looker: Looker) -> None:
    """A goal that its operator takes back at once leaves one line without a strike, and none for the cancellation."""
    match = stage.match()
    stage.post(match, "kick_off")
    page = await looker.open(f"?match={match}")
    await live(page)
    goal = stage.post(match, "goal", team="home", minute=3)
    await score(page, "1–0")
    stage.post(match, "cancellation", cancels=goal["event_id"], reason="Entered by mistake")
    await score(page, "0–0")
    lines = page.locator(".moment:not(.moment-phase)")
    await expect(lines).to_have_count(1)
    await expect(lines.locator(".what")).to_have_text("Entered by mistake: goal")
    assert await lines.locator(".what").evaluate("e => getComputedStyle(e).textDecorationLine") == "none"
    await expect(page.locator(".flash")).to_contain_text("Goal taken back")


async def test_a_goal_that_was_posted_late_stands_under_the_score_of_its_minute(stage: Stage, looker: Looker) -> None:
    """The timeline is ordered by minute, and each score in it is the match's score at that minute."""
    match = stage.match()
    stage.post(match, "kick_off")
    stage.post(match, "goal", team="home", minute=30)
    stage.post(match, "half_time")
    page = await looker.open(f"?match={match}")
    await live(page)
    stage.post(match, "goal", team="away", minute=12)
    await score(page, "1–1")
    await expect(page.locator(".moment .tally")).to_have_text(["1–1", "1–1", "0–1", ""])


async def test_more_than_two_hundred_matches_of_a_day_are_all_listed(stage: Stage, looker: Looker) -> None:
    """The scoreboard reads every page of the list."""
    for number in range(201):
        stage.match(f"Home {number}", competition="Cup of Crowds", kickoff="2024-02-17T12:00:00Z")
    page = await looker.open("?day=2024-02-17", timezone_id="UTC")
    await expect(page.locator(".summary")).to_have_text("201 to come")
    await expect(page.locator(".fixture")).to_have_count(201)


def without_isolates(words: str) -> re.Pattern[str]:
    """The words, with or without marks of direction around each name."""
    return re.compile("^" + r"\W{0,2}".join(re.escape(word) for word in words.split(" ")) + r"\W?$")

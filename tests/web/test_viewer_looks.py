"""The layout of the viewer's page at all sizes, light and dark: nothing is covered, broken, missing or unreadable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from tests.web.looking import PHONE, live
from tests.web.test_viewer_page import score

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from tests.web.conftest import Stage
    from tests.web.looking import Looker

READABLE = 4.5
"""Contrast ratio of small text (WCAG 2.2, 1.4.3)."""

AT_THE_FLASH = """
() => {
  for (const each of document.getAnimations()) { each.pause(); each.currentTime = 0; }
  const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgb = (colour) => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (colour) => rgb(colour)
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const glow = getComputedStyle(document.querySelector(".hero"), "::before");
  const texts = [".about", ".digit", ".club-home bdi", ".scorers bdi"];
  const ratios = texts.map((selector) => {
    const text = light(getComputedStyle(document.querySelector(selector)).color);
    const [dark, bright] = [text, light(glow.backgroundColor)].sort((one, other) => one - other);
    return [selector, (bright + 0.05) / (dark + 0.05)];
  });
  return {opacity: glow.opacity, ratios};
}
"""
"""The contrast of the hero's texts with the glow behind them, in the first moment of a goal."""

BROKEN_WORDS = """
(element) => {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const broken = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const {0: word, index} of node.data.matchAll(/[^\\s-]+/g)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const tops = new Set([...range.getClientRects()].map(({top}) => Math.round(top)));
      if (tops.size > 1) broken.push(word);
    }
  }
  return broken;
}
"""


async def box(found: Locator) -> dict[str, float]:
    """Where an element stands."""
    box = await found.bounding_box()
    assert box is not None
    x, y, width, height = box["x"], box["y"], box["width"], box["height"]
    return {"x": x, "y": y, "width": width, "height": height, "right": x + width, "bottom": y + height}


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_the_flash_of_a_goal_leaves_every_text_readable(stage: Stage, looker: Looker, colours: str) -> None:
    """While the hero glows, its texts keep the contrast that small text needs."""
    match = stage.match()
    stage.post(match, "kick_off")
    page = await looker.open(f"?match={match}", color_scheme=colours)
    await live(page)
    stage.post(match, "goal", team="home", player="Lionel Messi", minute=23)
    await expect(page.locator(".flash")).to_be_visible()
    seen = await page.evaluate(AT_THE_FLASH)
    assert seen["opacity"] == "1"
    for text, ratio in seen["ratios"]:
        assert ratio >= READABLE, (text, ratio)


async def test_on_a_phone_nothing_is_covered_and_no_name_breaks(stage: Stage, looker: Looker) -> None:
    """At 320 pixels the line of a goal stands below the scorers, names stay whole, a minute ends before its icon."""
    match = stage.match("Borussia Mönchengladbach", "Wolverhampton Wanderers")
    stage.post(match, "kick_off")
    page = await looker.open(f"?match={match}", viewport=PHONE)
    await live(page)
    stage.post(match, "goal", team="home", player="Jan Vennegoor of Hesselink", minute=45, stoppage=12)
    await expect(page.locator(".flash")).to_be_visible()
    await page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")
    assert (await box(page.locator(".scorers")))["bottom"] <= (await box(page.locator(".flash")))["y"]
    assert await page.locator(".hero").evaluate(BROKEN_WORDS) == []
    line = page.locator('.moment[data-kind="goal"]')
    minute = await line.locator(".minute").evaluate(
        "e => { const r = document.createRange(); r.selectNodeContents(e); return r.getBoundingClientRect().right; }"
    )
    assert minute < (await box(line.locator(".icon")))["x"]


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
async def test_a_long_shoot_out_scrolls_and_its_names_stay_whole(stage: Stage, looker: Looker, width: int) -> None:
    """Twelve rounds: names break between words only and stay in sight, and the page is no wider than the screen."""
    match = stage.match("Borussia Mönchengladbach", "Wolverhampton Wanderers")
    events: list[dict[str, Any]] = [{"kind": kind} for kind in ("kick_off", "half_time", "second_half")]
    events += [{"kind": "shootout_kick", "team": team, "scored": True} for _ in range(12) for team in ("home", "away")]
    for event in events:
        stage.operator.post_event(match, event)
    page = await looker.open(f"?match={match}", viewport={"width": width, "height": 800})
    table = page.locator(".shootout")
    await expect(table.locator("thead th")).to_have_count(14)
    assert await table.evaluate(BROKEN_WORDS) == []
    frame = await box(table)
    for shown in (table.locator("th[scope=row]").first, table.locator(".total").first):
        here = await box(shown)
        assert frame["x"] <= here["x"]
        assert here["right"] <= frame["right"]
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_scorers_stand_below_their_sides_name(stage: Stage, looker: Looker) -> None:
    """On a desktop scorers end where the home side's name ends, and begin where the away side's name begins."""
    match = stage.match()
    stage.post(match, "kick_off")
    stage.post(match, "goal", team="home", player="Lionel Messi", minute=23)
    stage.post(match, "goal", team="away", player="Kylian Mbappé", minute=30)
    page = await looker.open(f"?match={match}")
    await score(page, "1–1")
    home, away, goals = [await box(page.locator(each)) for each in (".club-home bdi", ".club-away bdi", ".score")]
    texts = await page.locator(".scorers li").evaluate_all(
        "found => found.map((e) => { const r = document.createRange(); r.selectNodeContents(e); "
        "const {left, right} = r.getBoundingClientRect(); return [left, right]; })"
    )
    assert abs(texts[0][1] - home["right"]) <= 1
    assert abs(texts[1][0] - away["x"]) <= 1
    assert abs((goals["x"] - home["right"]) - (away["x"] - goals["right"])) <= 1


async def test_a_match_to_come_shows_its_kick_off(stage: Stage, looker: Looker) -> None:
    """The time of the kick-off stands where the score will be, on the match page and in words for who hears it."""
    match = stage.match()
    page = await looker.open(f"?match={match}", timezone_id="Europe/Berlin")
    await expect(page.locator(".start")).to_have_text("16:00")
    await expect(page.locator(".digit-home")).to_be_hidden()
    await expect(page.locator(".match-state")).to_have_text("Not started")


@pytest.mark.parametrize(("day", "names"), [(-1, 1), (0, 1), (1, 1), (5, 1)])
async def test_one_button_leads_to_today(looker: Looker, day: int, names: int) -> None:
    """One button says Today, on every day that is shown."""
    page = await looker.open()
    shown = await page.evaluate(
        "days => import('/day.js').then(({localDay, shifted}) => shifted(localDay(Date.now()), days))",
        day,
    )
    page = await looker.open(f"?day={shown}")
    await expect(page.locator(".turns a", has_text="Today").filter(visible=True)).to_have_count(names)


async def test_few_viewers_are_not_counted(stage: Stage, looker: Looker) -> None:
    """A count below ten is not shown: on a row of the scoreboard it would be noise."""
    match = stage.match(competition="Cup of Few", kickoff="2024-02-03T15:00:00Z")
    stage.post(match, "kick_off")
    page = await looker.open("?day=2024-02-03")
    await live(page)
    await expect(page.locator(".fixture")).to_have_count(1)
    await expect(page.locator(".fixture .note")).to_have_text("")


async def test_an_empty_day_says_so(looker: Looker) -> None:
    """A day without matches is one sentence, and no empty list."""
    page = await looker.open("?day=2024-01-02")
    await expect(page.locator(".nothing")).to_be_visible()
    await expect(page.locator(".nothing")).to_contain_text("No matches")
    await expect(page.locator(".group")).to_have_count(0)


async def line_of(page: Page, match: str) -> Locator:
    """The line of a match on the scoreboard."""
    found = page.locator(f'.fixture[href="?match={match}"]')
    await expect(found).to_be_visible()
    return found

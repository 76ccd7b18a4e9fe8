"""Takes pictures of the viewers' pages in every situation: four widths, light and dark."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image
from playwright.async_api import expect

from devstack.pictures.match_day import KICKED_OFF, SECOND_HALF, Event, goal
from loadtest.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.async_api import Browser, Page

    from devstack.operator.api_client import Operator

WIDTHS = (320, 390, 768, 1280)
_HEIGHT = 820
_COLOURS: tuple[Literal["light", "dark"], ...] = ("light", "dark")

_MILLISECONDS = 30_000
"""Milliseconds within which a page must show the expected content."""

_DAY_OF_SIXTY = "2024-05-04"
_DAY_OF_STATES = "2024-05-11"
_DAY_OF_NONE = "2024-01-02"
_KICK_OFF = "2024-03-09T15:00:00Z"

_LONG: dict[str, Any] = {
    "home": "Borussia Mönchengladbach",
    "away": "Wolverhampton Wanderers",
    "competition": "UEFA Women's Champions League",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """One situation: a page, the events of its match, and the element that the page then shows."""

    name: str
    path: str
    shown: str
    """Selector of the element that the picture waits for."""
    match: str = ""
    about: dict[str, Any] | None = None
    """The match to create for this scene; None if the match exists already or the scene needs none."""
    before: tuple[Event, ...] = ()
    """Events that are posted before the page is opened."""
    meanwhile: tuple[Event, ...] = ()
    """Events that are posted while the page is open."""
    trouble: Literal["", "offline", "unread"] = ""
    """``offline``: the browser has no network. ``unread``: requests to the HTTP API fail."""


def _scene(name: str, shown: str, before: tuple[Event, ...], meanwhile: tuple[Event, ...] = (), **more: Any) -> Scene:
    """A scene with its own match, which has the name of the scene as its id."""
    about = {"home": "Arsenal", "away": "Bayern München", "competition": "Champions Cup", "kickoff": _KICK_OFF}
    trouble = more.pop("trouble", "")
    return Scene(name, f"?match={name}", shown, name, {**about, **more}, before, meanwhile, trouble)


def _kicks(rounds: int) -> tuple[Event, ...]:
    """The kicks of a shoot-out that its last round decides."""
    kicks = [
        {"kind": "shootout_kick", "team": team, "scored": number % 4 != 1, "player": f"Player {number + 1}"}
        for number in range(rounds)
        for team in ("home", "away")
    ]
    kicks[-1]["scored"] = not kicks[-2]["scored"]
    return tuple(kicks)


_PLAYED: tuple[Event, ...] = (
    *KICKED_OFF,
    goal("away", "Harry Kane", 11, kind="penalty_goal"),
    goal("home", "Gabriel Martinelli", 38, assist="Bukayo Saka"),
    {"kind": "half_time"},
    {"kind": "second_half"},
    {"kind": "yellow_card", "team": "home", "player": "Declan Rice", "minute": 64},
)

_TAKEN_BACK: tuple[Event, ...] = (
    goal("away", "Jamal Musiala", 57, event_id="offside"),
    {"kind": "var_decision", "decision": "goal_disallowed", "about": "offside", "team": "away", "minute": 59},
    {"kind": "cancellation", "cancels": "offside", "reason": "Offside in the build-up"},
)

_MISTAKE: tuple[Event, ...] = (
    goal("away", "", 66, event_id="slip"),
    {"kind": "cancellation", "cancels": "slip", "reason": "Entered by mistake"},
)

SCENES: tuple[Scene, ...] = (
    _scene("goal", ".flash:not([hidden])", _PLAYED, (goal("home", "Bukayo Saka", 68, assist="Martin Ødegaard"),)),
    _scene("taken-back", '[data-flash^="cancelled"]', (*_PLAYED, _TAKEN_BACK[0]), _TAKEN_BACK[1:]),
    _scene("mistake", "[data-mistake]", _PLAYED, _MISTAKE),
    _scene(
        "long-names",
        ".flash:not([hidden])",
        (
            *KICKED_OFF,
            goal("away", "Pierre-Emerick Emiliano François Aubameyang", 45, stoppage=12),
            goal("home", "Jan Vennegoor of Hesselink", 45, stoppage=13),
            {"kind": "half_time"},
            {"kind": "second_half"},
            {
                "kind": "second_yellow_card",
                "team": "away",
                "player": "Sokratis Papastathopoulos",
                "minute": 90,
                "stoppage": 11,
            },
        ),
        (goal("home", "Jan Vennegoor of Hesselink", 90, stoppage=12, assist="Pierre-Emerick Aubameyang"),),
        **_LONG,
    ),
    _scene(
        "shootout",
        ".shootout .total",
        (*SECOND_HALF, {"kind": "extra_time"}, *_kicks(12), {"kind": "full_time"}),
        **_LONG,
    ),
    _scene("ahead", ".start:not(:empty)", ()),
    _scene("offline", '#connection[data-state="offline"]', _PLAYED, trouble="offline"),
    _scene("unread", '#connection[data-state="open"]', _PLAYED, trouble="unread"),
    Scene("unknown", "?match=unknown-match", ".missing"),
    Scene("states", f"?day={_DAY_OF_STATES}", ".fixture"),
    Scene("stopped", "?match=suspended", ".result:not(:empty)"),
    Scene("review", "?match=review", ".check:not(:empty)"),
    Scene("open", "?match=open", ".start:not(:empty)"),
    Scene("none", f"?day={_DAY_OF_NONE}", ".nothing:not([hidden])"),
    Scene(
        "sixty",
        f"?day={_DAY_OF_SIXTY}",
        '.fixture[data-news^="goal"]',
        "sixty-0",
        None,
        (),
        (goal("home", "Aitana Bonmatí", 3),),
    ),
)


async def take(site: str, operator: Operator, folder: Path, say: Callable[[str], None]) -> list[str]:
    """Save pictures of each scene in every width, light and dark, and one sheet a scene; returns the sheets' names.

    Raises BrowserError if there is no browser, and ApiError if the API refuses a request or does not answer.
    """
    say("gallery: entering matches")
    await asyncio.to_thread(_schedule_sixty, operator)
    await asyncio.to_thread(_schedule_states, operator)
    names: list[str] = []
    async with chromium() as browser:
        for scene in SCENES:
            say(f"gallery: {scene.name}")
            names.append(await _picture(browser, site, operator, folder, scene))
    return names


def _schedule_sixty(operator: Operator) -> None:
    """Create sixty matches on one day: some have ended, some are being played, most have not begun."""
    for number in range(60):
        match = f"sixty-{number}"
        about = {
            "home": f"Athletic {number}",
            "away": f"Sporting {number}",
            "competition": f"League {number // 15 + 1}",
        }
        operator.create_match(match=match, kickoff=f"{_DAY_OF_SIXTY}T{12 + number % 9}:00:00Z", **about)
        events: tuple[Event, ...] = ()
        if number % 5 == 0:
            events = (*KICKED_OFF, goal("home", "Somebody", 3))
        if number % 10 == 5:
            events = (*events, {"kind": "half_time"}, {"kind": "second_half"}, {"kind": "full_time"})
        _enter(operator, match, events)


def _schedule_states(operator: Operator) -> None:
    """Create one match in each rare state."""
    late = goal("home", "Early Scorer", 12)
    states: dict[str, tuple[dict[str, Any], tuple[Event, ...]]] = {
        "suspended": (
            {},
            (*SECOND_HALF, goal("away", "Kylian Mbappé", 61), {"kind": "suspended", "reason": "Thunderstorm"}),
        ),
        "abandoned": ({}, (*KICKED_OFF, goal("away", "", 30), {"kind": "abandoned", "reason": "Floodlight failure"})),
        "awarded": ({}, (*KICKED_OFF, {"kind": "awarded", "score": [3, 0], "reason": "Player not eligible"})),
        "postponed": ({}, ({"kind": "postponed", "reason": "Waterlogged pitch"},)),
        "called-off": ({}, ({"kind": "called_off", "reason": "Team withdrew"},)),
        "open": ({"kickoff": _DAY_OF_STATES, "home": None, "leg": 1, "neutral": True}, ()),
        "extra": (
            {"leg": 2, "first_leg": [1, 1]},
            (*SECOND_HALF, late, {"kind": "extra_time"}, {"kind": "extra_half_time"}),
        ),
        "review": (
            {"half_minutes": 35},
            (
                *SECOND_HALF,
                goal("home", "", 40),
                late,
                {"kind": "goal", "team": "away", "player": "No Minute"},
                {"kind": "yellow_card", "team": "home", "player": "A Coach", "bench": True, "minute": 41},
                {
                    "kind": "substitution",
                    "team": "home",
                    "player_off": "A Hurt Player",
                    "no_replacement": True,
                    "minute": 42,
                },
                {"kind": "substitution", "team": "away", "player_on": "A New Player", "minute": 43},
                {"kind": "var_decision", "decision": "checking", "team": "home", "minute": 44},
            ),
        ),
    }
    for match, (about, events) in states.items():
        given = {"home": "Argentina", "away": "France", "kickoff": f"{_DAY_OF_STATES}T15:00:00Z", **about}
        operator.create_match(
            match=match, competition="Cup of States", **{k: v for k, v in given.items() if v is not None}
        )
        _enter(operator, match, events)


def _enter(operator: Operator, match: str, events: tuple[Event, ...]) -> None:
    """Post events and wait until the last one is applied or refused."""
    for event in events:
        posted = operator.post_event(match, {name: value for name, value in event.items() if value != ""})
    if events:
        operator.settled(match, posted["event_id"], request=posted["request"])


async def _picture(browser: Browser, site: str, operator: Operator, folder: Path, scene: Scene) -> str:
    if scene.about is not None:
        await asyncio.to_thread(lambda: operator.create_match(match=scene.match, **(scene.about or {})))
        await asyncio.to_thread(_enter, operator, scene.match, scene.before)
    sizes = [(width, colours) for colours in _COLOURS for width in WIDTHS]
    pages = [await _page(browser, width, colours) for width, colours in sizes]
    for page in pages:
        await page.goto(site + scene.path)
        await expect(page.locator("#connection")).not_to_have_attribute(
            "data-state", "connecting", timeout=_MILLISECONDS
        )
        if scene.match:
            await expect(page.locator("#connection")).to_have_attribute("data-state", "open", timeout=_MILLISECONDS)
    for page in pages if scene.trouble else ():
        await _upset(page, scene.trouble)
    await asyncio.to_thread(_enter, operator, scene.match, scene.meanwhile)
    taken: list[Image.Image] = []
    for page, (width, colours) in zip(pages, sizes, strict=True):
        await expect(page.locator(scene.shown).first).to_be_visible(timeout=_MILLISECONDS)
        # Two frames, so that the page has painted its last change.
        await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        image = Image.open(io.BytesIO(await page.screenshot())).convert("RGB")
        image.save(folder / f"{scene.name}-{width}-{colours}.png")
        taken.append(image)
        await page.context.close()
    _sheet(taken).save(folder / f"{scene.name}.png")
    return f"{scene.name}.png"


async def _page(browser: Browser, width: int, colours: Literal["light", "dark"]) -> Page:
    context = await browser.new_context(
        viewport={"width": width, "height": _HEIGHT},
        color_scheme=colours,
        locale="en-GB",
        timezone_id="UTC",
        reduced_motion="reduce",
    )
    return await context.new_page()


async def _upset(page: Page, trouble: str) -> None:
    if trouble == "offline":
        await page.context.set_offline(True)
    else:
        await page.route("**/matches*/**", lambda route: route.abort())
        await page.evaluate("dispatchEvent(new Event('online'))")


def _sheet(images: list[Image.Image]) -> Image.Image:
    """One image with all pictures of a scene: a row for each colour scheme."""
    gap, row = 16, len(WIDTHS)
    width = sum(image.width + gap for image in images[:row]) + gap
    sheet = Image.new("RGB", (width, len(_COLOURS) * (_HEIGHT + gap) + gap), "#808080")
    for number in range(len(_COLOURS)):
        left = gap
        for image in images[number * row : (number + 1) * row]:
            sheet.paste(image, (left, gap + number * (_HEIGHT + gap)))
            left += image.width + gap
    return sheet

"""The viewer's page in a real browser: a goal to painted, bytes, first paint, frames while goals come in.

Painted is the second animation frame after the document changed: by then the first has been handed to the compositor.
The page stamps that itself (``performance.timeOrigin`` and ``performance.now``), the operator's POST is stamped just
before it is sent; both clocks are this machine's.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from loadtest.bench.bench_result import Result, median
from loadtest.browser import BrowserError, chromium
from loadtest.percentiles import percentile
from matches.events import EVENT, AcceptedEvent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Browser, Page

    from loadtest.bench.target import Target

GOALS = 20
PAINTS = 9
EVENTS = 200
MATCHES = 50
GOALS_SEEN = 20
DAY = "2022-12-18"
REACH_SECONDS = 30.0

FLOORS = {
    "goal_to_paint_ms": "p50 at most 700",
    "desk_to_paint_ms": "p50 at most 700",
    "first_paint_match_ms": "p50 at most 500",
    "first_paint_scoreboard_ms": "p50 at most 500",
    "bytes_match": "61,440",
    "bytes_scoreboard": "61,440",
    "frames_match": "fps 60",
    "frames_scoreboard": "fps 60",
}

# Notes when each text of an element is painted: [text, ms since 1970, ms since navigation].
PAINTED = """
window.painted = [];
new MutationObserver(() => {
  const text = document.querySelector("%s")?.textContent;
  if (!text || text === window.paintedLast) return;
  window.paintedLast = text;
  requestAnimationFrame(() => requestAnimationFrame((at) => {
    const now = performance.now();
    window.painted.push([text, performance.timeOrigin + now, now]);
  }));
}).observe(document, { subtree: true, childList: true, characterData: true });
"""

# Notes when a key was pressed, ms since 1970.
PRESSED = """
addEventListener("keydown", (event) => { window.pressed = performance.timeOrigin + event.timeStamp; }, true);
"""

# Asks for every frame, as a page that moves does, and notes when each came.
FRAMES = """
window.frames_ = [];
const next = (at) => { window.frames_.push(at); requestAnimationFrame(next); };
requestAnimationFrame(next);
"""

_CATEGORIES = "benchmark,cc,disabled-by-default-devtools.timeline.frame"


async def run(target: Target, site: str, say: Callable[[str], None], *, goals: int = GOALS, paints: int = PAINTS,
              events: int = EVENTS, matches: int = MATCHES) -> Result:  # fmt: skip
    """Measure one after the other, each in a browser profile of its own. Without a browser the result says so."""
    result = Result("web", floors=FLOORS)
    try:
        async with chromium() as browser, target.api() as http:
            stage = _Stage(browser, http, site, say, result.figures)
            await _goals(stage, goals)
            await _desk_goals(stage, goals)
            await _loads(stage, paints)
            await _frames(stage, target, events, matches)
    except BrowserError as error:
        result.missing.append(str(error))
    except httpx.HTTPError as error:
        raise TimeoutError(f"The operators' API did not answer ({type(error).__name__}).") from None
    return result


@dataclass(frozen=True, slots=True)
class _Stage:
    browser: Browser
    http: httpx.AsyncClient
    site: str
    say: Callable[[str], None]
    figures: dict[str, Any]


async def _goals(stage: _Stage, goals: int) -> None:
    """From the operator's POST to painted on the page of the match."""
    await _begin(stage.http, "bench-web")
    page = await _page(stage.browser, PAINTED % ".score")
    await page.goto(f"{stage.site}?match=bench-web")
    await _until(page, "document.querySelector('#connection').dataset.state === 'open' && window.painted.length > 0")
    taken = []
    for number in range(1, goals + 2):
        text = f"{number} to 0"
        posted = time.time() * 1000
        await _post(stage.http, "bench-web", {"kind": "goal", "team": "home", "minute": min(number, 45)})
        await _until(page, f"window.painted.some(([text]) => text === '{text}')")
        [at] = await page.evaluate(f"window.painted.filter(([text]) => text === '{text}').map(([, at]) => at)")
        taken.append(round(at - posted))
        stage.say(f"web: goal {number} of {goals + 1} painted after {taken[-1]} ms")
        # As far apart as goals are for who watches: the broadcast before is over.
        await asyncio.sleep(1)
    await page.context.close()
    ordered = sorted(taken[1:])  # The first one warms up.
    stage.figures["goals"] = goals
    stage.figures["goal_to_paint_ms"] = {
        "p50": percentile(ordered, 0.5), "p95": percentile(ordered, 0.95), "max": ordered[-1],
    }  # fmt: skip


async def _desk_goals(stage: _Stage, goals: int) -> None:
    """From the press of a key at the operator's desk to painted on the page of the match."""
    await _begin(stage.http, "bench-desk")
    viewer = await _page(stage.browser, PAINTED % ".score")
    desk = await _page(stage.browser, PRESSED)
    await viewer.goto(f"{stage.site}?match=bench-desk")
    await desk.goto(f"{stage.site}operator.html?match=bench-desk")
    for page in (viewer, desk):
        await _until(page, "document.querySelector('#connection').dataset.state === 'open'")
    await _until(desk, "document.querySelector('#open-token').textContent === 'Signed in'")
    await _until(desk, "document.querySelector('main').textContent.includes('Reds')")
    taken = []
    for number in range(1, goals + 2):
        # In turns, and further apart than the desk takes for the echo of one press.
        await desk.keyboard.press("h" if number % 2 else "a")
        text = f"{(number + 1) // 2} to {number // 2}"
        await _until(viewer, f"window.painted.some(([text]) => text === '{text}')")
        [at] = await viewer.evaluate(f"window.painted.filter(([text]) => text === '{text}').map(([, at]) => at)")
        taken.append(round(at - await desk.evaluate("window.pressed")))
        stage.say(f"web: goal {number} of {goals + 1} at the desk painted after {taken[-1]} ms")
        await asyncio.sleep(1.2)
    for page in (viewer, desk):
        await page.context.close()
    ordered = sorted(taken[1:])  # The first one warms up.
    stage.figures["desk_to_paint_ms"] = {
        "p50": percentile(ordered, 0.5), "p95": percentile(ordered, 0.95), "max": ordered[-1],
    }  # fmt: skip


async def _loads(stage: _Stage, paints: int) -> None:
    """From navigation with nothing cached to the painted snapshot, and the bytes until the page is live."""
    for screen, path, shown in (("match", "?match=bench-web", ".score"), ("scoreboard", f"?day={DAY}", ".fixture")):
        stage.say(f"web: {paints + 1} first paints of the {screen}")
        times, sizes = [], []
        for _ in range(paints + 1):
            page = await _page(stage.browser, PAINTED % shown)
            session = await page.context.new_cdp_session(page)
            counted: list[float] = []
            session.on("Network.loadingFinished", lambda event, to=counted: to.append(event["encodedDataLength"]))
            session.on("Network.webSocketFrameReceived",
                       lambda event, to=counted: to.append(len(event["response"]["payloadData"])))  # fmt: skip
            await session.send("Network.enable")
            await page.goto(stage.site + path)
            await _until(page, "window.painted.length > 0")
            times.append(round(await page.evaluate("window.painted[0][2]")))
            await _until(page, "document.querySelector('#connection').dataset.state === 'open'")
            await page.wait_for_load_state("load")
            await asyncio.sleep(1)  # what the page fetches after that: its service worker
            sizes.append(sum(counted))
            await page.context.close()
        ordered = sorted(times[1:])
        stage.figures[f"first_paint_{screen}_ms"] = {"p50": percentile(ordered, 0.5), "max": ordered[-1]}
        stage.figures[f"bytes_{screen}"] = round(median(sizes[1:]))


async def _frames(stage: _Stage, target: Target, events: int, matches: int) -> None:
    """The browser's own trace while goals come in: a long match, and a scoreboard of many."""
    stage.say(f"web: {matches} matches, one of them with {events} events")
    names = [f"bench-web-{number}" for number in range(matches)]
    await asyncio.to_thread(_numbered, target, names, events)

    async def one_match() -> None:
        for _ in range(GOALS_SEEN):
            await _post(stage.http, names[0], {"kind": "goal", "team": "home", "minute": 45})
            await asyncio.sleep(0.5)

    async def all_matches() -> None:
        # Twice a second somewhere: more would measure what else runs on this machine's cores, the whole system.
        for name in names[:GOALS_SEEN]:
            await _post(stage.http, name, {"kind": "goal", "team": "away", "minute": 45})
            await asyncio.sleep(0.5)

    lines = f"document.querySelectorAll('.moment').length >= {events}"
    many = f"document.querySelectorAll('.fixture').length >= {matches}"
    stage.say("web: frames")
    for screen, path, ready, play in (("match", f"?match={names[0]}", lines, one_match),
                                      ("scoreboard", f"?day={DAY}", many, all_matches)):  # fmt: skip
        stage.figures[f"frames_{screen}"] = await _traced(stage.browser, stage.site + path, ready, play)
    stage.figures["events"], stage.figures["matches"] = events, matches


async def _traced(browser: Browser, url: str, ready: str, play: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    """Frames a second (median) and the share of frames that the compositor dropped while something was moving."""
    page = await _page(browser, FRAMES)
    await page.goto(url)
    await _until(page, f"document.querySelector('#connection').dataset.state === 'open' && {ready}")
    await asyncio.sleep(1)
    await page.evaluate("window.frames_.length = 0")
    with tempfile.TemporaryDirectory(prefix="livescore-trace-") as folder:
        path = Path(folder) / "trace.json"
        await browser.start_tracing(page=page, path=path, categories=_CATEGORIES.split(","))
        await play()
        await asyncio.sleep(1)
        await browser.stop_tracing()
        trace = json.loads(path.read_text())["traceEvents"]
    stamps: list[float] = await page.evaluate("window.frames_")
    await page.context.close()
    gaps = [later - earlier for earlier, later in itertools.pairwise(stamps)]
    states = [
        event["args"]["frame_reporter"]["state"]
        for event in trace
        if event.get("name") == "PipelineReporter" and "frame_reporter" in event.get("args", {})
    ]
    told = [state for state in states if state != "STATE_NO_UPDATE_DESIRED"]
    dropped = sum(state == "STATE_DROPPED" for state in told)
    late = sum(gap > 25 for gap in gaps)
    return {
        "fps": round(1000 / median(gaps), 1),
        "frames": len(told),
        "dropped_percent": round(100 * dropped / max(1, len(told)), 2),
        "late_percent": round(100 * late / max(1, len(gaps)), 2),
        "longest_ms": round(max(gaps)),
    }


def _numbered(target: Target, names: list[str], events: int) -> None:
    """Matches that have begun, the first of them with this many events, in the ledger at once: nobody watches yet."""
    for name in names:
        target.numbered(name, 1)
    ledger = target.ledger()
    for number in range(1, events):
        card = {
            "kind": "yellow_card", "team": "home", "minute": min(45, number // 4), "player": f"Player {number}",
            "event_id": f"card-{number}",
        }  # fmt: skip
        ledger.apply_event(AcceptedEvent(names[0], time.time_ns() // 1_000_000, EVENT.validate_python(card)))


async def _page(browser: Browser, script: str) -> Page:
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, timezone_id="UTC")
    page = await context.new_page()
    await page.add_init_script(script)
    return page


async def _until(page: Page, condition: str) -> None:
    await page.wait_for_function(f"() => {condition}", timeout=REACH_SECONDS * 1000)


async def _begin(http: httpx.AsyncClient, match: str) -> None:
    about = {"match": match, "home": "Reds", "away": "Blues", "kickoff": f"{DAY}T15:00:00Z", "competition": "Bench"}
    (await http.post("/matches", json=about)).raise_for_status()
    await _post(http, match, {"kind": "kick_off"})


async def _post(http: httpx.AsyncClient, match: str, event: dict[str, Any]) -> None:
    (await http.post(f"/matches/{match}/events", json=event)).raise_for_status()

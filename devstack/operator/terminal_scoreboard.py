"""A live scoreboard in the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from api.list_max_age import OVER
from client.cell_address import API_GATEWAY
from client.dialer import as_cell
from client.http_reader import HttpReader
from client.token_placement import place_token
from client.viewer import Viewer
from devstack.operator.api_client import ApiError
from devstack.operator.event_words import describe, marks, minute, score
from devstack.operator.event_words import status as status_words
from devstack.operator.local_system import nothing_answers
from loadtest.terminal_text import printable, public_url
from matches.amendments import changes_of, with_changes

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from client.cell_address import CellAddress
    from client.event import Event

LINES = 12
KNOCK_SECONDS = 5.0
FIRST_ANSWER_SECONDS = 30.0
REFRESH_SECONDS = 0.5
"""Seconds between two checks whether the connection is still open."""
GLANCE_SECONDS = 0.05


async def watch(
    cell: str | CellAddress,
    api_url: str,
    match: str,
    console: Console,
    *,
    as_json: bool,
    until_full_time: bool,
    token: str | None = None,
) -> None:
    """Show the match until cancelled; with ``until_full_time``, until it ends. ``token``: the viewer's, if needed.

    ``cell`` is the address of a cell, or the URL of an API Gateway WebSocket.

    Raises ApiError if the match does not exist or nothing answers, and TokenTooLongError if the token does not fit in a
    URL.
    """
    address = as_cell(cell)
    if address.transport == API_GATEWAY:
        place_token(address.url, token)
    await _knock(address)
    events: list[dict[str, Any]] = []
    over = asyncio.Event()

    def on_event(_: str, shown: Event, at: int) -> None:
        event: dict[str, Any] = {**shown}
        corrected = _correct(events, event)
        events.append(event)
        follower = viewer.followers[match]
        teams = {"home": follower.home, "away": follower.away}
        if as_json:
            print(json.dumps({**event, "received_at": at}, ensure_ascii=False), flush=True)  # noqa: T201
        elif not console.is_terminal:
            text = f"{minute(event):>6} {describe(event, events, teams)}  {score(event)}"
            if event["kind"] == "amendment":
                text = f"{'':>6} " + (f"corrected: {_line(corrected)}" if corrected else describe(event, events, teams))
            console.print(printable(text), markup=False, highlight=False)
        # A final whistle that was taken back does not end the match.
        if until_full_time and event["kind"] in OVER and "cancelled_by" not in event:
            over.set()

    changed = asyncio.Event()
    reader = HttpReader(api_url)
    viewer = Viewer(address, [match], reader=reader, on_event=on_event, on_frame=lambda _: changed.set(), token=token)
    task = asyncio.create_task(viewer.run())
    try:
        try:
            async with asyncio.timeout(FIRST_ANSWER_SECONDS):
                await _until(lambda: changed.is_set() or viewer.followers[match].epoch is not None)
        except TimeoutError:
            raise ApiError(_accepts_none(address, viewer)) from None
        if viewer.errors:
            raise ApiError(viewer.errors[0]["message"])
        await _until(lambda: viewer.followers[match].epoch is not None)
        if as_json or not console.is_terminal:
            await _tell_doubts(viewer, over)
            return
        with Live(_board(viewer, match, events), console=console, refresh_per_second=10) as live:
            while not over.is_set():
                changed.clear()
                live.update(_board(viewer, match, events), refresh=True)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), REFRESH_SECONDS)
            live.update(_board(viewer, match, events), refresh=True)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await reader.close()


async def _until(what: Callable[[], bool]) -> None:
    """Wait until ``what`` returns true."""
    while not what():
        await asyncio.sleep(GLANCE_SECONDS)


async def _tell_doubts(viewer: Viewer, over: asyncio.Event) -> None:
    """Until ``over`` is set, report on stderr when the connection may be lost and when it is back."""
    told = ""
    while not over.is_set():
        doubt = _doubt(viewer)
        if doubt != told:
            print(doubt or "live again", file=sys.stderr, flush=True)  # noqa: T201
            told = doubt
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), REFRESH_SECONDS)


async def _knock(cell: CellAddress) -> None:
    """Raise ApiError at once if nothing listens at the cell's URL, because a viewer would retry for ever."""
    parts = urlsplit(cell.url)
    try:
        port = parts.port or (443 if parts.scheme in ("wss", "https") else 80)
        async with asyncio.timeout(KNOCK_SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, ValueError):
        raise ApiError(_is_down(cell) if cell.name else nothing_answers(cell.url)) from None
    writer.close()


def _accepts_none(cell: CellAddress, viewer: Viewer) -> str:
    """The sentence about a cell that listens and does not let the viewer in."""
    hint = "Does it want a token in LIVESCORE_VIEWER_TOKEN?" if viewer.failed else "Is `livescore up` running?"
    where = f"The cell {cell.name} ({cell.transport}) at " if cell.name else ""
    return f"{where}{public_url(cell.url)} accepts no connection. {hint}"


def _is_down(cell: CellAddress) -> str:
    """The sentence about a cell that the site names and that does not answer. The site has just answered."""
    return (
        f"The cell {cell.name} ({cell.transport}) is down: nothing answers at {public_url(cell.url)}. "
        "Watch in another cell with --cell, or start this one again."
    )


def _board(viewer: Viewer, match: str, events: list[dict[str, Any]]) -> Panel:
    follower = viewer.followers[match]
    table = Table.grid(padding=(0, 2))
    teams = {"home": follower.home, "away": follower.away}
    lines = [event for event in events if event["kind"] != "amendment"]
    for event in lines[-LINES:]:
        what = describe(event, events, teams) + (f" ({marked})" if (marked := marks(event)) else "")
        cells = (minute(event), what, teams.get(event.get("team", ""), ""), score(event))
        styles = ("dim", "dim strike" if "cancelled_by" in event else "", "dim", "")
        table.add_row(*(Text(printable(cell), style=style) for cell, style in zip(cells, styles, strict=True)))
    title = f"{follower.home} {follower.score[0]}–{follower.score[1]} {follower.away}"
    if follower.shootout:
        title += f" ({follower.shootout[0]}–{follower.shootout[1]})"
    return Panel(
        table, title=Text(printable(title), style="bold"), subtitle=_state(viewer, follower.status), expand=False
    )


def _correct(events: list[dict[str, Any]], later: dict[str, Any]) -> dict[str, Any] | None:
    """Apply an amendment or a cancellation to the event in ``events`` that it names, in place.

    Returns the changed event; None if ``later`` names no event of ``events``.
    """
    named = {"amendment": "amends_seq", "cancellation": "cancels_seq"}.get(later["kind"])
    place = next((at for at, event in enumerate(events) if named and event["seq"] == later.get(named)), None)
    if place is None:
        return None
    event = events[place]
    if named == "cancels_seq":
        events[place] = event | {"cancelled_by": later["seq"]}
    elif event.get("amended_by", 0) < later["seq"]:
        events[place] = with_changes(event, changes_of(later)) | {"amended_by": later["seq"]}
    return events[place]


def _line(event: dict[str, Any]) -> str:
    return " ".join(filter(None, (describe(event), minute(event))))


def _state(viewer: Viewer, status: str) -> Text:
    """The state of the match; the state of the connection if updates may be missing."""
    if doubt := _doubt(viewer):
        return Text(doubt, style="bold red")
    if viewer.errors:
        return Text(printable(viewer.errors[-1]["message"]), style="bold red")
    return Text(status_words(status))


def _doubt(viewer: Viewer) -> str:
    """The reason why the scoreboard may be late; empty while the subscription works."""
    if viewer.silent_connections or (viewer.is_open and not viewer.connected):
        return "no live updates arrive; the score is read over HTTP, up to 40 s late"
    return "" if viewer.is_open else "connection lost, trying again …"

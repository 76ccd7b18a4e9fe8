"""Replays the matches of a file through the operators' API, while real viewers follow them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from client.http_reader import HttpReader
from client.viewer import Viewer
from devstack.operator.api_client import ApiError, Operator
from devstack.replay.openfootball import said_once
from matches.schedule import default_match_id
from subscriptions.protocol import MAX_MATCHES

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.cell_address import CellAddress
    from client.follower import Follower
    from devstack.replay.feed_match import FeedMatch

AT_ONCE = 4
"""The most events in flight at the same time. With more, one machine would start a process for each."""

SETTLE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Replayed:
    """The final scores of one match, from the readers' API and from a viewer. If it ``failed``, it has no scores."""

    match: str | None
    home: str
    away: str
    score: tuple[int, int] | None = None
    shootout: tuple[int, int] | None = None
    events: int = 0
    viewer_score: tuple[int, int] | None = None
    viewer_shootout: tuple[int, int] | None = None
    agrees: bool = False
    """Whether both scores are the one that the file states."""
    failed: str | None = None
    """A sentence with the reason why the match was not replayed to its end."""

    def to_dict(self) -> dict[str, Any]:
        """The match in the output of ``livescore replay --json``."""
        return {name: getattr(self, name) for name in self.__slots__}


async def replay(
    feed: list[FeedMatch],
    operator: Operator,
    cell: str | CellAddress,
    *,
    pace: float = 0.0,
    on_event: Callable[[str, dict[str, Any]], None] = lambda *_: None,
) -> list[Replayed]:
    """Replay all matches side by side, each with ``pace`` seconds between its events, before viewers of one cell.

    ``cell`` is the address of the cell, or the URL of an API Gateway WebSocket.

    A match that fails does not affect the others. Raises ApiError if nothing can be replayed because the API does not
    answer or the viewers cannot subscribe.
    """
    ids = [await asyncio.to_thread(_create, operator, match) for match in feed]
    made = [each for each in ids if not isinstance(each, ApiError)]
    reader = HttpReader(operator.url)
    viewers = [
        Viewer(
            cell,
            made[start : start + MAX_MATCHES],
            reader=reader,
            on_event=lambda match, event, _: on_event(match, {**event}),
        )
        for start in range(0, len(made), MAX_MATCHES)
    ]
    tasks = [asyncio.create_task(viewer.run()) for viewer in viewers]
    try:
        for viewer in viewers:
            await _within(viewer.subscribed.wait(), "The viewers could not subscribe")
        turn = asyncio.Semaphore(AT_ONCE)
        followers = {match: follower for viewer in viewers for match, follower in viewer.followers.items()}

        async def one(match: str | ApiError, of: FeedMatch) -> Replayed:
            if isinstance(match, ApiError):
                return Replayed(None, of.home, of.away, failed=str(match))
            try:
                await _play(followers[match], of, operator, turn, pace)
                return _ended(of, await asyncio.to_thread(operator.snapshot, match), followers[match])
            except ApiError as error:
                return Replayed(match, of.home, of.away, failed=str(error))

        return await asyncio.gather(*(one(match, of) for match, of in zip(ids, feed, strict=True)))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await reader.close()


def failures(results: list[Replayed]) -> list[str]:
    """A line for a person about each failure. Failures with the same reason share a line."""
    return said_once(
        (each.failed, f"{each.home} - {each.away} was not replayed: {each.failed}")
        if each.failed is not None
        else (str(each.match), f"{each.match} did not end as the file states")
        for each in results
        if not each.agrees
    )


def _ended(feed: FeedMatch, snapshot: dict[str, Any], follower: Follower) -> Replayed:
    read = (tuple(snapshot["score"]), tuple(snapshot["shootout"]) if snapshot["shootout"] else None)
    seen = (follower.score, follower.shootout)
    return Replayed(
        match=follower.match, home=feed.home, away=feed.away, score=read[0], shootout=read[1], events=snapshot["seq"],
        viewer_score=seen[0], viewer_shootout=seen[1], agrees=read == seen == (feed.score, feed.shootout),
    )  # fmt: skip


def _create(operator: Operator, feed: FeedMatch) -> str | ApiError:
    """Create the match under the first free id, because a file may be replayed again; returns the id or the refusal.

    Raises ApiError if no match at all can be created.
    """
    wanted: dict[str, Any] = {
        "home": feed.home, "away": feed.away, "kickoff": feed.kickoff, "audience": 1000,
        **({"competition": feed.competition} if feed.competition else {}),
    }  # fmt: skip
    base = default_match_id(feed.home, feed.away, feed.kickoff)
    for number in range(1, 100):
        try:
            match: str = operator.create_match(match=base if number == 1 else f"{base}-{number}", **wanted)["match"]
        except ApiError as error:
            if error.code in ("unavailable", "unauthorized"):
                raise
            if error.code not in ("match_exists", "match_has_rows"):
                return error
        else:
            return match
    return ApiError(f"{feed.title} has been replayed too often on this stack.")


async def _play(follower: Follower, feed: FeedMatch, operator: Operator, turn: asyncio.Semaphore, pace: float) -> None:
    """Post the events of one match, each after the viewer has seen the previous one."""
    for number, event in enumerate(feed.events, 1):
        async with turn:
            event_id = f"feed-{number:03d}"
            await asyncio.to_thread(operator.post_event, follower.match, {**event, "event_id": event_id})
            try:
                await _within(_reaches(follower, number), f"The viewer did not see event {number}, {event['kind']},")
            except ApiError:
                outcome = await asyncio.to_thread(operator.outcome, follower.match, event_id)
                if outcome["status"] != "refused":
                    raise
                raise ApiError(f"Event {number} was refused: {outcome['reason']}.") from None
        await asyncio.sleep(pace)


async def _reaches(follower: Follower, seq: int) -> None:
    while follower.seq < seq:
        await asyncio.sleep(0.05)


async def _within(what: Any, otherwise: str) -> None:
    try:
        await asyncio.wait_for(what, SETTLE_SECONDS)
    except TimeoutError:
        raise ApiError(f"{otherwise} within {SETTLE_SECONDS:.0f} s.") from None

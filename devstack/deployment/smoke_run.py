"""A smoke test of a running system, deployed or devstack: one goal, from an operator to a viewer in every cell.

It creates its own match, which stays in the ledger with five events. It needs only the URLs and tokens of operators and
viewers. With AWS credentials it also posts frames to the connections of API Gateway, as a sender does.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx

from client.cell_address import API_GATEWAY
from client.frame_checks import is_whole
from client.http_reader import HttpReader
from client.token_placement import place_token
from client.viewer import Viewer
from devstack.deployment.frame_posting import PostingError, SkippedError, post
from devstack.operator.api_client import ApiError
from loadtest.terminal_text import public_url
from runtime.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from client.cell_address import CellAddress
    from client.frame_types import RawFrame
    from client.websocket import LostError
    from devstack.deployment.frame_posting import Posted, Posting
    from devstack.operator.api_client import Operator

PATIENCE_SECONDS = 30.0
"""The most seconds for each step."""

_EVENTS: tuple[dict[str, Any], ...] = ({"kind": "kick_off"}, {"kind": "goal", "team": "home", "minute": 1})
THROTTLED = (
    "API Gateway throttles goals in the same way: compare the account's quota (livescore preflight) with send_rate, "
    "and the stage's default throttle with the quota."
)
LOST = "The other frames were accepted but never arrived, or were refused for another reason."

GOAL = 2
"""The seq of the goal."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step and its result: its milliseconds, the error, or the reason why it was skipped."""

    name: str
    ms: float | None = None
    wrong: str | None = None
    skipped: str | None = None
    """The reason why the step could not be tried. The system is not at fault."""
    posted: Posted | None = None
    """The counts of the step that posts to connections; None for all other steps."""

    def to_dict(self) -> dict[str, Any]:
        """The step in the output of ``livescore smoke --json``."""
        return {**asdict(self), "posted": self.posted.to_dict() if self.posted else None}


@dataclass(slots=True)
class Smoke:
    """One smoke test; it calls ``say`` with each step that is done."""

    operator: Operator
    cells: list[CellAddress]
    """The cells; one that was given as a URL has no name."""
    sites: list[str] = field(default_factory=list)
    """Other URLs that serve snapshots, such as a CDN's."""
    competition: str | None = None
    token: str | None = None
    """A viewer's token, if viewers need one."""
    posting: Posting | None = None
    """The system to whose connections frames are posted; None leaves that step out."""
    say: Callable[[Step], None] = lambda _: None
    match: str = field(default_factory=lambda: f"smoke-{secrets.token_hex(4)}")
    steps: list[Step] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong."""
        return bool(self.steps) and all(step.wrong is None for step in self.steps)

    def to_dict(self) -> dict[str, Any]:
        """The output of ``livescore smoke --json``."""
        return {"match": self.match, "passed": self.passed, "steps": [each.to_dict() for each in self.steps]}

    async def run(self) -> None:
        """Try every step in order; end early if a step fails without which the others make no sense."""
        about = {"match": self.match, "home": "Smoke", "away": "Fire", "kickoff": datetime.now(UTC).isoformat()}
        about |= {"competition": self.competition} if self.competition else {}
        if not await self._did("an operator creates a match", lambda: self.operator.create_match(**about)):
            return
        async with self._viewers() as seen:
            for seq, event in enumerate(_EVENTS, 1):
                begun = time.monotonic()
                if not await self._did(f"{event['kind']} is accepted and applied", partial(self._post, event)):
                    return
                for viewer, shown in seen.items():
                    await self._shows(f"{viewer} sees {event['kind']}", shown, seq, begun)
        for base in (self.operator.url, *self.sites):
            await self._did(f"the snapshot at {public_url(base)} has the goal", partial(self._snapshot, base))
        await self._did("a receipt says what each cell has sent", self._receipts)
        await self._did("the match is played to its end", self._whistle)
        await self.post_frames()

    async def post_frames(self) -> None:
        """Post frames to connections of our own in each cell of API Gateway, each frame once.

        A 429 here means slow goals too. A cell whose service fans out itself has no such posts.

        The match must exist and have the default number of shards.
        """
        if self.posting is not None:
            for number, cell in enumerate(self._gateways):
                await self._posts(self.posting, number, cell)

    @property
    def _gateways(self) -> list[CellAddress]:
        return [each for each in self.cells if each.transport == API_GATEWAY]

    async def _posts(self, posting: Posting, number: int, cell: CellAddress) -> None:
        name, begun = f"{posting.posts:,} frames are posted to connections {_place(cell)}", time.monotonic()
        try:
            target = posting.target(number, cell.url, f"-{cell.name}" if cell.name != cell.region else "")
            posted = await post(target, cell.url, self.match, posting.posts, self.token)
        except SkippedError as error:
            self._note(Step(name, skipped=str(error)))
        except PostingError as error:
            self._note(Step(name, wrong=str(error)))
        else:
            short = posted.throttled or posted.arrived < posted.posts
            wrong = f"{posted} {THROTTLED if posted.throttled else LOST}" if short else None
            self._note(Step(name, ms=_since(begun), wrong=wrong, posted=posted))

    @asynccontextmanager
    async def _viewers(self) -> AsyncIterator[dict[str, dict[int, float]]]:
        """Connect a viewer in each cell; yields, by its name in a step, the monotonic time at which it got each seq."""
        seen: dict[str, dict[int, float]] = {}
        tasks = []
        reader = HttpReader(self.operator.url)
        try:
            for cell in self.cells:
                if cell.transport == API_GATEWAY:
                    place_token(cell.url, self.token)
                begun, name = time.monotonic(), f"a viewer {_place(cell)}"
                shown: dict[int, float] = {}
                lost: list[LostError] = []
                try:
                    viewer = Viewer(
                        cell, [self.match], reader=None if cell.transport == API_GATEWAY else reader, token=self.token,
                        on_frame=_noting(shown), on_lost=lost.append,
                    )  # fmt: skip
                except ValueError as error:  # a transport that this client does not know
                    self._note(Step(f"{name} subscribes", wrong=str(error)))
                    continue
                tasks.append(asyncio.create_task(viewer.run()))
                try:
                    await asyncio.wait_for(viewer.subscribed.wait(), PATIENCE_SECONDS)
                    self._note(Step(f"{name} subscribes", ms=_since(begun)))
                    seen[name] = shown
                except TimeoutError:
                    self._note(Step(f"{name} subscribes", wrong=_reason(viewer, lost)))
            yield seen
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await reader.close()

    async def _did(self, name: str, work: Callable[[], Any]) -> bool:
        begun = time.monotonic()
        try:
            await asyncio.to_thread(work)
        except (ApiError, SmokeError) as error:
            self._note(Step(name, wrong=str(error)))
            return False
        self._note(Step(name, ms=_since(begun)))
        return True

    async def _shows(self, name: str, shown: dict[int, float], seq: int, begun: float) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while seq not in shown:
                    await asyncio.sleep(0.005)
            self._note(Step(name, ms=round((shown[seq] - begun) * 1000, 1)))
        except TimeoutError:
            self._note(Step(name, wrong=f"not within {PATIENCE_SECONDS:.0f} s"))

    def _post(self, event: dict[str, Any]) -> None:
        posted = self.operator.post_event(self.match, event)
        outcome = self.operator.settled(self.match, posted["event_id"], PATIENCE_SECONDS, request=posted.get("request"))
        if outcome["status"] != "applied":
            raise SmokeError(f"it was {outcome['status']}: {outcome.get('reason')}")

    def _snapshot(self, base: str) -> None:
        url = f"{base.rstrip('/')}/matches/{self.match}"
        try:
            answer = httpx.get(url, timeout=PATIENCE_SECONDS, trust_env=False)
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise SmokeError(f"no snapshot ({type(error).__name__})") from None
        if answer.status_code != httpx.codes.OK or body.get("seq", 0) < GOAL or body.get("score") != [1, 0]:
            raise SmokeError(f"status {answer.status_code}, seq {body.get('seq')}, score {body.get('score')}")

    def _receipts(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        progress = self.operator.progress(self.match)["cells"]
        broadcasting = {name for name, each in progress.items() if "transport" in each}
        named = {each.name for each in self.cells if each.name}
        while True:
            told = _told(self.operator.receipts(self.match))
            if broadcasting | named <= told and len(told - broadcasting) >= len(self._gateways):
                return
            if time.monotonic() > deadline:
                raise SmokeError(f"receipts of {', '.join(sorted(told)) or 'no cell'} only")
            time.sleep(0.2)

    def _whistle(self) -> None:
        for kind in ("half_time", "second_half", "full_time"):
            self._post({"kind": kind})

    def _note(self, step: Step) -> None:
        self.steps.append(step)
        self.say(step)


class SmokeError(ProgramError):
    """A step went wrong; the text is for a person."""


def _told(receipts: Iterable[dict[str, Any]]) -> set[str]:
    """The cells that have told the goal to every viewer, and whose gateway accepted at least one post.

    A cell whose transport broadcasts has told the goal when its service has taken the frame. The post of the goal may
    be counted in an older receipt: its round may have ended before the goal because another batch had not told it. So
    the accepted posts of all receipts count.
    """
    found = list(receipts)
    published = {each["cell"] for each in found if "published" in each and each["seq"] >= GOAL}
    whole = [each for each in found if "accepted" in each and not each["set_aside"] and not each["failed"]]
    accepted = {each["cell"] for each in whole if each["accepted"]}
    return published | accepted & {each["cell"] for each in whole if each["seq"] >= GOAL}


def _place(cell: CellAddress) -> str:
    """Where a viewer watches, for a person."""
    return f"in the cell {cell.name} ({cell.transport})" if cell.name else f"at {public_url(cell.url)}"


def _reason(viewer: Viewer, lost: list[LostError]) -> str:
    """The reason why a viewer has not subscribed in time."""
    if viewer.errors:
        return viewer.errors[-1]["message"]
    if lost and not viewer.is_open:
        # The error's text is not shown: it may hold the address, and so the token.
        cause = f"status {lost[-1].status}" if lost[-1].status else type(lost[-1].__cause__ or lost[-1]).__name__
        return f"no connection after {PATIENCE_SECONDS:.0f} s ({cause})"
    return f"no snapshot after {PATIENCE_SECONDS:.0f} s"


def _noting(shown: dict[int, float]) -> Callable[[RawFrame], None]:
    """Notes each event that the cell has sent, and none that was read over HTTP.

    A broadcasting transport delivers some reads as updates, which have the names of the teams as snapshots have.
    """

    def note(frame: RawFrame) -> None:
        if frame.get("type") == "update" and "home" not in frame and is_whole(frame):
            for event in frame["events"]:
                shown.setdefault(event["seq"], time.monotonic())

    return note


def _since(begun: float) -> float:
    return round((time.monotonic() - begun) * 1000, 1)

"""The small machine: only what is pure (rules, frames, snapshots, the follower), over a wire that drops and reorders.

It does a thousand steps in the time in which the whole does ten, with frames so small that they overflow.
"""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import broadcaster.send.update_frames
import matches.snapshot
from broadcaster.send.update_frames import build
from client.follower import Follower
from matches.events import EVENT, AcceptedEvent
from matches.match_state import MatchState
from matches.scoreboard import Applied, Board, apply
from matches.snapshot import snapshot
from trials.model.reference import replayed

FRAME_BYTES = 1_400
"""Room for a few events only."""

_KINDS: tuple[dict[str, Any], ...] = (
    {"kind": "kick_off"},
    {"kind": "goal", "team": "home", "minute": 1},
    {"kind": "own_goal", "team": "away", "minute": 1},
    {"kind": "red_card", "team": "away", "minute": 2},
    {"kind": "half_time"},
    {"kind": "second_half"},
    {"kind": "shootout_kick", "team": "home", "scored": True},
    {"kind": "full_time"},
)


class Following(RuleBasedStateMachine):
    """One match, one who follows everything, one who follows the score."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self._frame_bytes = matches.snapshot.FRAME_BYTES
        matches.snapshot.FRAME_BYTES = broadcaster.send.update_frames.FRAME_BYTES = FRAME_BYTES  # type: ignore[attr-defined]
        self.board = Board()
        self.applied: list[AcceptedEvent] = []
        self.ids: list[str] = []
        self.events: list[tuple[Any, int | None]] = []
        self.scored = 0
        self.told = 0
        self.followers = {"all": Follower("m"), "score": Follower("m")}
        self.shown: dict[str, list[int]] = {"all": [], "score": []}
        self.wire: dict[str, list[dict[str, Any]]] = {"all": [], "score": []}

    def teardown(self) -> None:
        """In the end both ask, and lack nothing but what no snapshot could bring back."""
        try:
            for who, follower in self.followers.items():
                self._take(who, self._snapshot(follower))
                assert follower.seq == len(self.events)
                assert not follower.gap
                assert follower.score == self.board.score
        finally:
            matches.snapshot.FRAME_BYTES = broadcaster.send.update_frames.FRAME_BYTES = self._frame_bytes  # type: ignore[attr-defined]

    @rule(event=st.sampled_from(_KINDS))
    def happens(self, event: dict[str, Any]) -> None:
        """An event, which the rules take or refuse."""
        self._apply({**event, "event_id": f"e{len(self.ids)}"})

    @precondition(lambda self: self.ids)
    @rule(which=st.integers(0, 50))
    def is_cancelled(self, which: int) -> None:
        """An event is taken back."""
        name = self.ids[which % len(self.ids)]
        found = next((each for each, _ in self.events if each["event_id"] == name), None)
        if self._apply({"kind": "cancellation", "cancels": name, "event_id": f"e{len(self.ids)}"}) and found:
            found["cancelled_by"] = len(self.events)

    @precondition(lambda self: self.ids)
    @rule(which=st.integers(0, 50), player=st.sampled_from("AB"))
    def is_amended(self, which: int, player: str) -> None:
        """An event is corrected."""
        name = self.ids[which % len(self.ids)]
        found = next((each for each, _ in self.events if each["event_id"] == name), None)
        amendment = {"kind": "amendment", "amends": name, "player": player, "event_id": f"e{len(self.ids)}"}
        if self._apply(amendment) and found:
            found.update(player=player, amended_by=len(self.events))

    @rule()
    def is_broadcast(self) -> None:
        """A frame goes out to both."""
        frames = build(self._state(), self.told, [each for each in self.events if each[0]["seq"] > self.told])
        if frames is not None:
            for who, frame in (("all", frames.everything_frame), ("score", frames.score_frame)):
                if frame is not None:
                    assert len(frame) <= FRAME_BYTES
                    self.wire[who].append(orjson.loads(frame))

    @rule()
    def is_told(self) -> None:
        """The broadcast has been round."""
        self.told = len(self.events)

    @rule(who=st.sampled_from(["all", "score"]), which=st.integers(0, 9), keeps=st.booleans())
    def arrives(self, who: str, which: int, keeps: bool) -> None:
        """A frame arrives, any of those on the way; one that is kept arrives again."""
        if self.wire[who]:
            at = which % len(self.wire[who])
            self._take(who, self.wire[who][at] if keeps else self.wire[who].pop(at))

    @rule(who=st.sampled_from(["all", "score"]), which=st.integers(0, 9))
    def is_lost(self, who: str, which: int) -> None:
        """A frame is lost."""
        if self.wire[who]:
            self.wire[who].pop(which % len(self.wire[who]))

    @rule(who=st.sampled_from(["all", "score"]), late=st.booleans())
    def asks(self, who: str, late: bool) -> None:
        """A snapshot from the follower's position, at once or when others have overtaken it."""
        frame = self._snapshot(self.followers[who])
        if late:
            self.wire[who].append(frame)
        else:
            self._take(who, frame)

    @invariant()
    def holds(self) -> None:
        """In order, each once, nothing missing that is not known to be lost; the score is the replay's."""
        Following.steps += 1
        for who, follower in self.followers.items():
            shown = self.shown[who]
            assert shown == sorted(set(shown))
            assert follower.seq <= len(self.events)
            if who == "all":
                assert len(shown) + follower.lost == follower.seq
            elif not follower.lost:
                scores = {each["seq"] for each, before in self.events if before is not None}
                assert {seq for seq in scores if seq <= follower.seq} <= set(shown)
        assert replayed(self.applied) == self.board

    def _apply(self, raw: dict[str, Any]) -> bool:
        self.ids.append(raw["event_id"])
        accepted = AcceptedEvent("m", len(self.ids), EVENT.validate_python(raw))
        ruling = apply(self.board, accepted.event, accepted.at, [each for each, _ in self.events])
        if not isinstance(ruling, Applied):
            return False
        self.board, seq = ruling.board, len(self.events) + 1
        self.applied.append(accepted)
        body = {"seq": seq, **raw, "at": accepted.at, "score": self.board.score}
        self.events.append((body, self.scored if ruling.scores else None))
        self.scored = seq if ruling.scores else self.scored
        return True

    def _state(self) -> MatchState:
        return MatchState(
            match="m", epoch="e", newest_seq=len(self.events), board=self.board, home="A", away="B", competition=None,
            kickoff="2022-12-18T15:00:00Z", audience=None, newest_score_seq=self.scored,
        )  # fmt: skip

    def _snapshot(self, follower: Follower) -> dict[str, Any]:
        since = follower.since()
        body = snapshot(self._state(), [each for each, _ in self.events], None if since is None else since["seq"])
        frame: dict[str, Any] = orjson.loads(orjson.dumps(body))
        if frame["recovered"]:
            first = follower.seq + 1
            assert [each["seq"] for each in frame["events"]] == list(range(first, len(self.events) + 1))
        return frame

    def _take(self, who: str, frame: dict[str, Any]) -> None:
        self.shown[who] += [each["seq"] for each in self.followers[who].take(frame)]

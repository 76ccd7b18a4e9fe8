"""Server, page and desk agree on histories of a match in which events are cancelled in any order.

``make soak`` tries 100,000 of them, ``HISTORIES=`` says another number, and ``livescore fuzz corrections`` tries them
on the server alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from random import Random
from typing import TYPE_CHECKING, Any

import orjson

from broadcaster.send.update_frames import build
from devstack.system import ROOT
from matches.clock import USUAL, running
from matches.match_state import MatchState
from matches.scoreboard import Board
from matches.snapshot import snapshot
from tests.support import needs, soak
from trials.fuzz.correction_target import history, played, steps

if TYPE_CHECKING:
    from collections.abc import Iterator

HISTORIES = int(os.environ.get("HISTORIES", soak(1_000, 100_000)))
LATER = 7 * 60_000


def test_server_page_and_desk_agree() -> None:
    """Status, score, shoot-out, minute and what is cancelled are the same on all three, whatever is taken back."""
    node = shutil.which("node")
    needs("Node 20 or newer", node)
    assert node is not None
    chance = Random(2026)
    with subprocess.Popen(
        [node, str(ROOT / "tests/web/histories.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        corrected = 0
        for number in range(HISTORIES):
            events = history(chance)
            board, applied = played(events)
            now = events[-1]["at"] + LATER
            line = {"frames": list(_frames(events)), "posts": events, "now": now}
            process.stdin.write(orjson.dumps(line) + b"\n")
            process.stdin.flush()
            answer = orjson.loads(process.stdout.readline())
            cancelled = [each["event_id"] for each in applied if "cancelled_by" in each]
            corrected += bool(cancelled)
            wanted = _shown(board, now, cancelled)
            assert (number, answer) == (number, {"page": wanted, "desk": wanted}), orjson.dumps(events)
        process.stdin.close()
    assert corrected > HISTORIES / 2


def _shown(board: Board, now: int, cancelled: list[str]) -> dict[str, Any]:
    minute = running(board.status, board.clock, now, USUAL)
    return {
        "status": board.status,
        "score": list(board.score),
        "shootout": None if board.shootout is None else list(board.shootout),
        "minute": minute and minute.minute,
        "stoppage": minute and minute.stoppage,
        "cancelled": cancelled,
    }


def _frames(events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The snapshot of the scheduled match, and a frame for each event that is applied."""
    yield orjson.loads(orjson.dumps(snapshot(_state(Board(), 0), [])))
    for seq, (board, applied) in enumerate(steps(events), 1):
        # The event as it is told, with the seq of what it cancels or amends.
        event = applied[-1].copy()
        target = next((each for each in applied if seq in (each.get("cancelled_by"), each.get("amended_by"))), None)
        if target is not None:
            event["amends_seq" if event["kind"] == "amendment" else "cancels_seq"] = target["seq"]
        event["score"] = board.score
        frames = build(_state(board, seq), seq - 1, [(event, None)])
        assert frames is not None
        yield orjson.loads(frames.everything_frame)


def _state(board: Board, seq: int) -> MatchState:
    return MatchState(
        match="m", epoch="e", newest_seq=seq, board=board, home="A", away="B", competition=None,
        kickoff="2022-12-18T15:00:00Z", audience=None, newest_score_seq=0,
    )  # fmt: skip

"""Faults in a running stack, and the command that injects them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from devstack.system import ROOT
from tests.support import soak
from trials.faults.fault_kinds import KINDS, SHORT
from trials.faults.run import Plan, matches_of

TRIED = soak((
    "ingest-killed-after-stream", "fanout-killed-after-ledger", "fanout-killed-after-start", "sender-killed-of-several",
    "sender-killed-after-a-post", "receipt-killed-before-told", "execution-dies-silently",
    "watchdog-killed-before-start",
    "routes-killed-after-row", "ledger-answer-lost", "pages-throttled", "prune-unprocessed", "record-redelivered",
    "records-reordered", "poison-json", "gateway-throttles", "gateway-half-open", "frame-lost", "frame-comes-late",
    "disconnect-lost",
    "clock-sender-fast", "connection-storm", "senders-deployed", "slow-viewers", "row-event-damaged",
    "publish-refused", "published-twice", "subscription-acknowledged-early",
), SHORT)  # fmt: skip
LIVESCORE = str(Path(sys.executable).parent / "livescore")


def test_nothing_is_lost_under_faults(tmp_path: Path) -> None:
    """Promises 1 to 8: whatever breaks, every viewer has the exact list of events, once and in order.

    One or two kinds of fault of each sort; in ``make soak`` all that a run without ``--long`` tries.
    """
    figures = tmp_path / "faults.json"
    command = [LIVESCORE, "faults", "--kinds", ",".join(TRIED), "--json", str(figures)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = json.loads(figures.read_text())
    assert (report["lost"], report["duplicated"], report["trouble"]) == (0, 0, [])
    assert (report["kinds"], report["injected"]) == (len(TRIED), len(TRIED))
    assert report["events"] > 2 * len(TRIED)
    assert report["repaired"] > 0
    assert set(report["repair_ms"]) == {"p50", "p95", "p99", "max"}


def test_the_faults_that_are_tried_are_of_every_promise() -> None:
    """Each kind is one that exists, and every promise that faults try is tried by one of them."""
    assert {promise for kind in TRIED for promise in KINDS[kind].promises} == {
        promise for kind in SHORT for promise in KINDS[kind].promises
    }
    assert set(TRIED) <= set(SHORT)


def test_an_unknown_kind_is_refused_before_anything_starts() -> None:
    """A kind that does not exist is named in one sentence."""
    command = [LIVESCORE, "faults", "--kinds", "earthquake"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2
    assert "earthquake" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_documentation_lists_every_kind() -> None:
    """docs/reliability.md says what each kind does and which promises it tries, as the catalogue does."""
    lines = (ROOT / "docs/reliability.md").read_text().splitlines()
    for kind in KINDS.values():
        assert f"| `{kind.name}` | {', '.join(map(str, kind.promises))} | {kind.what} |" in lines


def test_a_plan_tries_every_kind_as_often_as_it_says() -> None:
    """Each kind is in the matches of a plan, and a kind for the opening comes first in its match."""
    kinds = list(KINDS.values())
    for lanes, rounds in ((1, 1), (3, 2), (40, 1)):
        matches = matches_of(Plan(kinds, rounds, lanes=lanes, seed=lanes))
        assert sorted(kind.name for match in matches for kind in match) == sorted([*KINDS] * rounds)
        assert all(not kind.opening for match in matches for kind in match[1:])

"""``make quick``: the tests that open no socket and start no process, and a guard that they stay so.

``pytest --quick`` runs the files named below and no others, without those of their tests that need the stack. While it
runs, a test that binds or connects a socket or starts a process fails at that call.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from devstack.system import ROOT

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

FILES: Final = {
    "tests": {"test_quick"},
    "tests/runtime": {
        "test_attributes", "test_brief_cache", "test_environment", "test_errors", "test_lifecycle", "test_metrics",
        "test_cell_calls", "test_thaw", "test_transient",
    },
    "tests/matches": {
        "test_claims", "test_clock", "test_event_types", "test_events", "test_names", "test_schedule",
        "test_scoreboard", "test_snapshot",
        "test_input_errors", "test_amendments", "test_past_events", "test_unseen_goals", "test_ledger_writes",
        "test_match_rows", "test_decisions", "test_traced_event", "test_channels",
    },
    "tests/subscriptions": {
        "test_connection_meter", "test_handshake", "test_protocol", "test_shards", "test_token_verification",
        "test_viewer_changes", "test_viewer_messages", "test_channel_access", "test_iot_policy",
    },
    "tests/broadcaster": {
        "test_gateway_answers", "test_lap", "test_lap_rows", "test_pacing", "test_payload", "test_plan", "test_polls",
        "test_post_queue", "test_progress_sums", "test_rate_share", "test_set_aside", "test_signing",
        "test_slow_viewer_rows", "test_lease_writes", "test_update_frames", "test_cell_times", "test_trace",
        "test_description", "test_silence",
    },
    "tests/api": {"test_momento_tokens", "test_pretoken", "test_list_max_age"},
    "tests/client": {
        "test_broadcast_times", "test_cell_address", "test_follower", "test_repair_plan", "test_token_claims",
        "test_token_placement",
    },
    "tests/client/transports": {"test_channel_memory", "test_mqtt"},
    "tests/commands": {"test_terminal"},
    "tests/forecast": {
        "test_cost_tables", "test_goal_cost", "test_planner", "test_prices", "test_quota_uses", "test_sender_curve",
        "test_usage", "test_wording",
    },
    "tests/forecast/simulation": {"test_outcome", "test_scenario", "test_services", "test_viewers"},
    "tests/loadtest": {
        "test_crowd_needs", "test_director", "test_gateway_limits", "test_graphql_documents", "test_http_answers",
        "test_lambda_events", "test_momento_topics",
        "test_page_requests", "test_percentiles", "test_policy", "test_shapes", "test_signatures", "test_swarm_results",
        "test_websocket_frames",
    },
    "tests/devstack": {"test_long_files", "test_quotas", "test_release", "test_rooms", "test_stack_cells",
        "test_system", "test_tables", "test_transports"},
    "tests/devstack/checks": {
        "test_english", "test_error_codes", "test_links", "test_named_files", "test_proofread", "test_pure_coverage",
        "test_vocabulary",
    },
    "tests/devstack/deployment": {"test_quota_fit"},
    "tests/devstack/measurements": {"test_calls_in_a_row"},
    "tests/devstack/operator": {"test_local_system", "test_waterfall"},
    "tests/devstack/replay": {"test_demo_report", "test_openfootball"},
    "tests/devstack/stack": {"test_mqtt_guard", "test_mqtt_packets", "test_site_paths"},
    "tests/trials": {"test_fuzz_targets"},
    "tests/trials/faults": {"test_checks", "test_rules"},
}  # fmt: skip

_OUTSIDE: Final = frozenset({
    "socket.bind", "socket.connect", "socket.sendto", "subprocess.Popen", "os.exec", "os.fork", "os.forkpty",
    "os.posix_spawn", "os.system",
})  # fmt: skip
"""Audit events of what a quick test does not do (https://docs.python.org/3/library/audit_events.html)."""


NEEDS_STACK: Final = "system"
"""The fixture that starts the stack."""


class NotQuickError(Exception):
    """A quick test reached for the network or for another process."""


def leaves_out(path: Path) -> bool:
    """Whether ``pytest --quick`` does not look at a file or folder of the tests."""
    if path.is_dir():
        return str(path.relative_to(ROOT)) not in FILES
    return path.stem not in FILES.get(str(path.parent.relative_to(ROOT)), ())


class Guard:
    """Refuses sockets and processes, in this whole process, between ``inside`` and its end."""

    def __init__(self) -> None:
        self._on = False
        # Python has no call that removes an audit hook.
        sys.addaudithook(self._heard)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Refuse them in this block."""
        self._on = True
        try:
            yield
        finally:
            self._on = False

    def _heard(self, event: str, _arguments: tuple[Any, ...]) -> None:
        if self._on and event in _OUTSIDE:
            raise NotQuickError(f"A quick test may not call {event}: take its file out of tests/quick.py.")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, Any, Any]:
        """Guard a test and its fixtures."""
        with self.inside():
            return (yield)

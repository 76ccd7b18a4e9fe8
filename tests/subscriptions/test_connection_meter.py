"""The limits of one connection, by the pure count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.connection_meter import BURST_UNITS, MESSAGE_BYTES, UNIT_BYTES, ConnectionMeter
from subscriptions.protocol import MAX_MATCHES

MESSAGES = st.lists(st.tuples(st.floats(0, 5), st.integers(0, MESSAGE_BYTES)), max_size=60)


@given(MESSAGES)
def test_nobody_gets_more_than_the_burst_and_the_rate(messages: list[tuple[float, int]]) -> None:
    """However the messages come, what passes costs at most the burst and what the time since has added."""
    meter, now, paid = ConnectionMeter(rate=2, burst=20), 0.0, 0.0
    for pause, size in messages:
        now += pause
        if meter.pay_for_message("a", size, now):
            paid += max(1, -(-size // UNIT_BYTES))
        assert paid <= 20 + 2 * now + 1e-6


@pytest.mark.parametrize(("size", "passes"), [(0, 10), (UNIT_BYTES, 10), (UNIT_BYTES + 1, 5), (UNIT_BYTES * 10, 1)])
def test_bytes_count_as_messages_do(size: int, passes: int) -> None:
    """A message costs a unit for every 256 bytes that it begins, and at least one."""
    meter = ConnectionMeter(rate=1, burst=10)
    assert [meter.pay_for_message("a", size, 0) for _ in range(11)] == [True] * passes + [False] * (11 - passes)
    assert meter.pay_for_message("a", size, 1000)


def test_who_is_shut_out_stays_out() -> None:
    """Messages that were on their way when a connection was closed are not served, though time passes."""
    meter = ConnectionMeter()
    meter.shut("a", 0)
    assert not any(meter.pay_for_message("a", 1, now) for now in range(1, 100))


def test_a_wrong_request_costs_more_than_a_right_one() -> None:
    """A viewer that goes on sending wrong requests is out long before one that sends as many right ones."""
    meter, sent = ConnectionMeter(), 0
    while meter.pay_for_message("a", 100, 0):
        meter.pay_for_error("a", 0)
        sent += 1
    assert sent < BURST_UNITS / 5


def test_one_flood_costs_the_others_nothing() -> None:
    """Each connection has a bucket of its own."""
    meter = ConnectionMeter(rate=1, burst=3)
    while meter.pay_for_message("flood", 1, 0):
        pass
    assert meter.pay_for_message("quiet", 1, 0)


def test_a_viewer_may_subscribe_to_all_its_matches_twice() -> None:
    """Coming back with fifty matches, and asking again for each, is not too much."""
    meter = ConnectionMeter()
    assert all(meter.pay_for_message("a", 200, 0) for _ in range(2 * MAX_MATCHES))


def test_the_memory_of_it_is_bounded() -> None:
    """The connection that was not heard of for longest is forgotten first; one that has ended, at once."""
    meter = ConnectionMeter(rate=0, burst=1, remembered=2)
    assert meter.pay_for_message("old", 1, 0)
    assert meter.pay_for_message("busy", 1, 1)
    assert not meter.pay_for_message("old", 1, 2)
    meter.pay_for_message("new", 1, 3)  # pushes out "busy"
    assert not meter.pay_for_message("old", 1, 4)
    assert meter.pay_for_message("busy", 1, 5)
    meter.forget("busy")
    assert meter.pay_for_message("busy", 1, 6)


def test_the_oldest_closed_connections_are_forgotten() -> None:
    """The meter remembers a bounded number of closed connections, and the newest ones of them."""
    meter = ConnectionMeter(remembered=2)
    for connection in ("a", "b", "c"):
        assert not meter.shut(connection, 0)
    assert meter.shut("c", 1)
    assert not meter.shut("a", 1)

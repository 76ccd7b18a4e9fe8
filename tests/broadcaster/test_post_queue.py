"""The order of posts and further tries, and their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broadcaster.send.gateway_answers import Answer
from broadcaster.send.pacing import WINDOW_SECONDS, AnswerCounts, Pace
from broadcaster.send.post_queue import EXCUSED, TRIES, PostQueue, PreparedRequest

if TYPE_CHECKING:
    from broadcaster.send.post_queue import Post

REQUEST = PreparedRequest(b"", lambda _: b"")


class Listed:
    """Rows from a list."""

    def __init__(self, *connections: str) -> None:
        self._left = list(connections)

    def next_row(self) -> Post | None:
        """The next row."""
        return (self._left.pop(0), REQUEST, "m#0", 0) if self._left else None

    @property
    def fresh(self) -> bool:
        """Whether there is one."""
        return bool(self._left)

    @property
    def waiting_rows(self) -> int:
        """The number of posts left."""
        return len(self._left)

    @property
    def exhausted(self) -> bool:
        """Whether there is none."""
        return not self._left


def queue_of(*connections: str, gone: list[Post] | None = None, pace: Pace | None = None) -> PostQueue:
    """A queue whose back-off is always the longest."""
    into = [] if gone is None else gone
    return PostQueue(Listed(*connections), pace or Pace(100, 0), until=60, on_gone=into.append, chance=lambda: 1.0)


def taken(from_: PostQueue, now: float) -> Post:
    """The next post, which must be there."""
    post = from_.next_post(now)
    assert post is not None
    return post


def test_a_slow_viewer_is_put_back_and_the_others_go_first() -> None:
    """One full buffer delays no other viewer: its post is tried again after the first tries of the others."""
    posts = queue_of("slow", "b")
    posts.answered(taken(posts, 0), Answer.THROTTLED, 0)
    assert taken(posts, 0)[0] == "b"
    assert posts.next_post(0) is None
    assert not posts.finished(0)
    wait = posts.waits(0)
    assert wait
    again = taken(posts, wait)
    assert (again[0], again[3]) == ("slow", 1)
    posts.answered(again, Answer.ACCEPTED, wait)
    assert posts.finished(wait)


@pytest.mark.parametrize("answer", [Answer.THROTTLED, Answer.AGAIN])
def test_tries_are_bounded(answer: Answer) -> None:
    """A post that is always refused ends after ``TRIES`` tries, and counts as failed."""
    posts = queue_of("a")
    now, tries = 0.0, 0
    while not posts.finished(now):
        post = taken(posts, now)
        tries += 1
        posts.answered(post, answer, now)
        now += posts.waits(now) or 0.0
    assert (tries, posts.tally.failed_posts) == (TRIES, 1)


def test_the_accounts_throttle_is_hardly_held_against_a_viewer() -> None:
    """While the account throttles, a post has eight times as many tries, because the viewer is not slow."""
    pace = Pace(100, 0)
    pace.adjust(AnswerCounts(0, 100), WINDOW_SECONDS)
    assert pace.throttled
    posts = queue_of("a", pace=pace)
    now, tries = 0.0, 0
    while not posts.finished(now):
        posts.answered(taken(posts, now), Answer.THROTTLED, now)
        now += posts.waits(now) or 0.0
        tries += 1
    assert tries == TRIES / EXCUSED
    assert posts.tally.failed_posts == 1


def test_a_connection_that_died_idle_costs_nothing() -> None:
    """If an idle connection has died, its post goes out again at once and loses no try."""
    posts = queue_of("a")
    posts.connection_broke(taken(posts, 0), 0, was_reused=True)
    assert taken(posts, 0)[3] == 0
    posts = queue_of("a")
    posts.connection_broke(taken(posts, 0), 0, was_reused=False)
    assert posts.next_post(0) is None


def test_connections_that_always_break_are_bounded_too() -> None:
    """A post ends after ``TRIES`` tries also if every new connection breaks, and its viewer does not count as slow."""
    posts, now = queue_of("a"), 0.0
    for _ in range(TRIES):
        posts.connection_broke(taken(posts, now), now, was_reused=False)
        now += posts.waits(now) or 0.0
    assert posts.finished(now)
    assert (posts.tally.failed_posts, posts.tally.outage_posts) == (1, 1)


def test_the_gone_are_handed_over_and_never_tried_again() -> None:
    """Promise 4: a post answered 410 is not tried again, and its row is deleted."""
    gone: list[Post] = []
    posts = queue_of("a", gone=gone)
    posts.answered(taken(posts, 0), Answer.GONE, 0)
    assert [post[0] for post in gone] == ["a"]
    assert posts.finished(0)


def test_when_time_is_up_nothing_new_is_taken() -> None:
    """After the deadline no row is taken. Posts that wait for a further try have failed."""
    posts = queue_of("a", "b")
    posts.answered(taken(posts, 59), Answer.AGAIN, 59)
    assert posts.next_post(60) is not None  # the retry
    posts.answered(("a", REQUEST, "m#0", 0), Answer.AGAIN, 60)
    assert posts.next_post(60) is None
    posts.give_up()
    assert posts.finished(60)
    assert posts.tally.failed_posts == 1
    assert posts.rows.waiting_rows


def test_a_frame_that_was_swapped_is_what_is_tried_again() -> None:
    """Promise 8: a further try carries the newest frame, not the frame of the first try."""
    posts = queue_of("a")
    posts.answered(taken(posts, 0), Answer.THROTTLED, 0)
    REQUEST.sign = lambda connection: f"newer for {connection}".encode()
    post = taken(posts, posts.waits(0) or 0.0)
    assert post[1].sign(post[0]) == b"newer for a"


CLOSE = PreparedRequest(b"", lambda _: b"", closes=True)


def test_the_posts_that_wait_are_counted() -> None:
    """The queue tells how many posts are due, how many wait for a further try, and for how long."""
    posts = queue_of("a", "b")
    assert (posts.waits(0), posts.due_posts(0), posts.further_tries) == (0.0, 2, 0)
    posts.answered(taken(posts, 0), Answer.THROTTLED, 0)
    assert (posts.due_posts(0), posts.further_tries) == (1, 1)
    taken(posts, 0)
    wait = posts.waits(0)
    assert wait
    assert (posts.due_posts(0), posts.due_posts(wait)) == (0, 1)
    assert posts.due_posts(60) == 1


def test_a_refused_frame_is_not_tried_again() -> None:
    """A post that API Gateway refuses with 400 or 413 counts as failed after one try."""
    posts = queue_of("a")
    posts.answered(taken(posts, 0), Answer.REFUSED, 0)
    assert posts.finished(0)
    assert posts.tally.failed_posts == 1


@pytest.mark.parametrize("answer", [Answer.CLOSED, Answer.ACCEPTED])
def test_a_connection_that_was_closed_is_counted(answer: Answer) -> None:
    """A DELETE that closes a connection counts as closed, not as an accepted post."""
    posts = queue_of()
    posts.try_now([("a", CLOSE, "m#0", 0)], 0)
    posts.answered(taken(posts, 0), answer, 0)
    assert (posts.tally.closed_connections, posts.tally.accepted_posts) == (1, 0)


def test_a_connection_that_cannot_be_closed_stays() -> None:
    """A DELETE ends after ``TRIES`` tries, and no post counts as failed for it."""
    posts, now = queue_of(), 0.0
    posts.try_now([("a", CLOSE, "m#0", 0)], 0)
    while not posts.finished(now):
        posts.answered(taken(posts, now), Answer.THROTTLED, now)
        now += posts.waits(now) or 0.0
    assert (posts.tally.closed_connections, posts.tally.failed_posts) == (0, 0)


def test_the_connection_of_a_viewer_that_never_reads_is_closed() -> None:
    """After the last refused try of a slow viewer, the request that closes its connection is the next post."""
    posts = PostQueue(
        Listed("a"), Pace(100, 0), until=60, on_gone=lambda _: None, on_slow=lambda _: CLOSE, chance=lambda: 1.0
    )
    now = 0.0
    for _ in range(TRIES):
        posts.answered(taken(posts, now), Answer.THROTTLED, now)
        now += posts.waits(now) or 0.0
    assert posts.tally.failed_posts == 1
    closing = taken(posts, now)
    assert (closing[0], closing[1], closing[2]) == ("a", CLOSE, "m#0")

"""Laps round the ring, and the walk that makes them: every row once from where a lap began."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from broadcaster.send.delivery import Lane
from broadcaster.send.pages import Page
from broadcaster.send.ring import Spot, lap
from broadcaster.send.walk import Walk

if TYPE_CHECKING:
    from broadcaster.send.delivery import Job

SHARDS = st.lists(
    st.lists(st.text("abcdef", min_size=1, max_size=3), unique=True, max_size=12).map(sorted), min_size=1, max_size=4
)
LANE = Lane(b"", lambda _: b"")


class Ring:
    """Shards in memory, read in small pages; rows may come and go while it is walked."""

    def __init__(self, shards: list[list[str]], page_rows: int = 3, slow: dict[str, int] | None = None) -> None:
        self.shards = shards
        self._slow = slow or {}
        self.come = asyncio.Event()
        self.walk = Walk(self._read, [str(stage) for stage in range(len(shards))], self.come.set)
        self.walk.everything = LANE
        self._page_rows = page_rows

    async def _read(self, pk: str, after: str | None) -> Page:
        await asyncio.sleep(0)
        rows = [row for row in self.shards[int(pk)] if after is None or row > after]
        page = rows[: self._page_rows]
        slow = {row: self._slow[row] for row in page if row in self._slow}
        return Page(page, frozenset(), page[-1] if len(rows) > self._page_rows else None, slow)

    async def take(self) -> Job | None:
        """The next row, None when the lap is done."""
        while (job := self.walk.take()) is None and not self.walk.exhausted:
            await self.come.wait()
            self.come.clear()
        return job

    async def take_all(self) -> list[tuple[str, str]]:
        """The rest of the lap."""
        taken = []
        while (job := await self.take()) is not None:
            taken.append((job[2], job[0]))
        return taken

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Every row."""
        return [(str(stage), row) for stage, rows in enumerate(self.shards) for row in rows]


@given(st.integers(1, 8), st.integers(0, 7), st.none() | st.just("x"))
def test_a_lap_ends_where_it_began(stages: int, stage: int, after: str | None) -> None:
    """Each shard is in a lap once; the one it begins in is in it in two parts that meet at the beginning."""
    begin = Spot(stage % stages, after)
    stretches = lap(stages, begin)
    assert stretches[0][:2] == begin
    whole = stretches if after is None else stretches[:-1]
    assert sorted(each.stage for each in whole) == list(range(stages))
    if after is not None:
        assert stretches[-1] == (begin.stage, None, after)


@given(SHARDS, st.data())
def test_a_newer_frame_begins_a_lap_where_the_walk_stands(shards: list[list[str]], data: st.DataObject) -> None:
    """Promise 8: however often the frame is swapped, from the last swap on every row is met once."""

    async def run() -> None:
        ring = Ring(shards)
        ring.walk.start()
        for _ in range(data.draw(st.integers(0, 3))):
            for _ in range(data.draw(st.integers(0, len(ring.rows)))):
                await ring.take()
            ring.walk.turn()
        taken = await ring.take_all()
        assert sorted(taken) == sorted(ring.rows)
        assert ring.walk.lap_rows == len(ring.rows)

    asyncio.run(run())


@given(SHARDS, st.integers(0, 40), st.integers(0, 40))
def test_a_lap_goes_on_in_another_process(shards: list[list[str]], before: int, then: int) -> None:
    """Promise 2: a lap that is left at any row and begun again from what was kept meets every row, each once."""

    async def run() -> None:
        first = Ring(shards)
        first.walk.start()
        for _ in range(before):
            await first.take()
        first.walk.turn()
        met = [job for job in [await first.take() for _ in range(then)] if job is not None]
        walk = first.walk
        if not walk.exhausted:
            second = Ring(shards)
            second.walk.start(walk.begin, stretch=walk.stretch, after=walk.spot.after, rows=walk.lap_rows)
            rest = await second.take_all()
            assert second.walk.lap_rows == len(first.rows)
        else:
            rest = []
        assert sorted([(job[2], job[0]) for job in met] + rest) == sorted(first.rows)
        await walk.close()

    asyncio.run(run())


async def test_a_viewer_that_came_while_a_page_was_read_ahead_is_met() -> None:
    """A row written after its page was read, and before the newer event, is met by the lap of that event."""
    ring = Ring([["a", "c", "e"]])
    ring.walk.start()
    assert (await ring.take()) is not None
    ring.shards[0][1:1] = ["b"]
    ring.walk.turn()
    assert [row for _, row in await ring.take_all()] == ["b", "c", "e", "a"]


async def test_a_page_that_cannot_be_read_ends_the_walk() -> None:
    """The error is there for the sender to raise; nothing waits for ever."""

    async def broken(pk: str, after: str | None) -> Page:
        raise OSError(f"cannot read {pk} {after}")

    come = asyncio.Event()
    walk = Walk(broken, ["0"], come.set)
    walk.start()
    await asyncio.wait_for(come.wait(), 10)
    assert walk.take() is None
    assert walk.exhausted
    assert isinstance(walk.error, OSError)


@given(SHARDS, st.data())
def test_slow_viewers_come_last_and_once(shards: list[list[str]], data: st.DataObject) -> None:
    """Each row is met once on a lap; those that took nothing in two broadcasts come after all others, with one try."""
    rows = sorted({row for shard in shards for row in shard})
    slow = data.draw(st.dictionaries(st.sampled_from(rows), st.integers(1, 3))) if rows else {}
    swap = data.draw(st.integers(0, 10))

    async def walk() -> list[tuple[str, str, float]]:
        ring = Ring(shards, slow=slow)
        ring.walk.start()
        for _ in range(swap):
            await ring.take()
        if swap:
            ring.walk.turn()
        taken = []
        while (job := await ring.take()) is not None:
            taken.append((job[2], job[0], job[3]))
        return taken

    taken = asyncio.run(walk())
    assert sorted((pk, row) for pk, row, _ in taken) == sorted(Ring(shards).rows)
    tries = [tries for _, _, tries in taken]
    assert tries == sorted(tries)
    assert {row for _, row, tries in taken if tries} == {row for row, failed in slow.items() if failed >= 2}


@given(SHARDS)
def test_a_walk_knows_what_is_left_once_it_has_read_everything(shards: list[list[str]]) -> None:
    """The stated rest is never 0 while there are rows, and is 0 at the end of the lap."""
    total = sum(map(len, shards))

    async def walk() -> None:
        ring = Ring(shards)
        ring.walk.start()
        assert ring.walk.left is None
        for taken in range(total):
            assert await ring.take() is not None
            left = ring.walk.left
            assert left is not None
            assert left > 0 or taken + 1 == total
        assert await ring.take() is None
        assert ring.walk.left == 0

    asyncio.run(walk())

"""A lap hands out every row once, from any position."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from broadcaster.send.lap import LapPosition, LapStart, lap_ranges
from broadcaster.send.lap_rows import LapRows
from broadcaster.send.post_queue import PreparedRequest
from broadcaster.send.row_pages import Page

if TYPE_CHECKING:
    from broadcaster.send.post_queue import Post

SHARDS = st.lists(
    st.lists(st.text("abcdef", min_size=1, max_size=3), unique=True, max_size=12).map(sorted), min_size=1, max_size=4
)
REQUEST = PreparedRequest(b"", lambda _: b"")


class PlantedLap:
    """Shards in memory, read in small pages. Rows may come and go during a lap."""

    def __init__(self, shards: list[list[str]], page_rows: int = 3, slow: dict[str, int] | None = None) -> None:
        self.shards = shards
        self._slow = slow or {}
        self.come = asyncio.Event()
        self.lap = LapRows(self._read, [str(shard) for shard in range(len(shards))], self.come.set)
        self.lap.everything_request = REQUEST
        self._page_rows = page_rows

    async def _read(self, pk: str, after: str | None) -> Page:
        await asyncio.sleep(0)
        rows = [row for row in self.shards[int(pk)] if after is None or row > after]
        page = rows[: self._page_rows]
        slow = {row: self._slow[row] for row in page if row in self._slow}
        return Page(page, frozenset(), page[-1] if len(rows) > self._page_rows else None, slow)

    async def next_row(self) -> Post | None:
        """The next row, None when the lap is done."""
        while (post := self.lap.next_row()) is None and not self.lap.exhausted:
            await self.come.wait()
            self.come.clear()
        return post

    async def all_rows(self) -> list[tuple[str, str]]:
        """The rest of the lap."""
        taken = []
        while (post := await self.next_row()) is not None:
            taken.append((post[2], post[0]))
        return taken

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Every row."""
        return [(str(shard), row) for shard, rows in enumerate(self.shards) for row in rows]


@given(st.integers(1, 8), st.integers(0, 7), st.none() | st.just("x"))
def test_a_lap_ends_where_it_began(shards: int, shard: int, after: str | None) -> None:
    """A lap has each shard once. The shard in which it begins has two row ranges, which meet at the beginning."""
    begin = LapPosition(shard % shards, after)
    ranges = lap_ranges(shards, begin)
    assert ranges[0][:2] == begin
    whole = ranges if after is None else ranges[:-1]
    assert sorted(each.shard_index for each in whole) == list(range(shards))
    if after is not None:
        assert ranges[-1] == (begin.shard_index, None, after)


@given(SHARDS, st.data())
def test_a_newer_frame_begins_a_lap_at_the_position(shards: list[list[str]], data: st.DataObject) -> None:
    """Promise 8: however often a newer frame comes, the lap after the last one hands out every row once."""

    async def run() -> None:
        planted = PlantedLap(shards)
        planted.lap.start()
        for _ in range(data.draw(st.integers(0, 3))):
            for _ in range(data.draw(st.integers(0, len(planted.rows)))):
                await planted.next_row()
            planted.lap.restart_here()
        taken = await planted.all_rows()
        assert sorted(taken) == sorted(planted.rows)
        assert planted.lap.lap_rows == len(planted.rows)

    asyncio.run(run())


@given(SHARDS, st.integers(0, 40), st.integers(0, 40))
def test_a_lap_goes_on_in_another_process(shards: list[list[str]], before: int, then: int) -> None:
    """Promise 2: a lap that stops at any row and goes on from its cursor hands out every row once."""

    async def run() -> None:
        first = PlantedLap(shards)
        first.lap.start()
        for _ in range(before):
            await first.next_row()
        first.lap.restart_here()
        met = [post for post in [await first.next_row() for _ in range(then)] if post is not None]
        lap = first.lap
        if not lap.exhausted:
            second = PlantedLap(shards)
            second.lap.start(LapStart(lap.begin, lap.range_index, lap.position.after, lap.lap_rows))
            rest = await second.all_rows()
            assert second.lap.lap_rows == len(first.rows)
        else:
            rest = []
        assert sorted([(post[2], post[0]) for post in met] + rest) == sorted(first.rows)
        await lap.close()

    asyncio.run(run())


async def test_a_viewer_that_came_while_a_page_was_read_ahead_is_met() -> None:
    """A row written after its page was read, and before the newer event, is in the lap of that event."""
    planted = PlantedLap([["a", "c", "e"]])
    planted.lap.start()
    assert (await planted.next_row()) is not None
    planted.shards[0][1:1] = ["b"]
    planted.lap.restart_here()
    assert [row for _, row in await planted.all_rows()] == ["b", "c", "e", "a"]


async def test_a_page_that_cannot_be_read_ends_the_lap() -> None:
    """An error in reading a page ends the lap, and the sender can raise it."""

    async def failing(pk: str, after: str | None) -> Page:
        raise OSError(f"cannot read {pk} {after}")

    come = asyncio.Event()
    lap = LapRows(failing, ["0"], come.set)
    lap.start()
    await asyncio.wait_for(come.wait(), 10)
    assert lap.next_row() is None
    assert lap.exhausted
    assert isinstance(lap.error, OSError)


@given(SHARDS, st.data())
def test_slow_viewers_come_last_and_once(shards: list[list[str]], data: st.DataObject) -> None:
    """A lap hands out each row once. Viewers that took no frame in two broadcasts come last, with half of the tries."""
    rows = sorted({row for shard in shards for row in shard})
    slow = data.draw(st.dictionaries(st.sampled_from(rows), st.integers(1, 3))) if rows else {}
    swap = data.draw(st.integers(0, 10))

    async def lap() -> list[tuple[str, str, float]]:
        planted = PlantedLap(shards, slow=slow)
        planted.lap.start()
        for _ in range(swap):
            await planted.next_row()
        if swap:
            planted.lap.restart_here()
        taken = []
        while (post := await planted.next_row()) is not None:
            taken.append((post[2], post[0], post[3]))
        return taken

    taken = asyncio.run(lap())
    assert sorted((pk, row) for pk, row, _ in taken) == sorted(PlantedLap(shards).rows)
    tries = [tries for _, _, tries in taken]
    assert tries == sorted(tries)
    assert {row for _, row, tries in taken if tries} == {row for row, failed in slow.items() if failed >= 2}


@given(SHARDS)
def test_a_lap_knows_what_is_left_once_it_has_read_everything(shards: list[list[str]]) -> None:
    """The number of rows left is never 0 while there are rows, and is 0 at the end of the lap."""
    total = sum(map(len, shards))

    async def lap() -> None:
        planted = PlantedLap(shards)
        planted.lap.start()
        assert planted.lap.remaining_rows is None
        for taken in range(total):
            assert await planted.next_row() is not None
            left = planted.lap.remaining_rows
            assert left is not None
            assert left > 0 or taken + 1 == total
        assert await planted.next_row() is None
        assert planted.lap.remaining_rows == 0

    asyncio.run(lap())

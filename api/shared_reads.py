"""Reads of matches that need no token, cached by the process for a second (runtime/brief_cache.py).

The readers do not use up the read units that the numbering of a match needs: the process reads the state of a match at
most once a second. The same holds for each page of its history, its receipts and the list of its day. No decision rests
on these reads.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from matches.calendar import PAGE
from matches.ledger import UnknownMatchError
from matches.past_events import events_as_of
from runtime.brief_cache import BriefCache, Cached

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from matches.calendar import Calendar
    from matches.event_types import AnyReceipt, DayList, LineupNames, MatchSummary, StoredEvent
    from matches.ledger import Ledger
    from matches.match_state import MatchState, Outcome
    from runtime.attributes import Item

HISTORY_PAGE = 200
"""Events of one page of a history."""

_PAGES_READ = 5
"""The most pages that one request reads. It needs more than two only if events are missing."""

_MATCHES = 1000
_PAGES = 64
"""The most lists, pages and receipts in each cache: a page of events takes some 60 KB."""


class SharedReads:
    """For one process; not for several threads. Every method raises botocore's ClientError and BotoCoreError."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        # None stands for an unknown match: many readers may ask for one.
        self._states: BriefCache[str, MatchState | None] = BriefCache(_MATCHES)
        self._days: BriefCache[date, list[Item]] = BriefCache(_PAGES)
        self._lists: BriefCache[tuple[date, int], DayList] = BriefCache(_PAGES)
        # (match, epoch, newest seq, page) -> events: a page must be as complete as the seq in the same answer.
        self._pages: BriefCache[tuple[str, str, int, int], list[StoredEvent]] = BriefCache(_PAGES)
        self._receipts: BriefCache[str, list[AnyReceipt]] = BriefCache(_PAGES)
        self._lineups: BriefCache[str, LineupNames] = BriefCache(_PAGES)
        self._outcomes: BriefCache[tuple[str, str, str | None], Outcome | None] = BriefCache(_MATCHES)

    def state(self, match: str) -> tuple[MatchState, bool]:
        """A match as it stood within the last second, and whether it was read just now. Raises UnknownMatchError."""
        found = self._states.get_or_read(match, partial(self._state, match))
        if found.value is None:
            raise UnknownMatchError(match)
        return found.value, found.fresh

    def day(
        self, calendar: Calendar, day: date, page: int, read: Callable[[list[MatchState]], list[MatchSummary]]
    ) -> Cached[DayList]:
        """A page of the list of a day. ``read`` makes the summaries. A page beyond the last one reads no match."""
        keys = self._days.get_or_read(day, partial(calendar.keys_of, day)).value
        start = (page - 1) * PAGE

        def made() -> DayList:
            matches = read(calendar.states(day, keys[start : start + PAGE]))
            return {"day": day.isoformat(), "page": page, "matches": matches, "more": start + PAGE < len(keys)}

        return self._lists.get_or_read((day, page), made) if start < len(keys) else Cached(made(), fresh=False)

    def events(self, state: MatchState, after: int, limit: int) -> list[StoredEvent]:
        """The next ``limit`` (at most ``HISTORY_PAGE``) events above ``after``, up to ``state.newest_seq``, in order.

        The events are cut from the same pages for every ``after`` and ``limit``, so no series of requests gets around
        the kept pages. Damaged events do not count, so a reader that goes on from the last seq passes them.
        """
        events: list[StoredEvent] = []
        first, newest = after // HISTORY_PAGE, (state.newest_seq - 1) // HISTORY_PAGE
        for page in range(first, min(newest + 1, first + _PAGES_READ)):
            if len(events) >= limit:
                break
            key = (state.match, state.epoch, state.newest_seq, page)
            found = self._pages.get_or_read(key, partial(self._page, state, page)).value
            events += [event for event in found if event["seq"] > after]
        return events[:limit]

    def receipts(self, match: str, after: int | None) -> list[AnyReceipt]:
        """The receipts of a match's broadcasts, oldest first; only those above ``after``, if that is given."""
        kept = self._receipts.get_or_read(match, partial(self._ledger.receipts, match)).value
        return [each for each in kept if after is None or each["seq"] > after]

    def lineups(self, match: str) -> Cached[LineupNames]:
        """The line-ups of a match."""
        return self._lineups.get_or_read(match, partial(self._ledger.lineups, match))

    def outcome(self, match: str, event_id: str, request: str | None) -> Outcome | None:
        """The outcome of an event. Only final outcomes are cached: the others are about to change."""
        key, read = (match, event_id, request), partial(self._ledger.outcome, match, event_id, request)
        outcome = self._outcomes.get_or_read(key, read, keep_if=_is_settled).value
        if outcome is not None and outcome.seq is not None:
            seq = outcome.seq
            # An operator who has read that an event was applied must find it in the next read.
            self._states.drop(match, when=lambda state: state is not None and state.newest_seq < seq)
        return outcome

    def forget(self, match: str) -> None:
        """Forget a match that was created or changed, and the lists of all days: the next call reads them again."""
        self._states.drop(match)
        self._lineups.drop(match)
        self._days.clear()
        self._lists.clear()

    def _state(self, match: str) -> MatchState | None:
        try:
            return self._ledger.state(match)
        except UnknownMatchError:
            return None

    def _page(self, state: MatchState, page: int) -> list[StoredEvent]:
        return events_as_of(state.newest_seq, self._ledger.history(state.match, page * HISTORY_PAGE, HISTORY_PAGE))


def _is_settled(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.status != "pending"

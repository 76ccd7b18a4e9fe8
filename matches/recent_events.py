"""The newest events of each match, cached by the process until the match has a newer event.

A subscribe reads the match's ``state`` row consistently, at home. To read its events as well would be two or three
reads of the partition that numbers the match instead of one. Events change only together with the newest seq: also a
cancellation has a seq of its own.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

from matches.past_events import events_as_of
from matches.snapshot import EVENTS_PER_FRAME
from runtime.brief_cache import BriefCache

if TYPE_CHECKING:
    from matches.event_types import StoredEvent
    from matches.ledger import Ledger
    from matches.match_state import MatchState

_MATCHES = 64
"""The most matches in the cache, about 2.5 MB. The least recently used go first."""


class RecentEvents:
    """For one process; not for several threads."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept: OrderedDict[str, tuple[tuple[str, int], list[StoredEvent]]] = OrderedDict()
        # Lists without an event whose row is damaged. They are cached for a second only, as the row may be repaired.
        self._incomplete: BriefCache[tuple[str, str, int], list[StoredEvent]] = BriefCache(_MATCHES)

    def up_to(self, state: MatchState) -> list[StoredEvent]:
        """The newest events up to ``state.newest_seq``, as many as a frame may hold, oldest first. Not to be changed.

        Raises botocore's ClientError and BotoCoreError.
        """
        place = (state.epoch, state.newest_seq)
        known = self._kept.get(state.match)
        if known is None or known[0] != place:
            expected = min(state.newest_seq, EVENTS_PER_FRAME)
            events = self._incomplete.get_or_read(
                (state.match, *place), partial(self._read, state), keep_if=lambda read: len(read) < expected
            ).value
            if len(events) < expected:
                return events
            known = (place, events)
        self._kept[state.match] = known
        self._kept.move_to_end(state.match)
        if len(self._kept) > _MATCHES:
            self._kept.popitem(last=False)
        return known[1]

    def _read(self, state: MatchState) -> list[StoredEvent]:
        # Events numbered after the state was read are not in the state, so they are left out here too.
        return events_as_of(
            state.newest_seq, self._ledger.events(state.match, 0, EVENTS_PER_FRAME) if state.newest_seq else []
        )

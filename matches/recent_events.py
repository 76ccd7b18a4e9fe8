"""The newest events of each match, kept by the process: they are read again only when the match has moved.

A subscribe reads the match's ``state`` row consistently, at home; with its events that would be two reads of the
partition that numbers the match, and three late in a match, where one will do. They change only with ``seq``: an event
that is cancelled is by the cancellation, which has a seq of its own.
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
"""Kept at most, the ones asked for last: about 2.5 MB."""


class RecentEvents:
    """For one process; not for several threads."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept: OrderedDict[str, tuple[tuple[str, int], list[StoredEvent]]] = OrderedDict()
        # Lists that lack an event whose row is damaged: kept for a second, as the row may be repaired.
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

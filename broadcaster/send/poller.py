"""Polls the rows that steer a sender, and says what the sender has to do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from broadcaster.send.polls import GoOn, LeaseLost, NewerEvent, decide
from matches.ledger import UnknownMatchError

if TYPE_CHECKING:
    from broadcaster.send.polls import Action
    from broadcaster.send.sender_store import SenderStore
    from matches.match_state import MatchState


class Poller:
    """The polls of one invocation for a match, whose lease the execution ``owner`` has."""

    def __init__(self, store: SenderStore, match: str, owner: str) -> None:
        self._store = store
        self._match = match
        self._owner = owner
        self._known: MatchState | None = None
        """The match at the last poll."""

    async def first_action(self, sent_seq: int) -> Action:
        """The action of the first poll, as ``next_action``.

        A match that was reset has no row: nobody has its lease any more, and there is nothing to send.
        """
        try:
            return await self.next_action(sent_seq)
        except UnknownMatchError:
            return LeaseLost()

    async def next_action(self, sent_seq: int) -> Action:
        """Poll once, and renew the lease if that is due; ``sent_seq`` is the event that the sender sends at present.

        Raises the errors of ``SenderStore``.
        """
        store, match = self._store, self._match
        poll = await store.poll(match, self._known)
        self._known = poll.state
        decision = decide(
            poll, owner=self._owner, sent_seq=sent_seq, now=time.time(), lease_seconds=store.lease_seconds
        )
        if not decision.has_lease:
            return LeaseLost()
        if decision.renew_lease and not await store.renew(match, self._owner):
            return LeaseLost()
        frames = await store.frames(poll.state, poll.cell_state.told_seq) if decision.read_frames else None
        return GoOn(poll) if frames is None else NewerEvent(poll, frames)

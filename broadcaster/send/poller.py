"""Polls the rows that steer a sender, and says what the sender has to do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from broadcaster.send.polls import GoOn, LeaseLost, NewerEvent, decide
from matches.ledger import UnknownMatchError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from broadcaster.control.payload import CarriedEvent, SenderTask
    from broadcaster.send.polls import Action, Poll
    from broadcaster.send.sender_store import SenderStore
    from matches.match_state import MatchState


class Poller:
    """The polls of one invocation."""

    def __init__(self, store: SenderStore, task: SenderTask, clock: Callable[[], float] = time.time) -> None:
        """``clock`` tells seconds since 1970."""
        self._store = store
        self._task = task
        self._clock = clock
        self._known: MatchState | None = None
        """The match at the last poll."""

    async def first_action(self, lap_seq: int) -> Action:
        """Take the lease over for the task's execution, and return the action of the first poll, as ``next_action``.

        A match that was reset has no row: nobody has its lease any more, and there is nothing to send.
        """
        try:
            poll = await self._store.first_poll(self._task)
        except UnknownMatchError:
            return LeaseLost()
        return LeaseLost() if poll is None else await self._action(poll, lap_seq, self._task.events)

    async def next_action(self, lap_seq: int) -> Action:
        """Poll once, and renew the lease if that is due.

        ``lap_seq``: the newest event in the frame that the lap sends.
        Raises the errors of ``SenderStore``.
        """
        return await self._action(await self._store.poll(self._task.match, self._known), lap_seq)

    async def _action(self, poll: Poll, lap_seq: int, events: Sequence[CarriedEvent] = ()) -> Action:
        store, task = self._store, self._task
        self._known = poll.match_state
        decision = decide(poll, owner=task.owner, lap_seq=lap_seq, now=self._clock(), lease_seconds=store.lease_seconds)
        if not decision.has_lease:
            return LeaseLost()
        if decision.renew_lease and not await store.renew(task):
            return LeaseLost()
        if not decision.read_frames:
            return GoOn(poll)
        # After a reset the match may have been created again: then the events are those of an earlier epoch.
        carried = events if poll.cell_state.epoch == poll.match_state.epoch else ()
        frames = await store.frames(poll.match_state, poll.cell_state.told_seq, carried)
        return GoOn(poll) if frames is None else NewerEvent(poll, frames)

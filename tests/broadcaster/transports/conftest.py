"""A publisher with a service of the test, and a match that it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from broadcaster.control.payload import CarriedEvent
from broadcaster.transports.publisher import Publisher
from matches.events import EVENT, AcceptedEvent
from matches.schedule import NewMatch
from tests.broadcaster.conftest import THREADS
from tests.broadcaster.transports.publishing import DESCRIPTION, FakeService
from tests.channel_names import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcaster.control.cell_state import CellStates
    from matches.ledger import Ledger
    from matches.match_state import MatchState


@pytest.fixture
def service() -> FakeService:
    """The service of the cell."""
    return FakeService()


@pytest.fixture
def publisher(cell_states: CellStates, ledger: Ledger, service: FakeService) -> Publisher:
    """Tells a cell with this service, whose table is that of the running system's cell."""
    return Publisher(DESCRIPTION, cell_states, ledger, service, THREADS, CHANNELS)


@pytest.fixture
def play(ledger: Ledger, match_id: str) -> Callable[..., tuple[MatchState, list[CarriedEvent]]]:
    """Numbers events of a new match; returns the match, and its events as the fan-out carries them."""
    ledger.create(
        NewMatch.model_validate({"match": match_id, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"})
    )

    def play(*events: dict[str, Any]) -> tuple[MatchState, list[CarriedEvent]]:
        before = ledger.state(match_id).newest_seq
        for number, event in enumerate(events, before):
            ledger.apply_event(AcceptedEvent(match_id, 1, EVENT.validate_python({**event, "event_id": f"e{number}"})))
        carried = [CarriedEvent(*each) for each in ledger.events_with_score_prev(match_id, before, 150)]
        return ledger.state(match_id), carried

    return play

"""The protocol of a transport, which carries frames to the viewers of one cell, and what one is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor, Future

    from botocore.credentials import ReadOnlyCredentials

    from broadcaster.control.cell_state import CellState
    from broadcaster.control.payload import CarriedEvent
    from matches.channels import Channels
    from matches.ledger import Ledger
    from matches.match_state import MatchState


class Transport(Protocol):
    """Tells the viewers of one cell.

    Raises refusals.AWS_ERRORS if the cell or its service does not answer or refuses, and DamagedRowError for a damaged
    row of the cell.
    """

    def begin(
        self,
        match_state: MatchState,
        events: Sequence[CarriedEvent] = (),
        *,
        watchdog_message: Future[None] | None = None,
        delivered_before: bool = False,
    ) -> CellState:
        """Make ``match_state.newest_seq`` due in the cell, and begin to tell it unless that is done or under way.

        ``events``: the newest events, for the frame. ``watchdog_message`` is being sent beside this call.
        ``delivered_before``: the record of the event was delivered before. To begin twice is harmless.

        Returns the cell's row of the match as it is afterwards.
        """
        ...


class Service(Protocol):
    """A service that takes a frame once and carries it to everyone who hears the channel."""

    @property
    def frame_bytes(self) -> int:
        """The most bytes of a frame, without the service's own wrapping."""
        ...

    def publish(self, channel: str, frame: bytes) -> None:
        """Publish a frame; returns when the service has taken it. Raises refusals.AWS_ERRORS."""
        ...


class OwnSettings(Protocol):
    """The settings of a function at home that transports use (broadcaster/home/home_settings.py)."""

    @property
    def broadcasts_table(self) -> str:
        """The name of the table ``broadcasts``, without the suffix of a cell."""
        ...

    @property
    def send_rate(self) -> int:
        """POSTs a second that all senders of a cell together may use."""
        ...

    @property
    def sender_rate(self) -> int:
        """POSTs a second that one sender is planned for."""
        ...

    @property
    def watchdog_seconds(self) -> int:
        """Seconds from an event to the watchdog's first check of it."""
        ...


@dataclass(frozen=True, slots=True)
class Clients:
    """The clients of one process, of which transports are made."""

    make: Callable[[str, str], Any]
    """Makes botocore's client of a service in a region, such as ``make("dynamodb", "eu-west-1")``."""
    credentials: Callable[[], ReadOnlyCredentials | None]
    """The credentials of the process as they are now, None if there are none."""
    ledger: Ledger
    threads: Executor
    """For the calls of this cell that run side by side. A call that was given up holds its thread."""
    channels: Channels
    """The names of the deployment's channels."""

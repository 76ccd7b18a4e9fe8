"""Takes the place of a cell's transport or messenger whose client cannot be made, so that the other cells go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from botocore.exceptions import ClientError

from runtime import refusals

if TYPE_CHECKING:
    from broadcaster.transports.description import CellDescription

ERRORS = (*refusals.AWS_ERRORS, ValueError)
"""The errors of making a client. botocore raises ValueError for a wrong URL."""

CODE = "CellClientUnmade"
"""The code of the error: a refusal, which stays until a person changes the deployment (runtime/transient.py)."""


@dataclass(frozen=True, slots=True)
class RefusedCell:
    """Refuses every call of one cell, as a service does that the deployment has no permission for."""

    description: CellDescription
    reason: str

    def begin(self, *_: object, **__: object) -> NoReturn:
        """Tell no viewer. Raises ClientError, so the event waits in the watchdog's queue."""
        self._refuse("begin")

    def message(self, *_: object) -> NoReturn:
        """Send no message. Raises ClientError."""
        self._refuse("message")

    def _refuse(self, operation: str) -> NoReturn:
        text = f"The cell {self.description.name} has a description of which no client can be made: {self.reason}"
        refusals.report(self.description.region, self.description.transport, operation, CODE, text)
        raise ClientError({"Error": {"Code": CODE, "Message": text}}, operation)

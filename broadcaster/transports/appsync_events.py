"""AppSync Events: one signed POST publishes a frame to everybody who has subscribed to the channel.

(https://docs.aws.amazon.com/appsync/latest/eventapi/publish-http.html)

The request is ``{"channel": "/livescore/…", "events": ["<the frame>"]}``. The answer says for each event whether
AppSync took it; an event in ``failed`` was not taken. AppSync promises neither an order nor a single delivery, which a
viewer's follower does not need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from botocore.exceptions import ClientError

from broadcaster.transports.signed_http import SignedHttp
from runtime.transient import verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import ReadOnlyCredentials

    from broadcaster.transports.description import CellDescription
    from broadcaster.transports.transport import Clients

EVENT_BYTES: Final = 240 * 1024
"""The most bytes of an event (https://docs.aws.amazon.com/general/latest/gr/appsync.html)."""


INVALID: Final = "ValidationException"
"""The code of an event that the next try does not help (runtime/transient.py)."""


class AppSyncEvents:
    """The Service of a cell whose transport is ``appsync-events``."""

    frame_bytes: Final = EVENT_BYTES

    def __init__(self, url: str, region: str, credentials: Callable[[], ReadOnlyCredentials | None]) -> None:
        """``url``: the API's HTTP endpoint, ending in ``/event``."""
        self._url = url
        self._http = SignedHttp("appsync", region, credentials)

    def publish(self, channel: str, frame: bytes) -> None:
        """Publish a frame; returns when AppSync has taken it. Raises refusals.AWS_ERRORS."""
        body = orjson.dumps({"channel": f"/{channel}", "events": [frame.decode()]})
        answer = self._http.post(self._url, body, {"Content-Type": "application/json"})
        if (error := _error(answer)) is not None:
            raise error


def _error(answer: bytes) -> ClientError | None:
    """An answer of status 200 that says that the event was not taken, as botocore's own error; None if it was."""
    code, said = "ServiceUnavailable", "the answer has another form than AppSync documents"
    try:
        stated: Any = orjson.loads(answer)
        if bool(stated["successful"]) and not stated["failed"]:
            return None
        if stated["failed"]:
            # AppSync blames an event that it names, unless it states a status of its own trouble.
            status = stated["failed"][0].get("code")
            code = code if isinstance(status, int) and verdict("", status) == "transient" else INVALID
            said = str(stated["failed"])[:200]
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    return ClientError({"Error": {"Code": code, "Message": f"AppSync did not take the event: {said}"}}, "Publish")


def make_service(description: CellDescription, clients: Clients) -> AppSyncEvents:
    """The service of a cell whose viewers connect to AppSync Events."""
    return AppSyncEvents(description.texts["url"], description.region, clients.credentials)

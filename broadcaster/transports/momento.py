"""Momento Topics: one POST publishes a frame to everybody who listens to the topic.

(https://docs.momentohq.com/topics/api-reference/http-api) The HTTP API is used and not the SDK: the SDK for Python
passes discontinuities over, and would bring gRPC into every function that publishes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from botocore.exceptions import ClientError

from broadcaster.transports.signed_http import SignedHttp
from runtime import aws
from runtime.secure_parameter import SecureParameter
from runtime.transient import verdict

if TYPE_CHECKING:
    from broadcaster.transports.description import CellDescription
    from broadcaster.transports.transport import Clients

PAYLOAD_BYTES: Final = 4 * 1024
"""The most bytes of a message; Momento never raises this limit (https://docs.momentohq.com/topics/limits)."""


class MomentoTopics:
    """The Service of a cell whose transport is ``momento``."""

    frame_bytes: Final = PAYLOAD_BYTES

    def __init__(self, url: str, cache: str, region: str, key: SecureParameter) -> None:
        """``url``: the HTTP endpoint of Momento's cell. ``cache``: the cache that has the topics."""
        self._topics = f"{url.rstrip('/')}/topics/{quote(cache, safe='')}"
        self._key = key
        self._http = SignedHttp("momento", region)

    def publish(self, channel: str, frame: bytes) -> None:
        """Publish a frame; returns when Momento has taken it. Raises refusals.AWS_ERRORS."""
        headers = {"Authorization": self._key.value(), "Content-Type": "text/plain"}
        try:
            self._http.post(f"{self._topics}/{topic(channel)}", frame, headers)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if verdict(error.response["Error"]["Code"], status) == "refused":
                self._key.forget()  # an operator may have stored another key
            raise


def make_service(description: CellDescription, clients: Clients) -> MomentoTopics:
    """The service of a cell whose viewers listen at Momento. Its key is a parameter at home."""
    del clients
    texts = description.texts
    key = SecureParameter(texts["api_key_parameter"], aws.ssm)  # a hurried client: a publish waits for it
    return MomentoTopics(texts["url"], texts["cache"], description.region, key)


def topic(channel: str) -> str:
    """The topic of a channel, as a segment of a path. A topic has no slash."""
    return quote(channel.replace("/", ":"), safe="")

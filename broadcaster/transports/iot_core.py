"""AWS IoT Core: one call publishes a frame to everybody who has subscribed to the topic.

(https://docs.aws.amazon.com/iot/latest/apireference/API_iotdata_Publish.html)

The quality of service is 1: IoT Core sends a frame again, for up to an hour, until the viewer has acknowledged it
(https://docs.aws.amazon.com/general/latest/gr/iot-core.html#message-broker-limits). A goal goes to the whole audience
at once, so an audience that is larger than the quota of a second is always over it. With 0, nothing brings these
viewers the frame but their check after silence. docs/transports.md weighs that against the price of the
acknowledgements. A viewer drops a frame that comes twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime import aws

if TYPE_CHECKING:
    from broadcaster.transports.description import CellDescription
    from broadcaster.transports.transport import Clients

PAYLOAD_BYTES: Final = 128 * 1024
"""The most bytes of a message (https://docs.aws.amazon.com/general/latest/gr/iot-core.html)."""


class IotCore:
    """The Service of a cell whose transport is ``iot-core``."""

    frame_bytes: Final = PAYLOAD_BYTES

    def __init__(self, client: Any) -> None:
        """``client``: botocore's client of ``iot-data`` at the region's Data-ATS endpoint."""
        self._client = client

    def publish(self, channel: str, frame: bytes) -> None:
        """Publish a frame; returns when IoT Core has taken it. Raises refusals.AWS_ERRORS."""
        self._client.publish(topic=channel, qos=1, payload=frame)


def make_service(description: CellDescription, clients: Clients) -> IotCore:
    """The service of a cell whose viewers connect to IoT Core."""
    del clients
    return IotCore(aws.iot_data(description.texts["url"], description.region))

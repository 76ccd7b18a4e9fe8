"""Pure: the address of one cell, as ``deployment.json`` states it (docs/client.md)."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import DeploymentError

API_GATEWAY = "api-gateway"
"""The transport whose service carries our own protocol; on every other one the client translates it."""

VERSION = 1
"""The version of ``deployment.json`` that this client reads."""

DEFAULT_NAMESPACE = "livescore"
"""The namespace of a cell whose address names none: the default name of a deployment."""

_OPTIONAL = ("region", "host", "cache", "authorizer", "namespace")


@dataclass(frozen=True, slots=True)
class CellAddress:
    """Where and how the viewers of one cell listen."""

    transport: str
    """``api-gateway``, ``appsync-events``, ``appsync-graphql``, ``iot-core`` or ``momento``."""
    url: str
    """``wss://…`` or ``ws://…``; ``https://…`` or ``http://…`` with Momento."""
    name: str = ""
    """The cell's name in the deployment; Momento needs it."""
    region: str = ""
    host: str = ""
    """AppSync only: the host of the API's HTTP endpoint, which the client names in its handshake."""
    cache: str = ""
    """Momento only: the name of the cache."""
    authorizer: str = ""
    """IoT Core only: the name of the custom authorizer, if the endpoint has no default one."""
    namespace: str = DEFAULT_NAMESPACE
    """The first segment of the channels of a service that fans out itself."""

    @property
    def subjects(self) -> str:
        """The channel of messages to single viewers; each subject has a feed of its own."""
        return f"{self.namespace}/subjects"


def read_cells(deployment: object) -> dict[str, CellAddress]:
    """The cells of a parsed ``deployment.json``, by name.

    A file without ``cells`` is of a deployment in which every cell has the transport ``api-gateway``: its
    ``websockets`` are the cells. Raises DeploymentError for a file that is not whole or has another version.
    """
    if not isinstance(deployment, dict) or not isinstance(deployment.get("version"), int):
        raise DeploymentError("deployment.json is not the description of a deployment of livescore.")
    if deployment["version"] != VERSION:
        found = deployment["version"]
        raise DeploymentError(f"deployment.json has version {found}. This client reads version {VERSION}.")
    entries = deployment.get("cells")
    if entries is None and isinstance(deployment.get("websockets"), dict):
        entries = {
            name: {"transport": API_GATEWAY, "region": name, "url": url}
            for name, url in deployment["websockets"].items()
        }
    if not isinstance(entries, dict) or not entries:
        raise DeploymentError("deployment.json names no cell.")
    return {str(name): _address(str(name), entry) for name, entry in entries.items()}


def _address(name: str, entry: object) -> CellAddress:
    if not isinstance(entry, dict):
        raise DeploymentError(f"deployment.json says nothing of the cell {name}.")
    for text in ("transport", "url"):
        if not isinstance(entry.get(text), str) or not entry[text]:
            raise DeploymentError(f"deployment.json lacks `{text}` of the cell {name}.")
    given = {text: entry[text] for text in _OPTIONAL if isinstance(entry.get(text), str)}
    return CellAddress(entry["transport"], entry["url"], name, **given)

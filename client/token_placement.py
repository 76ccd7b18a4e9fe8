"""Pure: the place of a viewer's token in the handshake of the WebSocket (docs/security.md)."""

from __future__ import annotations

from urllib.parse import quote

from .errors import FollowError

PROTOCOL = "livescore.v1"

QUERY_TOKEN = 3072
"""The most characters of a token in an address. API Gateway accepts WebSocket URLs of at most 4,096 characters, and
this quota cannot be raised
(https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html)."""


class TokenTooLongError(FollowError):
    """The token does not fit into an address. The text is for people and holds no secret."""


def place_token(url: str, token: str | None) -> tuple[str, dict[str, str]]:
    """The address to connect to, and the headers of the handshake.

    With ``wss:`` the token is a second subprotocol, so no address holds it. With ``ws:``, which is MiniStack, it is in
    the query, because MiniStack echoes no subprotocol. Raises TokenTooLongError for a token that is too long for a
    query.
    """
    if not token:
        return url, {}
    if url.startswith("wss:"):
        return url, {"Sec-WebSocket-Protocol": f"{PROTOCOL}, {token}"}
    inside = quote(token, safe="")
    if len(inside) > QUERY_TOKEN:
        message = f"The viewer's token has {len(inside):,} characters. An address of ws: holds {QUERY_TOKEN:,} at most."
        raise TokenTooLongError(message)
    return f"{url}&token={inside}", {}

"""Pure: where a viewer's token goes when the viewer connects (docs/security.md)."""

from __future__ import annotations

from urllib.parse import quote

from .errors import FollowError

PROTOCOL = "livescore.v1"

QUERY_TOKEN = 3072
"""Characters of a token in the address at most. API Gateway takes WebSocket URLs of at most 4,096 characters, and this
cannot be raised
(https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html)."""


class TokenTooLongError(FollowError):
    """The token does not fit into an address; the text is for a person, and holds no secret."""


def place_token(url: str, token: str | None) -> tuple[str, dict[str, str]]:
    """The address to connect to, and the headers of the handshake.

    On ``wss:`` the token is a second subprotocol, so it is in no address. On ``ws:``, which is MiniStack, it is in the
    query, because MiniStack echoes no subprotocol. Raises TokenTooLongError for a token that is too long for a query.
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

"""The client of the HTTP API in operators' commands: which servers it trusts, and that it leaks no token."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest
import trustme

from devstack.operator.api_client import ApiError, Operator
from devstack.stack.ministack import free_port
from loadtest.token_sources import GivenToken

if TYPE_CHECKING:
    from devstack.system import System


def test_an_api_that_no_authority_vouches_for_gets_no_token() -> None:
    """A certificate of an unknown authority ends in a sentence, and the server gets no byte of the request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    read: list[object] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as secure:
            try:
                read.append(secure.recv(1))
            except OSError as error:
                read.append(error)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=[listener])
        server.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with (
            Operator(url, GivenToken("secret")) as operator,
            pytest.raises(ApiError, match="Nothing answers at https:"),
        ):
            operator.stop("m")
        server.join(10)
    [refused] = read
    assert isinstance(refused, ssl.SSLError)


def test_no_proxy_of_the_environment_is_used(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands ignore a proxy in the environment, which would read the operator's token."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with Operator(system.api_url) as operator:
        assert operator.matches("1930-07-13")["day"] == "1930-07-13"


@pytest.mark.parametrize("token", ["sécret", "secret\nX-Other: 1"])
def test_a_token_that_no_header_can_carry_is_a_sentence(token: str) -> None:
    """An invalid LIVESCORE_TOKEN is reported before anything is sent, and the sentence does not show it."""
    with Operator(f"http://127.0.0.1:{free_port()}", GivenToken(token)) as operator, pytest.raises(ApiError) as failed:
        operator.stop("m")
    assert str(failed.value) == "The token has characters that a token cannot have."

"""Disposable tokens of Momento: the bytes of the request and of the answer."""

from __future__ import annotations

import base64
import json

import pytest

from api import momento_tokens
from api.momento_tokens import GrpcError
from runtime import protobuf

REQUEST = (
    "0a0308901c12036b65791a3412320a30122e08021a0b0a096c69766573636f72652a1d121b"
    "6c69766573636f72653a632d776f726c642d6375702d323032323a"
)
"""The message as Momento's own generated code writes it (the package momento-wire-types 0.138.3)."""

SEVERAL = (
    "0a0308901c12036b65791a4b12490a24122208021a0b0a096c69766573636f72652a11120f6c69766573636f72653a6f70656e3a"
    "0a21121f08021a0b0a096c69766573636f72652a0e120c6c69766573636f72653a632d"
)
"""The same for two prefixes."""

ANSWER = (
    "0a036a7774122563656c6c2d75732d656173742d312d312e70726f642e612e6d6f6d656e746f68712e636f6d1890c0a7da06"
)  # fmt: skip
"""An answer, as the same code writes it."""

OK = momento_tokens.frame(b"grpc-status:0\r\n", 0x80)


def test_the_request_is_momentos() -> None:
    """The request is byte for byte what Momento's generated code writes: subscribe only, one cache, one prefix."""
    body = momento_tokens.request("key", "livescore", ["livescore:c-world-cup-2022:"], 3600)
    assert base64.b64decode(body) == momento_tokens.frame(bytes.fromhex(REQUEST))
    body = momento_tokens.request("key", "livescore", ["livescore:open:", "livescore:c-"], 3600)
    assert base64.b64decode(body) == momento_tokens.frame(bytes.fromhex(SEVERAL))


@pytest.mark.parametrize("apart", [False, True])
def test_an_answer_has_the_token_as_the_sdks_hand_it_out(apart: bool) -> None:
    """The token names its endpoint; the frames may be encoded together or each by itself."""
    frames = [momento_tokens.frame(bytes.fromhex(ANSWER)), OK]
    body = b"".join(map(base64.b64encode, frames)) if apart else base64.b64encode(b"".join(frames))
    token = momento_tokens.answer(body, {})
    packed = {"endpoint": "cell-us-east-1-1.prod.a.momentohq.com", "api_key": "jwt"}
    assert (json.loads(base64.b64decode(token.token)), token.expires) == (packed, 1_800_003_600)


def test_a_refusal_has_its_status() -> None:
    """The status of a refusal is in the trailers, or in the headers if there is no body."""
    trailers = momento_tokens.frame(b"grpc-status: 8\r\ngrpc-message: slow down\r\n", 0x80)
    for body, headers in ((base64.b64encode(trailers), {}), (b"", {"grpc-status": "8", "grpc-message": "slow down"})):
        with pytest.raises(GrpcError, match="slow down") as refused:
            momento_tokens.answer(body, headers)
        assert refused.value.status == 8


@pytest.mark.parametrize("body", [b"", b"!!", b"AAAA", base64.b64encode(b"\0\0\0\0\x09ab"), base64.b64encode(OK)])
def test_no_answer_is_no_token(body: bytes) -> None:
    """A body that is no answer of gRPC-web, or that has no message, raises GrpcError."""
    with pytest.raises(GrpcError):
        momento_tokens.answer(body, {})


def test_fields_of_another_type_are_no_token() -> None:
    """An answer whose fields are not texts and a number raises GrpcError."""
    for fields in ("08011201611801", "0a016110011801", "0a01611201621a0161"):
        body = base64.b64encode(momento_tokens.frame(bytes.fromhex(fields)) + OK)
        with pytest.raises(GrpcError):
            momento_tokens.answer(body, {})


def test_a_field_of_eight_bytes_is_read() -> None:
    """A message may have fields of fixed length; the reader returns their bytes, and goes on after them."""
    message = bytes.fromhex("09" + "0102030405060708" + "1501020304" + "1807")
    assert protobuf.read(message) == {1: [bytes(range(1, 9))], 2: [bytes(range(1, 5))], 3: [7]}


def test_a_key_of_the_console_is_unpacked() -> None:
    """The console's keys are base64 of JSON; a text of another form is the key itself."""
    packed = base64.b64encode(b'{"endpoint":"cell","api_key":"jwt"}').decode()
    assert [momento_tokens.api_key(each) for each in (packed, "jwt", "e30=")] == ["jwt", "jwt", "e30="]


@pytest.mark.parametrize("message", ["08", "0affff", "0b", "ff" * 11, "0d0000"])
def test_a_malformed_message_is_refused(message: str) -> None:
    """A message that ends within a field, or has an unknown type, raises MalformedMessageError."""
    with pytest.raises(protobuf.MalformedMessageError):
        protobuf.read(bytes.fromhex(message))

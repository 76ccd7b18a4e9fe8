"""The form of messages to single viewers."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from subscriptions.viewer_messages import NewMessage


def test_a_message_without_a_body_is_its_key() -> None:
    """The frame leaves the body out, also if the sender gave null."""
    for message in (NewMessage(key="bet-settled"), NewMessage(key="bet-settled", body=None)):
        assert json.loads(message.frame(7)) == {"type": "message", "key": "bet-settled", "at": 7}
        assert message.body_bytes == 0


@pytest.mark.parametrize("body", [0, False, "", [], {}, {"won": [1, {"of": "ü"}]}])
def test_a_body_is_any_json_value(body: object) -> None:
    """The frame has the value as it was sent, and its size counts bytes of UTF-8 without spaces."""
    message = NewMessage.model_validate({"key": "orders/1729", "body": body})
    assert json.loads(message.frame(7))["body"] == body
    assert message.body_bytes == len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


@pytest.mark.parametrize("key", ["a", "7", "orders/1729:paid", "k" * 64])
def test_a_key_is_a_short_name(key: str) -> None:
    """Letters, digits and a few signs, 64 characters at most."""
    assert NewMessage(key=key).key == key


@pytest.mark.parametrize("key", ["", " a", "a b", "/a", "k" * 65, "a\n", "ü", "a#b"])
def test_other_keys_are_refused(key: str) -> None:
    """A key has no space, no control character and no letter beyond ASCII."""
    with pytest.raises(ValidationError):
        NewMessage(key=key)

"""A secret of Systems Manager, as a header of a request takes it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from runtime.refusals import judge
from runtime.secure_parameter import SecureParameter


class Ssm:
    """A client of ``ssm`` that knows one value."""

    def __init__(self, value: str) -> None:
        self.value = value

    def get_parameter(self, **_: Any) -> Any:
        """The parameter."""
        return {"Parameter": {"Value": self.value}}


def test_space_around_a_key_is_no_part_of_it() -> None:
    """An operator may store a file that ends with a new line: ``--value file://key``."""
    assert SecureParameter("/momento", lambda: Ssm(" key\r\n")).value() == "key"


@pytest.mark.parametrize("value", ["se\ncret", "se\rcret", "se\x00cret", "secrét", "\n", ""])
def test_a_value_that_no_header_takes_is_refused_and_stands_in_no_error(value: str) -> None:
    """Python's HTTP client would state the whole header in its error, and so the key in a log."""
    with pytest.raises(ClientError) as raised:
        SecureParameter("/momento", lambda: Ssm(value)).value()
    assert judge(raised.value) == "refused"
    assert "/momento" in str(raised.value)
    assert "cret" not in str(raised.value)

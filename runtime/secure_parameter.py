"""A secret in AWS Systems Manager: a parameter of the type SecureString, read once and kept by the process.

(https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html)
The value is never logged, and stands in no error. A value that no header of a request takes is refused here: Python's
HTTP client would state the whole header in its error.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable


class SecureParameter:
    """One parameter. For any number of threads."""

    def __init__(self, name: str, client: Callable[[], Any]) -> None:
        """``client`` makes botocore's client of ``ssm``, at the first read."""
        self.name = name
        self._client = client
        self._lock = Lock()
        self._value: str | None = None

    def value(self) -> str:
        """The value, without space around it: visible ASCII. Raises refusals.AWS_ERRORS when it cannot be read."""
        with self._lock:
            if self._value is None:
                answer = self._client().get_parameter(Name=self.name, WithDecryption=True)
                value = str(answer["Parameter"]["Value"]).strip()
                if not value or not value.isascii() or not value.isprintable():
                    text = f"The parameter {self.name} has no value, or a character that no header takes."
                    raise ClientError({"Error": {"Code": "InvalidParameterValue", "Message": text}}, "GetParameter")
                self._value = value
            return self._value

    def forget(self) -> None:
        """Read the value again when it is next needed."""
        with self._lock:
            self._value = None

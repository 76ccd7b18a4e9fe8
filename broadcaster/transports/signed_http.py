"""POSTs to services that botocore has no client for: signed or not, on connections that stay open.

An error has the same classes as that of a call of botocore, so runtime/refusals.py judges it: a network's error is one
of botocore's, and an answer with another status than 2xx becomes a ClientError. A call waits and tries as often as a
``hurried`` client of runtime/aws.py. Its refusals are reported as theirs are.
"""

from __future__ import annotations

import random
import socket
import time
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import orjson
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.httpsession import URLLib3Session

from runtime import refusals, tls_context
from runtime.aws import ca_bundle, config
from runtime.thaw import Usage
from runtime.transient import verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.credentials import ReadOnlyCredentials

PAUSE_SECONDS: Final = 0.1
"""The longest pause before the second try; it doubles for each further try."""

REFUSALS_OF_CONTENT: Final = frozenset({400, 413, 414, 415, 422})
"""Statuses that blame the content of a call, so another call may succeed (RFC 9110, section 15.5)."""

TAKEN: Final = range(200, 300)
"""Statuses of success. A redirection is none: no service of ours redirects, so nobody has taken the frame."""


class SignedHttp:
    """POSTs to one service. For any number of threads."""

    def __init__(
        self, service: str, region: str, credentials: Callable[[], ReadOnlyCredentials | None] | None = None
    ) -> None:
        """``service`` and ``region`` are those of the signature. Without ``credentials`` nothing is signed."""
        self.service, self.region = service, region
        self._credentials = credentials
        options, bundle = config(patience="hurried"), ca_bundle()
        self._tries: int = options.retries["total_max_attempts"]  # type: ignore[attr-defined]
        timeouts = (options.connect_timeout, options.read_timeout)  # type: ignore[attr-defined]
        # Without TCP_NODELAY the body would wait until the other side has acknowledged the headers: some 40 ms.
        self._session = URLLib3Session(
            verify=bundle or True,  # type: ignore[arg-type]  # the stubs know less
            timeout=timeouts,  # type: ignore[arg-type]
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],  # type: ignore[list-item]
        )
        tls_context.share_session(self._session, bundle)
        self._usage, self._lock = Usage(), Lock()

    def post(self, url: str, body: bytes, headers: Mapping[str, str], *, operation: str = "Publish") -> bytes:
        """The body of the answer to a POST. ``headers`` may name another ``Host`` than the URL's.

        Raises refusals.AWS_ERRORS. ``operation`` is the name of the call in errors.
        """
        for tries_left in reversed(range(self._tries)):
            try:
                return self._try(url, body, headers, operation)
            except refusals.AWS_ERRORS as error:
                judged = refusals.judge(error)
                if judged in ("refused", "invalid"):
                    self._report(operation, error)
                if judged != "transient" or not tries_left:
                    raise
            time.sleep(random.uniform(0, PAUSE_SECONDS * 2 ** (self._tries - 1 - tries_left)))
        raise AssertionError("the last try returns or raises")

    def _try(self, url: str, body: bytes, headers: Mapping[str, str], operation: str) -> bytes:
        request = AWSRequest("POST", url, data=body, headers=dict(headers))
        if self._credentials is not None:
            found = self._credentials()
            if found is None:
                raise NoCredentialsError
            SigV4Auth(found, self.service, self.region).add_auth(request)
        self._freshen()
        answer = self._session.send(request.prepare())
        content: bytes = answer.content
        if answer.status_code not in TAKEN:
            raise _error(answer.status_code, answer.headers, content, operation)
        return content

    def _freshen(self) -> None:
        """Close the idle connections after a long pause: the other side may have forgotten them."""
        with self._lock:
            if self._usage.is_long_ago:
                self._session.close()
            self._usage.note()

    def _report(self, operation: str, error: Exception) -> None:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        refusals.report(self.region, self.service, operation, code, str(error))


def _error(status: int, headers: Mapping[str, str], content: bytes, operation: str) -> ClientError:
    """An answer as botocore's own error. The message has at most 200 characters of the answer."""
    code = str(headers.get("x-amzn-errortype") or _stated(content) or status).partition(":")[0].rpartition("#")[2]
    said = content[:200].decode(errors="replace")
    if status in REFUSALS_OF_CONTENT and verdict(code, status) == "refused":
        code, said = "ValidationException", f"{code}: {said}"
    return ClientError(
        {"Error": {"Code": code, "Message": said}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        operation,
    )


def _stated(content: bytes) -> Any:
    """The code in the body of an error: ``__type``, ``code``, or ``errorType`` of the first of its ``errors``."""
    try:
        stated = orjson.loads(content)
    except ValueError:
        return None
    if isinstance(stated, dict) and isinstance(stated.get("errors"), list) and stated["errors"]:
        stated = stated["errors"][0]
    if not isinstance(stated, dict):
        return None
    return next((stated[each] for each in ("__type", "errorType", "code") if isinstance(stated.get(each), str)), None)

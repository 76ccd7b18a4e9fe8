"""Verifies signatures (SigV4) with botocore: signs the request again and compares both signatures."""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE = "execute-api"
SKEW_SECONDS = 300
"""Seconds by which the clocks may differ (Signature Version 4: "requests must reach AWS within five minutes")."""

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason of an answer 403 in AWS's words: the kind of error and the message, without any secret."""

    error: str
    message: str


_MISSING = Refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
_INCOMPLETE = Refusal("IncompleteSignatureException", "The authorization header is not one of Signature Version 4.")
_UNKNOWN = Refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
_WRONG = Refusal(
    "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details.",
)
_EXPIRED = Refusal("InvalidSignatureException", "Signature expired or not yet current: the clocks are too far apart.")
_SCOPE = Refusal("InvalidSignatureException", "Credential should be scoped to a valid region and to execute-api.")


class Verifier:
    """Verifies requests with the credentials that the environment gives to a Lambda function."""

    def __init__(self, environment: Mapping[str, str], service: str = SERVICE) -> None:
        """``service``: the service that the requests must be signed for."""
        self._service = service
        self._key = environment.get("AWS_ACCESS_KEY_ID", "")
        self._secret = environment.get("AWS_SECRET_ACCESS_KEY", "")
        self._token = environment.get("AWS_SESSION_TOKEN", "")
        self._region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION", "")

    @property
    def ready(self) -> bool:
        """Whether there are credentials to verify against."""
        return bool(self._key and self._secret)

    def refusal(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, now: float | None = None
    ) -> Refusal | None:
        """The reason to refuse this request; None if its signature is right.

        ``target`` is the path in the request line, ``headers`` have lower-case names, and ``now`` is in seconds since
        1970.
        """
        if "authorization" not in headers:
            return _MISSING
        given = _AUTHORIZATION.fullmatch(headers["authorization"])
        if given is None or "x-amz-date" not in headers:
            return _INCOMPLETE
        key, day, region, service, names, signature = given.groups()
        stamp = headers["x-amz-date"]
        refused = self._refuse_claims(key, stamp, headers.get("x-amz-security-token", ""), now)
        if refused is not None:
            return refused
        if service != self._service or not stamp.startswith(day) or (self._region and region != self._region):
            return _SCOPE
        signed = names.split(";")
        if "host" not in signed or not {name for name in headers if name.startswith("x-amz-")} <= set(signed):
            return _WRONG
        claimed = headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        if claimed != "UNSIGNED-PAYLOAD" and claimed != hashlib.sha256(body).hexdigest():
            return _WRONG
        request = AWSRequest(
            method,
            f"http://{headers.get('host', '')}{target}",
            headers={name: headers.get(name, "") for name in signed},
            data=body,
        )
        request.context["timestamp"] = stamp
        auth = SigV4Auth(Credentials(key, self._secret, self._token or None), service, region)
        expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
        return None if hmac.compare_digest(expected, signature) else _WRONG

    def _refuse_claims(self, key: str, stamp: str, token: str, now: float | None) -> Refusal | None:
        try:
            at = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
        except ValueError:
            return _INCOMPLETE
        if abs((time.time() if now is None else now) - at) > SKEW_SECONDS:
            return _EXPIRED
        if key != self._key or token != self._token:
            return _UNKNOWN
        return None

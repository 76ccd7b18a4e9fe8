"""Reads the quotas of an AWS account in a region from Service Quotas, API Gateway and Lambda."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from devstack.deployment.settings_advice import Account
from devstack.quotas import Throttle, quotas
from devstack.stack.ministack import StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devstack.quotas import Quota

UNUSABLE = (ProfileNotFound, SSOError, TokenRetrievalError, CredentialRetrievalError)
"""Errors for a missing profile and an expired sign-in."""

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedException", "AuthorizationError"})
_NOT_KNOWN_THERE = frozenset({
    "UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure", "InvalidSignatureException",
})  # fmt: skip
"""Error codes of a region that the account has not enabled: it answers as if the credentials were wrong
(https://repost.aws/knowledge-center/iam-validate-access-credentials)."""


def read(regions: Sequence[str]) -> dict[str, Account]:
    """The quotas of the account of this shell's credentials, by region. Raises StackError with a sentence."""
    try:
        session = boto3.Session()
        _check_regions(session, regions)
        _client(
            session, "sts", regions[0] if session.region_name is None else session.region_name
        ).get_caller_identity()
    except (NoCredentialsError, PartialCredentialsError):
        raise StackError("This shell has no AWS credentials: sign in with the AWS CLI first.") from None
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise StackError(f"AWS does not accept these credentials ({code}): sign in again with the AWS CLI.") from None
    except UNUSABLE as error:
        raise StackError(f"This shell's AWS profile cannot be used: {error}. Sign in again with the AWS CLI.") from None
    except BotoCoreError as error:
        raise StackError(f"AWS cannot be reached: {error}.") from None
    return {region: _account(session, region) for region in regions}


def _check_regions(session: boto3.Session, regions: Sequence[str]) -> None:
    known = {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("lambda", partition_name=partition)
    }
    if wrong := [region for region in regions if region not in known]:
        raise StackError(f"AWS has no region {', '.join(wrong)}. Names of regions look like eu-west-1.")


def _account(session: boto3.Session, region: str) -> Account:
    """The account's quotas in a region. A quota that the credentials may not read is left out, with a sentence."""
    unread: list[str] = []
    service_quotas = _client(session, "service-quotas", region)
    values: dict[str, float] = {}
    denied = False
    for key, quota in quotas().items():
        if quota.code is not None and not denied:
            value = _if_permitted(
                region, "servicequotas:GetServiceQuota", unread, partial(_value, service_quotas, quota)
            )
            denied = value is None
            if value is not None:
                values[key] = value
    functions = _client(session, "lambda", region)
    settings = _if_permitted(region, "lambda:GetAccountSettings", unread, functions.get_account_settings)
    if settings is not None:
        values["concurrency"] = settings["AccountLimit"]["ConcurrentExecutions"]
    found = _if_permitted(
        region, "apigateway:GET on /account", unread, _client(session, "apigateway", region).get_account
    )
    limits = (found or {}).get("throttleSettings")
    throttle = Throttle(int(limits["rateLimit"]), int(limits["burstLimit"])) if limits else None
    return Account(region, values, throttle, tuple(unread))


def _value(client: Any, quota: Quota) -> float:
    """The value of a quota that applies to the account: its own value, else AWS's default."""
    asked = {"ServiceCode": quota.service, "QuotaCode": quota.code}
    try:
        found = client.get_service_quota(**asked)
    except client.exceptions.NoSuchResourceException:
        try:
            found = client.get_aws_default_service_quota(**asked)
        except client.exceptions.NoSuchResourceException:
            return float(quota.default)
    return float(found["Quota"]["Value"])


def _if_permitted(region: str, permission: str, unread: list[str], ask: Callable[[], Any]) -> Any:
    """The result of ``ask``; None, with a sentence in ``unread``, if the permission is missing. Raises StackError."""
    try:
        return ask()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _NOT_KNOWN_THERE:
            raise StackError(
                f"The region {region} is not enabled in this account. "
                f"Enable it with: aws account enable-region --region-name {region}"
            ) from None
        if code in _DENIED:
            unread.append(f"{region}: these credentials lack {permission}; AWS's defaults are compared instead.")
            return None
        raise StackError(f"AWS answered {code} in {region}: {error.response['Error'].get('Message', '')}") from None
    except BotoCoreError as error:
        raise StackError(f"AWS cannot be reached in {region}: {error}.") from None


def _client(session: boto3.Session, service: str, region: str) -> Any:
    config = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
    return session.client(service, region_name=region, config=config)  # type: ignore[call-overload]

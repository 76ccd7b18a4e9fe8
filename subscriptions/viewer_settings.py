"""The settings of the functions that viewers reach (runtime.environment)."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.environment import UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutesSettings:
    """Of the function ``routes``."""

    home_region: str
    matches_table: str
    subscriptions_table: str
    broadcasts_table: str
    connections_url: str
    """The URL of the cell's @connections API."""
    deployment: str = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizerSettings:
    """Of the function ``authorizer``."""

    jwks_url: str
    """The URL of the issuer's keys; empty where viewers have no tokens."""
    issuer: str
    """The claim ``iss`` of a token that is accepted."""
    viewer_audience: str
    """The claims ``aud`` that are accepted, separated by commas."""
    anonymous: str
    """``on`` where a viewer needs no token."""
    origins: str
    """The origins of web pages that may connect, separated by commas; ``*`` is any."""
    deployment: str = UNKNOWN

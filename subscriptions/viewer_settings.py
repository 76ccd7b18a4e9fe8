"""The settings of the functions that viewers reach (runtime.environment)."""

from __future__ import annotations

from dataclasses import dataclass, field

from runtime.environment import MAY_BE_EMPTY, UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutesSettings:
    """Of the function ``routes``."""

    home_region: str
    cell: str
    """The name of the cell."""
    matches_table: str
    subscriptions_table: str
    broadcasts_table: str
    connections_url: str
    """The URL of the cell's @connections API."""
    deployment: str = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings:
    """Of every function that verifies viewers' tokens."""

    jwks_url: str = field(metadata=MAY_BE_EMPTY)
    """The URL of the issuer's keys; empty where viewers have no tokens."""
    issuer: str = field(metadata=MAY_BE_EMPTY)
    """The claim ``iss`` of a token that is accepted."""
    viewer_audience: str = field(metadata=MAY_BE_EMPTY)
    """The claims ``aud`` that are accepted, separated by commas."""
    anonymous: str = field(metadata=MAY_BE_EMPTY)
    """``on`` where a viewer needs no token."""
    deployment: str = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings(TokenSettings):
    """Of every function that says which channels a viewer may hear."""

    namespace: str
    """The first segment of the deployment's channels (matches/channels.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizerSettings(TokenSettings):
    """Of the function ``authorizer``."""

    origins: str = field(metadata=MAY_BE_EMPTY)
    """The origins of web pages that may connect, separated by commas; ``*`` is any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceSettings:
    """Of the function ``iot_presence``."""

    home_region: str
    cell: str
    """The name of the cell."""
    matches_table: str
    broadcasts_table: str
    namespace: str
    """The first segment of the deployment's channels (matches/channels.py)."""
    deployment: str = UNKNOWN

"""Pure: AWS's quotas as terraform/quotas_and_prices.json lists them, and the throttles that follow from them.

Terraform computes the same from the same file (terraform/quotas.tf).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from devstack.system import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Quota:
    """One quota of an account in one region: its default, and its entry in Service Quotas."""

    name: str
    service: str
    code: str | None
    """The quota code; None if Service Quotas has no entry, or if preflight does not compare the quota."""
    default: int
    source: str
    """URL of the page that states the default."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """A throttle of API Gateway: ``rate`` requests a second, and ``burst`` requests at once after a pause."""

    rate: int
    burst: int


@cache
def _listed() -> dict[str, Any]:
    listed: dict[str, Any] = json.loads((ROOT / "terraform/quotas_and_prices.json").read_text())["quotas"]
    return listed


def quotas() -> dict[str, Quota]:
    """Every quota by its key in quotas_and_prices.json, such as ``requests``."""
    fields = ("name", "service", "code", "default", "source")
    return {
        key: Quota(**{field: each[field] for field in fields})
        for key, each in _listed().items()
        if isinstance(each, dict)
    }


def requests_of(region: str, settings: Mapping[str, Any] | None = None) -> Throttle:
    """The account's throttle in a region: the settings ``account_rate`` and ``account_burst``, else AWS's default."""
    listed, settings = _listed()["requests"], settings or {}
    small = listed["small_regions"]
    default = small if region in small["regions"] else listed
    return Throttle(
        int(settings.get("account_rate") or default["default"]), int(settings.get("account_burst") or default["burst"])
    )


def route_throttles(
    described: Mapping[str, Any], account: Throttle, own: Mapping[str, Throttle] | None = None
) -> dict[str, Throttle]:
    """The throttle of each route of an API that system.json describes.

    If the account's rate is below AWS's default, each throttle shrinks in proportion. ``own`` has the throttles that a
    deployment sets itself; routes of other APIs in it are ignored.
    """
    share = min(1.0, account.rate / _listed()["requests"]["default"])
    own = own or {}
    found = {
        route: own.get(route, Throttle(max(1, int(each["rate"] * share)), max(1, int(each["burst"] * share))))
        for route, each in described["throttles"].items()
    }
    if "$connect" in own and "$disconnect" in found.keys() - own.keys():
        # As in Terraform, a raised $connect raises $disconnect too: viewers may leave as fast as they connect.
        least = found["$disconnect"]
        found["$disconnect"] = Throttle(max(least.rate, own["$connect"].rate), max(least.burst, own["$connect"].burst))
    return found

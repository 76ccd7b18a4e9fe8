"""The throttles that devstack computes from an account's quotas."""

from __future__ import annotations

from devstack.quotas import Throttle, quotas, requests_of, route_throttles

DESCRIBED = {"throttles": {"default": {"rate": 100, "burst": 50}, "$connect": {"rate": 500, "burst": 500},
                           "$disconnect": {"rate": 500, "burst": 500}, "rare": {"rate": 1, "burst": 1}}}  # fmt: skip
"""Throttles of routes, as terraform/system.json has them for an account with 10,000 requests a second."""


def test_a_quota_names_its_source() -> None:
    """Each quota of terraform/quotas_and_prices.json has a default above 0 and the URL that states it."""
    assert {"requests", "connections"} <= quotas().keys()
    assert all(each.default > 0 and each.source.startswith("https://") for each in quotas().values())


def test_a_small_region_grants_a_quarter() -> None:
    """API Gateway grants 10,000 requests a second, and 2,500 in its small regions."""
    assert requests_of("eu-west-1") == Throttle(10_000, 5_000)
    assert requests_of("eu-south-1") == Throttle(2_500, 1_250)


def test_settings_overrule_the_default_of_the_region() -> None:
    """The settings account_rate and account_burst replace the default in every region, alone or together."""
    assert requests_of("eu-south-1", {"account_rate": 20_000}) == Throttle(20_000, 1_250)
    assert requests_of("eu-west-1", {"account_rate": 1_000, "account_burst": 500}) == Throttle(1_000, 500)


def test_routes_share_a_smaller_quota_alike() -> None:
    """A quarter of the quota gives each route a quarter of its throttle, at least 1. A larger quota adds nothing."""
    small = route_throttles(DESCRIBED, Throttle(2_500, 1_250))
    assert small == {
        "default": Throttle(25, 12), "$connect": Throttle(125, 125), "$disconnect": Throttle(125, 125),
        "rare": Throttle(1, 1),
    }  # fmt: skip
    assert route_throttles(DESCRIBED, Throttle(40_000, 10_000))["default"] == Throttle(100, 50)


def test_viewers_may_leave_as_fast_as_they_come() -> None:
    """A deployment's throttle for $connect raises that of $disconnect too, unless it sets $disconnect as well."""
    account, own = Throttle(10_000, 5_000), {"$connect": Throttle(900, 400), "other": Throttle(1, 1)}
    throttles = route_throttles(DESCRIBED, account, own)
    assert (throttles["$connect"], throttles["$disconnect"]) == (Throttle(900, 400), Throttle(900, 500))
    assert "other" not in throttles
    both = own | {"$disconnect": Throttle(7, 7)}
    assert route_throttles(DESCRIBED, account, both)["$disconnect"] == Throttle(7, 7)

"""The result of an apply, compared with the code, the description and AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.terraform import (
    broadcasting,
    bursts,
    counted_lines,
    functions,
    lease,
    policies,
    retries,
    routes,
    site,
    site_key,
    storage,
    watching,
)
from tests.terraform.differences import DIFFERENCES, Difference

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terraform.applied import Applied

CHECKS = [
    policies.too_wide,
    policies.of_what_is_there,
    policies.of_functions,
    policies.of_state_machines,
    policies.of_invocations,
    broadcasting.publish_rights,
    broadcasting.listeners,
    broadcasting.invocations,
    functions.handlers,
    functions.environments,
    storage.tables,
    storage.queues,
    storage.state_machines,
    retries.errors_that_are_tried_again,
    lease.documented,
    lease.starts_that_died,
    routes.http,
    routes.websocket,
    routes.budget,
    routes.leaving,
    watching.alarms,
    watching.runbooks,
    watching.dashboards,
    watching.throttles,
    watching.deployments,
    watching.metrics_are_written,
    counted_lines.throttled,
    bursts.bursts,
    bursts.quiet,
    bursts.minutes,
    policies.of_indexes,
    policies.of_counts,
    policies.of_listeners,
    site.distribution,
    site.shielded,
    site.operators,
    site.listeners,
    site.forwarded,
    site.as_described,
    site.deployment,
    site.pages,
    site.visitors,
    site.bucket,
    site_key.required,
    site_key.address,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.__module__.rpartition('.')[2]}-{check.__name__}")
def test_what_is_made(applied: Applied, check: Callable[[Applied], list[str]]) -> None:
    """Each check finds nothing wrong with the deployment."""
    found = check(applied)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.ministack.replace(" ", "-"))
def test_where_ministack_differs(applied: Applied, difference: Difference) -> None:
    """Terraform meets AWS's rule where MiniStack lets a fault pass."""
    found = difference.check(applied)
    assert not found, "\n".join(found)

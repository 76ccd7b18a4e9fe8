"""The work of a Lambda function before its first call, in the phase INIT.

Lambda runs what stands outside of the handler in INIT. ``AWS_LAMBDA_INITIALIZATION_TYPE`` says why there was an INIT
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html), and that decides what is done in it:

- ``provisioned-concurrency``: nobody waits for INIT. Make the clients, and read once over the network.
- ``on-demand``: the first call waits for INIT, which has a full vCPU and at most 10 s
  (https://serverlessland.com/content/service/lambda/guides/effectively-running-java-on-serverless/init-heavy-lifting).
  Make the clients: that needs only CPU, and INIT takes a third of the time of a call at 512 MB. Leave the network to
  the call: a silent service must not use up the 10 s.
- ``snap-start``: the same. A connection does not survive the snapshot
  (https://docs.aws.amazon.com/lambda/latest/dg/snapstart-best-practices.html).
- Without the variable the code runs in a command or in a test: do nothing.

The settings are read first, in every INIT of Lambda. A setting that is missing or malformed stops the function: the
error of the INIT names it. Nothing else that fails in INIT stops the function: the first call makes what is missing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools import Logger

from runtime.environment import settings

if TYPE_CHECKING:
    from collections.abc import Callable

KIND = "AWS_LAMBDA_INITIALIZATION_TYPE"
PROVISIONED = "provisioned-concurrency"
MAKING = frozenset({PROVISIONED, "on-demand", "snap-start"})
"""Kinds of INIT in which the clients are made."""

NO_MATCH = "init#"
"""The id of no match. INIT reads it to open a client's connection."""

H = TypeVar("H")

logger = Logger(service="lifecycle")


def prepare(
    settings_class: type[Any], make: Callable[[], object], open_connections: Callable[[], object]
) -> Callable[[H], H]:
    """Run a handler's work of INIT when the module is loaded. Returns a decorator that leaves the handler as it is.

    ``settings_class``: the dataclass of the function's settings (runtime.environment), which are read first. ``make``
    makes the clients without the network. ``open_connections`` then reads with each of them once. An error of either
    function is logged as ``preparation_failed``; it is not raised.

    In an INIT of Lambda, raises SettingsError for a setting that is missing or malformed.
    """

    def decorate(handler: H) -> H:
        kind = os.environ.get(KIND)
        if kind in MAKING:
            settings(settings_class)  # type: ignore[arg-type]  # a class is hashable, which mypy does not know of type[Any]
        if kind in MAKING and _is_done(make) and kind == PROVISIONED:
            _is_done(open_connections)
        return handler

    return decorate


def _is_done(work: Callable[[], object]) -> bool:
    """Do the work, and return whether it succeeded. The first call does the same work if it failed here."""
    try:
        work()
    except Exception:  # the first call meets the same error, and answers for it
        logger.warning("preparation_failed", exc_info=True)
        return False
    return True

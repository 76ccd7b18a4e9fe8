"""The parts that each transport offers to devstack, so that its cells can run on this machine.

A file of this room defines one ``StackTransport``, and ``registry.py`` lists it. The rest of devstack asks only what is
described here. The texts of a cell in CELLS are in ``transports`` of terraform/system.json, because Terraform gives
the functions the same texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from devstack.child_process import ChildProcess
    from devstack.system import Provisioned, System


@dataclass(frozen=True, slots=True)
class StackTransport:
    """The parts of one transport on this machine. ``System`` is always the view of a cell (``System.at``)."""

    provision: Callable[[System], Provisioned]
    """Creates what system.json does not describe: an API, a topic, an authorizer. The cell's tables, queues and
    functions exist already, and its stand-in runs. The functions of home come later, because CELLS has the texts that
    this returns. ``ministack_resources.py`` has clients and helpers. A resource's name is ``system.name("…")``, which
    ends in the suffix of the cell; the names ``events`` and ``http`` belong to home.

    The returned address has the ``url`` at which a browser on this machine reaches the cell: 127.0.0.1 or localhost."""

    stand_in: Callable[[System], ChildProcess] | None = None
    """Makes the process that stands for the service, if MiniStack has none. The process is not started yet. It listens
    on port ``system.stand_in_port`` of 127.0.0.1 and refuses web pages of other sites (loadtest/page_requests.py). The
    stack starts it after MiniStack, ends it with the stack, and reports it if it ends by itself."""

    settings: Callable[[int], dict[str, int | str]] | None = None
    """Returns the settings of devstack with which a cell serves this number of viewers, like a raised quota."""

"""The transport AppSync GraphQL on this machine: a stand-in, because MiniStack has no real-time side of it."""

from __future__ import annotations

import sys

from devstack.child_process import ChildProcess
from devstack.system import STATE, Provisioned, System
from devstack.transports.transport import StackTransport


def provision(system: System) -> Provisioned:
    """The stand-in needs nothing of MiniStack but the authorizer, which exists already."""
    address = f"127.0.0.1:{system.stand_in_port}"
    return Provisioned(
        texts={"url": f"http://{address}/graphql"}, address={"url": f"ws://{address}/graphql", "host": address}
    )


def stand_in(system: System) -> ChildProcess:
    """The process that speaks AppSync's protocol. It asks the cell's authorizer in MiniStack."""
    port = system.stand_in_port
    command = [sys.executable, "-m", "loadtest.standin.graphql_server", "--with-parent", "--port", str(port)]
    command += ["--endpoint", system.endpoint, "--authorizer", system.name("graphql_authorizer")]
    command += ["--origins", system.resolve("setting.origins")]
    log = STATE / "logs" / f"appsync-graphql-{port}.log"
    return ChildProcess("The stand-in for AppSync GraphQL", command, system.credentials(), port=port, log=log)


TRANSPORT = StackTransport(provision, stand_in)

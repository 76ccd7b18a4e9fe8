"""The transport Momento on this machine: a stand-in for Momento Topics, and its key as a parameter of MiniStack."""

from __future__ import annotations

import json
import sys

from devstack.child_process import ChildProcess
from devstack.system import STATE, Provisioned, System
from devstack.transports.ministack_resources import client
from devstack.transports.transport import StackTransport
from loadtest.standin.momento_server import KEY

CACHE = "livescore"
API_KEY = "the-key-of-the-stand-in"
"""It opens nothing but the stand-in."""

SUBSCRIBERS = "momento_subscribers"
"""The setting of devstack for the number of polls that the stand-in serves at once."""

DEFAULT_SUBSCRIBERS = 100
"""As many as Momento serves by default (https://docs.momentohq.com/topics/limits)."""


def provision(system: System) -> Provisioned:
    """Store the key as a SecureString at home, where all its readers run."""
    name = f"/{system.name('momento-api-key')}"
    client(system.at_home(), "ssm").put_parameter(Name=name, Value=API_KEY, Type="SecureString", Overwrite=True)
    url = f"http://127.0.0.1:{system.stand_in_port}"
    return Provisioned(
        texts={"url": url, "cache": CACHE, "api_key_parameter": name}, address={"url": url, "cache": CACHE}
    )


def stand_in(system: System) -> ChildProcess:
    """The process that serves topics and tokens."""
    port = system.stand_in_port
    limits = {"subscribers": int(system.settings.get(SUBSCRIBERS, DEFAULT_SUBSCRIBERS))}
    command = [sys.executable, "-m", "loadtest.standin.momento_server", "--with-parent", "--port", str(port)]
    command += ["--caches", CACHE, "--limits", json.dumps(limits), "--origins", system.resolve("setting.origins")]
    log = STATE / "logs" / f"momento-{port}.log"
    return ChildProcess("The stand-in for Momento", command, {KEY: API_KEY}, port=port, log=log)


def settings(viewers: int) -> dict[str, int | str]:
    """A raised quota: each viewer polls one topic, or two at the moment when it changes its topic."""
    return {SUBSCRIBERS: max(DEFAULT_SUBSCRIBERS, 2 * viewers)}


TRANSPORT = StackTransport(provision, stand_in, settings)

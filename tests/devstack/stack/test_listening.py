"""All programs that a command starts listen only on loopback.

tests/conftest.py looks at everything that the tests start, in the same way: `up`, `demo` and the proxies of `faults`
among it.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from devstack.stack.ministack import free_port
from tests.listening import PLANTED, Listening
from tests.support import needs

LIVESCORE = str(Path(sys.executable).parent / "livescore")
COMMANDS = {
    "loadtest": ["loadtest", "--viewers", "10", "--goals", "1", "--processes", "2", "--join-rate", "100"],
}
SECONDS = 180


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_listens_on_loopback_only(command: list[str], tmp_path: Path) -> None:
    """From its start to its end, every process of the command listens only on loopback, and the sockets are found."""
    needs("/proc", Path("/proc/net/tcp").exists())
    port = free_port()
    with (
        Listening(0.2) as listening,
        subprocess.Popen(
            [LIVESCORE, *command, "--port", str(port)],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process,
    ):  # fmt: skip
        timer = threading.Timer(SECONDS, process.kill)
        timer.start()
        try:
            assert process.stdout is not None
            said = process.communicate()
        finally:
            timer.cancel()
            process.kill()
    assert process.returncode in (0, 130), said
    assert any(f":{port} " in each for each in listening.seen), listening.seen
    assert listening.open == set()


def test_a_socket_that_is_open_to_other_machines_is_found() -> None:
    """The check finds a socket on all interfaces, of IPv4 and of IPv6, of a child's child."""
    needs("/proc", Path("/proc/net/tcp").exists())
    program = (
        "import socket, sys; s = socket.create_server((sys.argv[1], 0), family=int(sys.argv[2])); print(); input()"
    )
    program += f"  {PLANTED}"
    for address, family in (("0.0.0.0", "2"), ("::", "10"), ("127.0.0.1", "2"), ("::1", "10")):  # noqa: S104
        with (
            Listening(60) as listening,
            subprocess.Popen(
                ["/bin/sh", "-c", '"$@"; true', "sh", sys.executable, "-c", program, address, family],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            ) as process,
        ):  # fmt: skip
            assert process.stdout is not None
            if not process.stdout.readline():
                pytest.skip("There is no IPv6 here.")
            listening.look()
            process.communicate(b"\n")
        assert bool(listening.open) == (address in ("0.0.0.0", "::")), listening.seen  # noqa: S104
        assert listening.seen

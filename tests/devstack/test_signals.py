"""Ctrl-C, SIGTERM and SIGHUP, in any number and rhythm, leave no process, no port and no folder behind."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from devstack import signals
from devstack.stack.ministack import free_port, port_is_free
from devstack.system import STATE
from tests.support import marked, needs, until

LIVESCORE = str(Path(sys.executable).parent / "livescore")
MARK = "LIVESCORE_TEST_MARK"
INT, TERM, HUP = signals.NUMBERS

READY = "Ctrl-C stops it"
PROVISIONING = "Provisioning"
PROVING = "Sending a first event"

COMMANDS = {
    "up": ["up"],
    "demo": ["demo", "--viewers", "20"],
    "loadtest": ["loadtest", "--viewers", "20", "--processes", "2"],
}

BURSTS = [
    ("up", "Preparing", (INT,), 0.0),
    ("up", PROVISIONING, (INT, INT), 0.1),
    ("up", READY, (HUP, HUP, TERM, INT, INT, INT, INT, INT), 0.01),
    ("demo", "are watching", (TERM, TERM, TERM), 0.05),
    ("loadtest", PROVING, (INT, INT), 0.2),
]
"""A command, its output before the signals, the signals, and the seconds between them."""


class Started:
    """A command of ours, with a mark in the environment of each of its processes."""

    def __init__(self, command: list[str], out: int) -> None:
        self.port = free_port()
        self.mark = f"{MARK}={os.getpid()}-{self.port}"
        name, value = self.mark.split("=")
        self.process = subprocess.Popen(
            [LIVESCORE, *command, "--port", str(self.port)], stdin=out, stdout=out, stderr=out,
            start_new_session=True, env={**os.environ, name: value, "TERM": "xterm"},
        )  # fmt: skip

    def nothing_is_left(self) -> None:
        """Fail unless all processes, the port and the folder have gone."""
        until(lambda: not marked(self.mark), f"processes are left: {marked(self.mark)}")
        assert port_is_free(self.port)
        assert not list((STATE / "run").glob(f"{self.port}*"))

    def end(self) -> None:
        """End the processes that a failed test has left."""
        for pid in marked(self.mark):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def read_until(terminal: int, what: str, seconds: float = 300.0) -> str:
    """The text that a terminal shows up to ``what``, or to its end."""
    shown, deadline = b"", time.monotonic() + seconds
    while not what or what.encode() not in shown:
        assert time.monotonic() < deadline, shown[-2000:].decode(errors="replace")
        if select.select([terminal], [], [], 0.5)[0]:
            try:
                more = os.read(terminal, 65536)
            except OSError:  # nobody has the other end any more (Linux)
                more = b""
            if not more:
                break
            shown += more
    return shown.decode(errors="replace")


@pytest.mark.parametrize(("command", "said", "burst", "pause"), BURSTS)
def test_any_number_of_signals_leaves_nothing(
    command: str, said: str, burst: tuple[signal.Signals, ...], pause: float
) -> None:
    """The first signal ends a command, later ones do not disturb its end. ``up`` warns that its matches are lost."""
    needs("/proc", Path("/proc/self/environ").exists())
    terminal, other = pty.openpty()
    started = Started(COMMANDS[command], other)
    os.close(other)
    try:
        shown = read_until(terminal, said)
        assert said in shown, shown
        for number in burst:
            with suppress(ProcessLookupError):
                started.process.send_signal(number)
            time.sleep(pause)
        shown += read_until(terminal, "")
        assert started.process.wait(60) in (0, 130), shown
        assert "Traceback" not in shown
        if said == READY:
            assert "in memory only: they are gone then." in shown
            assert "go with it: the next `livescore up` begins empty." in shown
        started.nothing_is_left()
    finally:
        started.end()
        os.close(terminal)


@pytest.mark.parametrize(("command", "said"), [("up", READY), ("demo", PROVING)])
def test_a_terminal_that_is_closed_leaves_nothing(command: str, said: str) -> None:
    """If the terminal's window is closed, a command that can no longer print still ends."""
    needs("/proc", Path("/proc/self/environ").exists())
    terminal, other = pty.openpty()
    started = Started(COMMANDS[command], other)
    os.close(other)
    try:
        assert said in read_until(terminal, said)
    finally:
        os.close(terminal)
    try:
        started.process.send_signal(signal.SIGHUP)
        started.process.wait(60)
        started.nothing_is_left()
    finally:
        started.end()


def test_a_signal_waits_for_the_end_of_a_block() -> None:
    """A held block is not interrupted; a signal that came meanwhile is raised when the block ends."""
    done = []

    def work() -> None:
        with signals.held():
            signal.raise_signal(signal.SIGTERM)
            done.append("whole")

    with pytest.raises(KeyboardInterrupt), signals.once():
        work()
    assert done == ["whole"]


def test_later_signals_do_nothing() -> None:
    """After the first signal, a command's clean-up is not interrupted, and processes that it starts get signals."""
    before = signal.getsignal(signal.SIGHUP)
    with signals.once():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        for number in signals.NUMBERS:
            signal.raise_signal(number)
        program = "import signal; print([signal.getsignal(each) is signal.SIG_IGN for each in (2, 15, 1)])"
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert "True" not in ran.stdout
    assert signal.getsignal(signal.SIGHUP) is before


def test_nohup_is_respected() -> None:
    """A command that was started under nohup ignores SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.once(), signals.held():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", signals.NUMBERS)
def test_a_signal_cancels_a_coroutine_which_cleans_up_undisturbed(number: signal.Signals) -> None:
    """The coroutine is cancelled once; a second signal does not cancel its cleaning up."""
    cleaned = []

    async def work() -> None:
        try:
            signal.raise_signal(number)
            await asyncio.sleep(60)
        finally:
            signal.raise_signal(number)
            await asyncio.sleep(0)
            cleaned.append(number)

    with pytest.raises(KeyboardInterrupt), signals.once():
        signals.run(work())
    assert cleaned == [number]

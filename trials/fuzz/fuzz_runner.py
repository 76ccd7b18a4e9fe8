"""Runs fuzzers, each in a watched process, so that it also finds inputs that end the process or hang it."""

from __future__ import annotations

import hashlib
import mmap
import multiprocessing
import struct
import tempfile
import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from trials.fuzz.answer_target import AnswerTarget
from trials.fuzz.correction_target import CorrectionTarget
from trials.fuzz.follower_target import FollowerTarget
from trials.fuzz.fuzz_target import WrongError
from trials.fuzz.record_target import RecordTarget
from trials.fuzz.request_target import RequestTarget
from trials.fuzz.token_target import TokenTarget

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path

    from trials.fuzz.fuzz_target import Target

TARGETS: dict[str, Target] = {
    each.name: each
    for each in (RequestTarget(), FollowerTarget(), RecordTarget(), AnswerTarget(), TokenTarget(), CorrectionTarget())
}
"""Every parser that is fuzzed, by name."""

HANG_SECONDS = 20.0
"""An input that takes longer is a hang; the slowest input takes milliseconds."""

START_SECONDS = 60.0
"""Seconds within which the process must start."""

CHECK_SECONDS = 0.2
_SLOT = 1024 * 1024
_HEAD = struct.Struct("<QI")
"""The head of the slot, before the input: the input's number, from 1, and its length."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that broke a parser: how (``crash``, ``hang``, ``wrong``), and a sentence."""

    how: str
    why: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """The results of one parser."""

    name: str
    inputs: int
    taken: int
    """Inputs that the parser accepted; it rightly refused the others."""
    seconds: float
    failure: Failure | None = None


def fuzz(
    target: Target,
    inputs: int,
    seed: int,
    on_progress: Callable[[int], None] = lambda _: None,
    hang: float = HANG_SECONDS,
) -> Fuzzed:
    """Try ``inputs`` inputs, the same for the same seed, until one fails; ``on_progress`` gets the number so far."""
    begun = time.monotonic()
    context = multiprocessing.get_context("spawn")
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(_SLOT)
        with mmap.mmap(file.fileno(), _SLOT) as slot:
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(target, inputs, seed, file.name, theirs), daemon=True)
            process.start()
            theirs.close()
            try:
                taken, failure = _watch(ours, slot, on_progress, hang)
            finally:
                process.kill()
                process.join()
                ours.close()
            done = inputs if failure is None else _last(slot)[0]
    return Fuzzed(target.name, done, taken, time.monotonic() - begun, failure)


def again(target: Target, data: bytes) -> Failure | None:
    """Try one input in this process; None if it does not fail."""
    try:
        target.check(data)
    except WrongError as error:
        return Failure("wrong", str(error), data)
    except Exception as error:  # noqa: BLE001 - whatever a parser raises that it should not is what is looked for
        return Failure("crash", f"{type(error).__name__}: {error}", data)
    return None


def save(failure: Failure, name: str, folder: Path) -> Path:
    """Write the input that failed into a file, whose name begins with the parser's."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{hashlib.sha256(failure.data).hexdigest()[:12]}.bin"
    path.write_bytes(failure.data)
    return path


def target_of(path: Path) -> Target | None:
    """The parser of a failure's file, by the file's name; None for any other file."""
    return TARGETS.get(path.name.partition("-")[0])


def _work(target: Target, inputs: int, seed: int, file: str, tell: Connection) -> None:
    """Run in the process: write each input into the slot before it is tried."""
    chance, taken = Random(f"{seed} {target.name}"), 0
    with open(file, "r+b") as opened, mmap.mmap(opened.fileno(), _SLOT) as slot:  # noqa: PTH123 - mmap wants a number
        for number in range(1, inputs + 1):
            data = target.make(chance)
            slot[: _HEAD.size + len(data)] = _HEAD.pack(number, len(data)) + data
            try:
                taken += target.check(data)
            except Exception:  # noqa: BLE001 - told by trying it again
                tell.send((taken, again(target, data) or Failure("crash", "only once: it cannot be repeated", data)))
                return
    tell.send((taken, None))


def _watch(told: Connection, slot: Any, on_progress: Callable[[int], None], hang: float) -> tuple[int, Failure | None]:
    """Wait for the process; returns the number of accepted inputs, and the failure or None."""
    number, since = 0, time.monotonic()
    while not told.poll(CHECK_SECONDS):
        current, data = _last(slot)
        if current != number:
            number, since = current, time.monotonic()
            on_progress(number)
        elif time.monotonic() - since > (hang if number else START_SECONDS):
            return 0, Failure("hang", f"no end after {hang:.0f} s", data)
    try:
        taken, failure = told.recv()
    except EOFError:
        return 0, Failure("crash", "the process ended", _last(slot)[1])
    return taken, failure


def _last(slot: Any) -> tuple[int, bytes]:
    number, size = _HEAD.unpack_from(slot)
    return number, slot[_HEAD.size : _HEAD.size + size]

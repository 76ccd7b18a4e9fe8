"""`make setup` verifies the hash of everything that it installs, and repairs a half-made environment."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from devstack.system import ROOT
from tests.support import alive, needs, soak, until

if TYPE_CHECKING:
    from pathlib import Path


def test_everything_is_installed_by_its_hash() -> None:
    """Each install but the checkout's requires hashes, uv's are in requirements/dev.txt, and libraries are compiled."""
    needs(
        "make", not subprocess.run(["/usr/bin/env", "make", "--version"], capture_output=True, check=False).returncode
    )
    command = ["/usr/bin/env", "make", "--always-make", "--dry-run", "setup"]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    installs = [line for line in lines if "pip install" in line or "pip sync" in line]
    assert len(installs) == 3
    [libraries] = [line for line in installs if "pip sync" in line]
    assert "--compile-bytecode" in libraries
    assert [line for line in installs if "--require-hashes" not in line] == [
        line for line in installs if "--no-deps --no-build-isolation --editable ." in line
    ]
    [block] = [line for line in lines if line.startswith("sed ")]
    ran = subprocess.run(
        ["/bin/sh", "-c", block.partition(">")[0]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    first, *hashes = ran.stdout.splitlines()
    assert first.startswith("uv==")
    assert hashes
    assert all(line.strip().startswith("--hash=sha256:") for line in hashes)


COPIED = [
    "Makefile", "pyproject.toml", "README.md", "LICENSE", "requirements", "runtime", "matches", "subscriptions",
    "broadcaster", "api", "client", "loadtest", "devstack", "trials", "forecast", "commands", "terraform/system.json",
    "tests/web/package.json", "tests/web/package-lock.json", "tests/web/version.mjs",
]  # fmt: skip
SECONDS = 300.0
MAKE = ["/usr/bin/env", "make", "COMPILE="]
"""Options without the bytecode of all libraries, which takes most of the time and is not tested here."""

HALF_MADE = {
    "half of the libraries": ("lib/python*/site-packages/pydantic*", signal.SIGKILL),
    "a Python without pip": ("bin/python", signal.SIGINT),
}
"""States in which a first ``make setup`` is stopped: the file whose appearance begins the state, and the signal."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout without a ``.venv``."""
    needs("make", shutil.which("make"))
    folder = tmp_path_factory.mktemp("checkout") / "livescore"
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


def set_up(folder: Path) -> None:
    """Run ``make setup`` to its end, then the command of the checkout."""
    made = subprocess.run([*MAKE, "setup"], cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    ran = subprocess.run([".venv/bin/livescore", "--help"], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("state", list(HALF_MADE)[: soak(1, 2)])
def test_a_setup_that_was_killed_is_begun_anew(checkout: Path, state: str) -> None:
    """After ``kill -9`` in the first ``make setup``, the next one works; in ``make soak`` after Ctrl-C too."""
    appears, number = HALF_MADE[state]
    shutil.rmtree(checkout / ".venv", ignore_errors=True)
    with subprocess.Popen(
        [*MAKE, "setup"], cwd=checkout, start_new_session=True, stderr=subprocess.DEVNULL,
    ) as making:  # fmt: skip
        until(lambda: list((checkout / ".venv").glob(appears)), f"{appears} does not appear", SECONDS)
        os.killpg(making.pid, number)
    until(lambda: not alive(making.pid), "the group has not ended")
    assert not (checkout / ".venv/ready").exists()
    set_up(checkout)


def test_a_setup_is_left_alone_while_its_python_is_there(checkout: Path) -> None:
    """A second ``make setup`` does nothing; after the Python of ``.venv`` was removed, it makes another ``.venv``."""
    set_up(checkout)
    before = (checkout / ".venv/ready").stat().st_mtime_ns
    set_up(checkout)
    assert (checkout / ".venv/ready").stat().st_mtime_ns == before
    python = checkout / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nonexistent/python3")
    set_up(checkout)


def test_a_checkout_may_be_copied_or_moved(checkout: Path) -> None:
    """A checkout that was moved runs its own code: its ``.venv``, which names the old place, is made anew."""
    set_up(checkout)
    copied = checkout.with_name("copied")
    shutil.copytree(checkout, copied, symlinks=True)
    set_up(copied)
    program = [".venv/bin/python", "-I", "-c", "import devstack; print(devstack.__file__)"]
    ran = subprocess.run(program, cwd=copied, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str(copied / "devstack/__init__.py")
    assert (copied / ".venv/bin/livescore").read_text().startswith(f"#!{copied}/.venv/bin/python")


def test_half_made_node_modules_are_made_anew(checkout: Path) -> None:
    """A package of which only package.json was unpacked is installed again, completely."""
    needs("npm", shutil.which("npm"))
    half = checkout / "tests/web/node_modules/typescript"
    half.mkdir(parents=True)
    version = json.loads((checkout / "tests/web/package-lock.json").read_text())["packages"]["node_modules/typescript"]
    (half / "package.json").write_text(json.dumps({"name": "typescript", "version": version["version"]}))
    ran = subprocess.run(
        ["/usr/bin/env", "make", "tests/web/node_modules/ready"],
        cwd=checkout, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (half / "bin/tsc").exists()

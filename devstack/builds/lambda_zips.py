"""Builds the zips that the Lambda functions run: our packages, and the pinned libraries beside them.

Neither MiniStack nor a function on AWS is given a library that is not in the zip. There are zips for AWS, one for each
architecture, and one for the Python of this machine. They hold the same files but for extension modules and compiled
ones, and the same input gives the same bytes. MiniStack is given the last one in two parts (``Parts``): it unpacks
the zip again for each worker, so that zip has our packages only, and all workers share one folder with the libraries.

Everything is compiled ahead: a function cannot write to its folder, so it would compile what it imports at every cold
start. Only a Python of the same version can compile for another.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devstack.builds import library_trim
from devstack.builds.folder_lock import alone
from devstack.system import ROOT, STATE
from runtime.errors import ProgramError

PACKAGES = ("runtime", "matches", "subscriptions", "broadcaster", "api")
BUILD = STATE / "build"
PYTHON: Final = "3.13"
"""Of the functions' runtime."""

ARCHITECTURES: Final = {"arm64": "aarch64-manylinux2014", "x86_64": "x86_64-manylinux2014"}
"""By Lambda's name: the platform whose wheels run on Amazon Linux 2023, as uv names it
(https://docs.aws.amazon.com/lambda/latest/dg/python-package.html)."""

MOST_BYTES: Final = 25_000_000
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class PackageError(ProgramError):
    """A zip cannot be built; the text is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Target:
    """The platform of a zip."""

    name: str
    wheels: tuple[str, ...]
    """The options that tell uv which wheels to install."""
    python: str | None
    """The Python that compiles; None: sources only."""

    @classmethod
    def here(cls) -> Target:
        """This machine and this Python."""
        return cls("here", ("--python", sys.executable), sys.executable)

    @classmethod
    def lambda_function(cls, architecture: str, python: str | None) -> Target:
        """A function on AWS, of one of ``ARCHITECTURES``."""
        platform = ("--python-platform", ARCHITECTURES[architecture], "--python-version", PYTHON)
        return cls(architecture, (*platform, "--only-binary", ":all:"), python)


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the zip for this machine, for MiniStack."""

    code: Path
    """A zip of our packages."""
    libraries: Path
    """The folder of the libraries, for the PYTHONPATH of each function."""


def lambda_python(given: str | None = None) -> str | None:
    """A Python of this machine that has the version of the functions' runtime, None without one.

    Raises PackageError if it is not ``given`` that has it, where one is given.
    """
    if given is not None:
        if _version(given) != PYTHON:
            raise PackageError(f"{given} is no Python {PYTHON}.")
        return given
    managed = subprocess.run(
        [*_uv(), "python", "find", "--managed-python", "--no-python-downloads", PYTHON],
        capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    candidates = (sys.executable, shutil.which(f"python{PYTHON}"), managed)
    return next((each for each in candidates if each and _version(each) == PYTHON), None)


def package(folder: Path, python: str | None) -> list[Path]:
    """Build ``lambda-<architecture>.zip`` for each architecture into a folder; ``python`` compiles.

    Raises PackageError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for architecture in ARCHITECTURES:
        target = folder / f"lambda-{architecture}.zip"
        partial = target.with_suffix(".partial")
        shutil.copyfile(build(Target.lambda_function(architecture, python)), partial)
        made.append(partial.replace(target))
    return made


def build(target: Target | None = None, work: Path = BUILD) -> Path:
    """The zip for a target, this machine if none is said, built in ``work`` if it is not there yet.

    Raises PackageError when the libraries cannot be installed, or something cannot be compiled.
    """
    with alone(work):
        return _build(target or Target.here(), work)


def build_parts(work: Path = BUILD) -> Parts:
    """The parts for MiniStack, built in ``work`` if they are not there yet.

    Raises PackageError, as ``build`` does.
    """
    target = Target.here()
    with alone(work):
        libraries = _libraries(target, work)
        return Parts(_zipped(target, work, "code", libraries.name, ()), libraries)


def _build(target: Target, work: Path) -> Path:
    libraries = _libraries(target, work)
    return _zipped(target, work, "lambda", libraries.name, (libraries,))


def _zipped(target: Target, work: Path, kind: str, key: str, beside: tuple[Path, ...]) -> Path:
    """The zip of our packages, compiled, and of the folders beside them, made if it is not there yet."""
    sources = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    digest = hashlib.sha256(key.encode())
    for path in sources:
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    made = work / f"{kind}-{target.name}-{digest.hexdigest()[:16]}.zip"
    if not made.exists():
        staged = _fresh(work / f"staged-{target.name}")
        for each in PACKAGES:
            shutil.copytree(ROOT / each, staged / each, ignore=shutil.ignore_patterns("__pycache__", "*.json"))
        _compile(target, staged)
        _zip((*beside, staged), made)
        shutil.rmtree(staged)
    return made


def _libraries(target: Target, work: Path) -> Path:
    """The folder of the libraries for a target, installed if it is not there yet."""
    requirements = ROOT / "requirements/lambda.txt"
    made_of = [path.read_bytes() for path in (requirements, Path(library_trim.__file__), Path(__file__))]
    made_of += [each.encode() for each in target.wheels]
    made_of.append(_run(target.python, "import sys; print(sys.version)").encode() if target.python else b"")
    folder = work / f"libraries-{target.name}-{hashlib.sha256(b'|'.join(made_of)).hexdigest()[:16]}"
    if not folder.exists():
        staged = _fresh(work / f"libraries-staged-{target.name}")
        install = [*_uv(), "pip", "install", "--quiet", *target.wheels, "--require-hashes"]
        if subprocess.run([*install, "--target", str(staged), "-r", str(requirements)], check=False).returncode:
            raise PackageError("The libraries of the Lambda functions could not be installed; why is said above.")
        library_trim.trim(staged)
        _compile(target, staged)
        staged.rename(folder)
    return folder


def _uv() -> list[str]:
    return [sys.executable, "-m", "uv"]


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _run(python: str, code: str) -> str:
    """The output of a Python, empty if it does not run."""
    try:
        return subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def _version(python: str) -> str:
    return _run(python, "import sys; print('%d.%d' % sys.version_info[:2])")


def _compile(target: Target, folder: Path) -> None:
    if target.python is None:
        return
    # Unchecked: a zip keeps no source times to check against, and nobody edits the code of a function. The hash of
    # strings orders the sets among a module's constants.
    mode = ["--invalidation-mode", "unchecked-hash"]
    command = [target.python, "-m", "compileall", "-q", "-j0", *mode, "-s", str(folder), str(folder)]
    if subprocess.run(command, check=False, env={**os.environ, "PYTHONHASHSEED": "0"}).returncode:
        raise PackageError("The code of the Lambda functions could not be compiled; why is said above.")


def _zip(folders: tuple[Path, ...], target: Path) -> None:
    partial = target.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    entry = zipfile.ZipInfo(str(path.relative_to(folder)), _LONG_AGO)
                    entry.external_attr = 0o644 << 16
                    archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    partial.rename(target)

"""Builds the zips that the Lambda functions run: our packages and the pinned libraries.

A function has no library that is not in its zip. There is one zip for each architecture of AWS, and one for the Python
of this machine. They differ only in extension modules and compiled files. The same input gives the same bytes.

MiniStack gets the zip for this machine in two parts (``Parts``), because it unpacks a zip again for each worker: a zip
of our packages, and one folder of libraries that all workers share.

All Python files are compiled ahead. A function cannot write to its folder, so it would otherwise compile its imports at
every cold start. Only a Python of the same version can compile for the runtime.
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
"""The Python version of the functions' runtime."""

ARCHITECTURES: Final = {"arm64": "aarch64-manylinux2014", "x86_64": "x86_64-manylinux2014"}
"""Lambda's name of an architecture -> uv's name of the platform whose wheels run on Amazon Linux 2023
(https://docs.aws.amazon.com/lambda/latest/dg/python-package.html)."""

MOST_BYTES: Final = 25_000_000
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class PackageError(ProgramError):
    """A zip could not be built; the text is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Target:
    """The platform of a zip."""

    name: str
    wheels: tuple[str, ...]
    """The options that tell uv which wheels to install."""
    python: str | None
    """The Python that compiles the files; None if the zip has sources only."""

    @classmethod
    def here(cls) -> Target:
        """The target for this machine and this Python."""
        return cls("here", ("--python", sys.executable), sys.executable)

    @classmethod
    def lambda_function(cls, architecture: str, python: str | None) -> Target:
        """The target for a function on AWS. ``architecture`` is a key of ``ARCHITECTURES``."""
        platform = ("--python-platform", ARCHITECTURES[architecture], "--python-version", PYTHON)
        return cls(architecture, (*platform, "--only-binary", ":all:"), python)


@dataclass(frozen=True, slots=True)
class Parts:
    """The two parts of the zip for this machine, for MiniStack."""

    code: Path
    """A zip of our packages."""
    libraries: Path
    """The folder of the libraries, for the PYTHONPATH of each function."""


def lambda_python(given: str | None = None) -> str | None:
    """A Python on this machine that has the version of the functions' runtime; None if there is none.

    Returns ``given`` if there is one, and raises PackageError if its version is another.
    """
    if given is not None:
        if _version(given) != PYTHON:
            raise PackageError(f"{given} is not Python {PYTHON}.")
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
    """The path of the zip for a target, by default this machine. The zip is built in ``work`` if necessary.

    Raises PackageError if the libraries cannot be installed, or a file cannot be compiled.
    """
    with alone(work):
        return _build(target or Target.here(), work)


def build_parts(work: Path = BUILD) -> Parts:
    """The parts for MiniStack, built in ``work`` if necessary. Raises PackageError, like ``build``."""
    target = Target.here()
    with alone(work):
        libraries = _libraries(target, work)
        return Parts(_zipped(target, work, "code", libraries.name, ()), libraries)


def _build(target: Target, work: Path) -> Path:
    libraries = _libraries(target, work)
    return _zipped(target, work, "lambda", libraries.name, (libraries,))


def _zipped(target: Target, work: Path, kind: str, key: str, beside: tuple[Path, ...]) -> Path:
    """The path of a zip of our compiled packages and of the folders ``beside``. It is built if necessary."""
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
    """The folder of the libraries for a target. They are installed if necessary."""
    requirements = ROOT / "requirements/lambda.txt"
    made_of = [path.read_bytes() for path in (requirements, Path(library_trim.__file__), Path(__file__))]
    made_of += [each.encode() for each in target.wheels]
    made_of.append(_run(target.python, "import sys; print(sys.version)").encode() if target.python else b"")
    folder = work / f"libraries-{target.name}-{hashlib.sha256(b'|'.join(made_of)).hexdigest()[:16]}"
    if not folder.exists():
        staged = _fresh(work / f"libraries-staged-{target.name}")
        install = [*_uv(), "pip", "install", "--quiet", *target.wheels, "--require-hashes"]
        if subprocess.run([*install, "--target", str(staged), "-r", str(requirements)], check=False).returncode:
            raise PackageError("The libraries of the Lambda functions could not be installed; the reason is above.")
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
    """The output of ``code`` in a Python; empty if that Python does not run."""
    try:
        return subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def _version(python: str) -> str:
    return _run(python, "import sys; print('%d.%d' % sys.version_info[:2])")


def _compile(target: Target, folder: Path) -> None:
    if target.python is None:
        return
    # Unchecked: nobody edits the code of a function, so Python need not compare it with its source. The hash seed fixes
    # the order of sets in a module's constants, so that the same source gives the same bytes.
    mode = ["--invalidation-mode", "unchecked-hash"]
    command = [target.python, "-m", "compileall", "-q", "-j0", *mode, "-s", str(folder), str(folder)]
    if subprocess.run(command, check=False, env={**os.environ, "PYTHONHASHSEED": "0"}).returncode:
        raise PackageError("The code of the Lambda functions could not be compiled; the reason is above.")


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

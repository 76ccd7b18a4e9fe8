"""Builds the zip that every Lambda function runs: our packages, and the pinned libraries beside them.

Neither MiniStack nor a function on AWS is given a library that is not in the zip. Of botocore's service models (more
than 20 MB) only those that the code calls are kept, and everything is compiled ahead, so that a cold start spends
no time on it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

from devstack.system import ROOT, STATE

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = ("matches", "subscriptions", "broadcaster")
SERVICES = ("apigatewaymanagementapi", "dynamodb", "kinesis", "sqs", "stepfunctions")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def build() -> Path:
    """The zip for this Python, built if it is not there yet.

    Raises subprocess.CalledProcessError when the libraries cannot be installed.
    """
    libraries = _libraries()
    sources = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    digest = hashlib.sha256(libraries.name.encode())
    for path in sources:
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    target = STATE / "build" / f"lambda-{digest.hexdigest()[:16]}.zip"
    if not target.exists():
        staged = _fresh(STATE / "build" / "staged")
        for package in PACKAGES:
            shutil.copytree(ROOT / package, staged / package, ignore=shutil.ignore_patterns("__pycache__", "*.json"))
        _compile(staged)
        _zip((libraries, staged), target)
        shutil.rmtree(staged)
    return target


def _libraries() -> Path:
    """The folder of the libraries for this Python, installed if it is not there yet."""
    requirements = ROOT / "requirements/lambda.txt"
    key = hashlib.sha256(requirements.read_bytes() + sys.version.encode() + "".join(SERVICES).encode()).hexdigest()[:16]
    folder = STATE / "build" / f"libraries-{key}"
    if not folder.exists():
        staged = _fresh(STATE / "build" / "libraries-staged")
        install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable]
        subprocess.run([*install, "--require-hashes", "--target", str(staged), "-r", str(requirements)], check=True)
        for model in (staged / "botocore/data").iterdir():
            if model.is_dir() and model.name not in SERVICES:
                shutil.rmtree(model)
        shutil.rmtree(staged / "boto3/data")
        shutil.rmtree(staged / "bin", ignore_errors=True)
        _compile(staged)
        staged.rename(folder)
    return folder


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _compile(folder: Path) -> None:
    # Unchecked: a zip keeps no source times to check against, and nobody edits the code of a function.
    mode = ["--invalidation-mode", "unchecked-hash"]
    subprocess.run([sys.executable, "-m", "compileall", "-q", "-j0", *mode, "-s", str(folder), str(folder)], check=True)


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

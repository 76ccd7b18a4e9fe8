"""Removes the files of the installed libraries that no Lambda function uses. Changes only the given folder.

It removes botocore's models of services that our code does not call (more than 20 MB), sources of extension modules,
type stubs, tests, and records of the installation. From a ``.dist-info`` it keeps licences and the files that
``importlib.metadata`` reads.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

SERVICES: Final = {
    "apigatewaymanagementapi": "execute-api", "dynamodb": "dynamodb", "iot-data": "data-ats.iot",
    "kinesis": "kinesis", "sqs": "sqs", "ssm": "ssm", "stepfunctions": "states",
}  # fmt: skip
"""The services that the functions call: name of the model -> prefix of the endpoint."""

_NO_USE: Final = ("*.c", "*.h", "*.hash", "*.pxd", "*.pxi", "*.pyi", "*.pyx", "py.typed", ".lock")
_NO_USE_FOLDERS: Final = ("bin", "*/tests", "botocore/data/*/*/examples-1.json")
_INSTALLATION: Final = frozenset({"INSTALLER", "RECORD", "REQUESTED", "WHEEL", "direct_url.json", "uv_cache.json"})


def trim(folder: Path) -> None:
    """Remove the files that no function uses from ``folder``, in which libraries were installed."""
    for path in [found for pattern in _NO_USE for found in folder.rglob(pattern)]:
        path.unlink()
    for path in [found for pattern in _NO_USE_FOLDERS for found in folder.glob(pattern)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in [found for about in folder.glob("*.dist-info") for found in about.iterdir()]:
        if path.name in _INSTALLATION:
            path.unlink()
    data = folder / "botocore/data"
    for model in data.iterdir():
        if model.is_dir() and model.name not in SERVICES:
            shutil.rmtree(model)
    endpoints = data / "endpoints.json"
    ours = _ours(json.loads(endpoints.read_text()))
    # uv links files from its cache, so a write to this file would change every installation on the machine.
    endpoints.unlink()
    endpoints.write_text(json.dumps(ours, separators=(",", ":")))


def _ours(endpoints: dict[str, Any]) -> dict[str, Any]:
    """Botocore's table of endpoints, with our services only.

    Every process reads the table before it makes its first client. The whole table has more than 1 MB and takes 23 ms
    of a cold start. Regions and default endpoint patterns stay unchanged.
    """
    prefixes = frozenset(SERVICES.values())
    partitions = [
        {**each, "services": {name: about for name, about in each["services"].items() if name in prefixes}}
        for each in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}

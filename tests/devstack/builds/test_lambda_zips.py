"""The zips of the functions: the one that MiniStack runs, and those for AWS."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from devstack.builds.lambda_zips import (
    ARCHITECTURES,
    MOST_BYTES,
    PACKAGES,
    PYTHON,
    Target,
    build,
    build_parts,
    lambda_python,
)
from devstack.builds.library_trim import SERVICES, trim
from devstack.system import ROOT, System

SYSTEM = System(4566)
FUNCTIONS = sorted(SYSTEM.raw["functions"])
MACHINES = {"arm64": 183, "x86_64": 62}
"""Architecture -> the machine in the header of its ELF files (elf.h, EM_AARCH64 and EM_X86_64)."""

LIVESCORE = str(Path(sys.executable).parent / "livescore")
REGIONS = ("us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "zz-new-1")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip of the functions, unpacked as Lambda does."""
    folder = tmp_path_factory.mktemp("lambda")
    with zipfile.ZipFile(build()) as archive:
        archive.extractall(folder)
    return folder


def clean(unpacked: Path, code: str) -> Any:
    """The JSON output of code in a clean process that can import only from the zip."""
    code = f"import json, sys\nsys.path.insert(0, {str(unpacked)!r})\n{code}"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_zip_holds_everything(unpacked: Path, function: str) -> None:
    """A clean process that has only the zip can import each handler."""
    module = SYSTEM.raw["functions"][function]["handler"].rpartition(".")[0]
    assert clean(unpacked, f"import {module}; print(json.dumps({module}.__file__))").startswith(str(unpacked))


@pytest.mark.parametrize(
    ("function", "needless"),
    [
        ("routes", {"pydantic", "boto3", "jwt", "cryptography", "aiohttp", "botocore.session", "asyncio", "ssl"}),
        ("sender", {"pydantic", "boto3", "jwt", "cryptography", "aiohttp", "botocore.session"}),
        ("receipt", {"pydantic", "boto3", "jwt", "cryptography", "aiohttp", "botocore.session"}),
        ("authorizer", {"pydantic", "boto3", "aiohttp", "botocore.session"}),
        ("fanout", {"boto3", "jwt", "cryptography", "aiohttp", "botocore.session"}),
    ],
)
def test_no_function_imports_what_it_may_never_need(unpacked: Path, function: str, needless: set[str]) -> None:
    """A cold start imports little: clients load at their first use, models only in functions that take events."""
    module = SYSTEM.raw["functions"][function]["handler"].rpartition(".")[0]
    loaded = clean(unpacked, f"import {module}; print(json.dumps(list(sys.modules)))")
    assert needless.isdisjoint(loaded)


def test_a_client_needs_no_boto3(unpacked: Path) -> None:
    """Clients come from botocore itself, and the zip holds no library that only wraps it."""
    code = """
import os
from runtime import aws
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
aws.dynamodb(), aws.connections("http://127.0.0.1:1")
print(json.dumps(list(sys.modules)))"""
    loaded = clean(unpacked, code)
    assert "botocore.session" in loaded
    assert not {"boto3", "aioboto3", "s3transfer"} & {name.partition(".")[0] for name in loaded}
    assert not (unpacked / "boto3").exists()


def test_every_service_is_where_it_was(unpacked: Path) -> None:
    """Only the endpoints of our services are left in botocore's table, unchanged and at their places."""
    code = f"""
import botocore.session
from botocore.config import Config
session = botocore.session.Session()
print(json.dumps([
    session.create_client(
        service, region, aws_access_key_id="a", aws_secret_access_key="b", config=Config(use_fips_endpoint=fips)
    ).meta.endpoint_url
    for service in {list(SERVICES)} for region in {REGIONS} for fips in (False, True)
]))"""
    whole = subprocess.run([sys.executable, "-c", f"import json\n{code}"], capture_output=True, text=True, check=True)
    assert clean(unpacked, code) == json.loads(whole.stdout)
    assert len(json.loads(whole.stdout)) == len(SERVICES) * len(REGIONS) * 2


def test_the_cache_of_the_installer_is_left_alone(tmp_path: Path) -> None:
    """Files are links into uv's cache, which other environments share, so they are replaced and not written to."""
    cached, folder = tmp_path / "endpoints.json", tmp_path / "libraries"
    services: dict[str, Any] = {"dynamodb": {}, "s3": {}}
    cached.write_text(json.dumps({"partitions": [{"services": services}]}))
    (folder / "botocore/data").mkdir(parents=True)
    (folder / "botocore/data/endpoints.json").hardlink_to(cached)
    trim(folder)
    assert json.loads((folder / "botocore/data/endpoints.json").read_text())["partitions"] == [
        {"services": {"dynamodb": {}}}
    ]
    assert json.loads(cached.read_text())["partitions"] == [{"services": services}]


@pytest.fixture(scope="module", params=ARCHITECTURES)
def for_aws(request: pytest.FixtureRequest) -> tuple[str, Path]:
    """An architecture and its zip, compiled if this machine can compile for it."""
    architecture: str = request.param
    return architecture, build(Target.lambda_function(architecture, lambda_python() or sys.executable))


def test_a_zip_is_small_enough(for_aws: tuple[str, Path]) -> None:
    """A zip has at most 25 MB with compiled code, because its size adds to a cold start."""
    assert for_aws[1].stat().st_size <= MOST_BYTES


def test_extension_modules_are_those_of_the_runtime(for_aws: tuple[str, Path]) -> None:
    """Every extension module is built for the function's processor and Python."""
    architecture, made = for_aws
    version = PYTHON.replace(".", "")
    with zipfile.ZipFile(made) as archive:
        names = [name for name in archive.namelist() if name.endswith(".so")]
        machines = {struct.unpack_from("<H", archive.read(name), 18)[0] for name in names}
    assert machines == {MACHINES[architecture]}
    assert [name for name in names if not re.search(rf"\.(cpython-{version}-\S+|abi3)\.so$", name)] == []
    assert any("orjson" in name for name in names)


def test_nothing_needless_is_in_the_zip(for_aws: tuple[str, Path]) -> None:
    """The zip has no tests, stubs, sources of extension modules or models of unused services, but every licence."""
    with zipfile.ZipFile(for_aws[1]) as archive:
        names = archive.namelist()
    assert [name for name in names if re.search(r"\.(pyi|pyx|pxd|c|h)$|(^|/)tests/|/RECORD$", name)] == []
    models = {name.split("/")[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 2}
    assert models == set(SERVICES)
    about = {name.split("/")[0] for name in names if ".dist-info/" in name}
    assert about == {name.split("/")[0] for name in names if name.endswith(".dist-info/METADATA")}
    assert {"botocore", "orjson"} <= {name.split("-")[0] for name in names if "LICENSE" in name.rpartition("/")[2]}


def test_ministack_is_given_what_the_zip_holds() -> None:
    """The zip and the folder for MiniStack together have exactly the files of the zip for this machine."""
    parts = build_parts()
    with zipfile.ZipFile(parts.code) as archive:
        code = {name: archive.read(name) for name in archive.namelist()}
    files = [path for path in parts.libraries.rglob("*") if path.is_file()]
    libraries = {str(path.relative_to(parts.libraries)): path.read_bytes() for path in files}
    with zipfile.ZipFile(build()) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {**libraries, **code}
    assert {name.partition("/")[0] for name in code} == set(PACKAGES)


def test_everything_is_compiled_ahead() -> None:
    """Every module is compiled, by the named Python, because a function cannot store compiled files."""
    with zipfile.ZipFile(build()) as archive:
        names = set(archive.namelist())
    tag = sys.implementation.cache_tag
    sources = [Path(name) for name in names if name.endswith(".py")]
    compiled = {f"{path.parent}/__pycache__/{path.stem}.{tag}.pyc".removeprefix("./") for path in sources}
    assert compiled <= names
    assert {"matches/__pycache__/ledger." + str(tag) + ".pyc"} <= compiled


def test_without_a_python_to_compile_there_are_sources_only() -> None:
    """A zip has no bytecode of another Python version, which the runtime could not use."""
    with zipfile.ZipFile(build(Target.lambda_function("arm64", None))) as archive:
        names = archive.namelist()
    assert "broadcaster/send/sender.py" in names
    assert [name for name in names if name.endswith(".pyc")] == []


def test_the_same_code_gives_the_same_bytes(tmp_path: Path) -> None:
    """A zip that is built and compiled again has the same bytes, so a deployment without a change changes nothing."""
    target = Target.lambda_function("arm64", lambda_python() or sys.executable)
    assert build(target, tmp_path).read_bytes() == build(target).read_bytes()


def test_another_python_is_refused(tmp_path: Path) -> None:
    """A Python of another version is refused before anything is built, because its bytecode would never be read."""
    wrong = tmp_path / "python"
    wrong.write_text("#!/bin/sh\necho 3.9\n")
    wrong.chmod(0o755)
    for python in (str(wrong), str(tmp_path / "none")):
        command = [LIVESCORE, "package", "--to", str(tmp_path / "dist"), "--python", python]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 1
        assert f"is not Python {PYTHON}." in ran.stderr
        assert "Traceback" not in ran.stderr
    assert not (tmp_path / "dist").exists()


def test_two_that_build_at_once_build_one_zip(tmp_path: Path) -> None:
    """Two commands that start together in a new checkout wait for each other and keep each other's folders."""
    program = (
        "import pathlib, sys; from devstack.builds.lambda_zips import build; build(work=pathlib.Path(sys.argv[1]))"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [each.communicate(timeout=300)[1] for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    assert len(list(tmp_path.glob("lambda-here-*.zip"))) == 1

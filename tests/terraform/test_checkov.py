"""checkov's opinion of the production example, and what it is told to leave alone."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from devstack import environments
from devstack.system import ROOT
from tests.terraform.conftest import unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SKIPS = ROOT / "terraform/checkov.yaml"
_SEEDED = 'resource "aws_kinesis_stream" "seeded" {\n  name = "seeded"\n}\n'
_SEEDED_ID = "CKV_AWS_43"


@pytest.fixture(scope="module")
def objections(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What checkov objects to with nothing skipped, as check = resources; it is given a stream in the clear as well."""
    try:
        binary: Path = environments.environment("checkov") / "bin/checkov"
    except subprocess.CalledProcessError:
        unavailable("checkov could not be installed; what pip said is above.")
    seeded = tmp_path_factory.mktemp("seeded")
    (seeded / "main.tf").write_text(_SEEDED)
    folders = ["-d", str(ROOT / "terraform/examples/production"), "-d", str(seeded)]
    command = [
        str(binary),
        "--framework",
        "terraform",
        "--skip-download",
        "--quiet",
        "--compact",
        "-o",
        "json",
        *folders,
    ]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    found: dict[str, set[str]] = {}
    for report in _documents(ran.stdout):
        assert report["summary"]["parsing_errors"] == 0
        for failed in report["results"]["failed_checks"]:
            found.setdefault(failed["check_id"], set()).add(failed["resource"])
    return found


def test_checkov_has_no_new_objection(objections: dict[str, set[str]]) -> None:
    """Whatever checkov objects to is in the skip list, and so has a reason."""
    ours = {
        check: resources - {"aws_kinesis_stream.seeded"}
        for check, resources in objections.items()
        if resources - {"aws_kinesis_stream.seeded"}
    }
    assert ours.keys() - skipped().keys() == set(), ours


def test_no_skip_is_left_over(objections: dict[str, set[str]]) -> None:
    """A line that nothing needs any more would hide a mistake to come."""
    assert skipped().keys() - objections.keys() == set()


def test_every_skip_has_its_reason() -> None:
    """Each line of the skip list says why."""
    assert [check for check, reason in skipped().items() if len(reason.split()) < 4] == []


def test_checkov_finds_a_seeded_mistake(objections: dict[str, set[str]]) -> None:
    """A stream in the clear, beside the example, is objected to: checkov does look."""
    assert "aws_kinesis_stream.seeded" in objections[_SEEDED_ID]


def _documents(text: str) -> Iterator[dict[str, Any]]:
    """The JSON documents of a text, one for each folder."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        document, end = decoder.raw_decode(text, at)
        yield document
        at = end + len(text[end:]) - len(text[end:].lstrip())


def skipped() -> dict[str, str]:
    """The skip list: each check with the reason on its line."""
    lines = SKIPS.read_text().partition("skip-check:\n")[2].splitlines()
    found = [re.fullmatch(r"  - (CKV2?_AWS_\d+)(?:  # (.*))?", line) for line in lines]
    assert all(found), "a line of the skip list is not a check with its reason"
    return {each[1]: each[2] or "" for each in found if each}

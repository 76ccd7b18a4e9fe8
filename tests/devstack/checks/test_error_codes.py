"""The docs name each code with which the API or the viewers' protocol refuses."""

from __future__ import annotations

import re

from devstack.system import ROOT

RAISED = {
    "docs/api.md": ("api", r'ApiError\(\s*HTTPStatus\.\w+,\s*"(\w+)"'),
    "docs/protocol.md": ("subscriptions", r'(?:RequestError|ExcessError)\(\s*"(\w+)"'),
}
"""Page -> the folder that raises the errors, and the pattern of a code."""


def codes(folder: str, pattern: str) -> set[str]:
    """The codes that the files of the folder raise."""
    return {code for path in (ROOT / folder).glob("*.py") for code in re.findall(pattern, path.read_text("utf-8"))}


def test_the_docs_name_every_code_that_is_raised() -> None:
    """A client's author finds each code on the page of the API or of the protocol."""
    for page, (folder, pattern) in RAISED.items():
        text = (ROOT / page).read_text("utf-8")
        assert {code for code in codes(folder, pattern) if f"`{code}`" not in text} == set(), page


def test_the_apis_table_of_errors_is_the_codes_that_are_raised() -> None:
    """The table in docs/api.md has every code and no other one."""
    table = (ROOT / "docs/api.md").read_text("utf-8").split("## Errors\n")[1].split("\n## ")[0]
    rows = [row for row in table.splitlines() if re.match(r"\| \d", row)]
    stated = {code for row in rows for code in re.findall(r"(?:^\|[^|]*\||[:;,.]) `(\w+)`", row)}
    assert stated == codes(*RAISED["docs/api.md"])

"""The links of the pages lead to files and headings that exist."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import pytest

from devstack.system import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [
    *sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")), *sorted((ROOT / "terraform").rglob("README.md")),
]  # fmt: skip
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE_BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of the page's headings, as GitHub makes them."""
    headings = re.findall(r"^#{1,6} (.+)$", CODE_BLOCK.sub("", page.read_text("utf-8")), re.MULTILINE)
    shown = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in shown}


def dead_links(page: Path, text: str) -> list[str]:
    """The links of a page's text to a file or a heading that does not exist. Addresses on the web are left out."""
    found = []
    for link in LINK.findall(CODE_BLOCK.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_pages_links_lead_somewhere(page: Path) -> None:
    """A reader who follows a link finds the file, and the heading if the link names one."""
    assert dead_links(page, page.read_text("utf-8")) == []


def test_a_dead_link_is_found() -> None:
    """A file that is gone, a heading that is gone, here and on another page; a link to the web is not followed."""
    text = (
        "[a](gone.md) [b](errors.md#gone) [c](#gone) [d](https://example.org/#x) [e](errors.md#settings) [f](#benches)"
    )
    assert dead_links(ROOT / "docs/rows.md", text) == ["gone.md", "errors.md#gone", "#gone", "#benches"]

"""Pure: finds sentences without a named subject, and citations without an address, in docstrings, comments and docs.

A sentence must not begin with a clause that stands for a thing: "what is left", "who posts twice", "how far it is". A
question may. Headings, and the first sentence of a table's cell, are names: they are not checked.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HEADLESS = re.compile(r"(?:Wh(?:at|o|ich)(?:so)?(?:ever)?|Whom|Whose|How)\b")
_END = re.compile(r'(?<=[.!?:;])[)"”*_]*\s+(?=[*_("“]*[A-Z`])')
"""The gap between two sentences. A colon ends a sentence too, because docstrings write ``name: Meaning``."""
_BARE_PAGE = re.compile(r"(?<![\w./-])(?:(?:[\w.-]+/)+[\w-]+|[\w-]+)\.html\b(?!\])|\brepost\.aws/[\w/-]+(?![\w/-]*\])")
_ADDRESS_OR_CODE = re.compile(r"https?://\S+|`+[^`]*`+")
_OUR_PAGES = {"index.html", "operator.html"}
_ITEM = re.compile(r"\s*(?:[-*]|\d+\.|@\w+(?:\s+\{[^}]*\})?)\s")
_COMMENT_MARK = re.compile(r"^\s*(?:#+|//+|/\*+|\*(?!\*)/?)\s?|\s*\*/\s*$")
_JS_COMMENT = re.compile(r"/\*.*?\*/|^[ \t]*//.*?$|(?<=[;,{}()\]]) +//.*?$", re.DOTALL | re.MULTILINE)
_HASH_COMMENT = re.compile(r"^[ \t]*#.*$|(?<=[\s])# .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fault:
    """A sentence or a citation to mend, and the line on which its paragraph begins."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text without comment marks, and the line on which it begins."""

    line: int
    text: str
    named: bool = False
    """Whether the first sentence is a name: a heading, or a cell of a table."""


def faults(name: str, source: str) -> list[Fault]:
    """All faults of one file. The ending of ``name`` selects the parser; a file with another ending has no faults."""
    ending = name.rpartition(".")[2]
    if ending == "py":
        found: Iterable[Paragraph] = python(source)
    elif ending in {"js", "mjs", "ts", "css"}:
        found = marked(source, _JS_COMMENT)
    elif ending in {"tf", "hcl"}:
        found = marked(source, _HASH_COMMENT)
    elif ending == "md":
        found = markdown(source)
    else:
        return []
    return sorted({fault for each in found for fault in judged(each)}, key=lambda fault: (fault.line, fault.text))


def judged(paragraph: Paragraph) -> Iterator[Fault]:
    """The faults of one paragraph."""
    text = " ".join(paragraph.text.split())
    for count, sentence in enumerate(_END.split(text)):
        bare = sentence.strip('*_("“”) ')
        if _HEADLESS.match(bare) and not bare.endswith("?") and not (paragraph.named and count == 0):
            yield Fault(paragraph.line, sentence)
    for found in _BARE_PAGE.finditer(_ADDRESS_OR_CODE.sub("", text)):
        if found.group() not in _OUR_PAGES:
            yield Fault(paragraph.line, f"{found.group()} is not an address: write https://…")


def python(source: str) -> Iterator[Paragraph]:
    """The docstrings of a Python file, also those of attributes, and its comments."""
    for node in statements(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from paragraphs(node.lineno, node.value.value.splitlines())
    if "#" not in source:
        return
    comments = [
        (token.start[0], token.string)
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    yield from blocks(comments)


def statements(module: ast.Module) -> Iterator[ast.AST]:
    """Every statement, in no order. Only statements can be docstrings, and most nodes of a tree are expressions."""
    left: list[ast.AST] = [module]
    while left:
        node = left.pop()
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            left += getattr(node, name, ())
        yield node


def marked(source: str, comment: re.Pattern[str]) -> Iterator[Paragraph]:
    """The comments that the pattern ``comment`` finds in a file of another language."""
    single = list[tuple[int, str]]()
    for found in comment.finditer(source):
        lines = list(enumerate(found.group().splitlines(), source.count("\n", 0, found.start()) + 1))
        if found.group().startswith("/*"):
            yield from blocks(lines)
        else:
            single += lines
    yield from blocks(single)


def blocks(comments: Iterable[tuple[int, str]]) -> Iterator[Paragraph]:
    """The paragraphs of comments. Comments on consecutive lines are one text."""
    first, texts = 0, list[str]()
    for line, text in comments:
        if line != first + len(texts):
            yield from paragraphs(first, texts)
            first, texts = line, []
        texts.append(_COMMENT_MARK.sub("", text))
    yield from paragraphs(first, texts)


def markdown(source: str) -> Iterator[Paragraph]:
    """The paragraphs, list items, headings and table cells of a page, without blocks of code."""
    fenced, first, texts = False, 1, list[str]()
    for line, text in enumerate(source.splitlines(), 1):
        fence = text.lstrip().startswith("```")
        fenced ^= fence
        if not (fence or fenced or text.startswith(("#", "|", "    "))):
            texts.append(text)
            continue
        yield from paragraphs(first, texts)
        first, texts = line + 1, []
        if text.startswith("|") and not fenced:
            yield from (Paragraph(line, cell, named=True) for cell in text.split("|"))
    yield from paragraphs(first, texts)


def paragraphs(first: int, lines: Iterable[str]) -> Iterator[Paragraph]:
    """The paragraphs of a text, which is split at empty lines and at list items."""
    begun, texts = first, list[str]()
    for line, text in enumerate(lines, first):
        item = _ITEM.match(text)
        if texts and (item or not text.strip()):
            yield Paragraph(begun, " ".join(texts))
            texts = []
        if text.strip():
            begun = begun if texts else line
            texts.append(text[item.end() :] if item else text)
    if texts:
        yield Paragraph(begun, " ".join(texts))

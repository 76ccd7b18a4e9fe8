"""The check of sentences and citations in docstrings, comments and docs."""

from __future__ import annotations

import pytest

from devstack.checks.english import faults


def texts(name: str, source: str) -> list[str]:
    """The sentences and citations that are refused."""
    return [fault.text for fault in faults(name, source)]


@pytest.mark.parametrize("word", ["What", "Who", "Whoever", "Whatever", "Which", "Whichever", "Whom", "Whose", "How"])
def test_a_sentence_that_begins_with_a_clause_is_refused(word: str) -> None:
    """Each word that begins a clause which stands for a thing is refused at the beginning of a sentence."""
    assert texts("a.md", f"A subject is named. {word} is left is sent.") == [f"{word} is left is sent."]


@pytest.mark.parametrize("text", [
    "What is left?",
    "A viewer who posts twice waits.",
    "However late it is, the row stays.",
    "Whether the row is there.",
    "Whole rows are read.",
    "# What a goal does",
    "```\nWhat is left is sent.\n```",
    "| What is left | Who sends it |",
    "Write `What is left` so.",
])  # fmt: skip
def test_a_question_a_name_or_code_may_begin_so(text: str) -> None:
    """Questions, clauses within a sentence, headings, code and names in tables are not refused."""
    assert texts("a.md", text) == []


def test_a_second_sentence_of_a_cell_is_checked() -> None:
    """Only the first sentence of a cell is a name."""
    assert texts("a.md", "| Rows. What is left is sent. |") == ["What is left is sent."]


def test_an_item_begins_a_sentence() -> None:
    """An item of a list is checked although no full stop stands before it."""
    assert texts("a.md", "Three things:\n- the rows\n- **What is left** is sent") == ["**What is left** is sent"]


def test_python_is_checked_in_docstrings_and_comments_only() -> None:
    """Docstrings of modules, functions and attributes and comments are read; strings of a program are not."""
    source = '''"""How far it is."""
LEFT = "What is left"
"""What is
left."""


def left() -> str:
    """Who asks."""
    # The rows.
    # Which of them
    # are left.
    return "Who asks"
'''
    assert [(fault.line, fault.text) for fault in faults("a.py", source)] == [
        (1, "How far it is."), (3, "What is left."), (8, "Who asks."), (9, "Which of them are left."),
    ]  # fmt: skip


@pytest.mark.parametrize("opening", [
    "if a:", "if a:\n    pass\nelse:", "for a in b:\n    pass\nelse:", "while a:", "with a:", "class A:",
    "async def a():", "try:", "try:\n    pass\nexcept A:", "try:\n    pass\nfinally:", "match a:\n  case 1:",
])  # fmt: skip
def test_a_docstring_is_checked_in_every_block(opening: str) -> None:
    """A text below any compound statement is read."""
    end = "\nfinally:\n    pass" if opening == "try:" else ""
    assert texts("a.py", f'{opening}\n    """What is left."""{end}\n') == ["What is left."]


@pytest.mark.parametrize("comment", [
    "/** What is left. */",
    "/**\n * The rows.\n *\n * What is left.\n */",
    "// What is\n// left.",
    "send(); // What is left.",
    "/** @param {number} rows */\n/** What is left. */",
])  # fmt: skip
def test_comments_of_javascript_are_checked(comment: str) -> None:
    """Each form of a comment is read, and a string is not."""
    assert " ".join(texts("a.js", f'const text = "What is left.";\n{comment}\n')).endswith("What is left.")
    assert texts("a.js", 'const text = "What is left.";') == []


def test_comments_of_terraform_are_checked() -> None:
    """A comment of Terraform is read; a description is shown to people and is not."""
    source = 'description = "What is left."\n# What is\n# kept.\n'
    assert texts("a.tf", source) == ["What is kept."]


@pytest.mark.parametrize("citation", ["limits.html", "developerguide/GSI.html", "repost.aws/knowledge-center/a-page"])
def test_a_citation_is_a_whole_address(citation: str) -> None:
    """A page without its host is refused; an address, one of our pages and the text of a link are not."""
    assert texts("a.py", f'"""A limit ({citation})."""') == [f"{citation} is not an address: write https://…"]
    address = f"https://docs.aws.amazon.com/{citation}"
    assert texts("a.md", f"A limit (<{address}>), [{citation}]({address}) and operator.html.") == []


def test_other_files_have_no_faults() -> None:
    """A kind of file that the check does not know is not read."""
    assert texts("a.json", '"What is left."') == []

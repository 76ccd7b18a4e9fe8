"""One word for one thing: the glossary is short, and retired words do not come back."""

from __future__ import annotations

from collections import Counter

import pytest

from devstack.checks.pure_files import rooms
from devstack.checks.vocabulary import MOST_WORDS, RETIRED, glossary_words, retired_names
from devstack.system import ROOT


def test_the_glossary_defines_at_most_thirty_words_each_once() -> None:
    """A reader learns the words in a few minutes, and no word means two things."""
    words = glossary_words((ROOT / "docs/glossary.md").read_text("utf-8"))
    assert 0 < len(words) <= MOST_WORDS
    assert len(words) == len(set(words))


def test_no_retired_word_names_a_thing_of_the_product() -> None:
    """No module, class, function, parameter, variable or attribute of our packages has a retired name."""
    faults = [
        f"{path.relative_to(ROOT)}:{line}: {name} is now {RETIRED[name]}"
        for room in rooms()
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, name in retired_names(path.read_text("utf-8"))
    ]
    assert faults == []


def test_no_two_files_of_the_product_have_the_same_name() -> None:
    """A file's name alone says which file it is; ``__init__.py`` and ``errors.py`` belong to every room.

    A transport's file is named after the transport, in each room that has a folder ``transports``.
    """
    files = [path for room in rooms() for path in (ROOT / room).rglob("*.py")]
    names = Counter(path.name for path in files if path.parent.name != "transports")
    assert {name for name, count in names.items() if count > 1} <= {"__init__.py", "errors.py"}
    assert set(names).isdisjoint({path.name for path in files if path.parent.name == "transports"} - {"__init__.py"})


@pytest.mark.parametrize(
    "source",
    [
        "class telling: pass", "def telling(): pass", "async def telling(): pass", "def f(telling): pass",
        "telling = 1", "a.telling", "from broadcaster.control.telling import parse", "from a import telling",
        "f(telling=1)",
    ],
)  # fmt: skip
def test_a_retired_word_is_found_wherever_it_names_a_thing(source: str) -> None:
    """A planted name is found with its line, however it is used."""
    assert retired_names(f"\n{source}\n") == [(2, "telling")]


def test_sentences_and_texts_may_use_any_word() -> None:
    """A retired word may stand in a docstring, in a text, and as a part of a longer name."""
    assert retired_names('"""The telling."""\nstorytelling = {"telling": f(*a, **b)}\nfrom . import c\n') == []


def test_the_words_of_a_glossary_are_those_of_its_tables() -> None:
    """Neither the head of a table nor the text around it counts as a word."""
    page = "# G\n\ntext\n\n| word | meaning | in code |\n| --- | --- | --- |\n| lap | One pass. | `lap.py` |\n"
    assert glossary_words(page) == ["lap"]

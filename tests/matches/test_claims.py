"""The rights that claims give."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matches.claims import (
    ClaimsError,
    competition_key,
    covers,
    identity,
    read_competitions,
    write_competitions,
)


@pytest.mark.parametrize(
    ("claim", "read"),
    [
        (["cup", "league"], {"cup", "league"}),
        ("cup league", {"cup", "league"}),
        ("cup,league", {"cup", "league"}),
        ("[cup league]", {"cup", "league"}),  # as an HTTP API hands on a list
        ("World-Cup-2022", {"world-cup-2022"}),
        ("*", {"*"}),
        ("", set()),
        ("- !", set()),
        ([], set()),
        (["World Cup"], set()),  # an HTTP API would make two of it
        ([7, None, {}], set()),
        (7, set()),
        ({"cup": True}, set()),
        (True, set()),
    ],
)
def test_competitions_are_read_however_they_come(claim: Any, read: set[str]) -> None:
    """Lists and text mean the same; what is neither allows nothing."""
    assert read_competitions(claim) == read


@pytest.mark.parametrize(
    ("keys", "competition", "covered"),
    [
        ({"world-cup-2022"}, "World Cup 2022", True),
        ({"world-cup-2022"}, "  world-cup 2022!", True),
        ({"serie-a"}, "Serie A", True),
        ({"world-cup-2022"}, "World Cup", False),
        ({"world", "cup"}, "World Cup", False),
        ({"*"}, "anything", True),
        (set(), "World Cup", False),
        (set(), "*", False),
        (set(), "!!!", False),
        (set(), None, True),
    ],
)
def test_keys_cover_competitions(keys: set[str], competition: str | None, covered: bool) -> None:
    """A name is covered by its key or by all; a match without a competition by anything."""
    assert covers(keys, competition) is covered


@given(st.text(min_size=1))
def test_a_name_is_covered_by_its_own_key_as_text(name: str) -> None:
    """A key survives the way through an authorizer's context, whatever letters the name has."""
    key = competition_key(name)
    assert not set(key) & set(" ,[]*")
    assert covers(read_competitions(write_competitions({key} - {""})), name) is bool(key)


@pytest.mark.parametrize(
    ("one", "other"),
    [("ลีก", "ลก"), ("कप", "कीप"), ("कीप", "की प"), ("q\u0301", "q"), ("q\u0301", "q\u0300"), ("i\u0307", "i")],
)
def test_marks_belong_to_names(one: str, other: str) -> None:
    """Competitions whose names differ in combining marks alone have different keys."""
    assert competition_key(one) != competition_key(other)
    assert not covers({competition_key(one)}, other)
    assert competition_key(competition_key(one)) == competition_key(one)


def test_a_combining_mark_gives_the_same_key_in_every_form() -> None:
    """A letter with its mark, or the letter and then the mark, is one name."""
    assert competition_key("Lig\u0101 1") == competition_key("Liga\u0304 1") == "lig\u0101-1"


def test_claims_state_an_identity() -> None:
    """Scopes from text or a list, a client if there is one; no word on competitions is told apart from none."""
    who = identity({"sub": "ann", "scope": ["a", "b"], "client_id": "c"})
    assert (who.subject, who.client, who.competitions) == ("ann", "c", None)
    assert who.scopes == {"a", "b"}
    assert identity({"sub": "ann", "competitions": ""}).competitions == frozenset()


@pytest.mark.parametrize("subject", [None, "", 7, "x" * 201, "a\nb", "\x1b[2J"])
def test_somebody_must_be_named(subject: Any) -> None:
    """A subject goes into the log and the history: a short printable text."""
    with pytest.raises(ClaimsError):
        identity({"sub": subject})

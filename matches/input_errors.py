"""Pure: turns pydantic's errors about an input into sentences for the person who sent it.

A message names the field and says what its value must be. It shows no regular expression, no part of pydantic's path
beyond the field, and no value of the input. The commands of ``livescore`` use the same sentences with the names of
their options.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

_EVENT_ID: Final = "1 to 64 letters without accents, digits or the characters _ . : -"

FORMS: Final[dict[str, str]] = {
    "event_id": _EVENT_ID,
    "cancels": f"the id of an event: {_EVENT_ID}",
    "amends": f"the id of an event: {_EVENT_ID}",
    "about": f"the id of an event: {_EVENT_ID}",
    "match": "the id of a match: at most 20 small letters and digits, with single hyphens between them",
    "request": "the 16 hexadecimal digits that the answer to the event has named",
    "kickoff": "a time such as 2022-12-18T18:00:00+03:00, or a day such as 2022-12-18",
    "day": "a day such as 2022-12-18",
    "score": "two whole numbers, the goals of the home and of the away side, such as [3, 0]",
    "first_leg": "two whole numbers, the goals of this match's home and away side in the first leg, such as [2, 1]",
    "lineups": 'lists of names: {"home": ["Name"], "away": ["Name"]}',
}
"""Field -> its written form, where its type does not say it."""

WANTED: Final[dict[str, str]] = {
    "kind": "say what happened",
    "cancels": "name the event to take back",
    "amends": "name the event to correct",
    "team": "say home, away or the name of a team",
    "scored": "say whether the kick was scored",
    "decision": "say what the video assistant decided",
    "score": "state the goals of both sides that count from now on",
    "kickoff": "say when the match begins",
}
"""Field -> an instruction if it is missing."""

_SOURCES: Final = frozenset({"body", "path", "query", "header"})
_TYPES: Final = {
    "int": "a whole number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "tuple": "a list",
    "dict": "a JSON object",
    "model": "a JSON object",
    "date": FORMS["day"],
    "datetime": FORMS["kickoff"],
    "timezone": FORMS["kickoff"],
}
"""First part of an error's type -> the form that the value must have."""
_SHOWN: Final = 40
"""Characters of the longest unknown field name that a message shows."""


def describe_problems(
    problems: Iterable[Mapping[str, Any]], tags: Collection[str] = (), named: Callable[[str], str] = str
) -> str:
    """The errors that pydantic lists (``ValidationError.errors()``) as clauses with ``; `` between them.

    ``tags`` are the kinds that pydantic puts into the path of a field. ``named`` gives the name of a field that the
    reader knows.
    """
    return "; ".join(dict.fromkeys(_words(problem, tags, named) for problem in problems))


def _words(problem: Mapping[str, Any], tags: Collection[str], named: Callable[[str], str]) -> str:
    path = list(problem["loc"])
    if path and path[0] in _SOURCES:
        del path[0]
    kind = path.pop(0) if path and path[0] in tags else None
    error: str = problem["type"]
    context: Mapping[str, Any] = problem.get("ctx") or {}
    if error == "union_tag_not_found":
        return f"{named('kind')} is missing: {WANTED['kind']}"
    if error == "union_tag_invalid":
        return f"{named('kind')} must be one of: {_listed(context.get('expected_tags', ', '.join(tags)))}"
    if not path:
        return _said(problem) if error == "value_error" else "it must be a JSON object"
    field = str(path[0])
    if error == "extra_forbidden":
        return _foreign(str(path[-1]), kind, named)
    name = named(field) + _within(path[1:])
    if error == "missing" and path[1:] and field in FORMS:
        return f"{named(field)} must be {FORMS[field]}"
    if error == "missing":
        return f"{name} is missing: {WANTED[field]}" if field in WANTED else f"{name} is missing"
    if error == "value_error":
        return f"{name} {_said(problem)}" if _said(problem).startswith("must ") else f"{name}: {_said(problem)}"
    return f"{name} {_wrong(error, context, problem['msg'], FORMS.get(field) if name == named(field) else None)}"


def _wrong(error: str, context: Mapping[str, Any], said: str, form: str | None) -> str:
    """The fault of a value: the words after the name of its field. ``form``: the written form of the field, if any."""
    number = next((context[each] for each in ("ge", "le", "gt", "lt") if each in context), None)
    match error:
        case "string_too_short":
            return "is empty"
        case "string_too_long":
            return f"may have at most {context['max_length']} characters" if "max_length" in context else "is too long"
        case "too_long" if form is None and "max_length" in context:
            return f"may have at most {context['max_length']} entries"
        case "literal_error" if context.get("expected") == "True":
            return "must be true, or be left out"
        case "literal_error" if "expected" in context:
            return f"must be one of: {_listed(context['expected'].replace(' or ', ', '))}"
        case "greater_than_equal" if number is not None:
            return f"must be at least {number}"
        case "less_than_equal" if number is not None:
            return f"must be at most {number}"
    if form is not None:
        return f"must be {form}"
    if (wanted := _TYPES.get(error.partition("_")[0])) is not None and error != "string_pattern_mismatch":
        return f"must be {wanted}"
    if "pattern" in said:
        return "has the wrong form"
    return said.replace("Input should be", "must be").replace("Input should", "must")


def _foreign(field: str, kind: str | None, named: Callable[[str], str]) -> str:
    """The clause about a field that an input of this kind does not have."""
    if not field.isidentifier() or len(field) > _SHOWN:
        return "there is a field that does not belong here"
    if kind is None:
        return f"there is no field {named(field)}"
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} has no {named(field)}"


def _within(rest: list[Any]) -> str:
    """The place of the problem in a field of several values: ``, home, number 3``."""
    parts = [f"number {each + 1}" if isinstance(each, int) else each for each in rest]
    return "".join(f", {each}" for each in parts if each in ("home", "away") or each.startswith("number "))


def _said(problem: Mapping[str, Any]) -> str:
    """The sentence of one of our own validators."""
    return str(problem["msg"]).removeprefix("Value error, ")


def _listed(quoted: str) -> str:
    return quoted.replace("'", "")

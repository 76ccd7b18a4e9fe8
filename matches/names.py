"""Pure: the one rule for every text that people type in: names, competitions, reasons. web/desk/names.js is its twin.

Names are pasted from everywhere. Invisible characters must not hold up a goal, and must not change how a page reads:

- Every Unicode space, and every run of spaces, becomes one plain space. The ends are trimmed.
- U+200C and U+200D belong to how a word is written (``علی‌رضا``). They stay inside a word, and after a combining mark at
  its end (as in Malayalam). Elsewhere they do nothing and are left out.
- Other invisible characters without an effect in a name are left out (``_IDLE``).
- Control characters, line breaks, bidirectional controls and other format characters, halves of surrogate pairs,
  private-use characters and code points that are no characters are refused. The error names them.

A code point that this Python does not know is taken as a letter of a newer Unicode. tests/names.json has the cases
that test both twins. Terms: https://www.unicode.org/glossary/.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 80
"""Characters (code points) of the longest name."""

_IDLE: Final = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u2060\ufeff]")
"""Soft hyphen, zero-width spaces, word joiner, and three direction marks, which only guide what stands beside them."""

_SPACE: Final = re.compile("[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_TRIMMED: Final = " \t\n\v\f\r\u0085"
_RUN: Final = re.compile(" {2,}")

_BEFORE_A_WORD: Final = re.compile(f"(^|[{_TRIMMED}])[\u200c\u200d]+")
_AFTER_A_WORD: Final = re.compile(f"(.?)([\u200c\u200d]+)(?=[{_TRIMMED}]|\\Z)", re.DOTALL)

_BIDIRECTIONAL: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NAMED: Final = {
    **dict.fromkeys("\n\v\f\r\u0085", "a line break"),
    "\t": "a tab",
    **dict.fromkeys(_BIDIRECTIONAL, "a bidirectional control"),
}
_REFUSED: Final = {
    "Cc": "a control character",
    "Cf": "an invisible format character",
    "Cs": "half of a surrogate pair",
    "Co": "a private-use character",
}


def clean(text: str) -> str:
    """The text in its stored form, 1 to 80 characters. Cleaning a clean text changes nothing.

    Raises ValueError with a clause about the text: ``must not contain a tab (U+0009)``.
    """
    text = _SPACE.sub(" ", _IDLE.sub("", text))
    text = _AFTER_A_WORD.sub(_after_a_word, _BEFORE_A_WORD.sub(r"\1", text))
    text = _RUN.sub(" ", text.strip(_TRIMMED))
    for each in text:
        found = _why_refused(each)
        if found is not None:
            raise ValueError(f"must not contain {found} (U+{ord(each):04X})")
    if not text:
        raise ValueError("must not be empty")
    if len(text) > LONGEST:
        raise ValueError(f"must have {LONGEST} characters at most, and has {len(text)}")
    return text


def key(text: str) -> str:
    """A name for comparison: without case, and the same for composed and decomposed letters.

    Canonical caseless matching (Unicode Standard, chapter 3.13, D145).
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def _after_a_word(found: re.Match[str]) -> str:
    before, joiners = found.groups()
    return before + joiners[0] if before and unicodedata.category(before).startswith("M") else before


def _why_refused(each: str) -> str | None:
    if each in "\u200c\u200d":
        return None
    if ord(each) & 0xFFFE == 0xFFFE or "\ufdd0" <= each <= "\ufdef":
        return "a code point that is no character"
    return _NAMED.get(each) or _REFUSED.get(unicodedata.category(each))

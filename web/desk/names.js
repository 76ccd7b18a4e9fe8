// @ts-check
/**
 * Pure: the rule for all texts that people type: names and reasons. It is the API's rule, which matches/names.py explains.
 * tests/names.json has the test cases of both.
 */

/** Characters (code points) of the longest name. */
const LONGEST = 80;

export const EMPTY = "must not be empty";

const IDLE = /[\u00ad\u061c\u200b\u200e\u200f\u2060\ufeff]/g;
const SPACE = /[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/g;
const ENDS = /^[ \t\n\v\f\r\u0085]+|[ \t\n\v\f\r\u0085]+$/g;
const JOINERS_BEFORE_A_WORD = /(^|[ \t\n\v\f\r\u0085])[\u200c\u200d]+/g;
const JOINERS_AFTER_A_WORD = /(?<!\p{M})[\u200c\u200d]+(?=[ \t\n\v\f\r\u0085]|$)/gu;

/** Refused characters, each with its words; the first that fits counts. @type {[RegExp, string][]} */
const REFUSED = [
  [/[\u200c\u200d]/u, ""],
  [/\p{Noncharacter_Code_Point}/u, "a code point that is no character"],
  [/[\n\v\f\r\u0085]/u, "a line break"],
  [/\t/u, "a tab"],
  [/[\u202a-\u202e\u2066-\u2069]/u, "a bidirectional control"],
  [/\p{Cc}/u, "a control character"],
  [/\p{Cf}/u, "an invisible format character"],
  [/\p{Cs}/u, "half of a surrogate pair"],
  [/\p{Co}/u, "a private-use character"],
];

/**
 * A text in the API's form, 1 to 80 characters.
 *
 * @param {string} text
 * @returns {{text: string} | {why: string}} `why` is the rest of a sentence about it: `must not contain a tab (U+0009)`
 */
export function clean(text) {
  const cleaned = text
    .replace(IDLE, "")
    .replace(SPACE, " ")
    .replace(JOINERS_BEFORE_A_WORD, "$1")
    .replace(JOINERS_AFTER_A_WORD, "")
    .replace(ENDS, "")
    .replace(/ {2,}/g, " ");
  const characters = [...cleaned];
  for (const each of characters) {
    const found = REFUSED.find(([some]) => some.test(each))?.[1];
    if (found) return { why: `must not contain ${found} (U+${hexadecimal(each)})` };
  }
  if (cleaned === "") return { why: EMPTY };
  return characters.length > LONGEST
    ? { why: `must have ${LONGEST} characters at most, and has ${characters.length}` }
    : { text: cleaned };
}

/** @param {string} character */
function hexadecimal(character) {
  return /** @type {number} */ (character.codePointAt(0)).toString(16).toUpperCase().padStart(4, "0");
}

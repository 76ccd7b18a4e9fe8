/** The one rule for every text that people type in, by the table that the API is tested with too (test_names.py). */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { clean } from "../../web/desk/names.js";

/** @type {{clean: {what: string, text: string, is: string}[], refused: {what: string, text: string, why: string}[]}} */
const TABLE = JSON.parse(readFileSync(new URL("../names.json", import.meta.url), "utf8"));

for (const { what, text, is } of TABLE.clean) {
  test(`a text is cleaned as in the table: ${what}`, () => assert.deepEqual(clean(text), { text: is }));
}

for (const { what, text, why } of TABLE.refused) {
  test(`a text is refused as in the table: ${what}`, () => assert.deepEqual(clean(text), { why }));
}

test("cleaning a cleaned text changes nothing, for all pairs of characters", () => {
  const letters = [..."a\u0301 \u00a0\t\n\u200b\u200c\u200d\u202e😀", "\ud800"];
  const longer = (/** @type {string[]} */ texts) => texts.flatMap((text) => letters.map((each) => text + each));
  for (const text of longer(longer(longer(letters)))) {
    const cleaned = clean(text);
    if ("text" in cleaned) assert.deepEqual(clean(cleaned.text), cleaned);
  }
});

/** The desk's keys: the press of a key, on keyboards of many scripts, and the action that it is. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BINDINGS, bindingOf, isForeign } from "../../web/desk/keys.js";

/** @param {string} key @param {object} [about] */
const key = (key, about = {}) =>
  bindingOf({ key, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, repeat: false, ...about });

test("keys: each has one act, and no key acts when it is held down or pressed with Ctrl", () => {
  assert.equal(new Set(BINDINGS.map((each) => `${each.key}${each.shift ?? false}`)).size, BINDINGS.length);
  assert.equal(key("h")?.side, "home");
  assert.equal(key("Y", { shiftKey: true })?.side, "away");
  assert.equal(key("?", { shiftKey: true })?.action, "help");
  assert.equal(key("H", { shiftKey: true }), null);
  for (const held of ["repeat", "ctrlKey", "altKey", "metaKey", "isComposing"])
    assert.equal(key("h", { [held]: true }), null);
});

/** [what, the key, its place, whether Shift is held, the action and side] @type {[string, string, string, boolean, string | null][]} */
const KEYBOARDS = [
  ["Russian р", "р", "KeyH", false, "goal home"],
  ["Russian Ф", "Ф", "KeyA", false, "goal away"],
  ["Russian Н with Shift", "Н", "KeyY", true, "yellow_card away"],
  ["Russian ж, where no letter of ours is", "ж", "Semicolon", false, null],
  ["Greek η", "η", "KeyH", false, "goal home"],
  ["Arabic ا", "ا", "KeyH", false, "goal home"],
  ["Arabic لا, two characters of one key", "لا", "KeyB", false, "bench home"],
  ["Arabic question mark", "؟", "Slash", true, "help home"],
  ["Hebrew י", "י", "KeyH", false, "goal home"],
  ["Korean ㅗ", "ㅗ", "KeyH", false, "goal home"],
  ["Korean ㅒ with Shift", "ㅒ", "KeyO", true, null],
  ["Japanese く", "く", "KeyH", false, "goal home"],
  ["Japanese full-width ｈ", "ｈ", "KeyH", false, "goal home"],
  ["Devanagari ह", "ह", "KeyU", false, "undo home"],
  ["a key that an input method swallowed", "Process", "KeyH", false, "goal home"],
  ["AZERTY a, where a US keyboard has its Q", "a", "KeyQ", false, "goal away"],
  ["AZERTY q, where a US keyboard has its A", "q", "KeyA", false, null],
  ["AZERTY comma, where a US keyboard has its M", ",", "KeyM", false, null],
  ["AZERTY é, a digit's key", "é", "Digit2", false, null],
  ["Turkish ı", "ı", "KeyI", false, "more home"],
  ["Turkish ş", "ş", "Semicolon", false, null],
  ["Spanish º, which is no o", "º", "Backquote", false, null],
  ["QWERTZ y, where a US keyboard has its Z", "y", "KeyZ", false, "yellow_card home"],
  ["a dead key", "Dead", "KeyE", false, null],
  ["a digit", "1", "Digit1", false, null],
  ["CapsLock H", "H", "KeyH", false, "goal home"],
  ["CapsLock y with Shift", "y", "KeyY", true, "yellow_card away"],
];
for (const [what, pressed, code, shiftKey, does] of KEYBOARDS) {
  test(`the key ${what} ${does ? `is ${does}` : "does nothing"}`, () => {
    const binding = key(pressed, { code, shiftKey });
    assert.equal(binding && `${binding.action} ${binding.side ?? "home"}`, does);
  });
}

test("on a keyboard of another script, a bracket or a dead key at a letter's place counts as that letter", () => {
  const press = { shiftKey: true, ctrlKey: false, altKey: false, metaKey: false, repeat: false };
  assert.equal(bindingOf({ ...press, key: "]", code: "KeyD" }, true)?.action, "second_yellow_card");
  assert.equal(bindingOf({ ...press, key: "Dead", code: "KeyS" }, true)?.action, "substitution");
  assert.equal(bindingOf({ ...press, key: "]", code: "KeyD" }, false), null);
  assert.equal(bindingOf({ ...press, shiftKey: false, key: "q", code: "KeyA" }, true), null);
  assert.deepEqual(
    [isForeign("р"), isForeign("h"), isForeign("ı"), isForeign("]"), isForeign("Dead"), isForeign("ㅎ")],
    [true, false, false, undefined, undefined, true],
  );
});

test("with AltGr, a key is another key", () => {
  assert.equal(key("р", { code: "KeyH", getModifierState: (/** @type {string} */ name) => name === "AltGraph" }), null);
});

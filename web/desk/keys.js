// @ts-check
/** Pure: the console's keys, for the desk and for its help. */

/**
 * @typedef {object} Binding
 * @property {string} key as `KeyboardEvent.key` of a Latin keyboard has it, letters small
 * @property {boolean} [shift] for the away side
 * @property {string} action
 * @property {"home" | "away"} [side]
 * @property {string} shown
 * @property {string} does
 */

/** @param {string} key @param {string} action @param {string} does @returns {Binding[]} */
const bothSides = (key, action, does) => [
  { key, action, side: "home", shown: key.toUpperCase(), does: `${does}, home` },
  { key, shift: true, action, side: "away", shown: `Shift+${key.toUpperCase()}`, does: `${does}, away` },
];

/** @type {readonly Binding[]} */
export const BINDINGS = [
  { key: "h", action: "goal", side: "home", shown: "H", does: "Goal, home" },
  { key: "a", action: "goal", side: "away", shown: "A", does: "Goal, away" },
  { key: "n", action: "next", shown: "N", does: "The next whistle: kick-off, half-time …" },
  { key: "u", action: "undo", shown: "U", does: "Undo the last press, while its seconds run" },
  { key: "p", action: "player", shown: "P", does: "Type a player; Enter goes back to the desk" },
  { key: "t", action: "assist", shown: "T", does: "Type who assisted" },
  { key: "m", action: "minute", shown: "M", does: "Correct the minute; ? is one that is not known" },
  { key: "o", action: "own_goal", shown: "O", does: "The next goal is an own goal; again: it is not" },
  { key: "e", action: "penalty_goal", shown: "E", does: "The next goal is a penalty; again: it is not" },
  { key: "b", action: "bench", shown: "B", does: "The next card is for the bench; again: it is not" },
  ...bothSides("y", "yellow_card", "Yellow card"),
  ...bothSides("d", "second_yellow_card", "Second yellow card"),
  ...bothSides("r", "red_card", "Red card"),
  ...bothSides("x", "penalty_missed", "Penalty missed"),
  ...bothSides("s", "substitution", "Substitution"),
  ...bothSides("k", "kick_scored", "Shoot-out kick scored"),
  ...bothSides("l", "kick_missed", "Shoot-out kick missed"),
  { key: "v", action: "var", shown: "V", does: "Video review" },
  { key: "i", action: "more", shown: "I", does: "More: suspend, abandon, postpone, award, line-ups" },
  { key: "c", action: "timeline", shown: "C", does: "Go to the timeline, to cancel or correct" },
  { key: "w", action: "waiting", shown: "W", does: "Go to what waits for you, to post or drop it" },
  { key: "g", action: "matches", shown: "G", does: "Choose a match" },
  { key: "?", action: "help", shown: "?", does: "These keys" },
];

/** Question marks of other keyboards: Arabic, Greek, full width. */
const QUESTION_MARKS = ["؟", "\u037e", "？"];

/**
 * @typedef {object} Press what is needed of a KeyboardEvent
 * @property {string} key
 * @property {string} [code]
 * @property {boolean} shiftKey
 * @property {boolean} ctrlKey
 * @property {boolean} altKey
 * @property {boolean} metaKey
 * @property {boolean} repeat
 * @property {boolean} [isComposing]
 * @property {(name: string) => boolean} [getModifierState]
 */

/**
 * Whether a key is a letter of another script than Latin; undefined if it is no letter.
 *
 * @param {string} key as `KeyboardEvent.key` has it
 * @returns {boolean | undefined}
 */
export function isForeign(key) {
  if (/^(Dead|Process|Unidentified|\p{ASCII}{2,})$/u.test(key) || !/\p{L}/u.test(key)) return undefined;
  return !/\p{Script=Latin}/u.test(key);
}

/**
 * The act of a key, if it has one. A key that is held down, or pressed with Ctrl, Alt or Meta, or while an input
 * method composes a text, does nothing.
 *
 * A keyboard of another script has no H: there the place of the key counts, which is where a US keyboard has its H. On a
 * Latin keyboard only the letter counts, wherever it is: AZERTY has its comma where a US keyboard has its M.
 *
 * @param {Press} press
 * @param {boolean} [foreign] whether the last letter that was pressed was of another script: its keyboard also has
 *   marks and brackets at places of letters
 * @returns {Binding | null}
 */
export function bindingOf(press, foreign = false) {
  if (press.ctrlKey || press.altKey || press.metaKey || press.repeat || press.isComposing) return null;
  if (press.getModifierState?.("AltGraph")) return null;
  const key = keyOf(press, isForeign(press.key) ?? foreign);
  const letter = /^[a-z]$/.test(key);
  return BINDINGS.find((each) => each.key === key && (!letter || press.shiftKey === (each.shift ?? false))) ?? null;
}

/**
 * The key's name in the bindings.
 *
 * @param {Press} press
 * @param {boolean} foreign
 */
function keyOf({ key = "", code = "" }, foreign) {
  if (QUESTION_MARKS.includes(key)) return "?";
  // Full-width letters of Japanese keyboards.
  const plain = /^[\uff01-\uff5e]$/.test(key) ? key.normalize("NFKC") : key;
  // Through the capital: the Turkish dotless ı is on the key of I.
  const small = plain.toUpperCase().toLowerCase();
  if (/^[a-z]$/.test(small)) return small;
  // Process and Unidentified: the letter is not known yet.
  const unsaid = key === "Process" || key === "Unidentified";
  const place = /^Key([A-Z])$/.exec(code)?.[1];
  return place && (foreign || unsaid) ? place.toLowerCase() : key;
}

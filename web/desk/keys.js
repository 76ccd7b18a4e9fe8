// @ts-check
/** Pure: the console's keys, for the desk and for its help. */

/**
 * @typedef {object} Binding
 * @property {string} key as `KeyboardEvent.key` has it, letters small
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
  { key: "m", action: "minute", shown: "M", does: "Correct the minute" },
  { key: "o", action: "own_goal", shown: "O", does: "The next goal is an own goal; again: it is not" },
  { key: "e", action: "penalty_goal", shown: "E", does: "The next goal is a penalty; again: it is not" },
  ...bothSides("y", "yellow_card", "Yellow card"),
  ...bothSides("d", "second_yellow_card", "Second yellow card"),
  ...bothSides("r", "red_card", "Red card"),
  ...bothSides("x", "penalty_missed", "Penalty missed"),
  ...bothSides("s", "substitution", "Substitution"),
  ...bothSides("k", "kick_scored", "Shoot-out kick scored"),
  ...bothSides("l", "kick_missed", "Shoot-out kick missed"),
  { key: "v", action: "var", shown: "V", does: "Video review" },
  { key: "c", action: "timeline", shown: "C", does: "Go to the timeline, to cancel or correct" },
  { key: "w", action: "waiting", shown: "W", does: "Go to what waits for you, to post or drop it" },
  { key: "g", action: "matches", shown: "G", does: "Choose a match" },
  { key: "?", action: "help", shown: "?", does: "These keys" },
];

/**
 * What a key does, if it does anything. A key that is held down, or pressed with Ctrl, Alt or Meta, does nothing.
 *
 * @param {{key: string, shiftKey: boolean, ctrlKey: boolean, altKey: boolean, metaKey: boolean, repeat: boolean, isComposing?: boolean}} press
 * @returns {Binding | null}
 */
export function bindingOf(press) {
  if (press.ctrlKey || press.altKey || press.metaKey || press.repeat || press.isComposing) return null;
  const key = press.key.toLowerCase();
  const letter = /^[a-z]$/.test(key);
  return BINDINGS.find((each) => each.key === key && (!letter || press.shiftKey === (each.shift ?? false))) ?? null;
}

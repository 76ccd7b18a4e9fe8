// @ts-check
/** Pure: the players of a match as far as its events have named them. */

/** @typedef {"home" | "away"} Side */
/** @typedef {{kind: string, team?: unknown, player?: unknown, assist?: unknown, player_on?: unknown, player_off?: unknown, [field: string]: unknown}} Named */

/**
 * Names of one side's players, the one named last first. Who scored an own goal plays for the other side than the one it
 * counts for; what was taken back has named him all the same.
 *
 * @param {Side} side
 * @param {readonly Named[]} events of the board and of the outbox, in order
 * @returns {string[]}
 */
export function playersOf(side, events) {
  /** @type {Map<string, string>} */
  const names = new Map();
  for (const event of events) {
    const own = event.kind === "own_goal" ? other(event.team) : event.team;
    if (own !== side) continue;
    for (const name of [event.player_off, event.assist, event.player_on, event.player]) {
      if (typeof name !== "string" || name === "") continue;
      names.delete(name.toLocaleLowerCase());
      names.set(name.toLocaleLowerCase(), name);
    }
  }
  return [...names.values()].reverse();
}

/** @param {unknown} side @returns {Side} */
export function other(side) {
  return side === "home" ? "away" : "home";
}

// @ts-check
/** Pure: recognises a double press of one button. */

/** A second press of a button within this time is an echo of the first. No team scores twice in it. */
export const ECHO_MS = 2000;

/** Remembers the last press and its time. */
export class Presses {
  /** @type {Map<string, number>} */
  #last = new Map();

  /**
   * Whether a press counts. An echo restarts the time, so that repeated presses stay one.
   *
   * Presses of one button with different names are different presses: two players of a team are booked in one second.
   * An echo has no name, because a press empties the fields.
   *
   * @param {string} what the button and what it would post
   * @param {number} now milliseconds of a clock that nobody sets (`performance.now()`)
   * @param {string} [who] the name in it, empty for none
   * @returns {boolean}
   */
  counts(what, now, who = "") {
    const counts = !this.isEcho(what, now, who);
    this.#last.set(what, now);
    if (who) this.#last.set(`${what}/${who}`, now);
    return counts;
  }

  /** Whether a press of this would be an echo. @param {string} what @param {number} now @param {string} [who] */
  isEcho(what, now, who = "") {
    const last = this.#last.get(who ? `${what}/${who}` : what);
    return last !== undefined && now - last < ECHO_MS;
  }

  /** Forget a press: what it did was taken back, so doing it again is meant. @param {string} what */
  forget(what) {
    for (const key of this.#last.keys()) if (key === what || key.startsWith(`${what}/`)) this.#last.delete(key);
  }
}

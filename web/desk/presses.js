// @ts-check
/** Pure: one press is one press, whatever the finger does. */

/** A second press of the same thing within this time is the first one's echo. No team scores twice in it. */
export const ECHO_MS = 2000;

/** Remembers what was pressed last and when. */
export class Presses {
  /** @type {Map<string, number>} */
  #last = new Map();

  /**
   * Whether a press counts. An echo begins the time anew, so that hammering stays one press.
   *
   * @param {string} what the button and what it would post
   * @param {number} now milliseconds of a clock that nobody sets (`performance.now()`)
   * @returns {boolean}
   */
  counts(what, now) {
    const counts = !this.isEcho(what, now);
    this.#last.set(what, now);
    return counts;
  }

  /** Whether a press of this would be an echo. @param {string} what @param {number} now */
  isEcho(what, now) {
    const last = this.#last.get(what);
    return last !== undefined && now - last < ECHO_MS;
  }

  /** Forget a press: what it did was taken back, so doing it again is meant. @param {string} what */
  forget(what) {
    this.#last.delete(what);
  }
}

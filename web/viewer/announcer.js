// @ts-check
/**
 * Announces events to screen readers, one sentence at a time, in the polite live region of index.html. Of many events at
 * once it announces only the newest few.
 */

/** A sentence stays so long before the next one: screen readers miss a sentence that is replaced at once. */
const STANDS = 1_500;
const MOST = 3;

export class Announcer {
  /** @param {HTMLElement} region */
  constructor(region) {
    this.region = region;
    /** @type {string[]} */
    this.waiting = [];
    /** @type {number | undefined} */
    this.timer = undefined;
  }

  /** @param {string} sentence */
  say(sentence) {
    this.waiting.push(sentence);
    if (this.waiting.length > MOST) this.waiting.shift();
    if (this.timer === undefined) this.#next();
  }

  #next() {
    const sentence = this.waiting.shift();
    if (sentence === undefined) {
      this.timer = undefined;
      return;
    }
    this.region.textContent = sentence;
    this.timer = window.setTimeout(() => this.#next(), STANDS);
  }
}

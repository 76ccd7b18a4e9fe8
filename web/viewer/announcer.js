// @ts-check
/**
 * Tells who hears the page what has happened: one sentence at a time, in the region of index.html that screen readers
 * watch. Politely, so that nobody is cut short; and in time, so of many at once only the newest few are told.
 */

/** A sentence stands for so long before the next takes its place; screen readers miss what is gone at once. */
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

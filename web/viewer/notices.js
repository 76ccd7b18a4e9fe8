// @ts-check
/** The sentences of the page: notices of problems, and announcements of events to screen readers. */

import { el, setText } from "../dom.js";

/** A sentence stays so long before the next one: screen readers miss a sentence that is replaced at once. */
const STANDS = 1_500;
const MOST = 3;

/** Shows sentences about problems, each as long as the problem lasts. */
export class Notices {
  /** @param {HTMLElement} region */
  constructor(region) {
    this.region = region;
    /** @type {Map<string, HTMLElement>} */
    this.shown = new Map();
  }

  /** Say it under a name, in place of what was said under it; null takes it back. @param {string} name @param {string | null} sentence */
  say(name, sentence) {
    const known = this.shown.get(name);
    if (!sentence) {
      known?.remove();
      this.shown.delete(name);
      return;
    }
    // Two causes may have the same sentence; it is shown once.
    for (const [other, element] of this.shown) if (other !== name && element.textContent === sentence) return;
    const notice = known ?? el("p", { class: "notice", "data-about": name });
    setText(notice, sentence);
    if (!known) {
      this.region.append(notice);
      this.shown.set(name, notice);
    }
  }
}

/**
 * Announces events to screen readers, one sentence at a time, in the polite live region of index.html. Of many events at
 * once it announces only the newest few.
 */
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

// @ts-check
/** Sentences about problems, each as long as the problem lasts. */

import { el, setText } from "../dom.js";

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

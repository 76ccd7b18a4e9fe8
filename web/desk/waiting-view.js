// @ts-check
/** Paints the entries that wait for the operator, each with two buttons. Lines keep their places, and so the focus. */

import { arrange, el, setText } from "../dom.js";

/** @typedef {import("./waiting.js").Question} Question */

export class WaitingView {
  /** @type {Map<string, {element: HTMLElement, text: HTMLElement}>} */
  #lines = new Map();
  /** @type {readonly Question[]} */
  #asked = [];

  /**
   * @param {HTMLElement} section with a list, a heading that takes the focus, and a button for all
   * @param {{post: (questions: readonly Question[]) => void, drop: (question: Question) => void}} on
   */
  constructor(section, on) {
    this.section = section;
    this.on = on;
    this.list = /** @type {HTMLElement} */ (section.querySelector("ul"));
    this.all = /** @type {HTMLElement} */ (section.querySelector("[data-all]"));
    this.all.addEventListener("click", () => this.#then(() => on.post(this.#asked.filter(({ again }) => !again))));
  }

  /** Go to the first question, if there is one. @returns {boolean} */
  focus() {
    const first = this.list.querySelector("button");
    first?.focus();
    return first !== null;
  }

  /** @param {readonly Question[]} questions */
  show(questions) {
    this.#asked = questions;
    const lines = questions.map((question) => {
      const key = `${question.match}/${question.id}`;
      const line = this.#lines.get(key) ?? this.#line(question);
      this.#lines.set(key, line);
      setText(line.text, question.text);
      return line.element;
    });
    arrange(this.list, lines);
    for (const [key, { element }] of this.#lines) if (!lines.includes(element)) this.#lines.delete(key);
    this.all.hidden = questions.filter(({ again }) => !again).length < 2;
    this.section.hidden = questions.length === 0;
  }

  /** @param {Question} question */
  #line(question) {
    const text = el("p", {});
    text.id = `waiting-${question.match}-${question.id}`;
    const named = { type: "button", "aria-describedby": text.id };
    const post = el("button", named, question.again ? "It is another goal: post" : "Post");
    const drop = el("button", named, "Drop");
    post.addEventListener("click", () => this.#then(() => this.on.post([question])));
    drop.addEventListener("click", () => this.#then(() => this.on.drop(question)));
    return {
      text,
      element: el("li", { "data-event": question.id }, text, el("p", { class: "row-tools" }, post, drop)),
    };
  }

  /** Do it; the focus goes on to the next question, or back to the desk. @param {() => void} act */
  #then(act) {
    act();
    requestAnimationFrame(() => {
      if (document.activeElement !== document.body && document.activeElement !== null) return;
      if (!this.focus()) document.getElementById("desk")?.focus({ preventScroll: true });
    });
  }
}
